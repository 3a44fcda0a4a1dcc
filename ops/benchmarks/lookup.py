"""lookup: a person by phone number, with everything shown; 64 callers; each answer authorised, unsealed, and audited on disk before
it goes out. Compared with a gRPC server that only answers so many bytes."""
import csv
import json
import os
import random
import re
import subprocess
import sys

import story
from cli import Cli
from system import Broken, System

METHOD = "/pharos.customer.v1.PersonService/LookupPeople"
CALLERS, MOST_NUMBERS = 64, 200_000
OPS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def request_for(phone):
    """LookupPeopleRequest{phone, view: PERSON_VIEW_FULL} as bytes, in hex."""
    text = phone.encode()
    return (b"\x12" + bytes([len(text)]) + text + b"\x28\x02").hex()


def load(args, target, method, token_file, requests):
    command = [os.path.join(args.bin, "pharos-bench-load"), f"--target={target}", f"--method={method}", f"--requests={requests}",
               f"--callers={CALLERS}", f"--seconds={args.seconds}"] + ([f"--token_file={token_file}"] if token_file else [])
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Broken(f"the load failed: {done.stderr.strip()} {done.stdout.strip()}")
    return json.loads(done.stdout)


def fill(args, system, cli, say):
    people = args.source or os.path.join(args.folder, "people")
    if not args.source:
        subprocess.run([sys.executable, os.path.join(OPS, "generate"), "--people", str(args.people), "--seed", str(args.seed),
                        "--out", people], check=True, stdout=subprocess.DEVNULL)
    story.register(cli)
    for name, _, _ in story.SOURCES:
        summary = story.import_file(cli, people, name)
        say(f"  {name}: {summary['rows']:,} rows")
    numbers = set()
    for name in ("quit", "screening"):
        with open(os.path.join(people, name + ".csv"), newline="", encoding="utf-8", errors="replace") as file:
            numbers |= {row["phone"] for row in csv.DictReader(file) if re.fullmatch(r"07700[2-8]\d{5}", re.sub(r"\D", "", row["phone"]))}
    chosen = sorted(numbers)
    random.Random(args.seed).shuffle(chosen)
    return chosen[:MOST_NUMBERS]


def echo(args, bytes_each, requests):
    server = subprocess.Popen([os.path.join(args.bin, "pharos-bench-echo"), f"--bytes={bytes_each}"], stdout=subprocess.PIPE, text=True)
    try:
        port = int(server.stdout.readline())
        return load(args, f"127.0.0.1:{port}", "/bench.Echo/Echo", "", requests)
    finally:
        server.terminate()
        server.wait()


def run(args, say):
    system = System(args.bin, args.folder, args.seed, 0, 0)
    cli = Cli(system)
    try:
        system.start()
        say("Importing people …")
        numbers = fill(args, system, cli, say)
        counts = story.numbers(cli.one("operator", "counts"))
        requests = os.path.join(args.folder, "requests")
        with open(requests, "w", encoding="utf-8") as file:
            file.writelines(request_for(number) + "\n" for number in numbers)
        say(f"{counts['people']:,} people; {CALLERS} callers for {args.seconds:g} s …")
        ours = load(args, f"127.0.0.1:{system.pharosd_port}", METHOD, system.tokens["governance"], requests)
        result = {"workload": "lookup", "case": "", "unit": "calls/s", "value": ours["per_second"], "p50_ms": ours["p50_ms"],
                  "p99_ms": ours["p99_ms"], "people": counts["people"], "seed": args.seed,
                  "settings": {"sync": True, "sealed": True, "audited": True, "callers": CALLERS,
                               "response_bytes": int(ours["response_bytes"])}}
        if args.peer:
            peer = echo(args, int(ours["response_bytes"]), requests)
            result.update(peer="bare gRPC echo", peer_value=peer["per_second"], peer_p50_ms=peer["p50_ms"], peer_p99_ms=peer["p99_ms"],
                          ratio=round(ours["per_second"] / peer["per_second"], 3))
        yield result
    finally:
        system.stop()
