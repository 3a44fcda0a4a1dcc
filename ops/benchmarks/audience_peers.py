"""DuckDB and PostgreSQL 15 asked the same fifteen questions about the same people."""
import csv
import json
import os
import re
import subprocess

import audience_queries as questions
from postgres import Postgres
from system import Broken

HERE = os.path.dirname(os.path.abspath(__file__))
NPM = os.path.join(os.path.dirname(os.path.dirname(HERE)), "build", "npm", "duckdb")
REPEAT = 21  # medians; the first ones warm up
PEOPLE_TABLE = """create table p (person_id text, birth date, sex text, area text, language text, interests text[], internal boolean,
  partner boolean, public boolean, sms boolean, email boolean, updated timestamp, region text, decile int)"""


def median(times):
    return sorted(times)[len(times) // 2]


def duckdb(folder, work):
    """{case: {answer, ms}}; leaves people.csv in `work`."""
    os.makedirs(work, exist_ok=True)
    asked = os.path.join(work, "questions.json")
    with open(asked, "w", encoding="utf-8") as file:
        json.dump([{"case": q["case"], "sql": questions.sql_for(q, "list_contains(interests, '{0}')")} for q in questions.QUERIES], file)
    done = subprocess.run(["node", os.path.join(HERE, "audience_duckdb.mjs"), os.path.abspath(folder), asked, str(REPEAT), work],
                          capture_output=True, text=True, env={**os.environ, "PHAROS_NPM": os.environ.get("PHAROS_NPM", NPM)})
    if done.returncode != 0:
        raise Broken(f"DuckDB failed (ops/setup peer installs it): {done.stderr.strip()[-600:]}")
    found = {}
    for line in done.stdout.splitlines():
        said = json.loads(line)
        with open(said["rows"], encoding="utf-8") as file:
            rows = [row.rstrip("\n").split("\t") for row in file]
        found[said["case"]] = {"answer": questions.answer_of(rows), "ms": median(said["times"])}
    return found


def psql(database, script):
    done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", database.conninfo], input=script,
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise Broken(f"PostgreSQL refused: {done.stderr.strip()}")
    return done.stdout


def postgres(work):
    """{case: {answer, ms}}, of the people that duckdb() left in `work`."""
    database = Postgres(os.path.join(work, "postgres"))
    database.start()
    try:
        people = os.path.join(work, "people.csv")
        with open(people, newline="", encoding="utf-8") as file:
            columns = ", ".join(next(csv.reader(file)))
        psql(database, f"{PEOPLE_TABLE};\n\\copy p ({columns}) from '{people}' with (format csv, header)\nvacuum analyze p;\n")
        found = {}
        for query in questions.QUERIES:
            sql = questions.sql_for(query, "'{0}' = any(interests)") + ";\n"
            rows = [line.split("\t") for line in psql(database, sql).splitlines()]
            times = psql(database, "\\timing on\n\\o /dev/null\n" + sql * REPEAT)
            found[query["case"]] = {"answer": questions.answer_of(rows), "ms": median([float(ms) for ms in re.findall(r"Time: ([\d.]+) ms", times)])}
        return found
    finally:
        database.stop()
