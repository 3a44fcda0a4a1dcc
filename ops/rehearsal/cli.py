"""Calls of the `pharos` command, as a person would make them; every answer is JSON."""
import json
import subprocess
import threading
import time

from system import Broken

PATIENCE_S = 30  # a killed server comes back; every call may be repeated safely


class Refused(Broken):
    def __init__(self, words, code, said):
        super().__init__(f"pharos {' '.join(words)} ended with {code}: {said.strip()}")
        self.code, self.said = code, said


class Cli:
    def __init__(self, system):
        self.system = system

    def command(self, principal, *words):
        return [self.system.pharos, *words, f"--config={self.system.config}", f"--token-file={self.system.tokens[principal]}",
                f"--patience={PATIENCE_S}"]

    def run(self, principal, *words):
        """(standard output, standard error) of one command."""
        done = subprocess.run([*self.command(principal, *words), "--json"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            for process in self.system.processes():
                if not process.alive():
                    raise Broken(f"{process.name} ended by itself with {process.child.returncode}; read {process.log}")
            raise Refused(words, done.returncode, done.stderr)
        return done.stdout, done.stderr

    def one(self, principal, *words):
        return json.loads(self.run(principal, *words)[0])

    def many(self, principal, *words):
        return [json.loads(line) for line in self.run(principal, *words)[0].splitlines()]

    def text(self, *words):
        """What a person sees, as governance, without --json."""
        done = subprocess.run(self.command("governance", *words), stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return done.stdout

    def refusal(self, principal, *words):
        """The words with which something is refused; Broken if it is not."""
        try:
            said, _ = self.run(principal, *words)
        except Refused as refused:
            return refused.said.strip()
        raise Broken(f"pharos {' '.join(words)} was not refused: {said.strip()[:200]}")


class Watch:
    """`pharos campaign watch` in the background: every value that it shows, with the time when it was read. Begun again when a
    killed server ended it."""

    def __init__(self, cli, campaign):
        self.cli, self.campaign = cli, campaign
        self.shown = []  # (nanoseconds, counters)
        self.stopping = threading.Event()
        self.child = None
        self.thread = threading.Thread(target=self._run)

    def start(self):
        self.thread.start()

    def _run(self):
        while not self.stopping.is_set():
            self.child = subprocess.Popen([*self.cli.command("marketing", "campaign", "watch", self.campaign), "--json"],
                                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            for line in self.child.stdout:
                if line.endswith("}\n"):
                    self.shown.append((time.time_ns(), json.loads(line)))
            self.child.wait()
            self.stopping.wait(0.1)

    def stop(self):
        self.stopping.set()
        if self.child is not None and self.child.poll() is None:
            self.child.terminate()
        self.thread.join()
