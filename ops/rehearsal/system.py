"""The processes of a rehearsal: started on loopback, killed and restarted with the same data, stopped by their own ids."""
import datetime
import hashlib
import os
import random
import secrets
import signal
import socket
import subprocess
import time

from ports import free_port
from postgres import Postgres, PostgresBroken

ROLES = {"operator": "operator", "second-operator": "operator", "marketing": "marketing", "author": "marketing,approver", "approver": "approver",
         "governance": "governance", "analyst": "analyst", "try-out": "sender", "smpp": "connector", "smtp": "connector"}
SERVICES = ["access", "customer", "audience", "campaign", "dispatch", "engagement"]
WINDOW = {"pharos-smpp": 64, "pharos-smtp": 32}  # most messages without the provider's answer
BOUNCE_DOMAIN = "bounces.example.org"
TRY_OUT = [
    "", "# \"Send it to yourself\" in the console: by whom, through which standing campaign, with which texts of it.",
    "[edge.try_out]", 'token = "try-out.token"', 'campaign = "try-out"', 'sms = "try-out-sms"', 'email = "try-out-email"',
]
WEBHOOK_EXAMPLE = [
    "", "# A partner's feed, posted to it as Standard Webhooks. Take the # away, and give the webhook a name.",
    "# [edge.webhooks.leeds]",
    '# url = "https://crm.leeds.example/pharos"  # https, but for an address of this machine that allow_private names',
    '# feed = "consent"                          # or "changes"',
    '# agreement = "leeds"                       # whose feed: the agreement that says what may be shown',
    '# key_file = "leeds.key"                    # the partner\'s own access key (chmod 600): the feed is read as the partner',
    '# secret_file = "leeds.whsec"               # whsec_ or whsk_ and base64; ["new", "old"] while it changes',
    '# payload = "thin"                          # ids only; "full": with the fields that the agreement shows',
    '# ca_file = "leeds-ca.pem"                  # who may vouch for the receiver; left out: whom this system trusts',
    '# allow_private = ["10.20.0.0/16"]          # networks inside that it may be in; left out: the public internet',
]


class Broken(Exception):
    """Something that a rehearsal cannot go on from; says what to look at."""


class Process:
    def __init__(self, name, command, log, port=0):
        self.name, self.command, self.log, self.port = name, command, log, port
        self.child = None
        self.kills = 0

    def start(self, crash_at=None, stop_at=None):
        """`crash_at`: a named point at which it kills itself (-9), "name:n" for the n-th time that it is reached; `stop_at`: one at
        which it stops itself (SIGSTOP)."""
        armed = {"PHAROS_CRASH_AT": crash_at, "PHAROS_STOP_AT": stop_at}
        env = dict(os.environ, **{name: point for name, point in armed.items() if point})
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          start_new_session=True, env=env)

    def alive(self):
        return self.child is not None and self.child.poll() is None

    def kill(self):
        """kill -9 and start again at once, with the same data."""
        os.kill(self.child.pid, signal.SIGKILL)
        self.child.wait()
        self.kills += 1
        self.start()

    def crash_at(self, point, patience_s):
        """Killed, started with the point armed, and started again once it has died there. False: it was not reached."""
        os.kill(self.child.pid, signal.SIGKILL)
        self.child.wait()
        self.kills += 1
        self.start(point)
        try:
            self.child.wait(patience_s)
            reached = True
        except subprocess.TimeoutExpired:
            os.kill(self.child.pid, signal.SIGKILL)
            self.child.wait()
            reached = False
        self.kills += 1
        self.start()
        return reached

    def stop_at(self, point, patience_s):
        """Killed and started with the point armed. True once it has stopped there; let it go on with SIGCONT."""
        os.kill(self.child.pid, signal.SIGKILL)
        self.child.wait()
        self.kills += 1
        self.start(stop_at=point)
        until = time.monotonic() + patience_s
        while time.monotonic() < until and self.alive():
            if self.stopped():
                return True
            time.sleep(0.005)
        return False

    def stopped(self):
        try:
            with open(f"/proc/{self.child.pid}/stat", encoding="ascii") as file:
                return file.read().rpartition(")")[2].split()[0] == "T"
        except OSError:
            return False

    def revive(self):
        """Starts it again if it has died, as its own hard stop or a killed peer may make it. True if it had."""
        if self.alive():
            return False
        self.kills += 1
        self.start()
        return True

    def starts_ns(self):
        """When it began to serve, each time, as its log says."""
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return [nanoseconds(line[9:36]) for line in log if '"event":"pharosd.started"' in line]

    def stop(self):
        if not self.alive():
            return
        self.child.send_signal(signal.SIGCONT)
        self.child.terminate()
        try:
            self.child.wait(15)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


def nanoseconds(text):
    """Of "2026-11-23T02:52:55.659601Z"."""
    moment = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)
    return (moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(microseconds=1) * 1000


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


def write_private(path, text):
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


class System:
    """pharosd, or a process for each service; both connectors; pharos-edge if wanted; pharos-sandbox. All in one folder, described by
    one pharos.toml."""

    def __init__(self, bin_folder, folder, seed, stop_percent, fail_percent, apart=False, store="rocksdb", seal=True, window=None,
                 settings=None, edge=False, control=False):
        """`window`: of both connectors; `settings`: further lines of pharos.toml by connector's name; `edge`: people unsubscribe by
        one click; `control`: the simulated networks can be steered at `control_port`."""
        self.window = {name: window or usual for name, usual in WINDOW.items()}
        self.settings = settings or {}
        self.bin, self.folder, self.apart, self.seal = bin_folder, folder, apart, seal
        self.rng = random.Random(f"system/{seed}")
        self.journal = os.path.join(folder, "sandbox.journal")
        self.inbox = os.path.join(folder, "sandbox.inbox")
        self.config = os.path.join(folder, "pharos.toml")
        self.data = os.path.join(folder, "data")
        self.pharos = os.path.join(bin_folder, "pharos")
        self.smsc_port, self.mail_port, self.bounce_port = free_port(), free_port(), free_port()
        self.control_port = free_port() if control else 0
        self.edge_port = free_port() if edge else 0
        self.ports = {name: free_port() for name in SERVICES} if apart else {}
        self.detours = {}  # service → port by which dispatch, the connectors and the edge reach it, if not its own
        self.pharosd_port = free_port()
        self.postgres = Postgres(os.path.join(folder, "postgres")) if store == "postgres" else None
        self.tokens = {}
        self._write_tokens()
        self.sandbox = self._process("pharos-sandbox", [
            f"--listen=127.0.0.1:{self.smsc_port}", f"--mail-listen=127.0.0.1:{self.mail_port}",
            f"--mail-tls-dir={os.path.join(folder, 'mail-tls')}", f"--bounce-to=127.0.0.1:{self.bounce_port}",
            f"--journal={self.journal}", f"--inbox={self.inbox}", f"--reply-stop-percent={stop_percent}",
            f"--fail-percent={fail_percent}", f"--seed={seed}", *(["--one-click"] if edge else []),
            *([f"--control=127.0.0.1:{self.control_port}"] if control else [])], self.smsc_port)
        self.servers = [self._server(names) for names in ([[name] for name in SERVICES] if apart else [SERVICES])]
        self.connectors = [self._process("pharos-smpp", [f"--config={self.config}", "--name=smpp-main"]),
                           self._process("pharos-smtp", [f"--config={self.config}", "--name=smtp-main"])]
        self.edge = self._process("pharos-edge", [f"--config={self.config}"], self.edge_port) if edge else None

    def _process(self, program, flags, port=0, name=""):
        name = name or program
        return Process(name, [os.path.join(self.bin, program), *flags], os.path.join(self.folder, name + ".log"), port)

    def _server(self, names):
        one = len(names) == 1
        port = self.ports[names[0]] if one else self.pharosd_port
        server = self._process("pharosd", [f"--config={self.config}", "--services=" + (names[0] if one else "all"),
                                           f"--metrics=127.0.0.1:{free_port()}"], port, f"pharosd-{names[0]}" if one else "pharosd")
        server.metrics_port = int(server.command[-1].rpartition(":")[2])
        return server

    def _write_tokens(self):
        lines = []
        for principal, role in ROLES.items():
            token = secrets.token_hex(32)
            self.tokens[principal] = os.path.join(self.folder, principal + ".token")
            write_private(self.tokens[principal], token + "\n")
            lines.append(f"{hashlib.sha256(token.encode()).hexdigest()} {principal} {role}\n")
        write_private(os.path.join(self.folder, "tokens"), "".join(lines))
        write_private(os.path.join(self.folder, "service.token"), secrets.token_hex(32) + "\n")

    def _write_config(self):
        write_private(self.config, self._config_text(self.ports))
        if not self.detours:
            return
        far = os.path.join(self.folder, "pharos-far.toml")
        write_private(far, self._config_text({**self.ports, **self.detours}))
        # dispatch itself must listen at its own address.
        own = os.path.join(self.folder, "pharos-dispatch.toml")
        write_private(own, self._config_text({**self.ports, **self.detours, "dispatch": self.ports["dispatch"]}))
        for process in (*self.servers, *self.connectors, *([self.edge] if self.edge else [])):
            if process.name == "pharosd-dispatch":
                process.command[1] = f"--config={own}"
            elif process not in self.servers:
                process.command[1] = f"--config={far}"

    def _config_text(self, ports):
        store = ['engine = "rocksdb"'] if self.postgres is None else [
            'engine = "postgres"', f'postgres = "{self.postgres.conninfo}"']
        services = [f'{name} = "127.0.0.1:{port}"' for name, port in ports.items()]
        styles = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/npm/node_modules/govuk-frontend/dist/govuk")
        edge = [] if not self.edge else [
            "[edge]", *([f'assets = "{os.path.normpath(styles)}"'] if os.path.isdir(styles) else []), f'listen = "127.0.0.1:{self.edge_port}"', f'url = "https://localhost:{self.edge_port}"',
            'certificate = "mail-tls/cert.pem"', 'key = "mail-tls/key.pem"', *TRY_OUT, *WEBHOOK_EXAMPLE, ""]
        return "\n".join([
            'data = "data"', f'listen = "127.0.0.1:{self.pharosd_port}"', 'service_token = "service.token"', "",
            "[services]", *services, "", "[access]", 'tokens = "tokens"', "", "[store]", *store, f"seal = {str(self.seal).lower()}",
            "", "[connectors.smpp-main]", 'protocol = "smpp"', 'host = "127.0.0.1"', f"port = {self.smsc_port}",
            'system-id = "pharos"', f"window = {self.window['pharos-smpp']}", "sandbox = true", 'token-file = "smpp.token"',
            *self.settings.get("smpp-main", []), "",
            "[connectors.smtp-main]", 'protocol = "smtp"', 'host = "localhost"', f"port = {self.mail_port}",
            'tls = "required"', 'ca-file = "mail-tls/cert.pem"', f"window = {self.window['pharos-smtp']}", "sandbox = true",
            *self.settings.get("smtp-main", []), 'token-file = "smtp.token"', f'listen = "127.0.0.1:{self.bounce_port}"', f'bounce-domain = "{BOUNCE_DOMAIN}"',
            'token-key-file = "smtp.key"', "", "[connectors.smpp-live]", 'protocol = "smpp"', 'host = "127.0.0.1"',
            f"port = {self.smsc_port}", "sandbox = false", 'token-file = "smpp.token"', "", *edge])

    def live_connector(self):
        """A connector to what is not declared as a sandbox: to be refused in a trial."""
        return self._process("pharos-smpp", [f"--config={self.config}", "--name=smpp-live"], name="pharos-smpp-live")

    def processes(self):
        return [*self.ours(), self.sandbox]

    def ours(self):
        return [*self.servers, *self.connectors, *([self.edge] if self.edge else [])]

    def server_of(self, service):
        return next(s for s in self.servers if s.name in ("pharosd", f"pharosd-{service}"))

    def start(self):
        """Servers and connectors in random order: each must manage alone until the others are there."""
        if self.postgres is not None:
            self._start_postgres()
        self._write_config()
        self.sandbox.start()
        wait_for_port(self.sandbox, self.smsc_port, 10)
        wait_for_port(self.sandbox, self.mail_port, 10)
        order = self.ours() if self.apart else []
        self.rng.shuffle(order)
        for process in order or self.ours():
            process.start()
            if self.apart:
                time.sleep(self.rng.uniform(0, 0.3))
            elif process.port:
                wait_for_port(process, process.port, 60)
        for server in self.servers:
            wait_for_port(server, server.port, 60)

    def _start_postgres(self):
        try:
            self.postgres.start()
        except PostgresBroken as error:
            raise Broken(str(error)) from error

    def stop(self):
        for process in (*([self.edge] if self.edge else []), *self.connectors, *reversed(self.servers), self.sandbox):
            process.stop()
        if self.postgres is not None:
            self.postgres.stop()

    def kills(self):
        return sum(process.kills for process in self.ours())

    def most_unconfirmed(self):
        """What kills so far may have left in doubt: the windows of the connectors that a kill touches."""
        both = sum(self.window.values())
        return sum(p.kills * (both if p in self.servers else self.window[p.name]) for p in (*self.servers, *self.connectors))
