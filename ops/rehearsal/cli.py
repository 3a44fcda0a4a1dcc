"""Calls of the `pharos` command, as a person would make them; every answer is JSON."""
import json
import subprocess

from system import Broken

PATIENCE_S = 30  # a killed server comes back; every call may be repeated safely


class Refused(Broken):
    def __init__(self, words, code, said):
        super().__init__(f"pharos {' '.join(words)} ended with {code}: {said.strip()}")
        self.code, self.said = code, said


class Cli:
    def __init__(self, system):
        self.system = system

    def run(self, principal, *words):
        """(standard output, standard error) of one command."""
        done = subprocess.run(
            [self.system.pharos, *words, "--json", f"--server=127.0.0.1:{self.system.pharosd_port}",
             f"--token-file={self.system.tokens[principal]}", f"--patience={PATIENCE_S}"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            for process in (self.system.pharosd, self.system.smpp, self.system.sandbox):
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
        done = subprocess.run(
            [self.system.pharos, *words, f"--server=127.0.0.1:{self.system.pharosd_port}",
             f"--token-file={self.system.tokens['governance']}", f"--patience={PATIENCE_S}"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return done.stdout
