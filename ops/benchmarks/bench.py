#!/usr/bin/env python3
"""Workloads, each measured on the real processes with everything on: synced before acknowledged, sealed, authorised, audited.

Run it with ops/bench, which builds what it needs first.
"""
import argparse
import json
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "rehearsal")]
import audience  # noqa: E402
import dispatch  # noqa: E402
import edge  # noqa: E402
import identity  # noqa: E402
import index  # noqa: E402
import launch  # noqa: E402
import lookup  # noqa: E402
import pages  # noqa: E402
import sync  # noqa: E402
from system import Broken  # noqa: E402

WORKLOADS = {"audience": audience.run, "edge": edge.run, "identity": identity.run, "index": index.run, "lookup": lookup.run, "launch": launch.run, "pages": pages.run, "sync": sync.run, "dispatch-sms": dispatch.run_sms, "dispatch-email": dispatch.run_email}


def say(line):
    print(line, file=sys.stderr, flush=True)


def show(result, as_json):
    if as_json:
        print(json.dumps(result), flush=True)
        return
    words = [f"{result['workload']}{' ' + result['case'] if result.get('case') else ''}: {result['value']:,.3f} {result['unit']}"]
    words += [f"{name} {result[key]:.3f} ms" for name, key in (("p50", "p50_ms"), ("p99", "p99_ms")) if key in result]
    words += [f"{name} {result[name]:.5f}" for name in ("precision", "recall", "f1") if name in result]
    if "ratio" in result:
        words.append(f"{result['ratio']:.2f} times {result['peer']} ({result['peer_value']:,.3f})")
    print(", ".join(words), flush=True)


def main():
    parser = argparse.ArgumentParser(prog="ops/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", choices=sorted(WORKLOADS))
    parser.add_argument("--people", type=int, default=100000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--from", dest="source", metavar="DIR", help="a folder of contact files instead of generated people")
    parser.add_argument("--data", metavar="DIR", help="identity: labelled files in FEBRL's layout")
    parser.add_argument("--peer", action="store_true", help="measure what it is compared with in the same run")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--memory", action="store_true", help="dispatch: how much pharosd holds while the intents drain")
    parser.add_argument("--restart", action="store_true", help="audience: from a start until the first answer, too")
    parser.add_argument("--window", type=int, default=1000, help="dispatch: messages without the provider's answer")
    parser.add_argument("--seconds", type=float, default=10, help="how long rates are measured")
    parser.add_argument("--bin", default="build/release/bin", help=argparse.SUPPRESS)
    parser.add_argument("--folder", default="build/bench", help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.folder = os.path.abspath(args.folder)
    shutil.rmtree(args.folder, ignore_errors=True)
    os.makedirs(args.folder, mode=0o700)
    try:
        for result in WORKLOADS[args.workload](args, say):
            show(result, args.json)
    except Broken as error:
        say(f"ops/bench: {error}\nLogs: {args.folder}/*.log")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
