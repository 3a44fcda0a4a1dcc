"""sync: partners' feeds, one gRPC stream a source, every record linked by the model, sealed, synced to disk and answered. `online` as it
goes on day by day, `bulk` as a first load. Compared with PostgreSQL 15 doing a plain exact-match upsert of the same fields."""
import json
import os
import re
import shutil
import subprocess
import sys

import story
from cli import Cli
from postgres import Postgres
from system import Broken, System

HERE = os.path.dirname(os.path.abspath(__file__))
OPS = os.path.dirname(HERE)
FIRST_PART = 0.9  # of each file as fast as it goes, the rest at half of that, in small messages
SMALL = 16
PEER_CLIENTS, PEER_THREADS = 16, 2


def generate(args):
    people = args.source or os.path.join(args.folder, "people")
    if not args.source:
        subprocess.run([sys.executable, os.path.join(OPS, "generate"), "--people", str(args.people), "--seed", str(args.seed),
                        "--out", people], check=True, stdout=subprocess.DEVNULL)
    return people


def send(args, system, people, *flags):
    command = [os.path.join(args.bin, "pharos-bench-sync"), f"--target=127.0.0.1:{system.pharosd_port}",
               f"--token_file={system.tokens['operator']}", f"--from={people}", f"--purpose=purposes/{story.PURPOSE}", *flags]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Broken(f"the feeds failed: {done.stderr.strip()} {done.stdout.strip()}")
    return json.loads(done.stdout)


def size_of(folder):
    return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names)


def memory_of(system):
    with open(f"/proc/{system.servers[0].child.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) * 1024


def measure(args, people, case, say):
    folder = os.path.join(args.folder, case)
    os.makedirs(folder, mode=0o700)
    system = System(args.bin, folder, args.seed, 0, 0)
    cli = Cli(system)
    try:
        system.start()
        story.register(cli)
        say(f"{case}: all files …")
        bulk = case == "bulk"
        first = send(args, system, people, *(["--bulk", "--batch=1000"] if bulk else ["--batch=256", f"--last_part={FIRST_PART}"]))
        result = {"workload": "sync", "case": case, "unit": "records/s", "value": first["per_second"], "records": first["items"],
                  "outcomes": first["outcomes"], "seed": args.seed,
                  "settings": {"sync": True, "sealed": True, "probabilistic": True, "streams": len(story.SOURCES)}}
        if not bulk:
            say(f"online: {first['per_second']:,.0f} records/s; the rest at half of that …")
            rest = send(args, system, people, f"--batch={SMALL}", f"--first_part={FIRST_PART}", f"--rate={first['per_second'] / 2:.0f}")
            result.update(p50_ms=rest["p50_ms"], p99_ms=rest["p99_ms"], half_rate=rest["per_second"])
        counts = story.numbers(cli.one("operator", "counts"))
        result.update(people=counts["people"], memory_bytes=memory_of(system))
        system.stop()
        size = size_of(os.path.join(system.data, "customer"))
        result.update(disk_bytes_per_person=round(size / max(1, counts["people"])))
        return result
    finally:
        system.stop()
        shutil.rmtree(os.path.join(folder, "data"), ignore_errors=True)


def peer(args, say):
    say(f"PostgreSQL: exact-match upserts for {args.seconds:g} s …")
    database = Postgres(os.path.join(args.folder, "peer"))
    database.start()
    try:
        made = subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", os.path.join(HERE, "sync_peer.sql"), database.conninfo],
                              capture_output=True, text=True)
        if made.returncode != 0:
            raise Broken(f"PostgreSQL refused: {made.stderr.strip()}")
        done = subprocess.run([os.path.join("/usr/lib/postgresql/15/bin", "pgbench"), "-n", "-c", str(PEER_CLIENTS), "-j", str(PEER_THREADS),
                               "-M", "prepared", "-T", f"{max(1, round(args.seconds))}", "-D", f"people={args.people}",
                               "-f", os.path.join(HERE, "sync_peer.pgbench"), database.conninfo], capture_output=True, text=True)
        found = re.search(r"tps = ([\d.]+)", done.stdout)
        if done.returncode != 0 or not found:
            raise Broken(f"pgbench failed: {done.stderr.strip()}")
        return float(found.group(1))
    finally:
        database.stop()


def run(args, say):
    people = generate(args)
    theirs = peer(args, say) if args.peer else None
    for case in ("online", "bulk"):
        result = measure(args, people, case, say)
        if theirs:
            result.update(peer="PostgreSQL 15 exact-match upsert", peer_value=round(theirs, 1), ratio=round(result["value"] / theirs, 2))
        yield result
