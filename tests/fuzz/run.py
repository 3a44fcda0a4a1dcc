#!/usr/bin/env python3
"""Builds the fuzz targets and runs them, two at a time. Exit 1 if anything was found.

  run.py                       20 s each (the quick tier)
  run.py --seconds 60          so long each
  run.py --runs 10000000       so many executions each
  run.py --target smpp_pdu     one target (may be repeated)
  run.py --json                one JSON object on standard output instead of lines

What was found lies in build/fuzz/found, one file each. Fix it, then keep that file as tests/fuzz/regressions/<target>/:
every run executes the regressions first.
"""
import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
AT_ONCE = 2
MOST_INPUT = 8192  # octets; long inputs find little more and cost much
MOST_SECONDS_AN_INPUT = 10
MOST_MEGABYTES = 1024
SETTINGS = {
    # Libraries that are not instrumented grow containers of ours.
    "ASAN_OPTIONS": "detect_container_overflow=0:detect_leaks=1:allocator_may_return_null=0:quarantine_size_mb=64",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


def build(folder, targets):
    """Names of the targets that are there."""
    launcher = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
    subprocess.run(["cmake", "-S", HERE, "-B", folder, "-G", "Ninja", "-DCMAKE_C_COMPILER=clang", "-DCMAKE_CXX_COMPILER=clang++",
                    *launcher], check=True, stdout=subprocess.DEVNULL)
    listed = subprocess.run(["ninja", "-C", folder, "-t", "targets", "all"], check=True, capture_output=True, text=True).stdout
    there = sorted({name for name in re.findall(r"^(\w+)_fuzz:", listed, re.MULTILINE) if not name.startswith("cmake_")})
    unknown = set(targets or []) - set(there)
    if unknown:
        sys.exit(f"run.py: no target {', '.join(sorted(unknown))}; there are: {', '.join(there)}")
    chosen = targets or there
    subprocess.run(["ninja", "-C", folder, *(f"{name}_fuzz" for name in chosen)], check=True, stdout=sys.stderr)
    return chosen


def figures(said):
    """What libFuzzer prints at its end, and the finding if there is one."""
    numbers = {name: int(value) for name, value in re.findall(r"^stat::(\w+):\s+(\d+)", said, re.MULTILINE)}
    found = re.search(r"(\S+: does not hold: .*|SUMMARY: .*|ERROR: .*|\S+: runtime error: .*)", said)
    return numbers.get("number_of_executed_units", 0), found.group(1) if found else ""


def run(name, arguments, folder):
    corpus = os.path.join(folder, "corpus", name)
    regressions = os.path.join(HERE, "regressions", name)
    found = os.path.join(folder, "found")
    for path in (corpus, found):
        os.makedirs(path, exist_ok=True)
    program = [os.path.join(folder, f"{name}_fuzz"), f"-artifact_prefix={found}/{name}-", f"-timeout={MOST_SECONDS_AN_INPUT}",
               f"-rss_limit_mb={MOST_MEGABYTES}"]
    environment = {**os.environ, **SETTINGS}
    kept = sorted(os.listdir(regressions)) if os.path.isdir(regressions) else []
    if kept:
        again = subprocess.run(program + [os.path.join(regressions, file) for file in kept], env=environment,
                               capture_output=True, text=True, errors="replace")
        if again.returncode:
            return {"target": name, "executions": len(kept), "finding": figures(again.stderr)[1] or "a regression", "new": False}
    words = os.path.join(HERE, "dictionaries", f"{name}.dict")
    limit = [f"-runs={arguments.runs}"] if arguments.runs else [f"-max_total_time={arguments.seconds}"]
    done = subprocess.run(program + limit + [f"-seed={arguments.seed}", f"-max_len={MOST_INPUT}", "-print_final_stats=1", "-close_fd_mask=1",
                                             *([f"-dict={words}"] if os.path.exists(words) else []),
                                             corpus, os.path.join(folder, "seeds", name)],
                          env=environment, capture_output=True, text=True, errors="replace")
    executions, finding = figures(done.stderr)
    if done.returncode and not finding:
        finding = done.stderr[-300:]
    return {"target": name, "executions": executions, "finding": finding if done.returncode else "", "new": done.returncode != 0}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--runs", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", action="append")
    parser.add_argument("--folder", default=os.path.join(ROOT, "build", "fuzz"))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if shutil.which("clang++") is None:
        sys.exit("run.py: clang++ is not there; ops/setup test installs it.")
    targets = build(arguments.folder, arguments.target)
    for name in targets:
        os.makedirs(os.path.join(arguments.folder, "seeds", name), exist_ok=True)
    subprocess.run([sys.executable, os.path.join(HERE, "seeds.py"), os.path.join(arguments.folder, "seeds")], check=True)
    results = []
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for result in pool.map(lambda name: run(name, arguments, arguments.folder), targets):
            results.append(result)
            if not arguments.json:
                print(f"{'FOUND' if result['finding'] else 'passed'}: {result['target']}: {result['executions']} executions"
                      f"{'; ' + result['finding'] if result['finding'] else ''}", flush=True)
    failed = sum(1 for result in results if result["finding"])
    if arguments.json:
        print(json.dumps({"seed": arguments.seed, "seconds": arguments.seconds, "runs": arguments.runs, "targets": results}))
    else:
        print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
