"""A client with a branch's certificate that keeps none of the protocol's rules unless it is told to."""

from __future__ import annotations

import itertools
import queue
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import grpc
from cryptography import x509

from branch_node.settings import Settings
from branch_node.sync_client.channel import Identity, load_identity
from deploy.demo.chain import Branch
from shared.certificates import SERVER_NAME, branch_of_uri, uris_of
from shared.clock import SystemClock
from shared.sync.chain import Head
from shared.sync.limits import PROTOCOL_MAX, PROTOCOL_MIN, SCHEMA_VERSION
from shared.sync.messages import BranchMessage, FeedCursor, Hello, HqMessage, VerifyReply, VerifyRequest
from shared.wire.exchange import decode_hq_message, encode_branch_message
from shared.wire.methods import CHANNEL_OPTIONS, EXCHANGE, HINT_KEY, REASON_KEY, VERIFY
from shared.wire.verification import decode_verify_reply, encode_verify_request
from tests.support.clock import FakeClock, SeededIds
from tests.support.journal import JournalWriter

CALL_SECONDS_MAX = 20
_SEEDS = itertools.count(1_000)


class Refusal(NamedTuple):
    """How a call ended: its status, and what the trailing metadata say."""

    code: grpc.StatusCode
    details: str
    reason: str | None
    hint: str | None


class Stream:
    """One Exchange call."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._sending: queue.SimpleQueue[BranchMessage | bytes | None] = queue.SimpleQueue()
        self._call: Any = channel.stream_stream(EXCHANGE, _encode, decode_hq_message)(
            self._requests(), timeout=CALL_SECONDS_MAX
        )

    def _requests(self) -> Iterator[BranchMessage | bytes]:
        while (message := self._sending.get()) is not None:
            yield message

    def send(self, *messages: BranchMessage | bytes) -> None:
        """Messages, or bytes that are none."""
        for message in messages:
            self._sending.put(message)

    def finish_sending(self) -> None:
        """Closes this side."""
        self._sending.put(None)

    def receive(self, kind: type[Any]) -> Any:
        """The next message of that kind; others are passed over. Raises grpc.RpcError when the stream ended."""
        while True:
            message: HqMessage = next(self._call)
            if isinstance(message, kind):
                return message

    def break_off(self) -> None:
        """Ends the call without a word."""
        self._call.cancel()
        self.finish_sending()

    def end(self) -> Refusal:
        """Reads to the end, and says how it was."""
        try:
            for _ in self._call:
                pass
        except grpc.RpcError:
            pass
        self.finish_sending()
        return refusal_of(self._call)


class Rogue:
    """A branch's certificate in the wrong hands."""

    def __init__(self, port: int, identity: Identity) -> None:
        self.branch_id = branch_id_of(identity.certificate)
        self.clock = FakeClock(SystemClock().now_us())
        ids = SeededIds(self.clock, next(_SEEDS))
        self.journal = JournalWriter(self.branch_id, ids, self.clock)
        self.channel = open_channel(port, identity)

    @classmethod
    def of(cls, branch: Branch, port: int) -> Rogue:
        """With the files of a branch."""
        return cls(port, identity_of(branch))

    def hello(self, **changes: Any) -> Hello:
        """An honest hello, or a changed one."""
        honest = Hello(
            branch_id=self.branch_id,
            incarnation=self.journal.incarnation,
            head=self.journal.head,
            feed=FeedCursor(),
            wall_clock_us=SystemClock().now_us(),
            hlc_epoch=0,
            hlc=0,
            release="rogue",
            boot_id=b"b" * 16,
            instance_id=b"i" * 16,
            protocol_min=PROTOCOL_MIN,
            protocol_max=PROTOCOL_MAX,
            schema_version=SCHEMA_VERSION,
        )
        return replace(honest, **changes)

    def exchange(self, *messages: BranchMessage | bytes) -> Stream:
        """A new stream that begins with these messages."""
        stream = Stream(self.channel)
        stream.send(*messages)
        return stream

    def verify(self) -> VerifyReply | Refusal:
        """Asks what HQ holds."""
        request = VerifyRequest(self.journal.incarnation, Head(0, bytes(32)))
        call = self.channel.unary_unary(VERIFY, encode_verify_request, decode_verify_reply)
        try:
            reply: VerifyReply = call(request, timeout=CALL_SECONDS_MAX)
        except grpc.RpcError as error:
            return refusal_of(error)
        return reply

    def close(self) -> None:
        self.channel.close()


def refusal_of(call: Any) -> Refusal:
    """The status of a call that has ended."""
    metadata = dict(call.trailing_metadata() or ())
    hint = metadata.get(HINT_KEY)
    return Refusal(call.code(), call.details(), metadata.get(REASON_KEY), hint.decode() if hint is not None else None)


def identity_of(branch: Branch) -> Identity:
    """The files that a branch shows."""
    return load_identity(Settings(home=branch.home))


def branch_id_of(certificate: bytes) -> bytes:
    """The branch that a certificate speaks for; zeros when it speaks for none."""
    found = [branch_of_uri(uri) for uri in uris_of(x509.load_pem_x509_certificate(certificate))]
    return next((branch_id for branch_id in found if branch_id), bytes(16))


def open_channel(port: int, identity: Identity) -> grpc.Channel:
    """A channel as a branch opens it."""
    credentials = grpc.ssl_channel_credentials(identity.authority, identity.key, identity.certificate)
    options = (
        *CHANNEL_OPTIONS,
        ("grpc.ssl_target_name_override", SERVER_NAME),
        # Rogues send what an honest channel would not.
        ("grpc.max_send_message_length", -1),
        ("grpc.use_local_subchannel_pool", 1),
    )
    return grpc.secure_channel(f"127.0.0.1:{port}", credentials, options=options)


def _encode(message: BranchMessage | bytes) -> bytes:
    return message if isinstance(message, bytes) else encode_branch_message(message)
