"""pages: how soon the console's pages answer with many people loaded. Each role follows the links from its start page, over TLS; each page
is fetched several times. What nobody would wait for, or pay for on a phone, fails."""
import html
import http.client
import os
import re
import ssl
import statistics
import time
import urllib.parse

import story
import sync
from cli import Cli
from system import Broken, System

ROLES = ("marketing", "approver", "analyst", "governance", "operator")
FETCHES, MOST_MS, MOST_BYTES = 20, 200, 200_000
PATIENCE_S = 300
PERSON_PAGES = ("", "/links", "/timeline", "/consent", "/why", "/correct", "/erase", "/unlink", "/stop", "/grant", "/facts")
HIDDEN = re.compile(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"')


class Visitor:
    """One browser without scripts: a kept connection and a cookie."""

    def __init__(self, system, role):
        self.port, self.cookie = system.edge_port, ""
        self.connection = http.client.HTTPSConnection("localhost", self.port, context=ssl._create_unverified_context(), timeout=60)
        with open(system.tokens[role], encoding="ascii") as file:
            status, _, _ = self.submit("/console/sign-in", key=file.read().strip())
        if status != 303:
            raise Broken(f"{role} cannot sign in: {status}")

    def fetch(self, path, body=None):
        """Status, page, milliseconds."""
        headers = {"Cookie": self.cookie, **({"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {})}
        begin = time.perf_counter()
        self.connection.request("GET" if body is None else "POST", path, body, headers)
        response = self.connection.getresponse()
        page = response.read().decode(errors="replace")
        took = (time.perf_counter() - begin) * 1e3
        self.cookie = (response.getheader("Set-Cookie") or self.cookie).partition(";")[0]
        return response.status, page, took

    def submit(self, path, **fields):
        _, page, _ = self.fetch(path)
        return self.fetch(path, urllib.parse.urlencode({**dict(HIDDEN.findall(page)), **fields}))


def shape(path):
    """Pages that differ by a name only are one."""
    return "/".join("{}" if re.search(r"\d", part) else part for part in path.partition("?")[0].split("/"))


def crawl(visitor, first):
    """(shape, milliseconds of each fetch, bytes) of each page that can be reached."""
    seen, waiting = set(), ["/console", *first]
    while waiting:
        path = waiting.pop(0)
        if shape(path) in seen or path.endswith(("/stream", "/sign-out")):
            continue
        seen.add(shape(path))
        status, page, took = visitor.fetch(path)
        if status != 200:
            continue  # not for this role
        yield shape(path), [took, *(visitor.fetch(path)[2] for _ in range(FETCHES - 1))], len(page.encode())
        waiting += [html.unescape(link) for link in re.findall(r'href="(/console[^"#]*)"', page)]


def people_pages(visitor, person):
    """Governance says first why it looks."""
    visitor.submit("/console/people/purpose", purpose=f"purposes/{story.PURPOSE}")
    return [f"/console/people/{person}{page}" for page in PERSON_PAGES] + ["/console/reviews"]


def fill(args, system, cli, say):
    people = sync.generate(args)
    story.register(cli)
    say(f"Loading {args.people:,} people …")
    whose = os.path.join(args.folder, "whose.csv")
    sync.send(args, system, people, "--bulk", "--batch=1000", f"--people={whose}")
    story.prepare_campaign(cli, args.folder)
    with open(whose, encoding="utf-8") as file:
        return file.readline().strip().partition("people/")[2]


def await_answer(system):
    for _ in range(PATIENCE_S):
        try:
            return Visitor(system, ROLES[0])
        except OSError:
            time.sleep(1)
    raise Broken("the console does not answer")


def run(args, say):
    system = System(args.bin, args.folder, args.seed, 0, 0, edge=True)
    too_much = []
    try:
        system.start()
        person = fill(args, system, Cli(system), say)
        await_answer(system)
        for role in ROLES:
            say(f"{role} …")
            visitor = Visitor(system, role)
            for page, times, size in crawl(visitor, people_pages(visitor, person) if role == "governance" else []):
                worst = max(times)
                if worst > MOST_MS or size > MOST_BYTES:
                    too_much.append(f"{page} for {role} ({worst:.0f} ms, {size:,} bytes)")
                yield {"workload": "pages", "case": f"{role} {page}", "unit": "ms", "value": round(statistics.median(times), 2),
                       "p50_ms": round(statistics.median(times), 2), "p99_ms": round(worst, 2), "bytes": size, "people": args.people}
    finally:
        system.stop()
    if too_much:
        raise Broken(f"more than {MOST_MS} ms or {MOST_BYTES:,} bytes: {', '.join(too_much)}")
