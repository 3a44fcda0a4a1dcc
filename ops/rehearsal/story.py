"""What the demonstration does: sources, people, an audience, a text, a campaign; and what it disturbs while that runs."""
import concurrent.futures
import csv
import os
import random
import re
import threading
import time

from system import Broken

SOURCES = [  # file and source, audience kind, trust, further words
    ("staff", "internal", "80"), ("partners", "partner", "70"), ("screening", "public", "90"), ("quit", "public", "60"),
    ("news", "public", "40")]
PURPOSE, AUDIENCE, TEMPLATE, CAMPAIGN = "stop-smoking", "public", "quit-1", "quit-1"
SENDER = "60777"
TEXT = "Hello ((first name)), help to stop smoking is free near you.((postcode?? We know a clinic close to you.)) Reply STOP to end."
OPT_OUTS = 20
AT_ONCE = 4
POLL_S = 0.02


def register(cli):
    for name, kind, trust in SOURCES:
        cli.run("operator", "source", "create", name, "--kind", kind, "--trust", trust, "--owner", name + " team")
    cli.run("operator", "purpose", "create", PURPOSE, "--class", "marketing", "--basis", "consent", "--controller",
            "Demonstration Public Health Body", "--display-name", "Stop-smoking support")


def import_file(cli, folder, name):
    """The summary of one file, whose rows = stored + unchanged + rejected."""
    path = os.path.join(folder, name + ".csv")
    answer = cli.one("operator", "import", path, "--source", name, "--consent-purpose", PURPOSE)
    summary = {key: int(value) for key, value in answer.items()}
    if summary["rows"] != summary["stored"] + summary["unchanged"] + summary["rejected"]:
        raise Broken(f"{name}.csv: rows are not stored + unchanged + rejected: {summary}")
    if summary["rows"] != rows_in(path):
        raise Broken(f"{name}.csv has {rows_in(path)} rows, but {summary['rows']} were read")
    return summary


def rows_in(path):
    with open(path, newline="", encoding="utf-8", errors="replace") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def prepare_campaign(cli):
    cli.run("marketing", "audience", "create", AUDIENCE, "--filter", "audience_kinds:PUBLIC")
    cli.run("marketing", "template", "create", TEMPLATE, "--text", TEXT)
    cli.run("marketing", "campaign", "create", CAMPAIGN, "--audience", AUDIENCE, "--template", TEMPLATE, "--purpose", PURPOSE,
            "--sender", SENDER)
    return numbers(cli.one("marketing", "audience", "count", AUDIENCE, "--purpose", PURPOSE))


def numbers(message):
    """protobuf's JSON writes 64-bit numbers as text."""
    if isinstance(message, dict):
        return {key: numbers(value) for key, value in message.items()}
    return int(message) if isinstance(message, str) and re.fullmatch(r"-?\d{1,19}", message) else message


def people_to_opt_out(cli, folder, count, seed):
    """People with one number that is theirs alone, so that it is plain which message an opt-out covers."""
    with open(os.path.join(folder, "quit.csv"), newline="", encoding="utf-8", errors="replace") as file:
        phones = [row["phone"] for row in csv.DictReader(file) if row.get("consent_sms") == "granted" and row.get("phone")]
    random.Random(f"opt-outs/{seed}").shuffle(phones)
    chosen = {}
    for phone in phones[:count * 4]:
        if len(chosen) == count:
            break
        try:
            found = cli.many("governance", "person", "show", "--phone", phone, "--basic")
        except Broken:
            continue
        mobiles = [e["name"] for e in found[0]["endpoints"] if e["channel"] == "CHANNEL_SMS"]
        if len(found) == 1 and len(mobiles) == 1:
            chosen[found[0]["name"]] = mobiles[0]
    return chosen


class Progress:
    """How many submissions the journal holds, read as it grows."""

    def __init__(self, path):
        self.path, self.offset, self.count, self.lock = path, 0, 0, threading.Lock()

    def submissions(self):
        with self.lock:
            try:
                with open(self.path, "rb") as file:
                    file.seek(self.offset)
                    data = file.read()
            except FileNotFoundError:
                return 0
            self.offset += len(data)
            self.count += data.count(b'"event":"submit"')
            return self.count


class OptOuts:
    """Withdrawals through the API at random moments of the run, each with the time when its answer was read."""

    def __init__(self, cli, people, progress, members, seed):
        self.cli, self.progress, self.members = cli, progress, members
        self.rng = random.Random(f"moments/{seed}")
        self.people = list(people.items())
        self.acknowledged = {}  # endpoint → ns
        self.waits = []         # seconds
        self.errors = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        moments = sorted(self.rng.uniform(0.0, 0.9) * self.members for _ in self.people)
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for index, (moment, (person, endpoint)) in enumerate(zip(moments, self.people)):
                while self.progress.submissions() < moment and not self.stopping.is_set():
                    time.sleep(POLL_S)
                pool.submit(self._withdraw, index, person, endpoint)

    def _withdraw(self, index, person, endpoint):
        covers = [["--purpose", PURPOSE], ["--everything"], ["--endpoint", endpoint]][index % 3]
        begin = time.monotonic()
        try:
            _, said = self.cli.run("governance", "consent", "withdraw", "--person", person, *covers, "--how", "phone call",
                                   "--show-time")
            self.acknowledged[endpoint] = int(re.search(r"answered at (\d+) ns", said).group(1))
            self.waits.append(time.monotonic() - begin)
        except (Broken, AttributeError) as error:
            self.errors.append(str(error))

    def start(self):
        self.thread.start()

    def finish(self):
        self.stopping.set()
        self.thread.join()


class Killer:
    """kill -9 of pharosd or the connector at random moments, spread over import, plan and run; most while messages flow."""

    def __init__(self, system, kills, seed):
        self.system, self.left = system, kills
        self.rng = random.Random(f"kills/{seed}")
        self.thread, self.stopping = None, threading.Event()
        self.before_run = kills // 6

    def _kill_one(self):
        victim = self.system.smpp if self.rng.random() < 0.4 else self.system.pharosd
        if victim.alive():
            victim.kill()
        else:
            victim.start()
            raise Broken(f"{victim.name} had ended by itself; read {victim.log}")
        self.left -= 1
        time.sleep(self.rng.uniform(0.05, 0.4))  # a kill may also fall into the start

    def _start(self, body):
        self.stopping.clear()
        self.thread = threading.Thread(target=body)
        self.thread.start()

    def during_preparation(self):
        def body():
            for _ in range(self.before_run):
                if self.stopping.wait(self.rng.uniform(0.3, 2.0)):
                    return
                self._kill_one()
        self._start(body)

    def during_run(self, progress, members):
        def body():
            moments = sorted(self.rng.uniform(0.0, 0.95) * members for _ in range(self.left))
            for moment in moments:
                while progress.submissions() < moment and not self.stopping.is_set():
                    time.sleep(POLL_S / 2)
                self._kill_one()
        self._start(body)

    def end_phase(self, finish_all=False):
        if self.thread is None:
            return
        self.stopping.set()
        self.thread.join()
        self.thread = None
        while finish_all and self.left > 0:
            self._kill_one()
