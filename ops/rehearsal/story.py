"""What the demonstration does: sources, people, an audience, a text, a campaign; and what it disturbs while that runs."""
import collections
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
EMAIL_FROM, EMAIL_FROM_NAME = "quit@health.example.org", "Stop Smoking Service"
EMAIL_SUBJECT = "Help to stop smoking is free"
EMAIL = """# Help to stop smoking is free

Hello((first name?? and thank you for writing to us)),

people who get help are **three times** as likely to stop for good.((postcode?? We know a clinic close to you.))

- a trained adviser, once a week
- patches or gum, free of charge

[See how it works](https://health.example.org/quit)

You get this email because you asked for help to stop smoking. To end these emails, use the unsubscribe button of your mail program.
"""
TEXT = "Hello ((first name)), help to stop smoking is free near you.((postcode?? We know a clinic close to you.)) Reply STOP to end."
OPT_OUTS = 20
AT_ONCE = 4
POINT_PATIENCE_S = 3.0  # for a process to come to the point at which it dies
POLL_S = 0.02


def register(cli):
    for name, kind, trust in SOURCES:
        cli.run("operator", "source", "create", name, "--kind", kind, "--trust", trust, "--owner", name + " team")
    cli.run("operator", "purpose", "create", PURPOSE, "--class", "marketing", "--basis", "consent", "--controller",
            "Demonstration Public Health Body", "--display-name", "Stop-smoking support")


# Places that do not exist, as ops/generate has them: code, name, region, deprivation decile.
AREAS = [("X90000001", "Aldmere", "X12000001", "The North", 1), ("X90000002", "Brackwell", "X12000001", "The North", 2),
         ("X90000003", "Copperford", "X12000001", "The North", 4), ("X90000004", "Dovehurst", "X12000002", "The Middle", 3),
         ("X90000005", "Emberley", "X12000002", "The Middle", 6), ("X90000006", "Finchgrove", "X12000002", "The Middle", 8),
         ("X90000007", "Gorsebridge", "X12000003", "The South", 7), ("X90000008", "Hollymead", "X12000003", "The South", 10)]


def load_areas(cli, folder):
    path = os.path.join(folder, "areas.csv")
    with open(path, "w", encoding="utf-8") as file:
        file.write("code,name,region,region-name,deprivation-decile\n")
        file.writelines(",".join(map(str, area)) + "\n" for area in AREAS)
    cli.run("operator", "reference", "load", "areas", path, "--attribution", "Invented for this demonstration")


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


def prepare_campaign(cli, folder):
    body = os.path.join(folder, "email.md")
    with open(body, "w", encoding="utf-8") as file:
        file.write(EMAIL)
    cli.run("marketing", "audience", "create", AUDIENCE, "--filter", "audience_kinds:PUBLIC")
    cli.run("marketing", "template", "create", TEMPLATE, "--text", TEXT, "--email-subject", EMAIL_SUBJECT, "--email-body-file", body)
    cli.run("author", "campaign", "create", CAMPAIGN, "--audience", AUDIENCE, "--template", TEMPLATE, "--purpose", PURPOSE,
            "--sender", SENDER, "--channels", "sms,email", "--email-from", EMAIL_FROM, "--email-from-name", EMAIL_FROM_NAME,
            "--fallback")
    return numbers(cli.one("marketing", "audience", "count", AUDIENCE, "--purpose", PURPOSE, "--channel", "sms", "--channel", "email"))


def prepare_try_out(cli, folder):
    """What "send it to yourself" goes through: texts that are only what they are brought, signed like any campaign."""
    body = os.path.join(folder, "try-out.md")
    with open(body, "w", encoding="utf-8") as file:
        file.write("((message))\n")
    cli.run("operator", "source", "create", "colleagues", "--kind", "internal", "--trust", "10", "--owner", "the console")
    cli.run("operator", "purpose", "create", "try-out", "--class", "service", "--basis", "public-task", "--controller",
            "Demonstration Public Health Body", "--display-name", "Messages to ourselves")
    cli.run("marketing", "template", "create", "try-out-sms", "--single-messages", "--text", "((message))")
    cli.run("marketing", "template", "create", "try-out-email", "--single-messages", "--email-subject", "((subject))",
            "--email-body-file", body)
    cli.run("author", "campaign", "create", "try-out", "--standing", "--template", "try-out-sms", "--more-templates", "try-out-email",
            "--source", "colleagues", "--purpose", "try-out", "--sender", SENDER, "--channels", "sms,email", "--email-from", EMAIL_FROM,
            "--display-name", "Send it to yourself")
    draft = cli.one("author", "campaign", "submit", "try-out")
    cli.run("approver", "campaign", "approve", "try-out", "--digest", str(draft["digest"]))
    cli.run("marketing", "campaign", "launch", "try-out")


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
            self.count += data.count(b'"event":"submit"') + data.count(b'"event":"mail"')
            return self.count


class OptOuts:
    """Withdrawals through the API at random moments of the run, each with the time when its answer was read."""
    # What each covers: the purpose and everything on all of the person's endpoints, the third one endpoint only.

    def __init__(self, cli, people, progress, members, seed):
        self.cli, self.progress, self.members = cli, progress, members
        self.rng = random.Random(f"moments/{seed}")
        self.people = list(people.items())
        self.acknowledged = {}  # endpoint → ns
        self.people_acknowledged = {}  # person → ns, of those that cover the whole person
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
            if "--endpoint" not in covers:
                self.people_acknowledged[person] = self.acknowledged[endpoint]
            self.waits.append(time.monotonic() - begin)
        except (Broken, AttributeError) as error:
            self.errors.append(str(error))

    def start(self):
        self.thread.start()

    def finish(self):
        self.stopping.set()
        self.thread.join()


class Killer:
    """kill -9 of servers and connectors at random moments, spread over import, plan and run; most while messages flow. With
    `each`, every one of them is killed once while messages flow, besides."""

    # Places in the code at which a process kills itself, by program.
    POINTS = {"pharosd": ["dispatch.before_submitting", "dispatch.after_submitting", "dispatch.before_outcome", "dispatch.after_outcome"],
              "pharos-smpp": ["smpp.before_write", "smpp.after_write", "smpp.after_answer", "smpp.before_outcome"],
              "pharos-smtp": ["smtp.before_dot", "smtp.after_dot", "smtp.after_reply"]}

    def __init__(self, system, kills, seed, each=False, at_points=False):
        self.system, self.left, self.at_points = system, kills, at_points
        self.reached = collections.Counter()  # by point
        self.rng = random.Random(f"kills/{seed}")
        self.thread, self.stopping = None, threading.Event()
        self.before_run = kills // 6
        self.each = system.ours() if each else []
        self.rng.shuffle(self.each)

    def _victim(self):
        if self.each:
            return self.each.pop()
        self.left -= 1
        if self.system.edge and self.rng.random() < 0.1:
            return self.system.edge
        return self.rng.choice(self.system.connectors if self.rng.random() < 0.4 else self.system.servers)

    def _kill_one(self):
        victim = self._victim()
        points = self.POINTS.get(victim.name, []) if self.at_points else []
        if victim.alive() and points and self.rng.random() < 0.7:
            point = self.rng.choice(points)
            self.reached[point] += victim.crash_at(f"{point}:{self.rng.randrange(1, 4)}", POINT_PATIENCE_S)
        elif victim.alive():
            victim.kill()
        else:
            victim.start()
            raise Broken(f"{victim.name} had ended by itself; read {victim.log}")
        time.sleep(self.rng.uniform(0.05, 0.4))  # a kill may also fall into the start

    def _start(self, body):
        self.stopping.clear()
        self.thread = threading.Thread(target=body)
        self.thread.start()

    def during_preparation(self):
        each, self.each = self.each, []

        def body():
            for _ in range(self.before_run):
                if self.stopping.wait(self.rng.uniform(0.3, 2.0)):
                    return
                self._kill_one()
        self._start(body)
        self.later = each

    def during_run(self, progress, members):
        self.each = self.later

        def body():
            moments = sorted(self.rng.uniform(0.0, 0.95) * members for _ in range(self.left + len(self.each)))
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
        while finish_all and (self.left > 0 or self.each):
            self._kill_one()


class Canaries:
    """People whose names, addresses and numbers are like nobody's: where one of them stands in clear, it has leaked."""

    LETTERS = "bcdfghjklmnpqrstvwxz"

    def __init__(self, people_folder, seed, count=40):
        self.rng = random.Random(f"canaries/{seed}")
        self.words = set()
        for name in ("quit", "news"):
            self._plant(os.path.join(people_folder, name + ".csv"), name, count // 2)

    def _word(self, length):
        word = "".join(self.rng.choice(self.LETTERS) for _ in range(length))
        self.words.add(word)
        return word

    def _plant(self, path, name, count):
        with open(path, newline="", encoding="utf-8") as file:
            header = next(csv.reader(file))
        with open(path, "a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, header, lineterminator="\n", restval="")
            for i in range(count):
                digits = f"07700{self.rng.randrange(200000, 900000)}"
                self.words.update((digits, "44" + digits[1:]))
                writer.writerow({"record_id": f"canary-{name}-{i}", "updated_at": "2026-10-01T10:00:00Z",
                                 "given_name": self._word(12).capitalize(), "family_name": self._word(14).capitalize(),
                                 "date_of_birth": "1961-07-0" + str(i % 9 + 1), "email": f"{self._word(13)}@example.org",
                                 "phone": digits, "postcode": "ZA1 4AA", "consent_sms": "granted", "consent_email": "granted",
                                 "consent_at": "2026-10-01T10:00:00Z"})

    def scan(self, paths):
        """file → number of different canaries in it, of all files under `paths`; case does not matter."""
        words, found = [word.encode() for word in self.words], {}
        for path in paths:
            for file in [path] if os.path.isfile(path) else (os.path.join(f, n) for f, _, names in os.walk(path) for n in names):
                if not os.path.isfile(file):
                    continue
                with open(file, "rb") as content:
                    data = content.read().lower()
                hits = sum(word in data for word in words)
                if hits:
                    found[file] = hits
        return found
