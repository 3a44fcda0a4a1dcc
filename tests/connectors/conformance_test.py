#!/usr/bin/env python3
"""The conformance suite for connectors: a small connector in Python keeps every rule, and each mutant of it is caught by the rule that it
breaks. Prints "N passed, N failed"."""
import json
import os
import subprocess
import sys

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PYTHON = "/usr/bin/python3"  # Debian's: it has grpcio
MUTANTS = {
    "stale-pull": "an_answer_to_an_older_pull_is_refused",
    "other-life": "an_attempt_for_another_life_is_dropped_without_a_word",
    "late": "a_lease_that_is_over_is_refused",
    "resend": "a_lost_answer_is_told_as_no_answer_and_not_tried_again",
    "forget": "a_receipt_is_repeated_until_it_is_acknowledged",
    "early-kept": "a_persons_message_is_answered_only_when_dispatch_keeps_it",
    "deaf": "a_query_is_answered_with_what_is_known",
    "no-hard-stop": "stopped_between_check_and_write_it_writes_nothing_after_the_hard_stop",
    "trusting": "in_a_trial_a_provider_that_is_no_sandbox_gets_nothing",
}


def check(*flags, mutant=""):
    run = subprocess.run([PYTHON, os.path.join(SOURCE, "connectors", "conformance", "check.py"), "--json", *flags, "--", PYTHON,
                          os.path.join(SOURCE, "tests", "connectors", "line_connector.py"), "--dispatch", "{dispatch}", "--provider",
                          "{provider}", "--token", "{token}", *(["--mutant", mutant] if mutant else [])], capture_output=True, text=True)
    try:
        return json.loads(run.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        print(run.stderr[-2000:], file=sys.stderr)
        return {"the suite": "did not come to its end"}


def main():
    if subprocess.run([PYTHON, "-c", "import grpc, google.protobuf"], capture_output=True).returncode:
        print("python3-grpcio or python3-protobuf is missing; run ops/setup test", file=sys.stderr)
        return 1
    passed = failed = 0
    for rule, why in check().items():
        passed, failed = passed + (not why), failed + bool(why)
        print(f"{'FAILED' if why else 'passed'}: {rule.replace('_', ' ')}{f' ({why})' if why else ''}", flush=True)
    for mutant, rule in MUTANTS.items():
        caught = check("--rule", rule, mutant=mutant).get(rule)
        passed, failed = passed + bool(caught), failed + (not caught)
        print(f"{'passed' if caught else 'FAILED'}: the mutant {mutant} is caught{f': {caught}' if caught else ''}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
