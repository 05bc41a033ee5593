"""What answers of the service Central come to that no head office should give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import pytest

from branch_node.sync_client import central
from branch_node.sync_client.central import CentralClient
from branch_node.sync_client.channel import Identity
from shared.errors import DecodeError
from shared.sync.central import CommitRequest, Committed, FindClients, NeverAsked, NoAnswer, NotNow, ResolveRequest
from shared.wire.central import encode_outcome
from shared.wire.methods import HINT_KEY, REASON_KEY

REASONED = (REASON_KEY, "refused"), (HINT_KEY, b"")
QUESTION = CommitRequest(b"i" * 16, 1, b"entry")
Call = Callable[..., bytes]


class FailedCall(grpc.RpcError):
    """A call that ended with a status."""

    def __init__(self, status: grpc.StatusCode, details: str, *metadata: tuple[str, str | bytes]) -> None:
        self._said = status, details, metadata

    def code(self) -> grpc.StatusCode:
        return self._said[0]

    def details(self) -> str:
        return self._said[1]

    def trailing_metadata(self) -> Any:
        return self._said[2]


class Channel:
    """A connection that is there at once, and ends every call in the same way."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def unary_unary(self, _method: str, _encode: object, decode: Any = None) -> Call:
        assert decode is None
        return self._call

    def subscribe(self, tell: Callable[[object], None], try_to_connect: bool) -> None:
        assert try_to_connect
        tell(grpc.ChannelConnectivity.READY)

    def unsubscribe(self, tell: object) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes | Exception], CentralClient]:
    def make(ending: bytes | Exception) -> CentralClient:
        def call(_request: object, timeout: float) -> bytes:
            assert 0 < timeout <= 2
            if isinstance(ending, Exception):
                raise ending
            return ending

        monkeypatch.setattr(central, "open_blocking_channel", lambda *_: Channel(call))
        return CentralClient("hq:1", Identity(b"", b"", b""), 2)

    return make


def test_an_answer_is_read(client: Any) -> None:
    assert client(encode_outcome(Committed(7))).commit(QUESTION) == Committed(7)


@pytest.mark.parametrize("data", [b"", b"\xff"])
def test_an_answer_that_cannot_be_read_is_none(client: Any, data: bytes) -> None:
    assert isinstance(client(data).commit(QUESTION), NoAnswer)
    assert isinstance(client(data).resolve(ResolveRequest(b"c" * 16)), NoAnswer)


def test_findings_that_cannot_be_read_say_so(client: Any) -> None:
    with pytest.raises(DecodeError):
        client(b"\xff").query(FindClients("a", 1))


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (FailedCall(grpc.StatusCode.UNAVAILABLE, "failed to connect to all addresses; last error: …"), NeverAsked),
        (FailedCall(grpc.StatusCode.UNAVAILABLE, "Socket closed"), NoAnswer),
        (FailedCall(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded"), NoAnswer),
        (FailedCall(grpc.StatusCode.INTERNAL, "Internal error from Core"), NoAnswer),
        (
            FailedCall(grpc.StatusCode.FAILED_PRECONDITION, "Synchronise.", (REASON_KEY, "refused"), (HINT_KEY, b"")),
            NotNow,
        ),
        (FailedCall(grpc.StatusCode.UNAVAILABLE, "Busy.", (REASON_KEY, "store_busy"), (HINT_KEY, b"")), NoAnswer),
    ],
)
def test_only_what_surely_did_not_happen_counts_as_not_asked(client: Any, failure: Exception, kind: type) -> None:
    assert type(client(failure).commit(QUESTION)) is kind
