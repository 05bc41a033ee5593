"""The calls of the service Files as a branch makes them: to a head office that is silent, and to one without it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from branch_node.sync_client import files
from branch_node.sync_client.channel import Identity
from branch_node.sync_client.files import FilesClient
from shared.errors import HqUnreachable, SyncError
from shared.sync.files import MissingRequest
from shared.wire.methods import FILES_SERVICE

ASKED = MissingRequest((b"a" * 16,))


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server without any service, on a channel without TLS."""
    with _serving(monkeypatch, {}) as found:
        yield found


def test_a_head_office_without_the_service_is_an_error_of_ours(address: str) -> None:
    client = FilesClient(address, Identity(b"", b"", b""))
    with pytest.raises(SyncError, match="UNIMPLEMENTED"):
        client.missing(ASKED)
    client.close()


def test_a_call_that_is_under_way_ends_when_the_connection_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answer = threading.Event(), threading.Event()

    def be_silent(_request: bytes, _context: object) -> bytes:
        asked.set()
        answer.wait()
        return b""

    with _serving(monkeypatch, {"Missing": grpc.unary_unary_rpc_method_handler(be_silent)}) as address:
        client = FilesClient(address, Identity(b"", b"", b""))
        with ThreadPoolExecutor(1) as thread:
            calling = thread.submit(client.missing, ASKED)
            assert asked.wait(10)
            client.close()
            with pytest.raises(SyncError):
                calling.result(10)
        answer.set()


def test_a_head_office_that_is_not_there_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "open_blocking_channel", lambda address, _identity: grpc.insecure_channel(address))
    client = FilesClient("127.0.0.1:1", Identity(b"", b"", b""))
    with pytest.raises(HqUnreachable):
        client.missing(ASKED)
    client.close()


class _serving:  # noqa: N801 - it reads as what it does.
    """A plain gRPC server with these methods of the service Files; gives its address."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, methods: dict[str, grpc.RpcMethodHandler[bytes, bytes]]
    ) -> None:
        monkeypatch.setattr(files, "open_blocking_channel", lambda address, _identity: grpc.insecure_channel(address))
        self._threads = ThreadPoolExecutor(2)
        self._server = grpc.server(self._threads)
        if methods:
            handler = grpc.method_handlers_generic_handler(FILES_SERVICE, methods)
            self._server.add_generic_rpc_handlers((handler,))

    def __enter__(self) -> str:
        port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        return f"127.0.0.1:{port}"

    def __exit__(self, *_: object) -> None:
        self._server.stop(None).wait()
        self._threads.shutdown(wait=True)
