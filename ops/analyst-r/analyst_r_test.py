#!/usr/bin/env python3
"""The examples of README.md, run by R against the real pharosd and pharos-edge. Ends with 77 (left out) where R, its packages curl and
jsonlite, or Debian's python3-grpcio are not installed. PHAROS_BIN says where the programs are."""
import os
import pathlib
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

LEFT_OUT = 77
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "analyst")]


def has_r():
    try:
        done = subprocess.run(["Rscript", "-e", "library(curl); library(jsonlite)"], capture_output=True, timeout=60, check=False)
    except OSError:
        return False
    return done.returncode == 0


if not has_r():
    print("Left out: R with curl and jsonlite is not installed (ops/setup test installs it).")
    sys.exit(LEFT_OUT)
import analyst_client_test as base  # noqa: E402  ends with 77 itself where grpcio is missing


def start_edge(server):
    port = base.free_port()
    server.write("service.token", secrets.token_hex(32) + "\n")
    server.write("edge.toml", f'listen = "{server.address}"\nservice_token = "service.token"\n[edge]\nlisten = "127.0.0.1:{port}"\n')
    with open(server.folder / "edge.log", "ab") as log:
        process = subprocess.Popen([os.path.join(os.environ["PHAROS_BIN"], "pharos-edge"), f"--config={server.folder}/edge.toml"],
                                   stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    end = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url + "/health", timeout=2):
                return process, url
        except OSError:
            if time.monotonic() > end or process.poll() is not None:
                raise
            time.sleep(0.05)


def install(library):
    subprocess.run(["R", "CMD", "INSTALL", "--no-docs", f"--library={library}", str(HERE)], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=120)


def script(server, url):
    blocks = re.findall(r"^```r\n(.*?)^```", (HERE / "README.md").read_text(encoding="utf-8"), re.M | re.S)
    if len(blocks) < 6:
        raise RuntimeError("README.md has lost its examples")
    values = {"url": url, **{f"{name}_token": server.token_file(name) for name in ("analyst", "marketing", "governance")}}
    return "\n".join([*(f'{name} <- "{value}"' for name, value in values.items()), *blocks])


def main():
    server, edge = base.Pharosd(), None
    library = tempfile.mkdtemp(prefix="pharosr-")
    try:
        base.fill(server)
        edge, url = start_edge(server)
        install(library)
        done = subprocess.run(["Rscript", "-e", script(server, url)], env={**os.environ, "R_LIBS": library}, timeout=120, check=False)
        return done.returncode
    finally:
        if edge is not None:
            edge.kill()
            edge.wait()
        server.stop()
        shutil.rmtree(library, ignore_errors=True)
        shutil.rmtree(server.folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
