#!/usr/bin/env python3
"""The examples of README.md, and what else pharos_analyst promises, against the real pharosd. Prints "N passed, N failed"; ends with
77 (left out) where Debian's python3-grpcio is not installed. PHAROS_BIN says where pharosd is."""
import datetime
import doctest
import hashlib
import importlib.util
import os
import pathlib
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile

PYTHON = "/usr/bin/python3"  # Debian's: it has grpcio
if sys.executable != PYTHON and os.environ.get("PHAROS_ANALYST_PYTHON") is None and os.path.exists(PYTHON):
    os.execve(PYTHON, [PYTHON, *sys.argv], {**os.environ, "PHAROS_ANALYST_PYTHON": PYTHON})
LEFT_OUT = 77
if importlib.util.find_spec("grpc") is None or importlib.util.find_spec("google.protobuf") is None:
    print("Left out: python3-grpcio and python3-protobuf are not installed (ops/setup test installs them).")
    sys.exit(LEFT_OUT)

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
sys.path[:0] = [str(HERE), str(SOURCE / "tests" / "partner"), str(SOURCE / "ops" / "rehearsal")]
import pharos_analyst  # noqa: E402
import partner as p  # noqa: E402
from ports import free_port  # noqa: E402
from pharos_analyst import FilterError, NotAllowed, NotFound, NotKept, TableError, TryLater  # noqa: E402
from pharos_analyst.tables import Figure, Table  # noqa: E402

PRINCIPALS = {"operator": "operator", "governance": "governance", "marketing": "marketing", "analyst": "analyst", "second": "analyst"}
AREAS = [("ash", 200), ("birch", 120), ("cedar", 76), ("elm", 4)]



class Pharosd:
    """The real process in a folder of its own."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pharos-analyst-test-"))
        self.address = f"127.0.0.1:{free_port()}"
        self.tokens = {name: secrets.token_hex(16) for name in PRINCIPALS}
        for name, token in self.tokens.items():
            self.write(f"{name}.token", token + "\n")
        lines = [f"{hashlib.sha256(self.tokens[name].encode()).hexdigest()} {name} {role}" for name, role in PRINCIPALS.items()]
        self.write("tokens", "\n".join(lines) + "\n")
        self.write("pharos.toml", f'data = "data"\nlisten = "{self.address}"\n[access]\ntokens = "tokens"\n[store]\ncache_mib = 64\n')
        with open(self.folder / "pharosd.log", "ab") as log:
            self.process = subprocess.Popen([os.path.join(os.environ["PHAROS_BIN"], "pharosd"), f"--config={self.folder}/pharos.toml"],
                                            stdout=log, stderr=log)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)

    def token_file(self, name):
        return self.folder / f"{name}.token"

    def connect(self, name):
        return pharos_analyst.connect(self.address, token_file=self.token_file(name))

    def stop(self):
        self.process.kill()
        self.process.wait()


def again(call, seconds=30):
    """A process that has just started may not be ready for everything."""
    end = time.monotonic() + seconds
    while True:
        try:
            return call()
        except p.grpc.RpcError as error:
            if error.code() != p.grpc.StatusCode.UNAVAILABLE or time.monotonic() > end:
                raise
            time.sleep(0.05)


def letters(number):
    """Another word for each number, far from the others, so that nobody is taken for somebody else."""
    return "".join(chr(ord("a") + byte % 20) for byte in hashlib.sha256(str(number).encode()).digest()[:9]).capitalize()


def contact(number):
    area = next(name for at, (name, _) in enumerate(AREAS) if number < sum(count for _, count in AREAS[:at + 1]))
    fields = dict(given_name=letters(number), family_name=letters(number + 5000), area=area, sex="FM"[number % 2],
                  date_of_birth=f"{1941 + number % 60}-03-{1 + number % 28:02d}", interests=["walking", "diet;walking", ""][number % 3])
    consents = []
    if number % 5:
        fields["phone"] = f"07700 9{number:05d}"
        consents = [(p.gate_pb2.GRANTED if number % 4 else p.gate_pb2.WITHDRAWN, 1_000_000)]
    item = p.upsert(f"r{number}", time_us=1_000_000, **fields)
    for kind, when in consents:
        item.upsert.consents.add(purpose="purposes/stop-smoking", channel=p.types_pb2.CHANNEL_SMS, kind=kind, event_time_us=when)
    return item


def fill(server):
    operator = p.Caller(server.address, server.tokens["operator"])
    source = p.source_pb.CreateSourceRequest(source_id="quit")
    source.source.audience_kind, source.source.trust = p.types_pb2.AUDIENCE_KIND_PUBLIC, 50
    again(lambda: operator.call("SourceService/CreateSource", source, p.source_pb.Source))
    purpose = p.purpose_pb.CreatePurposeRequest(purpose_id="stop-smoking")
    purpose.purpose.purpose_class, purpose.purpose.lawful_basis = p.types_pb2.PURPOSE_CLASS_MARKETING, p.types_pb2.LAWFUL_BASIS_CONSENT
    purpose.purpose.controller = "Council"
    operator.call("PurposeService/CreatePurpose", purpose, p.purpose_pb.Purpose)
    items = [contact(number) for number in range(sum(count for _, count in AREAS))]
    feed = p.Partner(server.address, server.tokens["operator"], "sources/quit", "")
    results = again(lambda: feed.sync(*items))
    if any(result.outcome != p.sync_pb.SyncResult.STORED for result in results) or len({r.person for r in results}) != len(items):
        raise RuntimeError(f"the people were not stored as they are: {[r for r in results if r.outcome != 1][:3]}")
    with server.connect("marketing") as client:  # the package only reads: an audience is saved by hand
        wire = client._wire
        request = wire.messages("pharos.audience.v1.CreateAudienceRequest")(audience_id="north-pub")
        request.audience.display_name, request.audience.filter = "Public, the north", "audience_kinds:PUBLIC AND area=ash"
        wire.call("pharos.audience.v1.AudienceService", "CreateAudience", request)


# ---- what must be true

def the_examples_run(server):
    tokens = {f"{name}_token": server.token_file(name) for name in PRINCIPALS}
    parser = doctest.DocTestParser()
    text = (HERE / "README.md").read_text(encoding="utf-8")
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(parser.get_doctest(text, {"address": server.address, **tokens}, "README.md", "README.md", 0))
    assert runner.tries > 20 and runner.failures == 0, f"{runner.failures} of {runner.tries} examples"


def who_may_know_is_told_exactly(server):
    with server.connect("marketing") as pharos:
        table = pharos.count(by=["area", "sex"])
        assert sum(table.column("value")) == 400 == table.total.value
        assert set(table.column("certainty")) == {"exact"} and not table.rule_set and not table.query
        assert {r["area"]: 0 for r in table} == dict.fromkeys([name for name, _ in AREAS], 0)
        bands = pharos.count("area = elm", by="date_of_birth", bands={"date_of_birth": ["1901-01-01", "1960-01-01"]})
        assert set(bands.column("date_of_birth")) <= {"1901-01-01 to 1959-12-31", "1960-01-01 on"}, bands
        measured = pharos.count(measures={"walkers": "interests:walking"}).records
        assert [(r["measure"], r["value"]) for r in measured] == [("people", 400), ("walkers", 267)], measured


def a_set_counts_in_each_of_its_cells(server):
    with server.connect("marketing") as pharos:
        cells = {r["interests"]: r["value"] for r in pharos.count(by="interests")}
        assert cells == {None: 133, "diet": 133, "walking": 267}, cells


def a_funnel_adds_up(server):
    with server.connect("marketing") as pharos:
        steps = {r["step"]: r["value"] for r in pharos.funnel(purpose="stop-smoking", channels=["sms"])}
        assert steps["matched"] == 400 == sum(v for k, v in steps.items() if k != "matched"), steps
        # a fifth told us nothing, a fourth of the others took it back; no consent comes before no number
        assert (steps["NO_CONSENT"], steps["OPTED_OUT"], steps["members"]) == (80, 80, 240), steps


def a_suppressed_number_is_never_a_number(server):
    with server.connect("second") as pharos:
        table = pharos.count(by=["area", "sex"])
        hidden = [r for r in table if r["certainty"] == "suppressed"]
        assert hidden and all(r["value"] is None and r["rule"] for r in hidden), table
        assert all(r["value"] % 5 == 0 for r in table if r["value"] is not None), table
        assert -1 not in table.column("value") and table.query.startswith("queries/")


def refusals_say_what_is_wrong(server):
    def refused(kind, call):
        try:
            call()
        except kind as error:
            return error
        raise AssertionError(f"was not refused as {kind.__name__}")
    with server.connect("second") as pharos:
        wrong = refused(FilterError, lambda: pharos.count('language = "en" AND postode:*'))
        assert (wrong.position, wrong.nearest, wrong.reason) == (21, "postcode", "FILTER_WRONG"), vars(wrong)
        assert str(wrong).endswith("\n" + " " * 22 + "^"), str(wrong)
        assert refused(TableError, lambda: pharos.count(by="aera")).nearest == "area"
        assert refused(TableError, lambda: pharos.count(by="age")).reason == "EDGES_WRONG"
        assert refused(NotFound, lambda: pharos.count(audience="none")).reason == "AUDIENCE_NOT_FOUND"
        assert "CountAudience" in str(refused(NotAllowed, lambda: list(pharos.people("", "stop-smoking"))))
        assert refused(NotAllowed, lambda: pharos.queries()).facts["permission"] == "queries.read"
        if not (SOURCE / "proto/pharos/audience/v1/reference_service.proto").exists():
            assert refused(NotFound, pharos.areas).reason == "NOT_OFFERED"
        assert refused(NotKept, lambda: pharos.count(by="area", as_of="2020-01-31T09:00:00Z")).code == "FAILED_PRECONDITION"
        refused(NotKept, lambda: pharos.funnel("", purpose="stop-smoking", as_of=datetime.date(2020, 1, 31)))
        assert refused(FilterError, lambda: pharos.count('engaged("winter", deliverd)')).nearest == "delivered"
        refused(ValueError, lambda: pharos.count(as_of=datetime.datetime(2026, 1, 1)))
        refused(ValueError, lambda: pharos.count(bands={"age": [18]}))
        refused(ValueError, lambda: pharos.funnel("", purpose=""))
    with pharos_analyst.connect(server.address, token="nobody") as nobody:
        assert refused(NotAllowed, nobody.fields).code == "UNAUTHENTICATED"
    with pharos_analyst.connect(f"127.0.0.1:{free_port()}", token="x", patience=0) as nowhere:
        refused(TryLater, nowhere.fields)


def a_list_is_of_pseudonyms(server):
    with server.connect("governance") as pharos:
        everybody = list(pharos.people("area = ash", purpose="stop-smoking"))
        assert len(set(everybody)) == 200 and all(len(name) == 32 for name in everybody)
        assert pharos.queries("governance", most=1)[0]["method"] == "StreamAudience"


def tables_work_without_pandas(server):
    table = Table(["area", "value"], [{"area": "ash", "value": 10}, {"area": "elm", "value": None}], total=Figure(10))
    assert table.column("value") == [10, None] and len(table[:1]) == 1
    if importlib.util.find_spec("pandas"):
        frame = table.to_pandas()
        assert frame["value"].isna().tolist() == [False, True] and frame["value"].sum() == 10
        return
    try:
        table.to_pandas()
    except ImportError as error:
        assert "pandas" in str(error)


def it_installs_without_a_network(server):
    """What pip does with pyproject.toml, in another process; the wheel alone then answers."""
    folder = server.folder / "wheel"
    folder.mkdir()
    subprocess.run([PYTHON, "-c", f"import package_builder; package_builder.build_wheel({str(folder)!r})"], cwd=HERE, check=True)
    wheel, = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    program = ("import pharos_analyst, sys; assert 'site' in pharos_analyst.__file__; "
               "print(pharos_analyst.connect(sys.argv[1], token_file=sys.argv[2]).count().total.value)")
    done = subprocess.run([PYTHON, "-c", program, server.address, str(server.token_file("marketing"))], cwd="/", capture_output=True,
                          text=True, env={**os.environ, "PYTHONPATH": str(folder / "site"), "PATH": "/nowhere"})
    assert done.stdout.strip() == "400", done.stderr


STEPS = [the_examples_run, who_may_know_is_told_exactly, a_set_counts_in_each_of_its_cells, a_funnel_adds_up,
         a_suppressed_number_is_never_a_number, refusals_say_what_is_wrong, a_list_is_of_pseudonyms, tables_work_without_pandas,
         it_installs_without_a_network]


def main():
    server, failed = Pharosd(), 0
    try:
        fill(server)
        for step in STEPS:
            name = step.__name__.replace("_", " ")
            try:
                step(server)
                print(f"passed: {name}", flush=True)
            except Exception:  # every step is told of
                failed += 1
                print(f"FAILED: {name}\n{traceback.format_exc()}", flush=True)
    except Exception:
        failed += 1
        print(traceback.format_exc())
    finally:
        server.stop()
        if failed:
            print(f"the log is kept in {server.folder}")
        else:
            shutil.rmtree(server.folder)
    print(f"{len(STEPS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
