"""The names of the remote procedures as gRPC spells them, and its channel options that both sides must agree on."""

from __future__ import annotations

from shared.sync.limits import MESSAGE_BYTES_MAX
from shared.wire.generated import central_pb2, enrolment_pb2, files_pb2, sync_pb2

SYNC_SERVICE = "filial.sync.v1.Sync"
ENROLMENT_SERVICE = "filial.sync.v1.Enrolment"
CENTRAL_SERVICE = "filial.sync.v1.Central"
FILES_SERVICE = "filial.sync.v1.Files"

EXCHANGE = f"/{SYNC_SERVICE}/Exchange"
VERIFY = f"/{SYNC_SERVICE}/Verify"
ENROL = f"/{ENROLMENT_SERVICE}/Enrol"
COMMIT = f"/{CENTRAL_SERVICE}/Commit"
RESOLVE = f"/{CENTRAL_SERVICE}/Resolve"
QUERY = f"/{CENTRAL_SERVICE}/Query"
MISSING = f"/{FILES_SERVICE}/Missing"
PUT = f"/{FILES_SERVICE}/Put"
GET = f"/{FILES_SERVICE}/Get"

SERVICES = tuple(
    descriptor.services_by_name[name].full_name
    for descriptor, name in (
        (sync_pb2.DESCRIPTOR, "Sync"),
        (enrolment_pb2.DESCRIPTOR, "Enrolment"),
        (central_pb2.DESCRIPTOR, "Central"),
        (files_pb2.DESCRIPTOR, "Files"),
    )
)
"""What reflection shows; naming them also registers their descriptors."""

KEEPALIVE_MS = 20_000
KEEPALIVE_TIMEOUT_MS = 10_000

_COMMON_OPTIONS: tuple[tuple[str, int | str], ...] = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.keepalive_time_ms", KEEPALIVE_MS),
    ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
)

SERVER_OPTIONS = (
    *_COMMON_OPTIONS,
    # By default a server answers pings more often than every five minutes with GOAWAY.
    ("grpc.http2.min_ping_interval_without_data_ms", KEEPALIVE_MS // 2),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", KEEPALIVE_MS // 2),
    ("grpc.http2.max_ping_strikes", 0),
)

REASON_KEY = "filial-reason"
HINT_KEY = "filial-hint-bin"
"""Trailing metadata of a refused call: the error's stable reason, and its hint in UTF-8."""

CHANNEL_OPTIONS = (
    *_COMMON_OPTIONS,
    # When to try again is the session core's decision, with its jitter; gRPC must not hide a failed attempt.
    ("grpc.enable_retries", 0),
)
