"""Calls over gRPC: messages from the descriptors, status details as exceptions, waiting for a service that starts."""
from __future__ import annotations

import time
from typing import Any, Iterator, Optional

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from . import errors
from .descriptors import descriptor_set

CALL_S = 30.0
STREAM_S = 600.0  # a list of millions
MOST_BYTES = 64 << 20  # of one answer: a table of 100,000 cells
FIRST_WAIT_S, MOST_WAIT_S = 0.1, 2.0  # between two tries
# Reasons of UNAVAILABLE and RESOURCE_EXHAUSTED after which waiting does not help.
HOPELESS = {"QUESTIONS_EXHAUSTED"}
TABLE_REASONS = {"DIMENSION_WRONG", "EDGES_WRONG", "MEASURE_REPEATED", "TOO_MANY_CELLS"}
AUDIENCE, CUSTOMER = "pharos.audience.v1", "pharos.customer.v1"


def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()  # of our own: another program may have other versions of the same protos
    for file in descriptor_pb2.FileDescriptorSet.FromString(descriptor_set()).file:
        pool.Add(file)
    return pool


class Messages:
    """Message classes by name, e.g. messages("pharos.audience.v1.Audience")."""

    def __init__(self) -> None:
        self._pool = _pool()
        self._made = {}
        self._factory = None if hasattr(message_factory, "GetMessageClass") else message_factory.MessageFactory(self._pool)

    def __call__(self, name: str) -> Any:
        """NotFound: this version of the API does not have it."""
        if name not in self._made:
            try:
                descriptor = self._pool.FindMessageTypeByName(name)
            except KeyError:
                raise errors.NotFound(f"this version of Pharos does not offer it ({name})", reason="NOT_OFFERED") from None
            self._made[name] = (self._factory.GetPrototype(descriptor) if self._factory
                                else message_factory.GetMessageClass(descriptor))
        return self._made[name]

    def method(self, service: str, method: str) -> Any:
        return self._pool.FindServiceByName(service).FindMethodByName(method)

    def enum_number(self, enum: str, name: str) -> int:
        """Of a name that this version does not know: after all others."""
        values = self._pool.FindEnumTypeByName(enum).values_by_name
        return values[name].number if name in values else len(values)


class Wire:
    """Safe to use from several threads."""

    def __init__(self, address: str, token: str, root_certificates: Optional[bytes], patience: float):
        options = [("grpc.max_receive_message_length", MOST_BYTES)]
        self.messages = Messages()
        self._channel = (grpc.insecure_channel(address, options) if root_certificates is None else
                         grpc.secure_channel(address, grpc.ssl_channel_credentials(root_certificates), options))
        self._metadata = [("authorization", f"Bearer {token}")]
        self._patience = patience

    def close(self) -> None:
        self._channel.close()

    def call(self, service: str, method: str, request: Any = None, filter: str = "") -> Any:
        """Asks again while the service starts or is behind, as long as the patience lasts: every call here only reads."""
        end, wait = time.monotonic() + self._patience, FIRST_WAIT_S
        while True:
            try:
                return self._method(service, method, request)(timeout=CALL_S)
            except grpc.RpcError as error:
                failure = self._failure(error, filter)
                if not isinstance(failure, errors.TryLater) or time.monotonic() + wait > end:
                    raise failure from None
            time.sleep(wait)
            wait = min(2 * wait, MOST_WAIT_S)

    def stream(self, service: str, method: str, request: Any, filter: str = "") -> Iterator[Any]:
        try:
            yield from self._method(service, method, request)(timeout=STREAM_S)
        except grpc.RpcError as error:
            raise self._failure(error, filter) from None

    def _method(self, service: str, method: str, request: Any):
        described = self.messages.method(service, method)
        asked = request if request is not None else self.messages(described.input_type.full_name)()
        answer = self.messages(described.output_type.full_name)
        kind = self._channel.unary_stream if method.startswith(("Stream", "Export")) else self._channel.unary_unary
        callable_ = kind(f"/{service}/{method}", lambda m: m.SerializeToString(), answer.FromString)
        return lambda timeout: callable_(asked, timeout=timeout, metadata=self._metadata)

    def _failure(self, error: grpc.RpcError, filter: str) -> errors.PharosError:
        reason, facts = self._details(error)
        if error.code() == grpc.StatusCode.UNIMPLEMENTED:
            reason = reason or "NOT_OFFERED"
        said = dict(reason=reason, code=error.code().name, facts=facts)
        message = error.details() or error.code().name
        if reason == "FILTER_WRONG":
            return errors.FilterError(message, filter=filter, **said)
        if reason == "SNAPSHOT_NOT_KEPT":
            return errors.NotKept(message, **said)
        if reason in TABLE_REASONS:
            return errors.TableError(message, **said)
        if reason in HOPELESS:
            return errors.TooManyQuestions(message, **said)
        kind = {grpc.StatusCode.PERMISSION_DENIED: errors.NotAllowed, grpc.StatusCode.UNAUTHENTICATED: errors.NotAllowed,
                grpc.StatusCode.NOT_FOUND: errors.NotFound, grpc.StatusCode.UNIMPLEMENTED: errors.NotFound, grpc.StatusCode.UNAVAILABLE: errors.TryLater,
                grpc.StatusCode.RESOURCE_EXHAUSTED: errors.TryLater}.get(error.code(), errors.PharosError)
        return kind(message, **said)

    def _details(self, error: grpc.RpcError):
        for key, value in error.trailing_metadata() or ():
            if key != "grpc-status-details-bin":
                continue
            for detail in self.messages("google.rpc.Status").FromString(value).details:
                if detail.type_url.endswith("/google.rpc.ErrorInfo"):
                    info = self.messages("google.rpc.ErrorInfo").FromString(detail.value)
                    return info.reason, dict(info.metadata)
        return "", {}
