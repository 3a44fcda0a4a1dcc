"""launch: an approved campaign of N members; from the launch call to the last intent on disk, and to the first message handed over.
Compared with INSERT … SELECT of the same rows in PostgreSQL 15, synced at commit."""
import json
import os
import subprocess
import time

import story
from cli import Cli
from postgres import Postgres
from system import Broken, System

PATIENCE_S = 900


def write_people(path, people):
    """One record a person, each with a number and a consent of their own."""
    with open(path, "w", encoding="utf-8") as file:
        file.write("record_id,updated_at,given_name,family_name,date_of_birth,sex,email,phone,postcode,area,nhs_number,language,"
                   "organisation_id,role,interests,consent_sms,consent_email,consent_at\n")
        for i in range(people):
            file.write(f"r{i},2026-01-01T09:00:00Z,Ann{i},Archer{i},,,,{number(i)},,,,,,,,granted,,2026-01-01T09:00:00Z\n")


def number(i):
    """Numbers of ranges that are not allocated: 07700 2…8, then 07911 (unused in this test network)."""
    return f"07700{200000 + i:06d}" if i < 700000 else f"079{11 + (i - 700000) // 1000000:02d}{(i - 700000) % 1000000:06d}"


def first_hand_over(system, since_ns):
    with open(system.journal, encoding="utf-8") as lines:
        for line in lines:
            if '"event":"submit"' in line:
                return (json.loads(line)["t_ns"] - since_ns) / 1e9
    return None


def run(args, say):
    system = System(args.bin, args.folder, args.seed, 0, 0)
    cli = Cli(system)
    try:
        system.start()
        story.register(cli)
        path = os.path.join(args.folder, "quit.csv")
        write_people(path, args.people)
        say(f"Importing {args.people:,} people …")
        story.import_file(cli, args.folder, "quit")
        cli.run("marketing", "audience", "create", "everybody", "--filter", "audience_kinds:PUBLIC")
        cli.run("marketing", "template", "create", "t", "--text", "Hello ((first name)), help is near. Reply STOP to end.")
        cli.run("marketing", "campaign", "create", "launch", "--audience", "everybody", "--template", "t", "--purpose", story.PURPOSE,
                "--sender", story.SENDER)
        say("Pinning and approving …")
        campaign = story.numbers(cli.one("marketing", "campaign", "submit", "launch"))
        cli.run("approver", "campaign", "approve", "launch", "--digest", str(campaign["digest"]))
        members = campaign["members"]
        say(f"Launching {members:,} members …")
        begin = time.time_ns()
        cli.run("marketing", "campaign", "launch", "launch")
        written = wait_until_planned(cli, members, begin)
        result = {"workload": "launch", "case": "all intents written", "unit": "s", "value": round(written, 3), "people": args.people,
                  "seed": args.seed, "settings": {"sync": True, "members": members, "hand_over_meanwhile": True}}
        if args.peer:
            seconds = peer(args, members, say)
            result.update(peer="PostgreSQL 15 INSERT … SELECT", peer_value=round(seconds, 3), ratio=round(seconds / written, 3))
        yield result
        first = first_hand_over(system, begin)
        if first is None:
            raise Broken("nothing was handed over")
        yield {"workload": "launch", "case": "first hand-over", "unit": "s", "value": round(first, 3), "people": args.people,
               "seed": args.seed, "settings": {"sync": True}}
        cli.run("marketing", "campaign", "stop", "launch")
    finally:
        system.stop()


def wait_until_planned(cli, members, begin_ns):
    """Seconds until all intents were durable: the commit time of the plan's last page, as the event log has it."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        report = story.numbers(cli.one("marketing", "campaign", "report", "launch"))
        if report["intents"] >= members:
            return (time.time_ns() - begin_ns) / 1e9
        time.sleep(0.05)
    raise Broken("the plan is not complete")


def peer(args, members, say):
    """The same rows: (campaign, step, person) unique, channel, endpoint, state, due time; from a table of members."""
    say("PostgreSQL: INSERT … SELECT of the same rows …")
    database = Postgres(os.path.join(args.folder, "peer"))
    database.start()

    def sql(statement):
        done = subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement, database.conninfo], capture_output=True, text=True)
        if done.returncode != 0:
            raise Broken(f"PostgreSQL refused: {done.stderr.strip()}")
    try:
        sql("CREATE TABLE member (person bytea PRIMARY KEY, channel int, endpoint bytea)")
        sql("INSERT INTO member SELECT sha256(i::text::bytea), 1, substr(sha256(('e' || i)::bytea), 1, 16) "
            f"FROM generate_series(1, {members}) i")
        sql("CREATE TABLE intent (campaign text, step text, person bytea, channel int, endpoint bytea, state int, due timestamptz, "
            "PRIMARY KEY (campaign, step, person))")
        sql("CREATE INDEX ON intent (state, due)")
        begin = time.monotonic()
        sql("INSERT INTO intent SELECT 'campaigns/launch', '1', person, channel, endpoint, 1, now() FROM member")
        return time.monotonic() - begin
    finally:
        database.stop()
