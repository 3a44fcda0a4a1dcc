"""audience: fifteen questions over gRPC, each at least as fresh as the last acknowledged write, while 1,000 records a second are
written; asked by a role that is told exact numbers. Compared with DuckDB and PostgreSQL 15 on the same people, who are not written to.

The people are made plain first (audience_people.py). Their records are linked as truth.csv says, sources are trusted alike and nothing is verified. What is written meanwhile is a
field that no question asks about, of people with one record, with a time a little later: each is a real change, and changes no answer.
With --restart: from a stop, and from kill -9, until the first question is answered."""
import collections
import concurrent.futures
import csv
import datetime
import json
import math
import os
import re
import subprocess
import sys
import time
import urllib.request

import audience_peers as peers
import audience_people
import audience_queries as questions
from cli import Cli, Refused
from system import Broken, System

OPS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCES = [("staff", "internal"), ("partners", "partner"), ("screening", "public"), ("quit", "public"), ("news", "public")]
ASKER = "governance"  # told exact numbers and names of people, which is how answers are compared
TRUST = "50"
WRITES_A_SECOND, SMALL_BATCH = 1000, 16
FEWEST_SECONDS, SPARE = 15, 2.0  # the writer goes on for so long, and for so many times as long as the questions should take
ENOUGH = 0.95  # of the writes that were wanted; with fewer nothing was measured
REPEAT = {questions.COUNTS: 200, questions.BREAKDOWNS: 60, "l": 9}
APART_AT_ONCE = 8
MOST_ROUNDS = 6  # of taking apart what was linked and is not one person
PATIENCE_S = 900


class Loaded:
    """Whose each record is, as Pharos has it and in truth."""

    def __init__(self, truth, people):
        self.truth, self.people = truth, people

    def groups(self):
        """{person: {truth: [records]}}"""
        found = collections.defaultdict(lambda: collections.defaultdict(list))
        for record, person in self.people.items():
            found[person][self.truth[record]].append(record)
        return found

    def truth_of(self):
        return {person: next(iter(of)) for person, of in self.groups().items()}


def generate(args):
    folder = args.source or os.path.join(args.folder, "people")
    if not args.source:
        subprocess.run([sys.executable, os.path.join(OPS, "generate"), "--people", str(args.people), "--seed", str(args.seed),
                        "--out", folder], check=True, stdout=subprocess.DEVNULL)
        write_areas(folder)
    settled = os.path.join(args.folder, "settled")
    audience_people.settle(folder, settled, [name for name, _ in SOURCES])
    return os.path.abspath(settled)


def write_areas(folder):
    """The generator's areas exist nowhere: their regions and deciles are made up."""
    codes = set()
    for name, _ in SOURCES:
        codes |= {row["area"] for row in rows_of(folder, name) if row["area"]}
    with open(os.path.join(folder, "areas.csv"), "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["area", "name", "region", "deprivation_decile"])
        out.writerows([code, f"Area {code}", f"X1200000{at % 3}", 1 + at % 10] for at, code in enumerate(sorted(codes)))


def rows_of(folder, name):
    with open(os.path.join(folder, name + ".csv"), newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def truth_of(folder):
    return {f"sources/{row['source']}/records/{row['record_id']}": row["person_id"] for row in rows_of(folder, "truth")}


def stage(args, folder):
    """A folder of the feeds alone."""
    feeds = os.path.join(args.folder, "feeds")
    os.makedirs(feeds)
    for name, _ in SOURCES:
        os.symlink(os.path.join(folder, name + ".csv"), os.path.join(feeds, name + ".csv"))
    return feeds


def sync_command(args, system, folder, *flags):
    return [os.path.join(args.bin, "pharos-bench-sync"), f"--target=127.0.0.1:{system.pharosd_port}",
            f"--token_file={system.tokens['operator']}", f"--from={folder}", f"--purpose={questions.PURPOSE}", *flags]


def send(args, system, folder, *flags):
    done = subprocess.run(sync_command(args, system, folder, *flags), capture_output=True, text=True)
    if done.returncode != 0:
        raise Broken(f"the feeds failed: {done.stderr.strip()} {done.stdout.strip()}")
    return json.loads(done.stdout)


def register(cli):
    for name, kind in SOURCES:
        cli.run("operator", "source", "create", name, "--kind", kind, "--trust", TRUST, "--owner", name + " team")
    cli.run("operator", "purpose", "create", questions.PURPOSE.rpartition("/")[2], "--class", "marketing", "--basis", "consent",
            "--controller", "Public Health Body")


def load(args, system, cli, folder, say):
    """All records, linked as in truth."""
    feeds = stage(args, folder)
    sent = send(args, system, feeds, "--bulk", "--batch=1000")
    say(f"  {sent['items']:,} records at {sent['per_second']:,.0f}/s: {sent['outcomes']}")
    said = cli.one(ASKER, "identity", "assert", "--file", os.path.join(folder, "truth.csv"), "--reason", "the benchmark's truth")
    say(f"  links of truth.csv: {said}")
    truth = truth_of(folder)
    for _ in range(MOST_ROUNDS):
        loaded = Loaded(truth, people_of(args, system, feeds))
        mixed = [of for of in loaded.groups().values() if len(of) > 1]
        apart = len(loaded.groups()) - len(set(truth[record] for record in loaded.people))
        if not mixed and apart == 0:
            return loaded
        say(f"  {len(mixed):,} people are several in truth: taken apart …")
        with concurrent.futures.ThreadPoolExecutor(APART_AT_ONCE) as several:
            list(several.map(lambda of: take_apart(cli, of), mixed))
    raise Broken(f"the records are not linked as truth.csv says: {len(mixed)} people are several, {apart} more or fewer than there are")


def take_apart(cli, of):
    words = [",".join(records) for records in of.values()]
    try:
        cli.run(ASKER, "identity", "different", *words, "--reason", "the benchmark's truth")
    except Refused as refused:
        raise Broken(f"{len(words)} people cannot be taken apart: {refused.said.strip()}") from refused


def people_of(args, system, feeds):
    """Everything once more: nothing changes, and each answer says whose the record is."""
    path = os.path.join(args.folder, "whose.csv")
    send(args, system, feeds, "--batch=1000", f"--people={path}")
    with open(path, encoding="utf-8") as file:
        return {record: person for record, _, person in (line.rstrip("\n").partition(",") for line in file) if person}


# ---- what is written meanwhile

def write_feed(args, folder, truth, count):
    """So many changes of people with one record, in the shape of contact files."""
    records = collections.Counter(truth.values())
    single = [(name, row) for name, _ in SOURCES for row in rows_of(folder, name)
              if records[truth[f"sources/{name}/records/{row['record_id']}"]] == 1 and far_from_the_edge(row["updated_at"])]
    if not single:
        raise Broken("nobody has one record only: there is nothing to write meanwhile")
    out = os.path.join(args.folder, "writes")
    os.makedirs(out)
    files = {name: open(os.path.join(out, name + ".csv"), "w", newline="", encoding="utf-8") for name, _ in SOURCES}
    writers = {name: csv.DictWriter(file, list(single[0][1]), lineterminator="\n") for name, file in files.items()}
    for writer in writers.values():
        writer.writeheader()
    for number in range(count):
        name, row = single[number % len(single)]
        times = 1 + number // len(single)
        writers[name].writerow({**row, "role": f"role {times}", "updated_at": later(row["updated_at"], times)})
    for file in files.values():
        file.close()
    return out


def later(text, seconds):
    moment = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ") + datetime.timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def far_from_the_edge(updated_at):
    """One question asks who was updated since midnight of 2 October: a little later must not be on its other side."""
    return not updated_at.startswith("2026-10-01T")


class Writer:
    """Writes on until its feed ends; what it says at the end is what was acknowledged."""

    def __init__(self, args, system, folder):
        self.child = subprocess.Popen(sync_command(args, system, folder, f"--batch={SMALL_BATCH}", f"--rate={WRITES_A_SECOND}"),
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def writing(self):
        return self.child.poll() is None

    def end(self):
        said, complaint = self.child.communicate()
        if self.child.returncode != 0:
            raise Broken(f"the writer failed: {complaint.strip()} {said.strip()}")
        result = json.loads(said)
        if set(result["outcomes"]) - {"STORED", "STORED_IN_PART"}:
            raise Broken(f"what was written changed nothing: {result['outcomes']}")
        if result["per_second"] < ENOUGH * WRITES_A_SECOND:
            raise Broken(f"only {result['per_second']:,.0f} writes a second were acknowledged, {WRITES_A_SECOND:,} are wanted")
        return result

    def stop(self):
        if self.writing():
            self.child.terminate()
            self.child.communicate()


# ---- questions

def ask(args, system, asked, folder):
    """{case: {times, answer}}; `asked`: [(question, how often)]."""
    path = os.path.join(args.folder, "questions")
    with open(path, "w", encoding="utf-8") as file:
        for query, repeat in asked:
            file.write(f"{query['case']}\t{query['method']}\t{repeat}\t{json.dumps(query['request'])}\n")
    done = subprocess.run([os.path.join(args.bin, "pharos-bench-audience"), f"--target=127.0.0.1:{system.pharosd_port}",
                           f"--token_file={system.tokens[ASKER]}", f"--questions={path}", f"--ids={folder}"], capture_output=True, text=True)
    if done.returncode != 0:
        raise Broken(f"the questions failed: {done.stderr.strip()}")
    return {said["case"]: said for said in map(json.loads, done.stdout.splitlines())}


def position_of(args, system):
    return int(ask(args, system, [(questions.QUERIES[0], 1)], args.folder)["q01"]["answer"]["position"])


def told(figure):
    if figure.get("certainty") != "EXACT":
        raise Broken(f"{ASKER} was not told an exact number: {figure}")
    return str(int(figure.get("value", 0)))


def rows_of_table(query, answer):
    bands = {"": "", **dict(questions.band_edges())}
    dated = [dimension["field"] == "date_of_birth" for dimension in query["request"]["dimensions"]]
    for cell in answer.get("cells", []):
        keys = [bands[key] if by_date else key for key, by_date in zip(cell["keys"], dated)]
        yield [*keys, *(told(figure) for figure in cell.get("measures", [])), told(cell["people"])]


def answer_of(query, answer, loaded):
    if query["method"] == "CountAudience":
        return told(answer["figure"])
    if query["method"] == "BreakDownAudience":
        return questions.answer_of(list(rows_of_table(query, answer)))
    names = loaded.truth_of()
    with open(answer["file"], encoding="utf-8") as file:
        return questions.answer_of([[names.get(line.rstrip("\n"), "?")] for line in file])


def percentile(times, share):
    return times[min(len(times) - 1, int(len(times) * share))]


def measure(args, system, loaded, folder, say):
    """What was answered, while the writer wrote; and what the writer says."""
    stream = {**questions.QUERIES[-1], "case": "pseudonyms", "request": {**questions.QUERIES[-1]["request"], "form": "PSEUDONYMS"}}
    asked = [(query, REPEAT[query["case"][0]]) for query in questions.QUERIES] + [(stream, REPEAT["l"])]
    ids = os.path.join(args.folder, "ids")
    os.makedirs(ids)
    warm = ask(args, system, [(query, 3) for query, _ in asked], ids)
    estimate = sum(percentile(warm[query["case"]]["times"], 0.5) * repeat for query, repeat in asked) / 1000
    seconds = max(FEWEST_SECONDS, SPARE * estimate)
    writes = write_feed(args, folder, loaded.truth, round(WRITES_A_SECOND * seconds))
    say(f"Asking, with {WRITES_A_SECOND:,} writes a second beside, for {seconds:.0f} s at most …")
    before = position_of(args, system)
    writer = Writer(args, system, writes)
    try:
        while writer.writing() and position_of(args, system) == before:
            time.sleep(0.02)
        found = ask(args, system, asked, ids)
        if not writer.writing():
            raise Broken("the questions took longer than the writer wrote")
        return found, writer.end()
    finally:
        writer.stop()


def memory(system, people):
    with open(f"/proc/{system.servers[0].child.pid}/status", encoding="ascii") as status:
        resident = int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) * 1024
    found = {"resident_bytes_per_person": round(resident / people)}
    with urllib.request.urlopen(f"http://127.0.0.1:{system.servers[0].metrics_port}/metrics", timeout=10) as page:
        shown = re.findall(r"^pharos_audience_(index|gate)_bytes(?:\{[^}]*\})? ([\d.e+]+)$", page.read().decode(), re.M)
    found.update({f"{kind}_bytes_per_person": round(float(value) / people, 1) for kind, value in shown})
    return found


def restart(args, system, how, say):
    """Seconds from the start of the process until a question is answered."""
    server = system.servers[0]
    say(f"Restart after {how} …")
    if how == "stop":
        server.stop()
        begin = time.monotonic()
        server.start()
    else:
        begin = time.monotonic()
        server.kill()
    while time.monotonic() < begin + PATIENCE_S:
        try:
            ask(args, system, [(questions.QUERIES[1], 1)], args.folder)
            return time.monotonic() - begin
        except Broken:
            time.sleep(0.01)
    raise Broken("no question is answered after the restart")


# ---- results

def mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def results_of(found, loaded, common):
    for query in questions.QUERIES:
        said = found[query["case"]]
        yield {"workload": "audience", "case": query["case"], "unit": "ms", "value": round(percentile(said["times"], 0.5), 4),
               "p50_ms": round(percentile(said["times"], 0.5), 4), "p99_ms": round(percentile(said["times"], 0.99), 4),
               "answer": answer_of(query, said["answer"], loaded), **common}


def compare(results, theirs, postgres):
    for result in results:
        peer, other = theirs[result["case"]], postgres[result["case"]]
        result.update(peer="DuckDB, in memory, 2 threads", peer_value=round(peer["ms"], 4), peer_answer=peer["answer"],
                      ratio=round(peer["ms"] / result["value"], 2), postgres_value=round(other["ms"], 3), postgres_answer=other["answer"],
                      postgres_ratio=round(other["ms"] / result["value"], 2))


def summary(results, kind, name, common):
    ours = [r for r in results if r["case"].startswith(kind)]
    result = {"workload": "audience", "case": f"{name}, geometric mean", "unit": "ms", "value": round(mean([r["value"] for r in ours]), 4),
              **common}
    if "peer_value" in ours[0]:
        result.update(peer=ours[0]["peer"], peer_value=round(mean([r["peer_value"] for r in ours]), 4),
                      ratio=round(mean([r["ratio"] for r in ours]), 2),
                      postgres_ratio=round(mean([r["postgres_ratio"] for r in ours]), 2))
    return result


def run(args, say):
    folder = generate(args)
    system = System(args.bin, args.folder, args.seed, 0, 0)
    cli = Cli(system)
    try:
        system.start()
        register(cli)
        say("Loading …")
        loaded = load(args, system, cli, folder, say)
        areas = load_areas(cli, folder, say)
        people = len(loaded.groups())
        found, written = measure(args, system, loaded, folder, say)
        common = {"people": people, "seed": args.seed,
                  "settings": {"sync": True, "sealed": True, "role": ASKER, "fresh": True, "areas": areas, "writes_per_second": round(written["per_second"]),
                               "write_p99_ms": written["p99_ms"]}}
        results = list(results_of(found, loaded, common))
        held = memory(system, people)
        restarts = {how: restart(args, system, how, say) for how in ("stop", "kill -9")} if args.restart else {}
        held_again = memory(system, people) if args.restart else None
    finally:
        system.stop()
    if args.peer:  # afterwards, so that nothing of ours runs beside them
        say("DuckDB …")
        theirs = peers.duckdb(folder, os.path.join(args.folder, "peer"))
        say("PostgreSQL …")
        compare(results, theirs, peers.postgres(os.path.join(args.folder, "peer")))
    yield from results
    for kind, name in ((questions.COUNTS, "counts"), (questions.BREAKDOWNS, "breakdowns")):
        yield summary(results, kind, name, common)
    for case in ("l01", "pseudonyms"):
        said = found[case]
        yield {"workload": "audience", "case": f"stream, {'names' if case == 'l01' else case}", "unit": "ids/s",
               "value": round(said["answer"]["ids"] / percentile(said["times"], 0.5) * 1000), **common}
    yield {"workload": "audience", "case": "memory", "unit": "bytes/person", "value": held["resident_bytes_per_person"], **held, **common}
    if held_again:  # numbers of people who were linked to others are gone
        yield {"workload": "audience", "case": "memory after restart", "unit": "bytes/person",
               "value": held_again["resident_bytes_per_person"], **held_again, **common}
    for how, seconds in restarts.items():
        yield {"workload": "audience", "case": f"restart after {how}", "unit": "s", "value": round(seconds, 3), **common}
    wrong = [r["case"] for r in results if args.peer and not r["answer"] == r["peer_answer"] == r["postgres_answer"]]
    if wrong:
        raise Broken(f"answers differ from the peers': {', '.join(wrong)}")


def load_areas(cli, folder, say):
    """False, and said: without reference data nobody has a region or a decile, and q05 and g03 are answered accordingly."""
    try:
        cli.run("operator", "reference", "load", "areas", os.path.join(folder, "areas.csv"), "--columns",
                "code=area,deprivation-decile=deprivation_decile", "--attribution", "made up, or as ../shared has it")
        return True
    except Refused as refused:
        say(f"  NO AREAS: {refused.said.strip()[:200]}")
        return False
