// DuckDB in process, in memory, with two threads: one row a person from a folder of contact files, then questions.
// node audience_duckdb.mjs FOLDER QUESTIONS REPEAT OUT, with QUESTIONS a JSON list of {case, sql}; one JSON line for each: case, times
// in ms, and the file in OUT that holds its rows. The people lie in OUT/people.csv afterwards, for another database.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, questions, repeat, out] = process.argv.slice(2);
const found = createRequire(`${process.env.PHAROS_NPM}/node_modules/`).resolve("@duckdb/node-api");
const { default: duckdb } = await import(pathToFileURL(found).href);
const instance = await duckdb.DuckDBInstance.create(":memory:", { threads: "2" });
const connection = await instance.connect();
const file = (name) => `read_csv('${folder}/${name}.csv', header = true, all_varchar = true)`;

// The strictest of a person's records decides on consent; of other values the newest that is not empty.
const newest = (column) => `arg_max(${column}, updated_at) filter (where ${column} <> '')`;
const said = (column, word) => `coalesce(bool_or(${column} = '${word}'), false)`;
const inForce = (column) => `${said(column, "granted")} and not ${said(column, "withdrawn")}`;
const sources = ["staff", "partners", "screening", "quit", "news"];
await connection.run(`create table record as ${sources.map((name) => `select '${name}' as source, * from ${file(name)}`).join(" union all ")}`);
await connection.run(`create table p as
  with person as (
    select person_id, try_cast(${newest("date_of_birth")} as date) as birth, ${newest("sex")} as sex, ${newest("area")} as area,
      ${newest("language")} as language,
      coalesce(list_distinct(flatten(list(string_split(interests, ';')) filter (where interests <> ''))), []) as interests,
      bool_or(source = 'staff') as internal, bool_or(source = 'partners') as partner,
      bool_or(source in ('screening', 'quit', 'news')) as public,
      ${inForce("consent_sms")} as sms, ${inForce("consent_email")} as email,
      max(updated_at)::timestamp as updated
    from record join ${file("truth")} using (source, record_id) group by person_id)
  select person.*, region, deprivation_decile::int as decile from person left join ${file("areas")} using (area)`);
await connection.run(`drop table record`);
await connection.run(`copy (select * replace ('{' || array_to_string(interests, ',') || '}' as interests) from p) to '${out}/people.csv' (header)`);

const text = (value) => (value === null ? "" : String(value));
for (const { case: name, sql } of JSON.parse(readFileSync(questions, "utf8"))) {
  const times = [];
  let rows = [];
  for (let at = 0; at < Number(repeat); at++) {
    const begin = performance.now();
    rows = (await connection.runAndReadAll(sql)).getRows();
    times.push(performance.now() - begin);
  }
  const path = `${out}/${name}.tsv`;
  writeFileSync(path, rows.map((row) => row.map(text).join("\t") + "\n").join(""));
  console.log(JSON.stringify({ case: name, times, rows: path }));
}
