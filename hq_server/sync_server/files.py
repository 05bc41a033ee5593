"""The service Files: a few calls at a time, one of each branch, so that files never keep merges waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import grpc
import structlog

from hq_server.operations.files import drop_damaged, find_missing, give_chunk, take_chunk
from hq_server.sync_server.gateway import Gateway
from hq_server.sync_server.identity import Peer, peer_of, require_branch
from shared.errors import NotAuthorised, ProtocolViolation, StoreBusy, StoreCorrupt
from shared.sync.files import FileMissing, GetRequest, MissingRequest, PutRequest
from shared.sync.messages import Undecodable
from shared.wire import files

FILE_CALLS_AT_ONCE_MAX = 2
FILE_CALLS_WAITING_MAX = 200

AnswerT = TypeVar("AnswerT")


class FileCalls:
    """Answers the service's calls; a process has one."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway, self._store = gateway, gateway.store
        self._places = asyncio.Semaphore(FILE_CALLS_AT_ONCE_MAX)
        self._asking: set[bytes] = set()

    def handlers(self, within: Callable[[Any], Any]) -> dict[str, Any]:
        """The service's methods. `within` makes of a call's context what turns errors into the call's status."""

        def method(work: Callable[[Peer, Any], Any], decode: Any, encode: Any) -> Any:
            async def handle(request: Any, context: Any) -> Any:
                async with within(context):
                    if isinstance(request, Undecodable):
                        raise ProtocolViolation(request.reason)
                    peer = peer_of(context)
                    return await self.in_turn(peer, lambda: work(peer, request))

            return grpc.unary_unary_rpc_method_handler(handle, decode, encode)

        return {
            "Missing": method(self.missing, files.decode_missing_request, files.encode_missing),
            "Put": method(self.put, files.decode_put_request, files.encode_put),
            "Get": method(self.get, files.decode_get_request, files.encode_get),
        }

    async def in_turn(self, peer: Peer, work: Callable[[], AnswerT]) -> AnswerT:
        """Does a call's work when its turn comes. Raises NotAuthorised, StoreBusy."""
        if peer.branch_id is None:
            raise NotAuthorised("This certificate may only enrol a branch.")
        if peer.branch_id in self._asking:
            raise StoreBusy("This branch has another call about files under way.", "One at a time.")
        if len(self._asking) >= FILE_CALLS_WAITING_MAX:
            raise StoreBusy("Too many branches bring files at once.", "Try again in a moment.")
        self._asking.add(peer.branch_id)
        try:
            async with self._places:
                return await self._gateway.run(work)
        finally:
            self._asking.discard(peer.branch_id)

    # Blocking calls, each one transaction.

    def missing(self, peer: Peer, request: MissingRequest) -> tuple[FileMissing, ...]:
        """Raises NotAuthorised."""
        with self._store.read() as connection:
            return find_missing(connection, require_branch(connection, peer), request)

    def put(self, peer: Peer, request: PutRequest) -> bool:
        """Raises NotAuthorised, NotFound, InvalidInput."""
        with self._store.write() as connection:
            return take_chunk(connection, require_branch(connection, peer), request, self._gateway.now_us())

    def get(self, peer: Peer, request: GetRequest) -> bytes:
        """A chunk that is damaged is dropped: the next branch to be asked about it brings it again."""
        try:
            with self._store.read() as connection:
                return give_chunk(connection, require_branch(connection, peer), request)
        except StoreCorrupt as error:
            structlog.get_logger().error("damaged file", reason=error.message, attachment=request.attachment_id.hex())
            with self._store.write() as connection:
                drop_damaged(connection, require_branch(connection, peer), request)
            return b""
