"""dispatch-sms, dispatch-email: an approved campaign of N members whose intents are all on disk; from the start of the connector to the
last outcome on disk (SMS: delivered by receipt; email: accepted). Consent is looked at for each message, everything is synced before
it goes on, personal values are sealed, emails are DKIM-signed (RSA-2048) and go by STARTTLS.

Compared with Kannel (bearerbox and smsbox, file store, receipts by callback) and Postfix (relay) pushing to the same simulated
network on the same machine."""
import json
import os
import subprocess
import time

import kannel
import postfix
import story
from cli import Cli
from launch import wait_until_planned, write_people
from system import Broken, System

PATIENCE_S = 1800
PARAGRAPH = "Stopping smoking is one of the best things that you can do for your health, and there is free help near you.\n\n"
DOMAIN = "pharos.example.org"


def run_sms(args, say):
    yield from Run(args, say, "sms").results()


def run_email(args, say):
    yield from Run(args, say, "email").results()


def dkim_settings(folder):
    key = os.path.join(folder, "dkim.pem")
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    os.chmod(key, 0o600)
    return [f'dkim-domain = "{DOMAIN}"', f'dkim-key-file = "{key}"', 'dkim-selector = "s1"']


class Run:
    def __init__(self, args, say, channel):
        self.args, self.say, self.channel = args, say, channel
        self.email = channel == "email"
        self.peak = 0.0

    def results(self):
        result = self.drain(self.args.people, None, self.args.memory)
        memory = result.pop("memory", None)
        self.peak = result["value"]
        if self.args.peer:
            peer, value = self.peer()
            result.update(peer=peer, peer_value=round(value, 1), ratio=round(self.peak / value, 2))
        yield result
        if memory:
            yield memory
        half = max(1, int(self.peak / 2))
        yield self.drain(min(self.args.people, half * 20), half, False)

    # ------------------------------------------------------------------ ours
    def drain(self, people, rate, memory):
        name = "half" if rate else "peak"
        folder = os.path.join(self.args.folder, name)
        os.makedirs(folder, mode=0o700)
        settings = {"smtp-main": dkim_settings(folder)} if self.email else {}
        system = System(self.args.bin, folder, self.args.seed, 0, 0, window=self.args.window, settings=settings)
        connector = system.connectors[1 if self.email else 0]
        system.connectors = []
        cli = Cli(system)
        try:
            system.start()
            members = self.plan(cli, folder, people, rate)
            processes = {"pharosd": system.servers[0], "pharos-sandbox": system.sandbox}
            before = {key: cpu_s(process) for key, process in processes.items()}
            self.say(f"Sending {members:,} messages{f' at {rate:,} a second' if rate else ''} …")
            sizes = []
            connector.start()
            system.connectors = [connector]
            self.await_end(cli, system, sizes if memory else None)
            processes[connector.name], before[connector.name] = connector, 0.0
            cost = {key: round((cpu_s(process) - before[key]) * 1e6 / members, 1) for key, process in processes.items()}
            first, last = self.span(system)
            result = {"workload": f"dispatch-{self.channel}", "case": "half of peak" if rate else "", "unit": "messages/s",
                      "value": round((members - 1) / (last - first), 1), "people": people, "seed": self.args.seed, "cpu_us": cost,
                      "settings": {"sync": True, "sealed": True, "window": self.args.window, "dkim": "rsa-2048" if self.email else None,
                                   "receipts": not self.email}}
            if rate:
                lags = self.lags(cli, system)
                result.update(case="half of peak: permit to hand-over", p50_ms=lags[len(lags) // 2], p99_ms=lags[len(lags) * 99 // 100])
            if sizes:
                result["memory"] = self.steady(sizes, people)
            return result
        finally:
            system.stop()

    def plan(self, cli, folder, people, rate):
        story.register(cli)
        path = os.path.join(folder, "quit.csv")
        (write_mailboxes if self.email else write_people)(path, people)
        self.say(f"Importing {people:,} people …")
        story.import_file(cli, folder, "quit")
        cli.run("marketing", "audience", "create", "everybody", "--filter", "audience_kinds:PUBLIC")
        if self.email:
            body = os.path.join(folder, "body.md")
            with open(body, "w", encoding="utf-8") as file:
                file.write("Dear ((first name)),\n\n" + PARAGRAPH * 12)
            cli.run("marketing", "template", "create", "t", "--email-subject", "Free help near you", "--email-body-file", body)
            route = ["--channels", "email", "--email-from", f"news@{DOMAIN}", "--email-from-name", "Stop smoking"]
        else:
            cli.run("marketing", "template", "create", "t", "--text", "Hello ((first name)), help is near. Reply STOP to end.")
            route = ["--sender", story.SENDER]
        pace = ["--per-second", str(rate)] if rate else []
        cli.run("marketing", "campaign", "create", "launch", "--audience", "everybody", "--template", "t", "--purpose", story.PURPOSE,
                *route, *pace)
        campaign = story.numbers(cli.one("marketing", "campaign", "submit", "launch"))
        cli.run("approver", "campaign", "approve", "launch", "--digest", str(campaign["digest"]))
        self.say(f"Planning {campaign['members']:,} intents …")
        begin = time.time_ns()
        cli.run("marketing", "campaign", "launch", "launch")
        wait_until_planned(cli, campaign["members"], begin)
        return campaign["members"]

    def await_end(self, cli, system, sizes):
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            report = story.numbers(cli.one("marketing", "campaign", "report", "launch"))
            waiting = report["pending"] + report["in_flight"] + (0 if self.email else report["sent"])
            if sizes is not None:
                sizes.append(resident(system.servers[0]))
            if waiting == 0:
                if report.get("failed") or report.get("unconfirmed"):
                    raise Broken(f"not everything was sent: {report}")
                return
            time.sleep(0.25)
        raise Broken("the campaign did not end")

    def span(self, system):
        """From the first hand-over to the last outcome at pharosd, both by this machine's clock, in seconds."""
        first = None
        with open(system.journal, encoding="utf-8") as lines:
            for line in lines:
                if '"event":"submit"' in line or '"event":"mail"' in line:
                    first = json.loads(line)["t_ns"]
                    break
        last = 0
        for intent in self.events_of(system):
            last = max(last, int(intent["events"][-1]["time_us"]))
        return first / 1e9, last / 1e6

    def events_of(self, system):
        return Cli(system).many("marketing", "intent", "list", "--campaign", "launch")

    def lags(self, cli, system):
        """Milliseconds from the commit that followed the permit (IN_FLIGHT) to the kernel's receipt of the completing byte."""
        handed = {}
        with open(system.journal, encoding="utf-8") as lines:
            for line in lines:
                entry = json.loads(line) if '"event":"submit"' in line or '"event":"mail"' in line else None
                if entry and self.email:
                    handed[entry["message_id"].split("@")[0]] = entry["t_ns"]
                elif entry:
                    handed[entry["id"].lower().lstrip("0")] = entry["t_ns"]
        lags = []
        for intent in self.events_of(system):
            name = intent["attempt"] if self.email else (intent.get("provider_ids") or [""])[0].lower().lstrip("0")
            begun = [int(e["time_us"]) for e in intent["events"] if e["state"] == "IN_FLIGHT"]
            if name in handed and begun:
                lags.append(round(handed[name] / 1e6 - begun[-1] / 1e3, 3))
        if not lags:
            raise Broken("no hand-over was matched with its intent")
        return sorted(lags)

    def steady(self, sizes, people):
        """The tenth after the first fifth against the last tenth."""
        tenth = max(1, len(sizes) // 10)
        early = sum(sizes[2 * tenth:3 * tenth]) / tenth if len(sizes) >= 10 else sizes[0]
        late = sum(sizes[-tenth:]) / tenth
        return {"workload": f"dispatch-{self.channel}", "case": "memory of pharosd while draining", "unit": "% growth",
                "value": round((late / early - 1) * 100, 2), "people": people, "seed": self.args.seed,
                "settings": {"early_mib": round(early / 2**20), "late_mib": round(late / 2**20), "samples": len(sizes)}}

    # ------------------------------------------------------------------ peers
    def peer(self):
        folder = os.path.join(self.args.folder, "peer")
        os.makedirs(folder)
        os.chmod(self.args.folder, 0o711)
        if self.email:
            return "postfix", postfix.relay(self.args.bin, folder, min(self.args.people, 10000), self.say)
        return "kannel", kannel.drain(self.args.bin, folder, min(self.args.people, 20000), self.say)


def write_mailboxes(path, people):
    with open(path, "w", encoding="utf-8") as file:
        file.write("record_id,updated_at,given_name,family_name,date_of_birth,sex,email,phone,postcode,area,nhs_number,language,"
                   "organisation_id,role,interests,consent_sms,consent_email,consent_at\n")
        for i in range(people):
            file.write(f"r{i},2026-01-01T09:00:00Z,Ann{i},Archer{i},,,ann{i}@d{i % 50}.example,,,,,,,,,,granted,2026-01-01T09:00:00Z\n")


def cpu_s(process):
    with open(f"/proc/{process.child.pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(process):
    with open(f"/proc/{process.child.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
