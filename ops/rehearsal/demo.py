#!/usr/bin/env python3
"""The main job, from five contact files to a report that is checked against the networks' own record, by SMS and by email.

Run it with ops/demo, which builds what it needs first.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import journal as network  # noqa: E402
import story  # noqa: E402
import verify  # noqa: E402
from cli import Cli, Watch  # noqa: E402
from system import Broken, System  # noqa: E402

OPS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NEVER_A_RECEIPT = "447700900004"  # a magic number of the simulator
RUN_LIMIT_S, SETTLE_LIMIT_S, IDLE_S, SETTLED_S = 900, 90, 10, 1.5
WATCH_LAG_S = 1.0  # promised while everything runs; a killed server is away for a while
ACKNOWLEDGED_S = 2.5  # the longest that an opt-out may wait while everything runs
LAST_REPLY_S = 2.5  # the simulated people reply within 2 s of their message
OVER = ("FINISHED", "STOPPED")


class Demo:
    def __init__(self, args):
        self.args = args
        self.folder = os.path.abspath(args.folder)
        self.people_folder = os.path.join(self.folder, "people")
        self.problems = []

    def say(self, line=""):
        print(line, file=sys.stderr if self.args.json else sys.stdout, flush=True)

    # --- before -------------------------------------------------------------------------------------------------------------
    def fresh_folder(self):
        pids = os.path.join(self.folder, "pids")
        if os.path.exists(pids):
            with open(pids, encoding="utf-8") as file:
                running = [pid for pid in file.read().split() if is_pharos(pid)]
            if running:
                raise Broken(f"a kept demonstration still runs here; end it with: kill {' '.join(running)}")
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder, mode=0o700)

    def make_people(self):
        if self.args.source:
            shutil.copytree(self.args.source, self.people_folder)
        else:
            self.generate()
        self.canaries = story.Canaries(self.people_folder, self.args.seed)

    def generate(self):
        subprocess.run([sys.executable, os.path.join(OPS, "generate"), "--people", str(self.args.people), "--seed",
                        str(self.args.seed), "--out", self.people_folder], check=True, stdout=subprocess.DEVNULL)

    # --- the run ------------------------------------------------------------------------------------------------------------
    def import_people(self):
        records = 0
        for name, kind, _ in story.SOURCES:
            begin = time.monotonic()
            summary = story.import_file(self.cli, self.people_folder, name)
            records += summary["rows"] - summary["rejected"]
            self.say(f"  {name:<10} {kind:<9} {summary['rows']:>7,} rows: {summary['stored'] + summary['unchanged']:,} stored, "
                     f"{summary['rejected']:,} rejected ({time.monotonic() - begin:.1f} s)")
        return records

    def submit(self):
        return story.numbers(self.cli.one("author", "campaign", "submit", story.CAMPAIGN))

    def watch(self):
        until, shown = time.monotonic() + RUN_LIMIT_S, 0.0
        while time.monotonic() < until:
            report = self.report()
            if report["state"] in OVER:
                return
            if time.monotonic() - shown > 2:
                shown = time.monotonic()
                self.say(f"  {report['pending']:,} waiting, {report['sent'] + report['delivered']:,} accepted by the network, "
                         f"{report['opted_out']:,} opted out")
            time.sleep(0.25)
        raise Broken(f"the campaign is not over after {RUN_LIMIT_S} s; read {self.system.servers[0].log}")

    def settle(self):
        """Waits for receipts and replies that are still on their way."""
        until, changed, before = time.monotonic() + SETTLE_LIMIT_S, time.monotonic(), None
        while time.monotonic() < until and time.monotonic() - changed < IDLE_S:
            record, report = network.read(self.system.journal), self.report()
            replies = [r for r in self.replies() if r["acknowledged_time_ns"]]
            never = len({s.dest for s in record.submissions if s.dest == NEVER_A_RECEIPT and not s.is_confirmation})
            quiet = time.time_ns() - max((s.t_ns for s in record.submissions), default=0) > LAST_REPLY_S * 1e9
            heard = len(replies) >= len(record.stop_replies) + len(record.unsubscribed) + len(record.clicked)
            heard = heard and (self.system.kills() > 0 or len(record.clicked) == len(record.pressed))
            waiting = report["sent"] - report["accepted_by_channel"].get("CHANNEL_EMAIL", 0) + report["unconfirmed"]
            if quiet and waiting <= never and heard and time.monotonic() - changed > SETTLED_S:
                return
            now = (report, len(replies), len(record.submissions))
            if now != before:
                before, changed = now, time.monotonic()
            time.sleep(0.25)

    def report(self):
        return story.numbers(self.cli.one("marketing", "campaign", "report", story.CAMPAIGN))

    def replies(self):
        return [story.numbers(reply) for reply in self.cli.many("governance", "reply", "list")]

    # --- after --------------------------------------------------------------------------------------------------------------
    def endpoints(self, record):
        """Number or address → endpoint, for everyone whom the networks saw."""
        seen = {(s.channel, s.dest) for s in record.submissions} | set(record.refused)
        seen |= {("CHANNEL_SMS", number) for number in record.stop_replies}
        found = {}
        for channel, word in (("CHANNEL_SMS", "sms"), ("CHANNEL_EMAIL", "email")):
            addresses = sorted(dest for c, dest in seen if c == channel)
            path = os.path.join(self.folder, "addresses")
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                file.writelines(("+" + a.lstrip("+") if channel == "CHANNEL_SMS" else a) + "\n" for a in addresses)
            names = [name for page in self.cli.many("governance", "endpoint", "resolve", "--file", path, "--channel", word)
                     for name in page["endpoints"]] if addresses else []
            found.update(zip(addresses, names, strict=True))
        return found

    def acknowledged(self, opt_outs, record, endpoint_of, person_of):
        """(endpoint → when the opt-out covering it was acknowledged, the same of whole people)."""
        times, people = dict(opt_outs.acknowledged), dict(opt_outs.people_acknowledged)
        replied, unsubscribed = set(), 0
        for reply in self.replies():
            stop = reply["acknowledged_time_ns"]
            if reply["kind"] == "STOP" and stop:
                replied.add(reply["endpoint"])
            if reply["kind"] in ("STOP", "UNSUBSCRIBE") and stop:
                times[reply["endpoint"]] = min(stop, times.get(reply["endpoint"], stop))
                unsubscribed += reply["kind"] == "UNSUBSCRIBE"
        for mail in (*record.unsubscribed, *record.clicked):
            person = person_of.get(mail, "")
            stops = [times[e] for e in (endpoint_of[s.dest] for s in record.submissions if s.id == mail) if e in times]
            stops += [record.clicked[mail]] if mail in record.clicked else []
            if person and stops:
                people[person] = min([people.get(person, stops[0]), *stops])
        lost = {endpoint_of[number] for number in record.stop_replies} - replied
        if lost:
            self.problems.append(f"{len(lost)} people replied STOP and were not heard: {sorted(lost)[:3]}")
        asked = len(record.unsubscribed) + len(record.clicked)
        if unsubscribed < asked:
            self.problems.append(f"{asked} people unsubscribed, {unsubscribed} were heard")
        if len(record.clicked) < len(record.pressed) and not self.system.kills():
            self.problems.append(f"{len(record.pressed)} people pressed unsubscribe, {len(record.clicked)} were answered")
        return times, people

    def check(self, campaign, opt_outs, report):
        intents = self.cli.many("governance", "intent", "list", "--campaign", story.CAMPAIGN)
        record = network.read(self.system.journal)
        endpoint_of = self.endpoints(record)
        self.problems += verify.equations(report, intents)
        for word in ("matched", "members", "excluded"):
            if report[word] != campaign[word]:
                self.problems.append(f"{word} was {campaign[word]} when it was approved and is {report[word]} now")
        self.problems += verify.message_by_message(intents, record, endpoint_of)
        person_of = verify.person_of_message(intents)
        stops, people = self.acknowledged(opt_outs, record, endpoint_of, person_of)
        late = verify.after_stop(record, endpoint_of, stops, person_of, people)
        twice = verify.duplicates(intents, record, endpoint_of)
        self.problems += [f"after stop: {line}" for line in late[:10]] + [f"opt-out failed: {e}" for e in opt_outs.errors[:5]]
        if twice:
            self.problems.append(f"{twice} messages went out twice")
        most = self.system.most_unconfirmed()
        if report["unconfirmed"] > most:
            self.problems.append(f"{report['unconfirmed']} unconfirmed, but at most {most} may be: the window for each kill")
        shown = [(read_ns, story.numbers(counters)) for read_ns, counters in self.watcher.shown]
        problems, self.lag_p99_s = verify.watched(shown, report)
        self.problems += problems
        if self.lag_p99_s > WATCH_LAG_S and not self.system.kills():
            self.problems.append(f"the watched numbers were {self.lag_p99_s:.2f} s behind at the 99th percentile")
        if report["pending"] or report["in_flight"]:
            self.problems.append("the campaign is over, but some messages are pending or in flight")
        breaches = sum(int(c["lease_breaches"]) for c in self.cli.many("operator", "connector", "list"))
        if breaches:
            self.problems.append(f"{breaches} hand-overs took longer than their lease")
        return twice, len(late), record

    def show_one(self, opt_outs, intents_of):
        for endpoint in opt_outs.acknowledged:
            person = intents_of.get(endpoint)
            if person:
                self.say(f"\n$ pharos why --campaign {story.CAMPAIGN} --person {person}")
                return self.say(self.cli.text("why", "--campaign", story.CAMPAIGN, "--person", person).rstrip())

    def run(self):
        self.fresh_folder()
        self.make_people()
        begin = time.monotonic()
        self.system = System(self.args.bin, self.folder, self.args.seed, stop_percent=self.args.stop_percent, fail_percent=1, apart=self.args.apart,
                             store=self.args.store, seal=not self.args.clear, edge=True)
        self.cli = Cli(self.system)
        told = False
        try:
            result = self.tell(begin)
            told = True
            return result
        finally:
            if not (told and self.args.keep and self.keep()):
                self.system.stop()

    def tell(self, begin):
        self.system.start()
        killer = self.killer = story.Killer(self.system, self.args.kill, self.args.seed, each=self.args.apart,
                                            at_points=self.args.kill_at_points)
        self.watcher = Watch(self.cli, story.CAMPAIGN)
        self.say("People from five sources:")
        story.register(self.cli)
        story.load_areas(self.cli, self.folder)
        killer.during_preparation()
        records_read = self.import_people()
        counts = story.numbers(self.cli.one("operator", "counts"))
        self.say(f"  {counts['records']:,} records are {counts['people']:,} people")
        if counts["records"] != records_read:
            self.problems.append(f"{records_read} records went in, but {counts['records']} are there")
        count = story.prepare_campaign(self.cli, self.folder)
        campaign = self.submit()
        self.refusals(str(campaign["digest"]))
        self.cli.run("approver", "campaign", "approve", story.CAMPAIGN, "--digest", str(campaign["digest"]))
        killer.end_phase()
        self.tell_funnel(count, campaign)
        people = story.people_to_opt_out(self.cli, self.people_folder, self.args.opt_outs, self.args.seed)
        progress = story.Progress(self.system.journal)
        opt_outs = story.OptOuts(self.cli, people, progress, campaign["members"], self.args.seed)
        self.say("Launched. Messages go out by SMPP and SMTP to simulated networks; some people reply STOP, some press unsubscribe, "
                 "some telephone:")
        started = time.monotonic()
        killer.during_run(progress, campaign["members"])
        self.cli.run("marketing", "campaign", "launch", story.CAMPAIGN)
        self.watcher.start()
        opt_outs.start()
        self.watch()
        sending = time.monotonic() - started
        opt_outs.finish()
        killer.end_phase(finish_all=True)
        self.settle()
        time.sleep(SETTLED_S)
        self.watcher.stop()
        report = self.report()
        twice, late, record = self.check(campaign, opt_outs, report)
        self.measure_acknowledgements(opt_outs, record)
        self.look_for_leaks()
        elapsed = time.monotonic() - begin
        result = self.result(counts, report, twice, late, elapsed)
        self.tell_end(report, result, record, opt_outs, sending)
        self.show_one(opt_outs, {e: p for p, e in people.items()})
        if self.args.keep:
            story.prepare_try_out(self.cli, self.folder)
        return result

    def result(self, counts, report, twice, late, elapsed):
        words = ("matched", "excluded", "members", "intents", "delivered", "failed", "sent", "unconfirmed", "withheld", "pending",
                 "in_flight", "bounced", "opted_out")
        return {"people": counts["people"], "records": counts["records"], **{word: report[word] for word in words},
                "duplicates": twice, "messages_after_stop": late, "elapsed_s": round(elapsed, 2),
                "accepted_by_channel": report["accepted_by_channel"], "refused_in_words": self.refused,
                "watch": {"values": len(self.watcher.shown), "lag_p99_s": round(self.lag_p99_s, 3)},
                "canaries_in_clear": self.leaks, "sealed": self.system.seal, "apart": self.system.apart, "store": self.args.store,
                "opt_outs": self.opt_outs_made, "worst_ack_s": round(self.worst_ack_s, 3), "points": dict(self.killer.reached),
                "one_clicks": self.one_clicks, "kills": self.system.kills(), "problems": self.problems[:20]}

    def measure_acknowledgements(self, opt_outs, record):
        """From durable to acknowledged for a reply; from asked to answered for a call."""
        replies = [r for r in self.replies() if r["kind"] in ("STOP", "UNSUBSCRIBE") and r["acknowledged_time_ns"]]
        waits = [(r["acknowledged_time_ns"] - r["durable_time_ns"]) / 1e9 for r in replies if r.get("durable_time_ns")]
        self.opt_outs_made, self.one_clicks = len(replies) + len(opt_outs.acknowledged), len(record.clicked)
        self.worst_ack_s = max([*waits, *opt_outs.waits], default=0.0)
        if not self.system.kills() and self.worst_ack_s > ACKNOWLEDGED_S:
            self.problems.append(f"an opt-out was acknowledged only after {self.worst_ack_s:.2f} s")

    def refusals(self, digest):
        """What must be refused in words: the author approving, one person going live, a real provider in a trial."""
        self.refused = {}
        act = self.cli.one("operator", "act", "propose", "go-live", "--reason", "one person tries it alone")
        for what, words in (("author_approves", ("author", "campaign", "approve", story.CAMPAIGN, "--digest", digest)),
                            ("one_person_goes_live", ("operator", "act", "confirm", act["name"], "--digest", act["digest"]))):
            self.refused[what] = self.cli.refusal(*words)
        self.cli.run("operator", "act", "withdraw", act["name"])
        self.refused["real_provider_in_a_trial"] = self.refuse_live_connector()

    def refuse_live_connector(self):
        connector = self.system.live_connector()
        connector.start()
        until, said = time.monotonic() + 10, ""
        while not said and time.monotonic() < until:
            time.sleep(0.1)
            with open(connector.log, encoding="utf-8") as log:
                said = next((line.strip() for line in log if "LIVE_ROUTE_IN_TRIAL" in line), "")
        connector.stop()
        if not said:
            raise Broken(f"a connector to a real provider was not refused in a trial; read {connector.log}")
        return said

    def look_for_leaks(self):
        """Planted names, addresses and numbers in any store file, log or metric."""
        metrics = os.path.join(self.folder, "metrics")
        with open(metrics, "wb") as file:
            for server in self.system.servers:
                with urllib.request.urlopen(f"http://127.0.0.1:{server.metrics_port}/metrics", timeout=10) as answer:
                    file.write(answer.read())
        logs = [process.log for process in self.system.ours()]
        stores = [self.system.data] + ([self.system.postgres.data] if self.system.postgres else [])
        found = self.canaries.scan([*stores, *logs, metrics])
        self.leaks = sum(found.values())
        if found and self.system.seal:
            self.problems.append("planted personal values stand in clear in " +
                                 ", ".join(os.path.relpath(file, self.folder) for file in sorted(found)[:5]))
        if not found and not self.system.seal:
            self.problems.append("nothing was sealed, but no planted value was found: the search itself is broken")

    # --- in words -----------------------------------------------------------------------------------------------------------
    def tell_funnel(self, count, campaign):
        self.say(f"\nWho gets it: {count['matched']:,} members of the public match.")
        for reason, number in sorted(campaign["excluded"].items(), key=lambda item: -item[1]):
            self.say(f"  - {number:>7,} {reason}")
        self.say(f"  = {campaign['members']:>7,} people, pinned; approved by a second person, who signed {campaign['digest'][:12]}…")
        if (count["matched"], count["members"]) != (campaign["matched"], campaign["members"]):
            self.problems.append("the count was not what was pinned")

    def tell_end(self, report, result, record, opt_outs, sending):
        confirmations = sum(s.is_confirmation for s in record.submissions)
        withheld = ", ".join(f"{n:,} {r}" for r, n in sorted(report["withheld"].items())) or "none"
        self.say(f"\nWhat happened, in {sending:.1f} s of sending" +
                 (f" with {result['kills']} kills (-9)" if result["kills"] else "") + ":")
        self.say(f"  {report['delivered']:,} delivered, {report['sent']:,} accepted without a receipt, "
                 f"{verify.total(report['failed']):,} failed ({report['bounced']:,} for good), "
                 f"{report['unconfirmed']:,} unconfirmed, not sent: {withheld}")
        self.say(f"  {len(record.stop_replies):,} people replied STOP, {len(record.clicked) + len(record.unsubscribed):,} pressed unsubscribe, "
                 f"{len(opt_outs.acknowledged)} telephoned; "
                 f"{confirmations:,} confirmations; a telephoned stop was acknowledged after at most "
                 f"{max(opt_outs.waits, default=0):.2f} s")
        by_channel = ", ".join(f"{n:,} {c.removeprefix('CHANNEL_').lower()}" for c, n in sorted(report["accepted_by_channel"].items()))
        self.say(f"  by channel: {by_channel}; the live numbers were at most {self.lag_p99_s:.2f} s behind (99th percentile of "
                 f"{len(self.watcher.shown)} values)")
        self.say(f"  planted personal values found in clear in stores, logs and metrics: {self.leaks}")
        for what, words in self.refused.items():
            self.say(f"  refused, {what.replace('_', ' ')}: {words.splitlines()[0] if words else ''}")
        self.say(f"  messages sent twice: {result['duplicates']}; messages after an acknowledged stop: "
                 f"{result['messages_after_stop']}")
        self.say("  every number adds up, and the networks' own record agrees message by message" if not self.problems else
                 "  NOT ALL HOLDS:")
        for problem in self.problems[:20]:
            self.say("    " + problem)
        if self.problems:
            self.say(f"  Logs: {self.folder}/*.log; the networks' record: {self.system.journal}")

    def keep(self):
        pids = [str(process.child.pid) for process in self.system.processes()]
        with open(os.path.join(self.folder, "pids"), "w", encoding="utf-8") as file:
            file.write(" ".join(pids) + "\n")
        with open(os.path.join(self.folder, "keys.txt"), "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            for role, token in self.system.tokens.items():
                with open(token, encoding="utf-8") as one:
                    file.write(f"{role}: {one.read().strip()}\n")
        self.say("\nKept running. Open the console and sign in as marketing, approver, analyst, governance, operator or partner:\n"
                 f"  https://localhost:{self.system.edge_port}/console   (a certificate of this demonstration; keys: {self.folder}/keys.txt)\n"
                 "Look around with:\n"
                 f"  export PHAROS_CONFIG={self.system.config} PHAROS_TOKEN_FILE={self.system.tokens['governance']}\n"
                 f"  {self.system.pharos} campaign report {story.CAMPAIGN}\n"
                 f"  {self.system.pharos} sandbox inbox --file {self.system.inbox} --last 3\n"
                 f"End it with: kill {' '.join(pids)}")
        return True


def is_pharos(pid):
    try:
        return os.path.basename(os.readlink(f"/proc/{int(pid)}/exe")).startswith("pharos")
    except (OSError, ValueError):
        return False


def parse():
    parser = argparse.ArgumentParser(prog="ops/demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="end with one JSON object on standard output; talk on standard error")
    parser.add_argument("--people", type=int, default=20000, help="how many synthetic people (20000)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other people and other moments (1)")
    parser.add_argument("--kill", type=int, default=0, metavar="N", help="kill pharosd or a connector (-9) at N random moments")
    parser.add_argument("--kill-at-points", action="store_true", help="most of these kills at named points of the code")
    parser.add_argument("--stop-percent", type=int, default=3, help="how many of 100 people opt out by replying (3)")
    parser.add_argument("--opt-outs", type=int, default=story.OPT_OUTS, help=f"how many people telephone to opt out ({story.OPT_OUTS})")
    parser.add_argument("--apart", action="store_true",
                        help="each service as a process of its own, started in random order, each killed once on the way")
    parser.add_argument("--store", choices=("rocksdb", "postgres"), default="rocksdb", help="which engine keeps the stores (rocksdb)")
    parser.add_argument("--clear", action="store_true", help="do not seal personal values: the search for them must then find some")
    parser.add_argument("--from", dest="source", metavar="FOLDER", help="your own staff, partners, screening, quit and news .csv")
    parser.add_argument("--keep", action="store_true", help="leave everything running at the end, to look around")
    parser.add_argument("--bin", default="build/release/bin", help=argparse.SUPPRESS)
    parser.add_argument("--folder", default="build/demo", help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    args = parse()
    demo = Demo(args)
    try:
        result = demo.run()
    except KeyboardInterrupt:
        demo.say("\nStopped. Everything that was started has been ended.")
        return 130
    except Broken as error:
        demo.say(f"\nops/demo: {error}\nLogs: {demo.folder}/*.log")
        return 1
    if args.json:
        print(json.dumps(result))
    return 1 if demo.problems else 0


if __name__ == "__main__":
    sys.exit(main())
