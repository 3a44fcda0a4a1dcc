#!/usr/bin/env python3
"""The console as people see it: Debian's Chromium through a running demonstration. Prints each problem; exit 1 if there is one; 77 (left
out) where Chromium or the packages of npm are missing.
  browser_test.py --bin BIN [--people 2000] [--pictures FOLDER] [--only pages.mjs]"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
sys.path[:0] = [str(SOURCE / "ops" / "rehearsal")]
LEFT_OUT = 77
SCRIPTS = sorted(path.name for path in HERE.glob("*.mjs") if path.name != "browse.mjs")


def missing():
    npm = SOURCE / "build" / "npm" / "node_modules"
    names = [name for name in ("playwright-core", "axe-core", "govuk-frontend") if not (npm / name).is_dir()]
    return names + [name for name in ("chromium", "node") if shutil.which(name) is None]


def demonstration(args, folder):
    """Runs the demonstration and leaves it running; the ids of its processes."""
    command = [sys.executable, str(SOURCE / "ops" / "rehearsal" / "demo.py"), "--bin", args.bin, "--folder", folder, "--people",
               str(args.people), "--seed", "3", "--keep"]
    with open(os.path.join(os.path.dirname(folder), "demo.log"), "w", encoding="utf-8") as log:
        subprocess.run(command, stdout=log, stderr=log, timeout=600, check=False)
    with open(os.path.join(folder, "pids"), encoding="utf-8") as file:
        return [int(pid) for pid in file.read().split()]


def settings(args, folder, port):
    with open(os.path.join(folder, "keys.txt"), encoding="utf-8") as file:
        keys = dict(line.strip().split(": ") for line in file)
    return {"url": f"https://localhost:{port}", "keys": keys, "npm": str(SOURCE / "build" / "npm"), "chromium": shutil.which("chromium"),
            "pictures": args.pictures, "folder": folder, "pharos": os.path.join(args.bin, "pharos")}


def port_of(folder):
    import re
    with open(os.path.join(folder, "pharos.toml"), encoding="utf-8") as file:
        return re.search(r'\[edge\].*?listen = "127\.0\.0\.1:(\d+)"', file.read(), re.S).group(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.environ.get("PHAROS_BIN", "build/release/bin"))
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--pictures", default=str(SOURCE / "build" / "pictures"))
    parser.add_argument("--only", choices=SCRIPTS)
    args = parser.parse_args()
    args.bin = os.path.abspath(args.bin)
    if absent := missing():
        print(f"Left out: {', '.join(absent)} not installed (ops/setup test installs them).")
        return LEFT_OUT
    os.makedirs(args.pictures, exist_ok=True)
    scratch = tempfile.mkdtemp(prefix="pharos-browser-")
    folder = os.path.join(scratch, "demo")
    pids, failed = [], 0
    try:
        pids = demonstration(args, folder)
        given = os.path.join(scratch, "settings.json")
        with open(given, "w", encoding="utf-8") as file:
            json.dump(settings(args, folder, port_of(folder)), file)
        for script in [args.only] if args.only else SCRIPTS:
            done = subprocess.run(["node", str(HERE / script), given], timeout=1500, check=False)
            print(f"{'passed' if done.returncode == 0 else 'FAILED'}: {script}", flush=True)
            failed += done.returncode != 0
    finally:
        for pid in pids:
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                pass
        shutil.rmtree(scratch, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
