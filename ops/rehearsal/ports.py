"""Ports of loopback for servers of tests and rehearsals: each is ours until this process ends, whoever else looks
for one meanwhile (tests/support/ports.h shares the files)."""
import fcntl
import os
import pathlib
import random
import socket

FIRST, LAST = 20_000, 32_000  # below the range that the kernel gives out by itself
FOLDER = pathlib.Path(f"/tmp/pharos-ports.{os.getuid()}")
TRIES = 200
_held = []  # the locks end with the process


def _reserve(port):
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    lock = open(FOLDER / str(port), "a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
    except OSError:
        lock.close()
        return False
    _held.append(lock)
    return True


def free_port():
    for _ in range(TRIES):
        port = random.randrange(FIRST, LAST)
        if _reserve(port):
            return port
    raise OSError(f"no free port between {FIRST} and {LAST}")
