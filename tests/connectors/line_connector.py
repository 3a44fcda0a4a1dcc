#!/usr/bin/env python3
"""A small connector in another language: the stream's rules and a provider that speaks lines (connectors/conformance/check.py).

  line_connector.py --dispatch HOST:PORT --provider HOST:PORT --token TEXT [--name NAME] [--mutant NAME]

The mutants break one rule each, to show that the conformance suite notices: stale-pull, other-life, late, resend, forget, early-kept,
deaf, no-hard-stop, trusting.
"""
import argparse
import collections
import os
import queue
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import grpc

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROTOS = ["pharos/dispatch/internal/v1/work_service.proto", "pharos/api/v1/options.proto", "pharos/type/v1/types.proto"]
PULL_EVERY_S, PULL_LIVES_S, REPEAT_S, WINDOW = 0.2, 1.0, 0.7, 16
SANDBOX = "pharos-sandbox"


def now():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def messages():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["protoc", f"-I{SOURCE}/proto", f"--python_out={folder}", *PROTOS], check=True)
        sys.path.insert(0, folder)
        from pharos.dispatch.internal.v1 import work_service_pb2
        return work_service_pb2


class Connector:
    def __init__(self, args):
        self.args, self.pb, self.mutant = args, messages(), args.mutant
        self.life = os.urandom(16)
        self.lock = threading.Lock()
        self.pull = (0, 0.0, False)                # number, when it was sent, whether it still stands
        self.seen = {}                             # attempt id → its outcome; None: taken, not yet known
        self.waiting = collections.OrderedDict()   # outcomes and the like that dispatch does not have: key → (message, when said)
        self.sequence = 0
        self.work = queue.Queue(WINDOW)
        self.recalled, self.names = set(), {}
        self.live, self.provider, self.sandbox = False, None, False

    # --- the provider -------------------------------------------------------------------------------------------------------
    def connect(self):
        while True:
            try:
                host, _, port = self.args.provider.rpartition(":")
                connection = socket.create_connection((host, int(port)))
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # death drops the send queue
                lines = connection.makefile("r", encoding="utf-8")
                self.sandbox = SANDBOX in lines.readline()
                self.provider = connection
                for line in lines:
                    self.said(line.split())
            except OSError:
                pass
            self.provider = None
            self.lost()
            time.sleep(0.1)

    def said(self, words):
        if words[0] == "OK":
            self.finish(bytes.fromhex(words[1]), lambda o: o.accepted.provider_ids.append(words[2]))
        elif words[0] == "NO":
            self.finish(bytes.fromhex(words[1]), lambda o: setattr(o.rejected, "reason", words[2]))
        elif words[0] == "RECEIPT":
            receipt = self.pb.Receipt(sequence=self.next(), provider_id=words[1], state=self.pb.ReceiptState.Value(words[2]), reference=-1)
            self.say_until_heard(("receipt", receipt.sequence), receipt)
        elif words[0] == "IN":
            message = self.pb.InboundMessage(sequence=self.next(), id=words[1], text=" ".join(words[4:]),
                                             received_time_us=int(time.time() * 1e6), to=words[3])
            setattr(message, "from", words[2])
            self.names[message.sequence] = words[1]
            self.say_until_heard(("inbound", message.sequence), message)
            if self.mutant == "early-kept":
                self.provider.sendall(f"KEPT {words[1]}\n".encode())

    def lost(self):
        """What was handed over and not answered is in doubt."""
        with self.lock:
            open_ids = [i for i, outcome in self.seen.items() if outcome is None and i in self.begun]
        for i in open_ids:
            if self.mutant == "resend":
                self.finish(i, lambda o: setattr(o.refused, "reason", "LINK_LOST"))
            else:
                self.finish(i, lambda o: setattr(o.no_answer, "reason", "LINK_LOST"))

    begun = set()

    def hand_over(self):
        while True:
            i, address, text, use_by, hard_stop = self.work.get()
            if i in self.recalled:
                self.refuse(i, "RECALLED")
                continue
            provider = self.provider
            if provider is None or not (self.live or self.sandbox or self.mutant == "trusting"):
                self.refuse(i, "NO_LINK")
                continue
            left = hard_stop - now()
            if left <= 0:
                self.refuse(i, "LEASE_OVER")
                continue
            if self.mutant != "no-hard-stop":
                signal.setitimer(signal.ITIMER_REAL, left)  # SIGALRM's default action ends the process, stopped or not
            if now() >= use_by:
                signal.setitimer(signal.ITIMER_REAL, 0)
                self.refuse(i, "LEASE_OVER")
                continue
            if os.environ.get("PHAROS_STOP_AT") == "before_write":  # the suite asks for it
                signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
            self.begun.add(i)
            try:
                provider.sendall(f"MSG {i.hex()} {address} {text}\n".encode())
            except OSError:
                self.finish(i, lambda o: setattr(o.no_answer, "reason", "LINK_LOST"))
            while self.seen.get(i) is None and self.provider is provider:
                time.sleep(0.002)
            signal.setitimer(signal.ITIMER_REAL, 0)

    # --- what dispatch must hear ----------------------------------------------------------------------------------------------
    def next(self):
        with self.lock:
            self.sequence += 1
            return self.sequence

    def say_until_heard(self, key, message):
        with self.lock:
            self.waiting[key] = (message, 0.0)

    def finish(self, i, fill):
        outcome = self.pb.Outcome(id=i)
        fill(outcome)
        with self.lock:
            if self.seen.get(i) is not None:
                return
            self.seen[i] = outcome
            self.waiting[("outcome", i)] = (outcome, 0.0)

    def refuse(self, i, reason):
        self.finish(i, lambda o: setattr(o.refused, "reason", reason))

    # --- the stream -------------------------------------------------------------------------------------------------------------
    def due(self):
        """What to write now; the pull last, made when it is sent."""
        pb, moment = self.pb, now()
        with self.lock:
            for key, (message, said) in list(self.waiting.items()):
                if moment - said < REPEAT_S or (self.mutant == "forget" and said):
                    continue
                self.waiting[key] = (message, moment)
                request = pb.WorkRequest()
                kind = {"outcome": request.outcomes.outcomes, "receipt": request.receipts.receipts,
                        "inbound": request.inbound.messages}[key[0]]
                kind.append(message)
                yield request
            number, sent, stands = self.pull
            room = WINDOW - sum(outcome is None for outcome in self.seen.values())
            if room > 0 and (not stands or moment - sent >= PULL_EVERY_S):
                self.pull = (number + 1, now(), True)
                request = pb.WorkRequest()
                request.pull.number, request.pull.credit = self.pull[0], room
                yield request

    def requests(self, stopped):
        hello = self.pb.WorkRequest()
        hello.hello.connector, hello.hello.life, hello.hello.channel = self.args.name, self.life, 1
        hello.hello.window, hello.hello.sandbox = WINDOW, True
        yield hello
        while not stopped.is_set():
            if self.welcomed:
                yield from self.due()
            time.sleep(0.005)

    def take(self, attempts):
        with self.lock:
            number, sent, stands = self.pull
            fresh = stands and attempts.pull_number == number and now() - sent < PULL_LIVES_S
            if attempts.pull_number == number:
                self.pull = (number, sent, False)
        if attempts.life != self.life and self.mutant != "other-life":
            return
        for attempt in attempts.attempts:
            with self.lock:
                known = attempt.id in self.seen
                if known and self.seen[attempt.id] is not None and self.mutant != "resend":
                    self.waiting[("outcome", attempt.id)] = (self.seen[attempt.id], 0.0)
                if not known or self.mutant == "resend":
                    self.seen[attempt.id] = None
            if known and self.mutant != "resend":
                continue
            use_by = sent + attempt.lease_us / 1e6
            if not fresh and self.mutant not in ("stale-pull", "other-life"):
                self.refuse(attempt.id, "PULL_NOT_LIVE")
            elif now() >= use_by and self.mutant != "late":
                self.refuse(attempt.id, "LEASE_OVER")
            else:
                late = 10.0 if self.mutant == "late" else 0.0
                self.work.put((attempt.id, attempt.address, attempt.text, use_by + late, use_by + late + attempt.hard_stop_us / 1e6))

    def heard(self, acknowledgement):
        with self.lock:
            keys = [("outcome", i) for i in acknowledgement.outcomes] + [("receipt", s) for s in acknowledgement.receipts]
            keys += [("inbound", s) for s in acknowledgement.inbound]
            for key in keys:
                if self.waiting.pop(key, None) and key[0] == "inbound" and self.provider and self.mutant != "early-kept":
                    self.provider.sendall(f"KEPT {self.names[key[1]]}\n".encode())

    def asked(self, query):
        for i in query.ids:
            with self.lock:
                known, outcome = i in self.seen, self.seen.get(i)
                if outcome is not None:
                    self.waiting[("outcome", i)] = (outcome, 0.0)
            if not known and self.mutant != "deaf":
                self.refuse(i, "UNKNOWN")  # and by being remembered it never will be taken

    welcomed = False

    def run(self):
        threading.Thread(target=self.connect, daemon=True).start()
        threading.Thread(target=self.hand_over, daemon=True).start()
        channel = grpc.insecure_channel(self.args.dispatch)
        call = channel.stream_stream("/pharos.dispatch.internal.v1.WorkService/Work",
                                     request_serializer=self.pb.WorkRequest.SerializeToString,
                                     response_deserializer=self.pb.WorkResponse.FromString)
        while True:
            stopped = threading.Event()
            stream = call(self.requests(stopped), metadata=[("authorization", f"Bearer {self.args.token}")])
            try:
                for response in stream:
                    if response.HasField("welcome"):
                        if self.welcomed:
                            break  # the first one no longer holds: come back anew
                        self.live, self.welcomed = response.welcome.live, True
                        with self.lock:
                            self.waiting = collections.OrderedDict((k, (m, 0.0)) for k, (m, _) in self.waiting.items())
                    elif response.HasField("attempts"):
                        self.take(response.attempts)
                    elif response.HasField("query"):
                        self.asked(response.query)
                    elif response.HasField("acknowledgement"):
                        self.heard(response.acknowledgement)
                    elif response.HasField("recall"):
                        self.recalled.update(response.recall.ids)
            except grpc.RpcError:
                pass
            stopped.set()
            stream.cancel()
            with self.lock:
                self.welcomed, self.pull = False, (self.pull[0], 0.0, False)
            time.sleep(0.1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dispatch", required=True)
    parser.add_argument("--provider", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--name", default="lines")
    parser.add_argument("--mutant", default="")
    Connector(parser.parse_args()).run()


if __name__ == "__main__":
    main()
