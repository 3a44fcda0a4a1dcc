#!/usr/bin/env python3
"""Checks which folder includes which. The list below is the whole truth: what is not in it is forbidden, and it has no cycle.

  arrows.py ROOT     exit 1 and one line for each forbidden include
"""
import os
import re
import sys

# folder → folders that its files may include, besides itself. The longest matching folder of a file counts.
ARROWS = {
    "services/base": [],
    "storage": ["services/base"],
    "services/policy": ["services/base"],
    "services/config": ["services/base"],
    "services/rpc": ["services/base", "services/policy", "storage"],
    "services/gate": ["services/base"],
    "services/content": ["services/base"],
    "services/access": ["services/base", "services/rpc", "services/policy", "storage"],
    "services/customer/identity": ["services/base"],
    "services/customer": ["services/customer/identity", "services/base", "services/rpc", "services/gate", "services/content", "storage"],
    "services/audience": ["services/base", "services/rpc", "services/gate", "storage"],
    "services/campaign": ["services/base", "services/rpc", "services/content", "storage"],
    "services/dispatch": ["services/base", "services/rpc", "services/policy", "services/content", "storage"],
    "services/engagement": ["services/base", "services/rpc", "storage"],
    "services/edge": ["services/base", "services/rpc", "services/config"],
    "services/edge/api": ["services/edge", "services/base", "services/rpc"],
    "services/edge/console": ["services/edge", "services/base", "services/rpc", "services/content"],
    "services/edge/hooks": ["services/edge", "services/base", "services/rpc", "services/config"],
    "services/edge/public": ["services/edge", "services/base", "services/rpc"],
    "services": ["services/base", "services/rpc", "services/policy", "services/config", "storage", "services/access",
                 "services/customer", "services/audience", "services/campaign", "services/dispatch", "services/engagement",
                 "services/edge", "services/edge/api", "services/edge/console", "services/edge/hooks", "services/edge/public"],
    "connectors/sdk": ["services/base", "services/rpc", "services/config"],
    "connectors/smpp": ["connectors/sdk", "services/base", "services/rpc", "services/content"],
    "connectors/smtp": ["connectors/sdk", "services/base", "services/rpc", "services/content"],
    "connectors/notify": ["connectors/sdk", "services/base", "services/rpc"],
    "connectors/sandbox": ["connectors/sdk", "connectors/smpp", "services/base", "services/content"],
    "ops/cli": ["services/base", "services/rpc", "services/config", "connectors/sandbox"],
    "ops/benchmarks": ["services/base", "services/rpc", "services/config", "storage", "services/customer", "services/customer/identity",
                       "services/audience"],
    "tests": ["services", "services/base", "services/policy", "services/config", "services/access", "services/engagement",
              "connectors/smtp", "services/rpc", "services/gate", "services/content", "services/customer", "services/customer/identity",
              "services/audience", "services/campaign", "services/dispatch", "storage", "connectors/sdk", "connectors/smpp",
              "connectors/sandbox", "ops/cli", "connectors/notify", "services/edge", "services/edge/console", "services/edge/api", "services/edge/public",
              "services/edge/hooks"],
}
# Further arrows for tests that stand beside the code: the connector is tested against the simulated network.
TEST_ARROWS = {"connectors/smpp": ["connectors/sandbox"], "connectors/smtp": ["connectors/sandbox"],
               "connectors/notify": ["connectors/sandbox"]}
# Headers of libraries, and the only folders or files that may include them.
LIBRARIES = {
    r"rocksdb/": [r"storage/rocksdb/", r"storage/.*rocksdb[^/]*$"],
    r"(grpc|grpcpp|grpc\+\+)/": [r"services/rpc/", r"ops/benchmarks/", r".*client\.(cc|h)$", r".*_test\.(cc|h)$", r"tests/"],
    r"pharos/.*\.grpc\.pb\.h": [r"services/rpc/", r".*client\.(cc|h)$", r".*_test\.(cc|h)$", r"tests/"],
    r"libpq": [r"storage/sql/", r"ops/benchmarks/", r"tests/"],
    r"toml\+\+/": [r"services/config/", r"services/policy/"],
    r"roaring/": [r"services/audience/"],
    r"cmark": [r"services/content/"],
    r"absl/synchronization/": [],
    r"absl/log/": [],
    r"kainjow/": [r"services/edge/console/page\.cc$", r"services/edge/public/"],
    r"phonenumbers/": [r"services/customer/"],
    r"unicode/": [r"services/customer/", r"services/content/", r"services/dispatch/"],
    r"pharos/record/v1/": [r"services/", r"storage/", r"tests/"],
    r"pharos/[a-z]+/internal/v1/": [r"services/", r"connectors/", r"tests/"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
OURS = ("services/", "storage/", "connectors/", "ops/", "tests/")


def folder_of(path):
    """The longest folder of the list that holds this file; '' if none does."""
    best = ""
    for folder in ARROWS:
        if path.startswith(folder + "/") and len(folder) > len(best):
            best = folder
    # Only the files that stand directly in services/ wire services together; a new folder below needs a line of its own.
    return "" if best == "services" and path.count("/") > 1 else best


def cycles():
    """The list itself may not go round in circles."""
    seen, stack = set(), []

    def visit(folder):
        if folder in stack:
            yield " → ".join(stack[stack.index(folder):] + [folder])
            return
        if folder in seen:
            return
        stack.append(folder)
        for target in ARROWS.get(folder, []):
            yield from visit(target)
        stack.pop()
        seen.add(folder)

    for folder in ARROWS:
        yield from visit(folder)


def wrong_include(path, target):
    """What is wrong with `path` including `target`; '' if nothing."""
    for pattern, places in LIBRARIES.items():
        if re.match(pattern, target) and not any(re.match(place, path) for place in places):
            return f"{path} may not include {target}: only {', '.join(places) or 'nobody'} may"
    if not target.startswith(OURS):
        return ""
    home, away = folder_of(path), folder_of(target)
    if not home:
        return f"{path}: its folder has no line in ops/check.d/arrows.py"
    tested = TEST_ARROWS.get(home, []) if re.search(r"_test\.(cc|h)$", path) else []
    if away == home or away in ARROWS[home] or away in tested:
        return ""
    return f"{path} may not include {target}: {home} may include only {', '.join(ARROWS[home]) or 'itself'}"


def check(root):
    for circle in cycles():
        yield "ops/check.d/arrows.py has a circle: " + circle
    for top in ("services", "storage", "connectors", "ops", "tests"):
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if not name.endswith((".cc", ".h")):
                    continue
                file = os.path.join(folder, name)
                path = os.path.relpath(file, root).replace(os.sep, "/")
                with open(file, encoding="utf-8") as lines:
                    for number, line in enumerate(lines, 1):
                        found = INCLUDE.match(line)
                        problem = wrong_include(path, found.group(1)) if found else ""
                        if problem:
                            yield f"{path}:{number}: {problem}"


def main():
    problems = list(check(sys.argv[1] if len(sys.argv) > 1 else "."))
    for problem in problems:
        print("arrows: " + problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
