"""The fifteen audience questions, each as our filter and as SQL over one row a person, and what is compared of the answers.

The SQL is the same for both databases but for {has:…}: whether an interest is among a person's. Ages are at 2026-11-01."""
import datetime
import hashlib
import re

TODAY = datetime.date(2026, 11, 1)
PURPOSE = "purposes/stop-smoking"  # as story.register names it
SMS, EMAIL = f'consent(SMS, "{PURPOSE}")', f'consent(EMAIL, "{PURPOSE}")'
PUBLIC = "audience_kinds:PUBLIC"
BAND_DAYS = 3652.5  # of ten-year bands
BANDS = 16  # people up to 160 years old
COUNTS, BREAKDOWNS = "q", "g"


def band_edges():
    """Lower edges of date_of_birth, ascending, and the band that each begins: band k holds the days d since birth with
    BAND_DAYS * k <= d < BAND_DAYS * (k + 1)."""
    edges = []
    for band in range(BANDS - 1, -1, -1):
        most_days = -int(-BAND_DAYS * (band + 1) // 1) - 1
        edges.append(((TODAY - datetime.timedelta(days=most_days)).isoformat(), str(band)))
    return edges


def born(first=None, last=None):
    """People born on or after `first` and on or before `last`, both as dates."""
    parts = [f'date_of_birth >= "{first}"'] if first else []
    return " AND ".join(parts + ([f'date_of_birth <= "{last}"'] if last else []))


def count(name, filter_, where):
    return {"case": name, "method": "CountAudience", "request": {"filter": filter_},
            "sql": "select count(*) from p" + (f" where {where}" if where else "")}


def table(name, filter_, dimensions, sql, measures=()):
    return {"case": name, "method": "BreakDownAudience", "sql": sql,
            "request": {"filter": filter_, "dimensions": dimensions, "measures": [{"name": n, "filter": f} for n, f in measures]}}


FORTY = datetime.date(1986, 11, 1)  # the last day of birth of who is forty
SEVENTY_FIVE = datetime.date(1951, 11, 2)  # the first of who is not yet seventy-five

QUERIES = [
    count("q01", "", ""),
    count("q02", f"{PUBLIC} AND {SMS}", "public and sms"),
    count("q03", 'area = "E08000035"', "area = 'E08000035'"),
    count("q04", f'{PUBLIC} AND {SMS} AND (area = "E08000035" OR area = "E08000032" OR area = "E08000034") AND '
          f"{born(SEVENTY_FIVE, FORTY)} AND interests:smoking",
          "public and sms and area in ('E08000035', 'E08000032', 'E08000034') and "
          f"birth between date '{SEVENTY_FIVE}' and date '{FORTY}' and {{has:smoking}}"),
    count("q05", 'region = "E12000002" AND deprivation <= 3', "region = 'E12000002' and decile <= 3"),
    count("q06", f"(interests:diet OR interests:activity) AND NOT {EMAIL} AND {SMS}",
          "({has:diet} or {has:activity}) and not email and sms"),
    count("q07", "audience_kinds:PARTNER AND audience_kinds:INTERNAL", "partner and internal"),
    count("q08", f'(language = "pl" OR language = "ro" OR language = "ur") AND {PUBLIC} AND {SMS}',
          "language in ('pl', 'ro', 'ur') and public and sms"),
    count("q09", born("1960-03-01", "1966-02-28"), "birth between date '1960-03-01' and date '1966-02-28'"),
    count("q10", f'update_time >= "2026-10-02T00:00:00Z" AND {PUBLIC}', "updated >= timestamp '2026-10-02' and public"),
    count("q11", f"{PUBLIC} AND NOT {SMS} AND NOT {EMAIL}", "public and not sms and not email"),
    table("g01", f"{PUBLIC} AND {SMS}", [{"field": "area"}], "select area, count(*) from p where public and sms group by area"),
    table("g02", PUBLIC, [{"field": "area"}, {"field": "sex"},
                          {"field": "date_of_birth", "edges": [edge for edge, _ in band_edges()]}],
          f"select area, sex, floor((date '{TODAY}' - birth) / {BAND_DAYS}) as band, count(*) from p where public group by 1, 2, 3"),
    table("g03", PUBLIC, [{"field": "deprivation"}],
          "select decile, count(*) filter (where sms), count(*) filter (where email), count(*) from p where public group by decile",
          [("sms", SMS), ("email", EMAIL)]),
    {"case": "l01", "method": "StreamAudience",
     "request": {"filter": f"{PUBLIC} AND {SMS} AND {born(last=FORTY)}", "purpose": PURPOSE, "form": "PEOPLE"},
     "sql": f"select person_id from p where public and sms and birth <= date '{FORTY}'"},
]


def sql_for(query, has):
    """The SQL with `has` put in, e.g. "'{0}' = any(interests)"."""
    return re.sub(r"\{has:([a-z-]+)\}", lambda match: has.format(match.group(1)), query["sql"])


def answer_of(rows):
    """A number as itself; a table as the digest of its sorted lines and its row count. `rows`: lists of texts, "" for none."""
    if len(rows) == 1 and len(rows[0]) == 1:
        return rows[0][0]
    lines = sorted("\t".join(row) for row in rows)
    return f"{hashlib.sha256(chr(10).join(lines).encode()).hexdigest()[:16]} ({len(rows)} rows)"
