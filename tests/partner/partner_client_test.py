#!/usr/bin/env python3
"""A partner's system in Python (partner.py) keeps in step with the real pharosd in both directions. Prints "N passed, N failed".

Needs Debian's protobuf-compiler, python3-grpcio, python3-protobuf; PHAROS_BIN says where pharosd is.
"""
import contextlib
import hashlib
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time

PYTHON = "/usr/bin/python3"  # Debian's: it has grpcio
if sys.executable != PYTHON and os.environ.get("PHAROS_PARTNER_PYTHON") is None:
    os.execve(PYTHON, [PYTHON, *sys.argv], {**os.environ, "PHAROS_PARTNER_PYTHON": PYTHON})

import grpc  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "ops" / "rehearsal")]
import partner as p  # noqa: E402
from ports import free_port  # noqa: E402

PRINCIPALS = {"operator": "operator", "governance": "governance", "leeds-crm": "partner", "york-crm": "partner"}
FIELDS = ["given_name", "family_name", "date_of_birth", "email", "phone", "postcode"]
NOW_US = int(time.time() * 1e6)
YEAR_US = 365 * 86_400_000_000
Result = p.sync_pb.SyncResult
OUTCOMES = Result.Outcome
ALLOW, OPTED_OUT = p.types_pb2.ALLOW, p.types_pb2.OPTED_OUT
GRANTED, WITHDRAWN = p.gate_pb2.GRANTED, p.gate_pb2.WITHDRAWN



class Pharosd:
    """The real process in a folder of its own."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pharos-partner-test-"))
        self.port = free_port()
        self.tokens = {name: secrets.token_hex(16) for name in PRINCIPALS}
        lines = [f"{hashlib.sha256(self.tokens[name].encode()).hexdigest()} {name} {roles}" for name, roles in PRINCIPALS.items()]
        self.write("tokens", "\n".join(lines) + "\n")
        self.write("pharos.toml", f'data = "data"\nlisten = "127.0.0.1:{self.port}"\n[access]\ntokens = "tokens"\n[store]\ncache_mib = 64\n')
        self.process = None
        self.start()

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        log = open(self.folder / "pharosd.log", "ab")
        self.process = subprocess.Popen([os.path.join(os.environ["PHAROS_BIN"], "pharosd"), f"--config={self.folder}/pharos.toml"],
                                        stdout=log, stderr=log)
        end = time.monotonic() + 30
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise RuntimeError("pharosd does not start:\n" + (self.folder / "pharosd.log").read_text()[-3000:])

    def kill(self):
        self.process.kill()
        self.process.wait()

    def caller(self, name):
        return p.Caller(self.address, self.tokens[name])

    def partner(self, source="leeds", name="leeds-crm"):
        return p.Partner(self.address, self.tokens[name], f"sources/{source}", f"agreements/{source}")


class Story:
    """What is registered before the first contact comes."""

    def __init__(self, server):
        self.server = server
        operator, governance = server.caller("operator"), server.caller("governance")
        for source in ("leeds", "york"):
            request = p.source_pb.CreateSourceRequest(source_id=source)
            request.source.audience_kind, request.source.trust = p.types_pb2.AUDIENCE_KIND_PUBLIC, 50
            self.again(lambda: operator.call("SourceService/CreateSource", request, p.source_pb.Source))
        purpose = p.purpose_pb.CreatePurposeRequest(purpose_id="quit")
        purpose.purpose.purpose_class, purpose.purpose.lawful_basis = p.types_pb2.PURPOSE_CLASS_MARKETING, p.types_pb2.LAWFUL_BASIS_CONSENT
        purpose.purpose.controller = "Council"
        operator.call("PurposeService/CreatePurpose", purpose, p.purpose_pb.Purpose)
        for source in ("leeds", "york"):
            self.agree(source, source)

    @staticmethod
    def again(call, seconds=20):
        """A process that has just started may not be ready for everything."""
        end = time.monotonic() + seconds
        while True:
            try:
                return call()
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE or time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def agree(self, name, source):
        request = p.agreement_pb.CreateAgreementRequest(agreement_id=name)
        agreement = request.agreement
        agreement.principals.append(f"principals/{source}-crm")
        agreement.sources.append(f"sources/{source}")
        agreement.purposes.append("purposes/quit")
        agreement.write_fields.extend(FIELDS)
        agreement.read_fields.extend(["given_name", "email"])
        agreement.expire_time_us = NOW_US + YEAR_US
        self.server.caller("governance").call("AgreementService/CreateAgreement", request, p.agreement_pb.Agreement)

    def end(self, name):
        request = p.agreement_pb.EndAgreementRequest(name=f"agreements/{name}")
        self.server.caller("governance").call("AgreementService/EndAgreement", request, p.agreement_pb.Agreement)

    def person_of(self, record):
        request = p.person_pb.LookupPeopleRequest(record=record)
        return self.server.caller("governance").call("PersonService/LookupPeople", request, p.person_pb.LookupPeopleResponse).people[0].name

    def withdraw(self, person):
        request = p.consent_pb.WithdrawConsentRequest(person=person, scope=p.gate_pb2.SCOPE_PURPOSE, purpose="purposes/quit", how="phone")
        self.server.caller("governance").call("ConsentService/WithdrawConsent", request, p.consent_pb.ConsentEntry)

    def erase(self, person):
        request = p.person_pb.ErasePersonRequest(person=person, reason="asked by letter")
        self.server.caller("governance").call("PersonService/ErasePerson", request, p.person_pb.ErasePersonResponse)

    def correct(self, person, **fields):
        request = p.person_pb.CorrectPersonRequest(person=person, reason="seen on the birth certificate")
        request.fields.update(fields)
        self.server.caller("governance").call("PersonService/CorrectPerson", request, p.person_pb.Person)


def outcomes(results):
    return [OUTCOMES.Name(r.outcome) + (f" {r.reason}" if r.reason else "") for r in results]


def refusal(call):
    try:
        call()
    except grpc.RpcError as error:
        return p.reason_of(error)
    return "no error"


# ---- what must be true, in the order of a partner's life

def a_feed_goes_up_and_the_same_feed_again_changes_nothing(story, leeds):
    feed = [p.upsert(str(i), cursor=f"c{i}", given_name="Ann", family_name=f"Archer{i}", phone=f"07700 900{100 + i}", time_us=1_000_000 + i)
            for i in range(40)]
    assert outcomes(leeds.sync(*feed)) == ["STORED"] * 40
    assert outcomes(leeds.sync(*feed)) == ["UNCHANGED"] * 40
    assert leeds.resume() == "c39" and leeds.count() == 40
    assert outcomes(leeds.sync(p.delete("39", cursor="c40"))) == ["DELETED"]
    assert outcomes(leeds.sync(p.delete("39", cursor="c40"))) == ["UNCHANGED"]
    assert leeds.count() == 39


def each_item_is_answered_by_itself(story, leeds):
    results = leeds.sync(p.upsert("a b", given_name="Ann"), p.upsert("r1", nhs_number="9434765919"), p.upsert("r2", colour="red"),
                         p.upsert("r3", time_us=NOW_US + YEAR_US, given_name="Ann"), p.upsert("r4", given_name="Bob"),
                         p.upsert("r5", given_name="x" * 5000), p.upsert("r6", facts=["married"]))
    assert outcomes(results) == ["REFUSED RECORD_ID_WRONG", "REFUSED FIELD_NOT_AGREED", "REFUSED FIELD_UNKNOWN", "REFUSED DATE_WRONG",
                                 "STORED", "REFUSED FIELD_TOO_LONG", "REFUSED FACT_UNKNOWN"], outcomes(results)
    assert all(r.message for r in results if r.reason) and leeds.count() == 40
    leeds.sync(p.delete("r4"))


def a_dry_run_says_the_same_and_stores_nothing(story, leeds):
    assert outcomes(leeds.sync(p.upsert("dry", given_name="Ann"), p.upsert("a b"), dry_run=True)) == ["STORED", "REFUSED RECORD_ID_WRONG"]
    assert leeds.count() == 39


def a_cut_line_resumes_at_its_cursor_with_nothing_lost_or_doubled(story, leeds):
    feed = [p.upsert(f"cut{i}", cursor=f"k{i:04}", given_name="Cy", family_name=f"Cutter{i}") for i in range(600)]
    uplink = p.Uplink(leeds)
    for at in range(0, 600, 50):
        uplink.send(*feed[at:at + 50])
    answered = uplink.results(120)
    uplink.cut()
    assert outcomes(answered) == ["STORED"] * len(answered)
    cursors = [item.cursor for item in feed]
    reached = cursors.index(leeds.resume()) + 1
    assert reached >= len(answered), (reached, len(answered))  # what was answered is stored
    rest = leeds.sync(*feed[max(reached - 100, 0):])  # a hundred too many: those say that they are known
    known = [o for o in outcomes(rest) if o == "UNCHANGED"]
    assert set(outcomes(rest)) <= {"STORED", "UNCHANGED"} and len(known) >= min(reached, 100)
    assert leeds.count() == 639 and leeds.resume() == "k0599"


def a_killed_server_has_what_it_answered(story, leeds):
    feed = [p.upsert(f"kill{i}", cursor=f"x{i:04}", given_name="Di", family_name=f"Killed{i}") for i in range(200)]
    uplink = p.Uplink(leeds)
    uplink.send(*feed[:100])
    assert len(uplink.results(100)) == 100
    uplink.send(*feed[100:])
    story.server.kill()
    try:
        uplink.results(100)
    except grpc.RpcError:
        pass
    story.server.start()
    leeds = story.server.partner()
    reached = story.again(leeds.resume)
    assert reached >= "x0099", reached
    results = story.again(lambda: leeds.sync(*feed))
    assert outcomes(results)[:100] == ["UNCHANGED"] * 100
    assert leeds.count() == 839


def an_opt_out_reaches_the_partner_and_no_feed_undoes_it(story, leeds):
    record = "sources/leeds/records/out"
    key = (record, "purposes/quit", p.types_pb2.CHANNEL_SMS)
    contact = dict(given_name="Ed", family_name="Opted", phone="07700 900001")
    assert outcomes(leeds.sync(p.upsert("out", consents=[(GRANTED, 1_000_000)], **contact))) == ["STORED"]
    consents = p.Feed(leeds, "consents")
    consents.until(lambda: consents.reasons.get(key) == ALLOW)
    began = time.monotonic()
    story.withdraw(story.person_of(record))
    consents.until(lambda: consents.reasons.get(key) == OPTED_OUT)
    assert time.monotonic() - began < 5, "opt-outs reach the partner within seconds"
    cursor = consents.stop()
    later = p.upsert("out", consents=[(GRANTED, NOW_US)], **contact)
    assert outcomes(leeds.sync(later)) == ["STORED_IN_PART OPT_OUT_STANDS"]
    assert outcomes(leeds.sync(later)) == ["UNCHANGED OPT_OUT_STANDS"]
    again = p.Feed(leeds, "consents", cursor)
    again.until(lambda: again.reasons.get(key) == OPTED_OUT)
    again.stop()


def a_stewards_decision_is_not_undone(story, leeds):
    assert outcomes(leeds.sync(p.upsert("typo", given_name="Jhon", family_name="Corrected"))) == ["STORED"]
    story.correct(story.person_of("sources/leeds/records/typo"), given_name="John")
    results = leeds.sync(p.upsert("typo", given_name="Jhonny", family_name="Corrected"))
    assert outcomes(results) == ["STORED_IN_PART CORRECTION_STANDS"] and results[0].field == "given_name", outcomes(results)
    feed = p.Feed(leeds, "changes")
    person = story.person_of("sources/leeds/records/typo")
    feed.until(lambda: person in feed.people and feed.people[person].fields.get("given_name") == "John")
    feed.stop()


def an_erased_person_does_not_come_back(story, leeds):
    contact = p.upsert("erase", given_name="Fay", family_name="Erased", phone="07700 900002")
    person = leeds.sync(contact)[0].person
    feed = p.Feed(leeds, "changes")
    feed.until(lambda: person in feed.people)
    story.erase(person)
    feed.until(lambda: feed.people[person].gone)
    feed.stop()
    for _ in range(2):
        assert outcomes(leeds.sync(contact)) == ["REFUSED RECORD_ERASED"]


def changes_come_down_from_everybody_to_the_last(story, leeds):
    feed = p.Feed(leeds, "changes")
    feed.until(lambda: sum(not c.gone for c in feed.people.values()) >= 800)
    assert not feed.versions_went_back
    assert all(set(change.fields) <= {"given_name", "email"} for change in feed.people.values())
    assert all(record.startswith("sources/leeds/") for change in feed.people.values() for record in change.records)
    person = leeds.sync(p.upsert("new", given_name="Gil", family_name="New"))[0].person
    feed.until(lambda: person in feed.people)
    cursor = feed.stop()
    leeds.sync(p.upsert("new", given_name="Gilbert", family_name="New", email="gil@example.org"))
    again = p.Feed(leeds, "changes", cursor)
    again.until(lambda: person in again.people and again.people[person].fields.get("email") == "gil@example.org")
    assert len(again.people) < 50, "from a cursor on only what has changed since"
    leeds.sync(p.delete("new"))
    again.until(lambda: again.people[person].gone)
    again.stop()


def nobody_else_gets_anything_under_it(story, leeds):
    york = story.server.partner("york", "york-crm")
    assert outcomes(york.sync(p.upsert("1", given_name="Zoe", family_name="Yorker"))) == ["STORED"]
    intruder = p.Partner(story.server.address, story.server.tokens["york-crm"], "sources/leeds", "agreements/leeds")
    assert refusal(lambda: intruder.sync(p.upsert("1", given_name="Ann"))) == "AGREEMENT_MISSING"
    assert refusal(intruder.resume) == refusal(intruder.count) == "AGREEMENT_MISSING"
    feed = p.Feed(intruder, "changes")
    feed.until(lambda: feed.error is not None)
    assert p.reason_of(feed.error) == "AGREEMENT_MISSING" and not feed.people
    mine = p.Feed(leeds, "changes")
    mine.until(lambda: mine.people)
    stolen = p.Feed(york, "changes", mine.stop())
    stolen.until(lambda: stolen.error is not None)
    assert p.reason_of(stolen.error) == "CURSOR_WRONG"


def an_agreement_that_is_ended_ends_its_streams(story, leeds):
    uplink, feed = p.Uplink(leeds), p.Feed(leeds, "changes")
    uplink.send(p.upsert("last", given_name="Hal"))
    assert len(uplink.results(1)) == 1
    feed.until(lambda: feed.people)
    story.end("leeds")
    assert refusal(lambda: uplink.results(1)) == "AGREEMENT_ENDED" and uplink.ended == "AGREEMENT_ENDED"
    feed.until(lambda: feed.error is not None)
    assert p.reason_of(feed.error) == "AGREEMENT_ENDED"
    assert refusal(lambda: leeds.sync(p.upsert("1", given_name="Ann"))) == "AGREEMENT_ENDED"


STEPS = [a_feed_goes_up_and_the_same_feed_again_changes_nothing, each_item_is_answered_by_itself,
         a_dry_run_says_the_same_and_stores_nothing, a_cut_line_resumes_at_its_cursor_with_nothing_lost_or_doubled,
         a_killed_server_has_what_it_answered, an_opt_out_reaches_the_partner_and_no_feed_undoes_it, a_stewards_decision_is_not_undone,
         an_erased_person_does_not_come_back, changes_come_down_from_everybody_to_the_last, nobody_else_gets_anything_under_it,
         an_agreement_that_is_ended_ends_its_streams]


def main():
    server = Pharosd()
    passed = failed = 0
    try:
        story = Story(server)
        for step in STEPS:
            name = step.__name__.replace("_", " ")
            try:
                step(story, server.partner())
                passed += 1
                print(f"passed: {name}", flush=True)
            except (AssertionError, grpc.RpcError, RuntimeError, IndexError) as error:
                failed += 1
                line = error.__traceback__
                while line.tb_next:
                    line = line.tb_next
                words = f"{error.code()} {error.details()}" if isinstance(error, grpc.RpcError) and hasattr(error, "code") else error
                print(f"FAILED: {name} ({type(error).__name__} at {line.tb_frame.f_code.co_name}:{line.tb_lineno}: {words})", flush=True)
    finally:
        server.kill()
        if failed:
            print(f"the log is kept in {server.folder}")
        else:
            shutil.rmtree(server.folder)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
