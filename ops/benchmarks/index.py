"""index: the audience index alone, with many people: its memory, and how long its sealed checkpoint takes to come back from disk."""
import json
import os
import subprocess

from system import Broken


def run(args, say):
    folder = os.path.join(args.folder, "checkpoint")
    os.makedirs(folder, mode=0o700)
    say(f"{args.people:,} people …")
    done = subprocess.run([os.path.join(args.bin, "pharos-bench-index"), f"--people={args.people}", f"--seed={args.seed}",
                           f"--folder={folder}"], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Broken("pharos-bench-index ended with an error")
    measured = json.loads(done.stdout)
    common = {"workload": "index", "people": measured["people"], "seed": args.seed}
    yield {**common, "case": "start from checkpoint", "unit": "s", "value": measured["load_s"], "settings": {"sealed": True, "cold": True}}
    yield {**common, "case": "save", "unit": "s", "value": measured["save_s"], "settings": {"sync": True, "sealed": True}}
    for name in ("index", "gate", "file"):
        yield {**common, "case": f"{name} memory" if name != "file" else "checkpoint on disk", "unit": "bytes/person",
               "value": round(measured[f"{name}_bytes"] / measured["people"], 1)}
    yield {**common, "case": "count in process", "unit": "ms", "value": measured["count_ms"]}
