"""Kannel 1.4.5 on the same simulated network: messages with receipts, its file store, callbacks for the receipts. Its best case: all
messages lie in its store before the network appears; counted from the first submission to the last callback."""
import asyncio
import http.client
import json
import os
import shutil
import signal
import subprocess
import threading
import time

from ports import free_port
from system import Broken

INJECTORS = 8
PATIENCE_S = 300
CONFIG = """group = core
admin-port = {admin}
admin-password = bar
smsbox-port = {smsbox}
box-allow-ip = 127.0.0.1
store-type = file
store-location = {folder}/kannel.store
dlr-storage = internal
log-file = "{folder}/bearerbox.log"
log-level = 3

group = smsc
smsc = smpp
smsc-id = sim
host = 127.0.0.1
port = {smsc}
transceiver-mode = true
smsc-username = kannel
smsc-password = secret
system-type = ""
max-pending-submits = 100
reconnect-delay = 1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {send}
log-file = "{folder}/smsbox.log"
log-level = 3

group = sendsms-user
username = u
password = p
max-messages = 10

group = sms-service
keyword = default
text = "ok"
"""


class Callbacks:
    """Answers every request with 200 and counts them: as little as can be, so that it does not slow Kannel down."""

    class Protocol(asyncio.Protocol):
        def __init__(self, owner):
            self.owner, self.rest = owner, b""

        def connection_made(self, transport):
            self.transport = transport

        def data_received(self, data):
            self.rest += data
            requests = self.rest.count(b"\r\n\r\n")
            self.rest = self.rest.rpartition(b"\r\n\r\n")[2]
            self.owner.count += requests
            self.owner.last = time.time()
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" * requests)

    def __init__(self, port):
        self.count, self.last = 0, 0.0
        self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(self.loop.create_server(lambda: self.Protocol(self), "127.0.0.1", port))
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)


def drain(bin_folder, folder, messages, say):
    for program in ("bearerbox", "smsbox"):
        if not shutil.which(program):
            raise Broken(f"{program} is not installed; run ops/setup peer")
    ports = {name: free_port() for name in ("admin", "smsbox", "send", "smsc", "heard")}
    config = os.path.join(folder, "kannel.conf")
    with open(config, "w", encoding="utf-8") as file:
        file.write(CONFIG.format(folder=folder, **ports))
    heard = Callbacks(ports["heard"])
    processes = []

    def start(*command):
        processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                          start_new_session=True))
    try:
        start("bearerbox", "-v", "4", config)
        time.sleep(1.5)
        start("smsbox", "-v", "4", config)
        time.sleep(1.5)
        say(f"Kannel: {messages:,} messages into its store …")
        inject(ports, messages)
        journal = os.path.join(folder, "journal")
        say("Kannel: the network appears …")
        start(os.path.join(bin_folder, "pharos-sandbox"), f"--listen=127.0.0.1:{ports['smsc']}", f"--journal={journal}",
              "--reply-stop-percent=0", "--fail-percent=0")
        until = time.monotonic() + PATIENCE_S
        while heard.count < messages and time.monotonic() < until:
            time.sleep(0.05)
        if heard.count < messages:
            raise Broken(f"Kannel told of {heard.count:,} receipts of {messages:,}")
        with open(journal, encoding="utf-8") as lines:
            first = next(json.loads(line)["t_ns"] for line in lines if '"event":"submit"' in line)
        return (messages - 1) / (heard.last - first / 1e9)
    finally:
        for process in reversed(processes):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        heard.stop()


def inject(ports, messages):
    failures = []

    def some(number):
        connection = http.client.HTTPConnection("127.0.0.1", ports["send"])
        for i in range(number, messages, INJECTORS):
            callback = f"http%3A%2F%2F127.0.0.1%3A{ports['heard']}%2Fd"
            connection.request("GET", f"/cgi-bin/sendsms?username=u&password=p&from=60163&to=44770{200000 + i}0&dlr-mask=3"
                                      f"&dlr-url={callback}&text=Hello+Ann{i}%2C+help+is+near.+Reply+STOP+to+end.")
            answer = connection.getresponse()
            answer.read()
            if answer.status != 202:
                failures.append(answer.status)
    threads = [threading.Thread(target=some, args=(n,)) for n in range(INJECTORS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise Broken(f"Kannel refused {len(failures)} messages, e.g. with {failures[0]}")
