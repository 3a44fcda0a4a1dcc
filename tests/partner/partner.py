"""A partner's system in Python: keeps its contacts in step with Pharos, in both directions.

Up: changes of its own contacts, in order, each with a cursor; what was not answered is sent again after a cut. Down: two feeds, each
followed from the cursor of the last message that was worked off.
"""
import pathlib
import queue
import subprocess
import sys
import tempfile
import threading

import grpc

SOURCE = pathlib.Path(__file__).resolve().parents[2]
CUSTOMER = "/pharos.customer.v1."
UNARY_S, STREAM_S = 25, 60


def messages():
    """The generated messages of the customer API, made now."""
    folder = tempfile.mkdtemp(prefix="pharos-partner-")
    protos = [str(p.relative_to(SOURCE / "proto")) for area in ("google", "pharos/api", "pharos/type", "pharos/customer/v1")
              for p in sorted((SOURCE / "proto" / area).rglob("*.proto"))]
    subprocess.run(["protoc", f"-I{SOURCE}/proto", f"--python_out={folder}", *protos], check=True)
    sys.path.insert(0, folder)


messages()
from pharos.customer.v1 import agreement_service_pb2 as agreement_pb  # noqa: E402
from pharos.customer.v1 import consent_service_pb2 as consent_pb  # noqa: E402
from pharos.customer.v1 import import_service_pb2 as import_pb  # noqa: E402
from pharos.customer.v1 import person_service_pb2 as person_pb  # noqa: E402
from pharos.customer.v1 import purpose_service_pb2 as purpose_pb  # noqa: E402
from pharos.customer.v1 import source_service_pb2 as source_pb  # noqa: E402
from pharos.customer.v1 import sync_service_pb2 as sync_pb  # noqa: E402
from pharos.type.v1 import gate_pb2, types_pb2  # noqa: E402


def reason_of(error):
    """The stable reason of an error, e.g. AGREEMENT_ENDED: the first text of the ErrorInfo in the status details."""
    from google.rpc import error_details_pb2, status_pb2
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                info = error_details_pb2.ErrorInfo()
                if detail.Unpack(info):
                    return info.reason
    return ""


class Caller:
    """Somebody with a token."""

    def __init__(self, address, token):
        self.channel = grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        self.metadata = [("authorization", f"Bearer {token}")]

    def call(self, method, request, answer):
        return self.channel.unary_unary(CUSTOMER + method, type(request).SerializeToString, answer.FromString)(
            request, timeout=UNARY_S, metadata=self.metadata)

    def follow(self, method, request, answer):
        return self.channel.unary_stream(CUSTOMER + method, type(request).SerializeToString, answer.FromString)(
            request, timeout=STREAM_S, metadata=self.metadata)

    def stream(self, method, requests, request, answer):
        return self.channel.stream_stream(CUSTOMER + method, request.SerializeToString, answer.FromString)(
            requests, timeout=STREAM_S, metadata=self.metadata)


def upsert(record, cursor="", consents=(), facts=(), time_us=0, **fields):
    item = sync_pb.SyncItem(record_id=record, cursor=cursor, update_time_us=time_us)
    item.upsert.fields.update(fields)
    item.upsert.facts.extend(facts)
    for kind, when in consents:
        item.upsert.consents.add(purpose="purposes/quit", channel=types_pb2.CHANNEL_SMS, kind=kind, event_time_us=when)
    return item


def delete(record, cursor=""):
    item = sync_pb.SyncItem(record_id=record, cursor=cursor)
    item.delete.SetInParent()
    return item


class Uplink:
    """One open stream of a feed; send() and results() may be mixed as one likes."""

    def __init__(self, partner, **header):
        self.requests = queue.Queue()
        self.requests.put(sync_pb.SyncRequest(header=sync_pb.SyncHeader(source=partner.source, agreement=partner.agreement, **header)))
        self.answers = partner.caller.stream("SyncService/Sync", iter(self.requests.get, None), sync_pb.SyncRequest, sync_pb.SyncResponse)
        self.ended = None

    def send(self, *items):
        self.requests.put(sync_pb.SyncRequest(batch=sync_pb.SyncBatch(items=items)))

    def results(self, count):
        """The next so many results; fewer if the stream ends."""
        found = []
        while len(found) < count:
            try:
                answer = next(self.answers)
            except StopIteration:
                break
            found += answer.results
            if answer.HasField("end"):  # stop sending, and the status of the call says why
                self.ended = answer.end.reason
                self.requests.put(None)
        return found

    def close(self):
        self.requests.put(None)
        return self.results(1 << 30)

    def cut(self):
        """As if the line had been cut."""
        self.answers.cancel()
        self.requests.put(None)


class Feed:
    """Follows one of the two feeds on a thread of its own; keeps the newest state and the cursor of what was worked off."""

    def __init__(self, partner, kind, cursor=""):
        request, self.answer = {"changes": (sync_pb.FollowChangesRequest, sync_pb.FollowChangesResponse),
                                "consents": (sync_pb.FollowConsentsRequest, sync_pb.FollowConsentsResponse)}[kind]
        self.cursor, self.people, self.reasons, self.messages, self.error = cursor, {}, {}, 0, None
        self.versions_went_back = False
        self.lock = threading.Condition()
        self.answers = partner.caller.follow(f"SyncService/Follow{kind.capitalize()}",
                                             request(agreement=partner.agreement, cursor=cursor), self.answer)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        try:
            for answer in self.answers:
                with self.lock:
                    for change in getattr(answer, "changes", ()):
                        before = self.people.get(change.person)
                        self.versions_went_back |= before is not None and not change.gone and before.version > change.version
                        self.people[change.person] = change
                    for state in getattr(answer, "states", ()):
                        for record in state.records:
                            self.reasons[record, state.purpose, state.channel] = state.reason
                    self.cursor, self.messages = answer.cursor or self.cursor, self.messages + 1
                    self.lock.notify_all()
        except grpc.RpcError as error:
            with self.lock:
                self.error = error
                self.lock.notify_all()

    def until(self, holds, seconds=20):
        with self.lock:
            assert self.lock.wait_for(holds, seconds), "what was waited for did not come"

    def stop(self):
        self.answers.cancel()
        self.thread.join()
        return self.cursor


class Partner:
    """One source of contacts under one agreement."""

    def __init__(self, address, token, source, agreement):
        self.caller, self.source, self.agreement = Caller(address, token), source, agreement

    def sync(self, *items, **header):
        uplink = Uplink(self, **header)
        uplink.send(*items)
        return uplink.close()

    def resume(self):
        return self.caller.call("SyncService/ResumeSync", sync_pb.ResumeSyncRequest(source=self.source), sync_pb.ResumeSyncResponse).cursor

    def count(self):
        return self.caller.call("SyncService/CountRecords", sync_pb.CountRecordsRequest(source=self.source), sync_pb.CountRecordsResponse).records
