"""How well and how fast records are linked: FEBRL's labelled files (--data), or generated people (--from, or made here)."""
import json
import os
import subprocess
import sys

from system import Broken

OPS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def linkable(folder):
    """Share of the true pairs that share exact evidence, where the tool that counts them is at hand."""
    tool = os.path.join(os.path.dirname(os.path.dirname(OPS)), "shared", "tools", "linkable.py")
    if not os.path.exists(tool):
        return 0
    done = subprocess.run([sys.executable, tool, folder], capture_output=True, text=True, check=False)
    return json.loads(done.stdout)["reference_recall"] if done.returncode == 0 else 0


def measure(args, *flags):
    program = os.path.join(args.bin, "pharos-bench-identity")
    done = subprocess.run([program, *flags], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Broken("pharos-bench-identity ended with an error")
    for line in done.stdout.splitlines():
        yield json.loads(line)


def labelled(args, say):
    for number in (1, 2, 3):
        path = os.path.join(args.data, f"dataset{number}.csv")
        if not os.path.exists(path):
            continue
        for name, flag in (("with-id", "--id"), ("no-id", "--noid")):
            say(f"FEBRL {number}, {name}")
            yield from measure(args, f"--febrl={path}", flag, f"--name=febrl{number}/{name}")


def people(args, say):
    folder = args.source
    if not folder:
        folder = os.path.join(args.folder, "people")
        say(f"Making {args.people:,} people")
        subprocess.run([sys.executable, os.path.join(OPS, "generate"), "--people", str(args.people), "--seed", str(args.seed),
                        "--out", folder], check=True, stdout=sys.stderr)
    share = linkable(folder)
    for model in ("train", "shipped"):
        say(f"Linking, model: {model}")
        for result in measure(args, f"--people={folder}", f"--name=people/{model}", f"--model={model}", f"--linkable={share}"):
            yield {**result, "people": args.people, "seed": args.seed}


def run(args, say):
    yield from labelled(args, say) if args.data else people(args, say)
