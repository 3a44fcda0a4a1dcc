"""The processes of a rehearsal: started on loopback, killed and restarted with the same data, stopped by their own ids."""
import hashlib
import os
import random
import secrets
import signal
import socket
import subprocess
import time

ROLES = {"operator": "operator", "marketing": "marketing", "approver": "approver", "governance": "governance",
         "smpp": "service"}
FIRST_PORT, LAST_PORT = 20000, 32000  # below the range that the kernel gives out by itself
WINDOW = 64  # of the connector: most messages without the provider's answer


class Broken(Exception):
    """Something that a rehearsal cannot go on from; says what to look at."""


def free_port():
    for _ in range(200):
        port = random.randrange(FIRST_PORT, LAST_PORT)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Broken("no free port between 20000 and 32000")


class Process:
    def __init__(self, name, command, log):
        self.name, self.command, self.log = name, command, log
        self.child = None
        self.kills = 0

    def start(self):
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          start_new_session=True)

    def alive(self):
        return self.child is not None and self.child.poll() is None

    def kill(self):
        """kill -9 and start again at once, with the same data."""
        os.kill(self.child.pid, signal.SIGKILL)
        self.child.wait()
        self.kills += 1
        self.start()

    def stop(self):
        if not self.alive():
            return
        self.child.terminate()
        try:
            self.child.wait(15)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


def wait_for_port(process, port, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not process.alive():
            raise Broken(f"{process.name} ended at its start; read {process.log}")
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise Broken(f"{process.name} does not listen after {seconds} s; read {process.log}")


class System:
    """pharosd, pharos-smpp and pharos-sandbox in one folder."""

    def __init__(self, bin_folder, folder, seed, stop_percent, fail_percent):
        self.folder = folder
        self.journal = os.path.join(folder, "sandbox.journal")
        self.pharosd_port, self.smsc_port = free_port(), free_port()
        self.tokens = {}
        self._write_tokens()
        log = lambda name: os.path.join(folder, name + ".log")
        program = lambda name: os.path.join(bin_folder, name)
        self.sandbox = Process("pharos-sandbox", [
            program("pharos-sandbox"), f"--listen=127.0.0.1:{self.smsc_port}", f"--journal={self.journal}",
            f"--reply-stop-percent={stop_percent}", f"--fail-percent={fail_percent}", f"--seed={seed}"], log("pharos-sandbox"))
        self.pharosd = Process("pharosd", [
            program("pharosd"), f"--data={os.path.join(folder, 'data')}", f"--listen=127.0.0.1:{self.pharosd_port}",
            f"--tokens={os.path.join(folder, 'tokens')}"], log("pharosd"))
        self.smpp = Process("pharos-smpp", [
            program("pharos-smpp"), f"--dispatch=127.0.0.1:{self.pharosd_port}", f"--token-file={self.tokens['smpp']}",
            "--host=127.0.0.1", f"--port={self.smsc_port}", "--system-id=pharos", f"--window={WINDOW}", "--sandbox"],
            log("pharos-smpp"))
        self.pharos = program("pharos")

    def _write_tokens(self):
        lines = []
        for principal, role in ROLES.items():
            token = secrets.token_hex(32)
            self.tokens[principal] = os.path.join(self.folder, principal + ".token")
            self._write_private(self.tokens[principal], token + "\n")
            lines.append(f"{hashlib.sha256(token.encode()).hexdigest()} {principal} {role}\n")
        self._write_private(os.path.join(self.folder, "tokens"), "".join(lines))

    @staticmethod
    def _write_private(path, text):
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)

    def start(self):
        self.sandbox.start()
        wait_for_port(self.sandbox, self.smsc_port, 10)
        self.pharosd.start()
        wait_for_port(self.pharosd, self.pharosd_port, 30)
        self.smpp.start()

    def stop(self):
        for process in (self.smpp, self.pharosd, self.sandbox):
            process.stop()

    def kills(self):
        return self.pharosd.kills + self.smpp.kills
