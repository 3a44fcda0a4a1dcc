"""Checks the model of the permit protocol (permit.pml) with spin: every configuration holds, every mutant is caught.

  permit_model_test.py                what ends in a few minutes on two cores
  PHAROS_LONG=1 permit_model_test.py  the large configurations as well
  permit_model_test.py NAME…          only those whose line contains a NAME

One line each; the last says "N passed, N failed". Needs spin and gcc; without them it fails, and says how to get them.
"""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "permit.pml")
AT_ONCE = 2  # each takes up to 1.5 GB
SECONDS = 600  # a run that takes longer is taken for endless
PAIR = "-DNI=2 -DCRASHES=1 -DDUPS=0"
ASKING = "-DQUERY -DCRASHES=1 -DDUPS=0 -DCOVER=0"

# What must hold. The long tier adds the second list.
HOLDS = [
    "-DCRASHES=1",
    "-DBOUND",
    "-DBOUND -DNI=2 -DCOVER=3 -DCRASHES=1",
    f"{PAIR} -DCOVER=3",
    ASKING,
    *(f"-DCALM -DNI=2 -DNK=2 -DU=2 -DCRASHES=0 -DDUPS=0 -DCOVER={cover}" for cover in (0, 1, 3)),
]
HOLDS_LONG = ["", "-DU=2", f"{PAIR} -DCOVER=1", "-DNK=2 -DCRASHES=1 -DDUPS=0", "-DSKIPS=1 -DCRASHES=1", "-DQUERY -DCRASHES=1"]

# What must break, with the rule that is left out; "reach" is no mutant: it shows that what matters can happen at all.
MUTANTS = [
    *(f"-DM_{name}" for name in (
        "NOWAIT", "NORESTARTWAIT", "ACKDUP", "RESPACK", "LOOKFIRST", "SCANFIRST", "DUPDENY",
        "GRANTTIME", "RECEIPT", "EARLYREL", "DOUBTREL", "IDREUSE", "REGRANT", "LATEWRITE", "MATCH", "CNT",
        "PAUSE", "SOCKBUF", "LINGER", "FREEZE", "NOFENCE", "OLDREFUSE", "NOSEEN")),
    "-DM_NOFENCE -DCOVER=0",
    "-DM_PERSONONLY -DNI=2 -DCOVER=3 -DCRASHES=1",
    "-DM_NOEXPIRE -DBOUND",
    "-DM_LATEREG -DBOUND",
    f"-DM_EARLYQUERY {ASKING}",
    f"-DM_FINDMATCH {ASKING}",
    f"-DM_NOLAG {ASKING}",
    "-DSKIPS=1 -DD=2",
    "-DREACH",
]


def run(flags, must_hold):
    """(passed, line to print) of one configuration."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        def tool(*command):
            return subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=SECONDS)

        shutil.copy(MODEL, folder)
        # spin stops after the first error of a mutant; -w26: a table of 2^26 slots, 512 MB.
        generated = tool("spin", "-a", *flags.split(), "permit.pml")
        optimise = "-O2" if must_hold else "-O1"
        built = tool("gcc", "-w", optimise, "-DSAFETY", "-DNOREDUCE", "-DNOSTUTTER", "-DHC4", "-o", "pan", "pan.c")
        if generated.returncode or built.returncode:
            return False, f"FAILED: {flags or 'defaults'}: does not build: {(generated.stdout + built.stderr)[-500:]}"
        said = tool("./pan", "-m5000000", "-w24").stdout
    errors = re.search(r"errors: (\d+)", said)
    states = re.search(r"(\S+)\s+states, stored", said)
    complete = errors is not None and "max search depth too small" not in said and "out of memory" not in said
    held = complete and errors.group(1) == "0" and "Search not completed" not in said
    asserted = re.search(r"assertion violated.*", said)
    broke = errors is not None and errors.group(1) != "0" and asserted is not None
    passed = held if must_hold else broke
    wanted = "holds" if must_hold else "is caught"
    got = "" if passed else f"; but {'it holds' if held else (asserted.group(0) if asserted else said[-300:])}"
    took = time.monotonic() - started
    line = f"{'passed' if passed else 'FAILED'}: {flags or 'defaults'} {wanted}: {states.group(1) if states else '?'} states, {took:.0f} s{got}"
    return passed, line


def main():
    missing = [tool for tool in ("spin", "gcc") if shutil.which(tool) is None]
    if missing:
        print(f"{' and '.join(missing)} not found; ops/setup test installs what this needs.\n0 passed, 1 failed")
        return 1
    longer = HOLDS_LONG if os.environ.get("PHAROS_LONG") else []
    work = [(flags, True) for flags in HOLDS + longer] + [(flags, False) for flags in MUTANTS]
    names = sys.argv[1:]
    work = [item for item in work if not names or any(name in item[0] for name in names)]
    passed = 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for good, line in pool.map(lambda item: run(*item), work):
            passed += good
            print(line, flush=True)
    print(f"{passed} passed, {len(work) - passed} failed")
    return 0 if passed == len(work) and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
