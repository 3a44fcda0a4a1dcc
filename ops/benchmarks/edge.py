"""edge: JSON calls and unsubscribe pages over TLS through pharos-edge, beside the same calls over gRPC and Boost.Beast alone; and what
other users notice while somebody sends slow, oversized and malformed requests."""
import json
import os
import re
import socket
import ssl
import subprocess
import threading
import time

import story
from cli import Cli
from system import Broken, System

WHO_AM_I = "/pharos.access.v1.PrincipalService/WhoAmI"
CONNECTIONS = 64
SLOW, RUDE_S = 200, 0.005  # connections that trickle; pause between hostile requests
MOST_WORSE = 3  # times: other users' 99th percentile beside a hostile client


def http(args, port, path, body="", token="", connections=CONNECTIONS, pause_ms=0.0, seconds=None):
    command = [os.path.join(args.bin, "pharos-bench-http"), f"--port={port}", f"--path={path}", f"--body={body}", f"--token={token}",
               f"--connections={connections}", f"--seconds={seconds or args.seconds}", f"--pause_ms={pause_ms}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout:
        raise Broken(f"pharos-bench-http: {done.stderr.strip()}")
    return json.loads(done.stdout)


def grpc(args, system):
    requests = os.path.join(args.folder, "empty.hex")
    with open(requests, "w", encoding="utf-8") as file:
        file.write("\n")
    command = [os.path.join(args.bin, "pharos-bench-load"), f"--target=127.0.0.1:{system.pharosd_port}", f"--method={WHO_AM_I}",
               f"--token_file={system.tokens['marketing']}", f"--requests={requests}", f"--callers={CONNECTIONS}", f"--seconds={args.seconds}"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def beast(args, system):
    folder = os.path.join(system.folder, "mail-tls")
    server = subprocess.Popen([os.path.join(args.bin, "pharos-bench-beast"), f"--certificate={folder}/cert.pem", f"--key={folder}/key.pem"],
                              stdout=subprocess.PIPE, text=True)
    try:
        return http(args, int(server.stdout.readline()), "/")
    finally:
        server.kill()
        server.wait()


def a_link(system):
    """A token of an unsubscribe link that was sent."""
    with open(system.inbox, encoding="utf-8") as file:
        found = re.search(r"/u/([A-Za-z0-9_-]{20,128})", file.read())
    if not found:
        raise Broken("no email with an unsubscribe link was sent")
    return found.group(1)


class Hostile:
    """One client that trickles headers on many connections, sends bodies that are too large, and octets that are no HTTP."""

    def __init__(self, port):
        self.port, self.over, self.threads = port, threading.Event(), []
        self.refused = 0

    def connect(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), timeout=5))

    def trickle(self):
        held = []
        while not self.over.wait(0.05):
            try:
                if len(held) < SLOW:
                    held.append(self.connect())
                    held[-1].sendall(b"POST " + WHO_AM_I.encode() + b" HTTP/1.1\r\nHost: x\r\n")
                for one in held[:20]:
                    one.sendall(b"X: y\r\n")
            except OSError:
                self.refused += 1
                held = held[1:]
        for one in held:
            one.close()

    def rude(self, request):
        while not self.over.wait(RUDE_S):
            try:
                one = self.connect()
                one.sendall(request)
                one.settimeout(1)
                one.recv(100)
                one.close()
            except OSError:
                self.refused += 1

    def __enter__(self):
        large = (b"POST " + WHO_AM_I.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 999999999\r\n\r\n" +
                 b"x" * 65536)
        for work in (self.trickle, lambda: self.rude(large), lambda: self.rude(b"\x00\xff\x16\x03 GET / HTTP/9\r\n\r\n"),
                     lambda: self.rude(b"GET / HTTP/1.1\r\n" + b"A: " + b"b" * 40000 + b"\r\n\r\n")):
            self.threads.append(threading.Thread(target=work, daemon=True))
            self.threads[-1].start()
        time.sleep(2)
        return self

    def __exit__(self, *unused):
        self.over.set()
        for thread in self.threads:
            thread.join()


def send_emails(cli, args, system):
    path = os.path.join(args.folder, "quit.csv")
    with open(path, "w", encoding="utf-8") as file:
        file.write("record_id,updated_at,given_name,family_name,date_of_birth,sex,email,phone,postcode,area,nhs_number,language,"
                   "organisation_id,role,interests,consent_sms,consent_email,consent_at\n"
                   "r1,2026-01-01T09:00:00Z,Ann,Archer,,,ann@example.org,,,,,,,,,,granted,2026-01-01T09:00:00Z\n")
    story.import_file(cli, args.folder, "quit")
    cli.run("marketing", "audience", "create", "everybody", "--filter", "audience_kinds:PUBLIC")
    body = os.path.join(args.folder, "email.md")
    with open(body, "w", encoding="utf-8") as file:
        file.write("Hello ((first name)).\n")
    cli.run("marketing", "template", "create", "t", "--email-subject", "Hello", "--email-body-file", body)
    cli.run("marketing", "campaign", "create", "one", "--audience", "everybody", "--template", "t", "--purpose", story.PURPOSE,
            "--channels", "email", "--email-from", story.EMAIL_FROM)
    campaign = story.numbers(cli.one("marketing", "campaign", "submit", "one"))
    cli.run("approver", "campaign", "approve", "one", "--digest", str(campaign["digest"]))
    cli.run("marketing", "campaign", "launch", "one")
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if os.path.exists(system.inbox) and "/u/" in open(system.inbox, encoding="utf-8").read():
            return
        time.sleep(0.2)
    raise Broken("the email did not arrive")


def figure(case, measured, **more):
    return {"workload": "edge", "case": case, "unit": "requests/s", "value": measured["per_second"], "p50_ms": measured["p50_ms"],
            "p99_ms": measured["p99_ms"], "errors": measured["errors"], **more}


def run(args, say):
    system = System(args.bin, args.folder, args.seed, 0, 0, edge=True)
    cli = Cli(system)
    try:
        system.start()
        story.register(cli)
        send_emails(cli, args, system)
        with open(system.tokens["marketing"], encoding="utf-8") as file:
            token = file.read().strip()
        alone = beast(args, system)
        over_grpc = grpc(args, system)
        say("JSON calls …")
        calls = http(args, system.edge_port, WHO_AM_I, "{}", token)
        yield figure("json unary", calls, peer="Beast alone", peer_value=alone["per_second"], ratio=calls["per_second"] / alone["per_second"],
                     grpc_per_second=over_grpc["per_second"], over_grpc=calls["per_second"] / over_grpc["per_second"])
        few = http(args, system.edge_port, WHO_AM_I, "{}", token, connections=1)
        yield figure("json unary, one at a time", few)
        say("Unsubscribe pages …")
        page = http(args, system.edge_port, "/u/" + a_link(system), connections=4, pause_ms=210)
        yield figure("unsubscribe page, at the pace that one address may ask", page)
        say("Beside a hostile client …")
        calm = http(args, system.edge_port, WHO_AM_I, "{}", token, connections=8, pause_ms=50)
        with Hostile(system.edge_port) as hostile:
            beside = http(args, system.edge_port, WHO_AM_I, "{}", token, connections=8, pause_ms=50)
        worse = beside["p99_ms"] / calm["p99_ms"] if calm["p99_ms"] else 0
        yield figure("json unary beside a hostile client", beside, calm_p99_ms=calm["p99_ms"], worse=round(worse, 2), most_worse=MOST_WORSE,
                     hostile_refused=hostile.refused)
    finally:
        system.stop()
