-- What somebody would write in an afternoon instead: an exact-match upsert of a partner's contact in PostgreSQL. Whoever has the e-mail
-- address or else the mobile number is the person; the newest values win.
CREATE TABLE people (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, given_name text, family_name text, area text, changed timestamptz);
CREATE TABLE contact (kind text, address text, person bigint REFERENCES people, PRIMARY KEY (kind, address));
CREATE TABLE record (source text, record text, person bigint REFERENCES people, said jsonb, changed timestamptz, PRIMARY KEY (source, record));
CREATE TABLE consent (person bigint REFERENCES people, channel text, said text, at timestamptz, PRIMARY KEY (person, channel, at));
CREATE FUNCTION take(a_source text, a_record text, a_given text, a_family text, an_email text, a_phone text, an_area text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE whose bigint;
BEGIN
  SELECT person INTO whose FROM contact WHERE kind = 'email' AND address = an_email;
  IF whose IS NULL THEN
    SELECT person INTO whose FROM contact WHERE kind = 'phone' AND address = a_phone;
  END IF;
  IF whose IS NULL THEN
    INSERT INTO people (given_name, family_name, area, changed) VALUES (a_given, a_family, an_area, now()) RETURNING id INTO whose;
  ELSE
    UPDATE people SET given_name = a_given, family_name = a_family, area = an_area, changed = now() WHERE id = whose;
  END IF;
  INSERT INTO contact VALUES ('email', an_email, whose), ('phone', a_phone, whose) ON CONFLICT DO NOTHING;
  INSERT INTO record VALUES (a_source, a_record, whose, jsonb_build_object('given_name', a_given, 'family_name', a_family,
      'email', an_email, 'phone', a_phone, 'area', an_area), now())
    ON CONFLICT (source, record) DO UPDATE SET person = EXCLUDED.person, said = EXCLUDED.said, changed = EXCLUDED.changed;
  INSERT INTO consent VALUES (whose, 'sms', 'granted', clock_timestamp()) ON CONFLICT DO NOTHING;
  RETURN whose;
END $$;
