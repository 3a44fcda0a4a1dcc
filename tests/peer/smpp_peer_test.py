#!/usr/bin/env python3
"""SMPP against software that nobody here wrote: the npm package "smpp" as a provider of our connector's session, and
Kannel as a customer of our sandbox.

  python3 tests/peer/smpp_peer_test.py --bin BUILD/bin

Needs node with the npm package smpp (0.5.1; NODE_PATH, or build/npm/node_modules) and Debian's kannel. Installs nothing;
says what is missing. Ends with "N passed, N failed"; exit status 1 if any failed.
"""
import argparse, json, os, shutil, socket, subprocess, sys, tempfile, threading, time, urllib.parse, urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "ops", "rehearsal"))
from ports import free_port  # noqa: E402
results = []


def check(name, condition, seen):
    results.append(bool(condition))
    print(("ok    " if condition else "FAILED ") + name + ("" if condition else f": {seen}"), flush=True)



def until(condition, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    return condition()


class Smsc:
    """The npm package's server, run for one case."""

    def __init__(self, node_path, **settings):
        self.process = subprocess.Popen(["node", os.path.join(HERE, "smpp_smsc.js"), json.dumps(settings)],
                                        stdout=subprocess.PIPE, text=True, env={**os.environ, "NODE_PATH": node_path})
        self.port = int(self.process.stdout.readline())

    def end(self):
        self.process.terminate()
        return json.loads(self.process.stdout.read().strip().splitlines()[-1])


def drive(bin_folder, port, count, *flags):
    run = subprocess.run([os.path.join(bin_folder, "smpp-drive"), f"--port={port}", f"--count={count}", *flags],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=90)
    return json.loads(run.stdout.strip().splitlines()[-1])


def npm_cases(bin_folder, node_path):
    def case(settings, count, *flags):
        smsc = Smsc(node_path, **settings)
        ours = drive(bin_folder, smsc.port, count, *flags)
        return ours, smsc.end()

    for ids in ("same", "hex-to-dec", "dec-to-hex"):
        ours, theirs = case({"ids": ids}, 500, "--receipts-wait-s=5")
        check(f"every receipt is matched, ids {ids}", ours["accepted"] == 500 and ours["matched"] == 500, (ours, theirs))
    ours, theirs = case({}, 300, "--bind=pair", "--binds=2")
    check("two pairs of transmitter and receiver", theirs["binds"] == 4 and ours["matched"] == 300, (ours, theirs))
    ours, theirs = case({}, 50, "--text=" + "long text " * 30)
    check("messages in parts by user data header", theirs["accepted"] == 100 and ours["matched"] == 100, (ours, theirs))
    ours, theirs = case({}, 50, "--text=" + "long text " * 30, "--long=payload")
    check("one message_payload for a long text", theirs["accepted"] == 50 and ours["matched"] == 50, (ours, theirs))
    ours, theirs = case({"limit": 100}, 1000, "--patience-s=40")
    check("a throttled message fails nobody", ours["accepted"] == 1000 and ours["rejected"] == 0 and ours["in_doubt"] == 0,
          (ours, theirs))
    check("the provider's limit is found and said", theirs["throttled"] < 400 and "THROTTLED" in ours["problems"],
          (ours, theirs))
    ours, theirs = case({"cutEvery": 100}, 1000)
    check("cut links: nothing is sent twice", theirs["cuts"] > 3 and theirs["duplicates"] == 0, (ours, theirs))
    check("cut links: what lacks its answer is in doubt, the rest accepted",
          ours["accepted"] + ours["in_doubt"] == 1000 and theirs["cutUnanswered"] <= ours["in_doubt"] <= 100 * theirs["cuts"],
          (ours, theirs))
    ours, theirs = case({"receipts": False}, 50000, "--in-flight=800", "--window=500", "--receipts-wait-s=0")
    print(f"      {ours['per_second']} submissions a second, {ours['cpu_us_a_message']} µs of processor each")
    check("a window of 500 at speed", ours["accepted"] == 50000 and theirs["accepted"] == 50000, (ours, theirs))


KANNEL = """group = core
admin-port = {admin}
admin-password = bar
smsbox-port = {smsbox}
box-allow-ip = 127.0.0.1
dlr-storage = internal
log-file = "{folder}/bearerbox.log"
log-level = 0

group = smsc
smsc = smpp
smsc-id = sim
host = 127.0.0.1
port = {smsc}
transceiver-mode = true
smsc-username = kannel
smsc-password = secret
system-type = ""
max-pending-submits = 50

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {send}
log-file = "{folder}/smsbox.log"

group = sendsms-user
username = u
password = p
max-messages = 10

group = sms-service
keyword = default
get-url = "http://127.0.0.1:{heard}/said?text=%a&from=%p"
max-messages = 0
catch-all = true
"""


class Heard:
    """Takes Kannel's calls: receipts and people's messages."""

    def __init__(self):
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
        self.calls = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.calls.append(self.path)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def kannel_cases(bin_folder, folder):
    heard = Heard()
    journal, port_file = os.path.join(folder, "journal"), os.path.join(folder, "port")
    processes = [subprocess.Popen([os.path.join(bin_folder, "pharos-sandbox"), "--listen=127.0.0.1:0", f"--port-file={port_file}",
                                   f"--journal={journal}", "--password=secret"], stderr=subprocess.DEVNULL)]
    try:
        until(lambda: os.path.exists(port_file) and open(port_file).read().strip())
        ports = dict(admin=free_port(), smsbox=free_port(), send=free_port(), heard=heard.port)
        smsc = open(port_file).read().strip().split(":")[-1]
        config = os.path.join(folder, "kannel.conf")
        with open(config, "w") as f:
            f.write(KANNEL.format(folder=folder, smsc=smsc, **ports))
        quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        processes.append(subprocess.Popen(["/usr/sbin/bearerbox", "-v", "4", config], **quiet))
        time.sleep(1)
        processes.append(subprocess.Popen(["/usr/sbin/smsbox", "-v", "4", config], **quiet))

        def send(number, text):
            told = urllib.parse.quote(f"http://127.0.0.1:{ports['heard']}/dlr?state=%d&to={number}")
            query = urllib.parse.urlencode({"username": "u", "password": "p", "from": "NHS", "to": number, "text": text})
            url = f"http://127.0.0.1:{ports['send']}/cgi-bin/sendsms?{query}&dlr-mask=3&dlr-url={told}"
            try:
                return urllib.request.urlopen(url, timeout=5).status
            except OSError:
                return 0
        check("Kannel takes a message", until(lambda: send("447700900100", "Hello") in (200, 202)), "no answer")
        check("our sandbox's receipt reaches Kannel", until(lambda: any("/dlr?state=1" in c for c in heard.calls)), heard.calls)
        send("447700900002", "fails")
        check("so does a failure", until(lambda: any("/dlr?state=2&to=447700900002" in c for c in heard.calls)), heard.calls)
        send("447700900101", "long " * 80)
        check("a long message's receipt too", until(lambda: any("to=447700900101" in c for c in heard.calls)), heard.calls)
        send("447700900005", "please answer")
        check("a person's STOP reaches Kannel", until(lambda: any("/said?text=STOP" in c for c in heard.calls)), heard.calls)
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    bin_folder = parser.parse_args().bin
    missing = []
    node_paths = [p for p in (os.environ.get("NODE_PATH", ""), os.path.join(ROOT, "build/npm/node_modules")) if p]
    node_path = next((p for p in node_paths if os.path.isdir(os.path.join(p, "smpp"))), None)
    if shutil.which("node") and node_path:
        npm_cases(bin_folder, node_path)
    else:
        missing.append("node with the npm package smpp@0.5.1")
    if os.path.exists("/usr/sbin/bearerbox"):
        with tempfile.TemporaryDirectory() as folder:
            kannel_cases(bin_folder, folder)
    else:
        missing.append("Debian's package kannel")
    for what in missing:
        print(f"left out: {what} is missing; run ops/setup peer")
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 1 if missing or not all(results) else 0


if __name__ == "__main__":
    sys.exit(main())
