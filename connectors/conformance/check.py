#!/usr/bin/env python3
"""Does a connector keep the rules of the stream? Plays dispatch, and a provider that speaks lines, and runs the connector against both.

  connectors/conformance/check.py [--json] -- COMMAND …

In COMMAND, {dispatch} and {provider} stand for HOST:PORT, {token} for the bearer token. A connector of yours gets a provider module for
the lines (connectors/README.md), so that what it hands over can be seen. One line a rule; exit status 1 if one is broken.
Needs Debian's protobuf-compiler, python3-grpcio, python3-protobuf.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROTOS = ["pharos/dispatch/internal/v1/work_service.proto", "pharos/api/v1/options.proto", "pharos/type/v1/types.proto"]
LEASE_US, HARD_STOP_US = 1_000_000, 700_000
PATIENCE_S = 5.0
QUIET_S = 0.6   # nothing more is expected to happen
TOKEN = "conformance"


class Broken(Exception):
    """The rule does not hold; says how it was seen."""


def until(condition, what, seconds=PATIENCE_S):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise Broken(f"waited {seconds:g} s in vain: {what}")


def messages(folder):
    """The generated messages of the stream."""
    subprocess.run(["protoc", f"-I{SOURCE}/proto", f"--python_out={folder}", *PROTOS], check=True)
    sys.path.insert(0, str(folder))
    from pharos.dispatch.internal.v1 import work_service_pb2
    return work_service_pb2


class Dispatch:
    """Dispatch's end of the stream: keeps what comes, says what a rule tells it to say."""

    def __init__(self, pb):
        import grpc
        self.pb, self.live, self.acknowledges = pb, True, True
        self.lock = threading.Lock()
        self.reset()
        handler = grpc.stream_stream_rpc_method_handler(self.work, request_deserializer=pb.WorkRequest.FromString,
                                                        response_serializer=pb.WorkResponse.SerializeToString)
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("pharos.dispatch.internal.v1.WorkService",
                                                                                   {"Work": handler}),))
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def reset(self):
        self.streams, self.hellos, self.first, self.pulls = 0, [], [], []
        self.outcomes, self.receipts, self.inbound, self.links = [], [], [], []
        self.down, self.ended = None, 0
        self.live, self.acknowledges = True, True

    def work(self, requests, context):
        down = queue.Queue()
        with self.lock:
            self.streams += 1
            self.down = down
        threading.Thread(target=self.read, args=(requests, down, context), daemon=True).start()
        while True:
            message = down.get()
            if message is None:
                return
            yield message

    def read(self, requests, down, context):
        pb, first = self.pb, True
        try:
            for request in requests:
                kind, now = request.WhichOneof("message"), time.monotonic()
                if first:
                    self.first.append(kind)
                    first = False
                answer = pb.WorkResponse()
                if kind == "hello":
                    self.hellos.append(request.hello)
                    answer.welcome.life, answer.welcome.live = os.urandom(16), self.live
                    down.put(answer)
                elif kind == "pull":
                    self.pulls.append((now, request.pull.number, request.pull.credit))
                elif kind == "link":
                    self.links.append(request.link)
                elif kind == "outcomes":
                    self.outcomes += [(now, outcome) for outcome in request.outcomes.outcomes]
                    answer.acknowledgement.outcomes.extend(o.id for o in request.outcomes.outcomes)
                elif kind == "receipts":
                    self.receipts += [(now, receipt) for receipt in request.receipts.receipts]
                    answer.acknowledgement.receipts.extend(r.sequence for r in request.receipts.receipts)
                elif kind == "inbound":
                    self.inbound += [(now, message) for message in request.inbound.messages]
                    answer.acknowledgement.inbound.extend(m.sequence for m in request.inbound.messages)
                if answer.HasField("acknowledgement") and self.acknowledges:
                    down.put(answer)
        except Exception:  # the stream ended
            pass
        self.ended += 1
        down.put(None)

    def say(self, fill):
        message = self.pb.WorkResponse()
        fill(message)
        self.down.put(message)

    def break_stream(self):
        self.down.put(None)

    def life(self):
        return self.hellos[-1].life

    def fresh_pull(self):
        """The newest pull, just sent."""
        seen = len(self.pulls)
        until(lambda: len(self.pulls) > seen, "a new pull")
        return self.pulls[-1][1]

    def give(self, ids, pull=None, life=None, lease_us=LEASE_US):
        pull = pull if pull is not None else self.fresh_pull()

        def fill(message):
            message.attempts.pull_number, message.attempts.life = pull, life or self.life()
            for i in ids:
                message.attempts.attempts.add(id=i, lease_us=lease_us, hard_stop_us=HARD_STOP_US, address="447700900123",
                                              sender="60777", text="hello")
        self.say(fill)

    def results(self, i):
        return [o.WhichOneof("result") for _, o in self.outcomes if o.id == i]


class Provider:
    """Speaks lines. After its greeting it takes "MSG ID ADDRESS TEXT" and answers "OK ID NAME" or "NO ID REASON", or as scripted."""

    def __init__(self):
        self.reset()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def reset(self):
        self.handed, self.kept, self.script, self.delay_s = [], [], "ok", 0.0
        self.greeting = "pharos-sandbox lines 1"
        self.connections = getattr(self, "connections", [])
        for connection in self.connections:
            connection.close()
        self.connections = []

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            self.connections.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            connection.sendall(f"{self.greeting}\n".encode())
            for line in connection.makefile("r", encoding="utf-8"):
                words = line.split()
                if words[0] == "KEPT":
                    self.kept.append(words[1])
                    continue
                self.handed.append(bytes.fromhex(words[1]))
                time.sleep(self.delay_s)
                if self.script == "cut":
                    connection.shutdown(socket.SHUT_RDWR)
                    return
                if self.script != "silent":
                    answer = f"OK {words[1]} p-{words[1][:8]}" if self.script == "ok" else f"NO {words[1]} INVALID_NUMBER"
                    connection.sendall(f"{answer}\n".encode())
        except OSError:
            pass

    def send(self, line):
        self.connections[-1].sendall(f"{line}\n".encode())


class Check:
    def __init__(self, command, folder):
        self.dispatch, self.provider = Dispatch(messages(folder)), Provider()
        self.command = [part.format(dispatch=f"127.0.0.1:{self.dispatch.port}", provider=f"127.0.0.1:{self.provider.port}", token=TOKEN)
                        for part in command]
        self.child = None

    def start(self, **env):
        self.child = subprocess.Popen(self.command, env=dict(os.environ, **env), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL, start_new_session=True)
        until(lambda: self.dispatch.hellos, "the connector's hello")

    def end(self):
        if self.child and self.child.poll() is None:
            os.kill(self.child.pid, signal.SIGCONT)
            os.kill(self.child.pid, signal.SIGKILL)
            self.child.wait()

    def fresh(self):
        self.end()
        time.sleep(0.05)
        self.dispatch.reset()
        self.provider.reset()

    # --- the rules ----------------------------------------------------------------------------------------------------------
    def hello_comes_first_and_names_a_life_of_16_octets(self):
        self.start()
        hello = self.dispatch.hellos[0]
        if self.dispatch.first[0] != "hello" or len(hello.life) != 16 or not hello.connector or hello.window < 1 or not hello.channel:
            raise Broken("the first message is no whole hello")

    def it_pulls_at_least_every_250_ms_with_rising_numbers(self):
        self.start()
        until(lambda: len(self.dispatch.pulls) >= 6, "six pulls")
        pulls = self.dispatch.pulls
        gaps = [b[0] - a[0] for a, b in zip(pulls, pulls[1:])]
        if max(gaps) > 0.4:
            raise Broken(f"{max(gaps):.2f} s between two pulls")
        if any(b[1] <= a[1] for a, b in zip(pulls, pulls[1:])) or any(not 1 <= credit <= 1024 for _, _, credit in pulls):
            raise Broken("numbers do not rise, or a credit is out of bounds")

    def what_it_takes_is_handed_over_once_and_its_outcome_is_told(self):
        self.start()
        i = os.urandom(16)
        self.dispatch.give([i])
        until(lambda: self.dispatch.results(i), "an outcome")
        if self.provider.handed != [i] or self.dispatch.results(i)[0] != "accepted":
            raise Broken(f"handed over {len(self.provider.handed)} times, told {self.dispatch.results(i)}")

    def a_refusal_of_the_provider_is_told_as_rejected(self):
        self.provider.script = "no"
        self.start()
        i = os.urandom(16)
        self.dispatch.give([i])
        until(lambda: self.dispatch.results(i), "an outcome")
        if self.dispatch.results(i)[0] != "rejected":
            raise Broken(f"told {self.dispatch.results(i)[0]}")

    def an_outcome_is_repeated_until_it_is_acknowledged(self):
        self.start()
        self.dispatch.acknowledges = False
        i = os.urandom(16)
        self.dispatch.give([i])
        until(lambda: len(self.dispatch.results(i)) >= 3, "the same outcome three times")
        self.dispatch.acknowledges = True
        count = len(self.dispatch.results(i))
        until(lambda: len(self.dispatch.results(i)) > count, "one more")
        time.sleep(0.3)
        count = len(self.dispatch.results(i))
        time.sleep(2.0)
        if len(self.dispatch.results(i)) > count:
            raise Broken("it is still repeated after the acknowledgement")

    def an_answer_to_an_older_pull_is_refused(self):
        self.start()
        older = self.dispatch.fresh_pull()
        self.dispatch.fresh_pull()
        i = os.urandom(16)
        self.dispatch.give([i], pull=older)
        self.not_handed_over(i, "refused")

    def an_attempt_for_another_life_is_dropped_without_a_word(self):
        self.start()
        i = os.urandom(16)
        self.dispatch.give([i], life=os.urandom(16))
        self.not_handed_over(i, None)

    def a_lease_that_is_over_is_refused(self):
        self.start()
        i = os.urandom(16)
        self.dispatch.give([i], lease_us=1)
        self.not_handed_over(i, "refused")

    def the_same_attempt_again_is_not_handed_over_again(self):
        self.start()
        i = os.urandom(16)
        self.dispatch.give([i])
        until(lambda: self.dispatch.results(i), "an outcome")
        self.dispatch.give([i])
        time.sleep(QUIET_S)
        if self.provider.handed.count(i) != 1 or set(self.dispatch.results(i)) != {"accepted"}:
            raise Broken(f"handed over {self.provider.handed.count(i)} times, told {self.dispatch.results(i)}")

    def a_query_is_answered_with_what_is_known(self):
        self.start()
        i, never = os.urandom(16), os.urandom(16)
        self.dispatch.give([i])
        until(lambda: self.dispatch.results(i), "an outcome")
        count = len(self.dispatch.results(i))
        self.dispatch.say(lambda m: m.query.ids.extend([i, never]))
        until(lambda: len(self.dispatch.results(i)) > count and self.dispatch.results(never), "both answers")
        if self.dispatch.results(never)[0] != "refused":
            raise Broken("what it never took is not refused")
        self.dispatch.give([never])
        time.sleep(QUIET_S)
        if never in self.provider.handed:
            raise Broken("it had said that it never would, and then handed it over")

    def after_a_broken_stream_the_same_life_comes_back_and_repeats(self):
        self.start()
        self.dispatch.acknowledges = False
        i = os.urandom(16)
        self.dispatch.give([i])
        until(lambda: self.dispatch.results(i), "an outcome")
        life, hellos = self.dispatch.life(), len(self.dispatch.hellos)
        self.dispatch.break_stream()
        until(lambda: len(self.dispatch.hellos) > hellos, "a new stream", 10)
        count = len(self.dispatch.results(i))
        until(lambda: len(self.dispatch.results(i)) > count, "the outcome once more")
        if self.dispatch.life() != life:
            raise Broken("it came back with another life, though the process is the same")

    def after_kill_9_it_has_another_life(self):
        self.start()
        life = self.dispatch.life()
        self.end()
        hellos = len(self.dispatch.hellos)
        self.start()
        until(lambda: len(self.dispatch.hellos) > hellos, "a hello")
        if self.dispatch.life() == life:
            raise Broken("the same life after a new start")

    def a_lost_answer_is_told_as_no_answer_and_not_tried_again(self):
        self.provider.script = "cut"
        self.start()
        i = os.urandom(16)
        self.dispatch.give([i])
        until(lambda: self.dispatch.results(i), "an outcome", 15)
        self.provider.script = "ok"
        time.sleep(QUIET_S)
        if self.dispatch.results(i)[0] != "no_answer" or self.provider.handed.count(i) != 1:
            raise Broken(f"told {self.dispatch.results(i)}, handed over {self.provider.handed.count(i)} times")

    def stopped_between_check_and_write_it_writes_nothing_after_the_hard_stop(self):
        self.start(PHAROS_STOP_AT="before_write")
        i = os.urandom(16)
        self.dispatch.give([i], lease_us=500_000)
        time.sleep(0.5 + HARD_STOP_US / 1e6 + 0.6)
        try:
            os.kill(self.child.pid, signal.SIGCONT)
        except ProcessLookupError:
            pass
        time.sleep(QUIET_S)
        if i in self.provider.handed:
            raise Broken("it was handed over after the hard stop")

    def what_is_recalled_and_has_not_begun_is_refused(self):
        self.provider.delay_s = 0.4
        self.start()
        first, second = os.urandom(16), os.urandom(16)
        self.dispatch.give([first, second])
        until(lambda: self.provider.handed, "the first hand-over")
        self.dispatch.say(lambda m: m.recall.ids.extend([first, second]))
        until(lambda: self.dispatch.results(first) and self.dispatch.results(second), "both outcomes")
        if self.dispatch.results(first)[0] != "accepted":
            raise Broken("the one that had begun did not end as it would have")
        if self.dispatch.results(second)[0] != "refused" and len(self.provider.handed) != 2:
            raise Broken(f"the one that had not begun: {self.dispatch.results(second)[0]}")

    def a_receipt_is_repeated_until_it_is_acknowledged(self):
        self.start()
        until(lambda: self.provider.connections and self.dispatch.pulls, "the provider's connection")
        self.dispatch.acknowledges = False
        self.provider.send("RECEIPT p-1 DELIVERED")
        until(lambda: len([r for _, r in self.dispatch.receipts if r.provider_id == "p-1"]) >= 2, "the receipt twice")

    def a_persons_message_is_answered_only_when_dispatch_keeps_it(self):
        self.start()
        until(lambda: self.provider.connections and self.dispatch.pulls, "the provider's connection")
        self.dispatch.acknowledges = False
        self.provider.send("IN m1 447700900123 60777 STOP")
        until(lambda: self.dispatch.inbound, "the message")
        time.sleep(QUIET_S)
        if self.provider.kept:
            raise Broken("the provider was answered before dispatch had it")
        self.dispatch.acknowledges = True
        until(lambda: self.provider.kept == ["m1"], "the answer to the provider")

    def in_a_trial_a_provider_that_is_no_sandbox_gets_nothing(self):
        self.dispatch.live, self.provider.greeting = False, "a real provider"
        self.start()
        time.sleep(QUIET_S)
        if self.dispatch.pulls:
            i = os.urandom(16)
            self.dispatch.give([i])
            self.not_handed_over(i, "refused")

    def a_second_welcome_ends_the_stream(self):
        self.start()
        hellos = len(self.dispatch.hellos)
        self.dispatch.say(lambda m: setattr(m.welcome, "live", False))
        until(lambda: len(self.dispatch.hellos) > hellos, "that it comes back anew", 10)

    def not_handed_over(self, i, told):
        if told:
            until(lambda: self.dispatch.results(i), "an outcome")
        time.sleep(QUIET_S)
        if i in self.provider.handed:
            raise Broken("it was handed over")
        if set(self.dispatch.results(i)) != ({told} if told else set()):
            raise Broken(f"told {self.dispatch.results(i)}")

    def rules(self):
        own = list(vars(Check).items())
        names = [name for name, _ in own]
        begin = names.index("hello_comes_first_and_names_a_life_of_16_octets")
        return [name for name in names[begin:] if name not in ("not_handed_over", "rules", "run") and not name.startswith("_")]

    def run(self, only, say):
        results = {}
        for rule in self.rules():
            if only and rule not in only:
                continue
            self.fresh()
            try:
                getattr(self, rule)()
                results[rule] = ""
            except Broken as why:
                results[rule] = str(why)
            say(f"{'FAILED' if results[rule] else 'passed'}: {rule.replace('_', ' ')}"
                + (f" ({results[rule]})" if results[rule] else ""))
        self.end()
        return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rule", action="append", help="only this rule (may be repeated)")
    parser.add_argument("command", nargs="+", metavar="COMMAND")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        check = Check(args.command, folder)
        results = check.run(args.rule, lambda line: print(line, file=sys.stderr if args.json else sys.stdout, flush=True))
    failed = sum(bool(why) for why in results.values())
    print(json.dumps(results) if args.json else f"{len(results) - failed} passed, {failed} failed", flush=True)
    os._exit(1 if failed or not results else 0)  # gRPC's threads need no farewell


if __name__ == "__main__":
    main()
