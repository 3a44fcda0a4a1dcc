"""A private PostgreSQL for a rehearsal: in a folder of its own, reached through a socket in it and through nothing else.

Its settings are the plain ones: every commit is on the disk before it is answered."""
import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

PROGRAMS = "/usr/lib/postgresql/15/bin"
USER = "pharos"
START_SECONDS = 30
STOP_SECONDS = 30


class PostgresBroken(Exception):
    """It cannot be started; says what to do."""


class Postgres:
    """Postgres(folder).start(); conninfo is what libpq wants; stop(). The data lie in `data`, over
    restarts too: in the folder, or under /tmp until this program ends if only root may enter the folder."""

    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        self.data = os.path.join(self.folder, "postgres")
        self.log = os.path.join(self.folder, "postgres.log")
        self.sockets = None
        self.child = None

    @property
    def conninfo(self):
        return f"host={self.sockets} user={USER} dbname=postgres"

    def start(self):
        if not os.access(os.path.join(PROGRAMS, "postgres"), os.X_OK):
            raise PostgresBroken("PostgreSQL 15 is not installed: run ops/setup, or apt-get install postgresql-15")
        if self.sockets is None:
            self._make()
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                [self._program("postgres"), "-D", self.data, "-k", self.sockets, "-c", "listen_addresses=",
                 "-c", "fsync=on", "-c", "synchronous_commit=on", "-c", "max_connections=200"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/", **self._as())
        self._wait()

    def stop(self):
        if self.child is not None and self.child.poll() is None:
            self.child.send_signal(signal.SIGINT)  # says goodbye to its clients, then ends
            try:
                self.child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.child.send_signal(signal.SIGQUIT)
                self.child.wait()
        self.child = None

    def _give(self, path):
        account = self._account()
        if account is not None:
            os.chown(path, account.pw_uid, account.pw_gid)

    def _make(self):
        # A socket's path is short; a rehearsal's folder need not be.
        self.sockets = tempfile.mkdtemp(prefix="pharos-pg-", dir="/tmp")
        atexit.register(shutil.rmtree, self.sockets, ignore_errors=True)
        self._give(self.sockets)
        made = os.path.isdir(self.data)
        if not made:
            os.makedirs(self.data, mode=0o700)
            self._give(self.data)
            if not self._reachable():
                os.rmdir(self.data)
                self.data = os.path.join(self.sockets, "data")
                os.mkdir(self.data, mode=0o700)
                self._give(self.data)
        if made:
            return
        with open(self.log, "ab") as log:
            done = subprocess.run(
                [self._program("initdb"), "-D", self.data, "-A", "trust", "-U", USER, "-E", "UTF8", "--locale=C", "--no-sync"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", **self._as())
        if done.returncode != 0:
            raise PostgresBroken(f"initdb failed; read {self.log}")

    def _reachable(self):
        """A folder that only root may enter is closed to the user that runs PostgreSQL."""
        return subprocess.run(["test", "-w", self.data], cwd="/", check=False, **self._as()).returncode == 0

    def _wait(self):
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self.child.poll() is not None:
                raise PostgresBroken(f"PostgreSQL ended at its start; read {self.log}")
            ready = subprocess.run([self._program("pg_isready"), "-q", "-h", self.sockets], check=False)
            if ready.returncode == 0:
                return
            time.sleep(0.05)
        raise PostgresBroken(f"PostgreSQL does not answer after {START_SECONDS} s; read {self.log}")

    @staticmethod
    def _program(name):
        return os.path.join(PROGRAMS, name)

    @staticmethod
    def _account():
        """PostgreSQL refuses to run as root: then the user that its package made runs it."""
        if os.geteuid() != 0:
            return None
        try:
            return pwd.getpwnam("postgres")
        except KeyError:
            raise PostgresBroken("PostgreSQL does not run as root and there is no user postgres: run this as another user")

    def _as(self):
        account = self._account()
        return {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
