"""The gRPC server: one port with required client certificates, the services behind it, and what keeps them informed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection
from grpc_reflection.v1alpha._async import ReflectionServicer
from grpc_reflection.v1alpha.reflection_pb2_grpc import add_ServerReflectionServicer_to_server

from hq_server.operations.central import read_request
from hq_server.settings import Settings
from hq_server.sync_server.commits import CommitQueue
from hq_server.sync_server.exchange import Exchange
from hq_server.sync_server.files import FileCalls
from hq_server.sync_server.gateway import Gateway, Pulse
from hq_server.sync_server.identity import Peer, peer_of
from shared.clock import Clock
from shared.errors import FilialError, InvalidInput, NotAuthorised, ProtocolViolation, StoreBusy, StoreError
from shared.sync.central import CommitRequest, Question, ResolveRequest
from shared.sync.messages import BranchMessage, Undecodable, VerifyRequest
from shared.wire import central, enrolment, exchange, verification
from shared.wire.enrolment import EnrolReply, EnrolRequest
from shared.wire.methods import (
    CENTRAL_SERVICE,
    ENROLMENT_SERVICE,
    FILES_SERVICE,
    SERVER_OPTIONS,
    SERVICES,
    SYNC_SERVICE,
)
from shared.wire.status import status_of, trailing_metadata

STREAMS_MAX = 5_000
STREAMS_PER_BRANCH_MAX = 64
"""One is in use; the others are of dead connections that nobody has noticed yet, or of a branch gone wild."""

STOP_GRACE_SECONDS = 3.0


class SyncServer:
    """Serves the services Sync, Enrolment, Central and Files, health and reflection."""

    def __init__(self, gateway: Gateway, clock: Clock, settings: Settings, share_port: bool = False) -> None:
        """`share_port` lets several processes listen on one port."""
        self._gateway = gateway
        self._clock = clock
        self._poll_seconds = settings.feed_poll_ms / 1_000
        self._streams: set[Exchange] = set()
        self._commits = CommitQueue(gateway, self._feed_grew)
        self._files = FileCalls(gateway)
        self._pulse: Pulse | None = None
        self._log = structlog.get_logger()
        self._server = grpc.aio.server(options=(*SERVER_OPTIONS, ("grpc.so_reuseport", int(share_port))))
        self._health = HealthServicer()
        self._add_services()

    async def start(self, address: str, key: Path, certificate: Path, authority: Path) -> int:
        """Begins to listen; returns the port. Raises InvalidInput when the address cannot be used."""
        credentials = grpc.ssl_server_credentials(
            [(key.read_bytes(), certificate.read_bytes())], authority.read_bytes(), require_client_auth=True
        )
        try:
            port = self._server.add_secure_port(address, credentials)
        except RuntimeError:
            port = 0
        if port == 0:
            raise InvalidInput(f"Cannot listen on {address}.", "Is another head office running there?")
        await self._server.start()
        for service in ("", *SERVICES):
            await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)
        return port

    async def watch(self) -> None:
        """Looks for what other processes changed, until cancelled."""
        while True:
            try:
                await self._look()
            except FilialError as error:
                self._log.error("store does not answer", reason=error.message)
            await asyncio.sleep(self._poll_seconds)

    async def stop(self) -> None:
        """Sends every branch away and stops listening."""
        await self._health.enter_graceful_shutdown()
        for stream in list(self._streams):
            stream.notice_closing(None)
        await self._server.stop(STOP_GRACE_SECONDS)

    def _add_services(self) -> None:
        self._server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler(
                    SYNC_SERVICE,
                    {
                        "Exchange": grpc.stream_stream_rpc_method_handler(
                            self._exchange, exchange.decode_branch_message, exchange.encode_hq_message
                        ),
                        "Verify": grpc.unary_unary_rpc_method_handler(
                            self._verify, verification.decode_verify_request, verification.encode_verify_reply
                        ),
                    },
                ),
                grpc.method_handlers_generic_handler(
                    ENROLMENT_SERVICE,
                    {
                        "Enrol": grpc.unary_unary_rpc_method_handler(
                            self._enrol, enrolment.decode_enrol_request, enrolment.encode_enrol_reply
                        )
                    },
                ),
                grpc.method_handlers_generic_handler(
                    CENTRAL_SERVICE,
                    {
                        "Commit": grpc.unary_unary_rpc_method_handler(
                            self._commit, central.decode_commit_request, central.encode_outcome
                        ),
                        "Resolve": grpc.unary_unary_rpc_method_handler(
                            self._resolve, central.decode_resolve_request, central.encode_outcome
                        ),
                        "Query": grpc.unary_unary_rpc_method_handler(
                            self._query, central.decode_question, central.encode_findings
                        ),
                    },
                ),
                grpc.method_handlers_generic_handler(FILES_SERVICE, self._files.handlers(_Translated)),
            )
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = (*SERVICES, "grpc.health.v1.Health", reflection.SERVICE_NAME)
        add_ServerReflectionServicer_to_server(ReflectionServicer(names), self._server)

    async def _exchange(self, requests: AsyncIterator[BranchMessage], context: Any) -> None:
        async with _Translated(context):
            peer = peer_of(context)
            branch_id = await self._identify(peer)
            if len(self._streams) >= STREAMS_MAX:
                raise InvalidInput(f"This head office serves at most {STREAMS_MAX} streams a process.", "Try later.")
            if sum(stream.branch_id == branch_id for stream in self._streams) >= STREAMS_PER_BRANCH_MAX:
                raise StoreBusy("This branch has too many streams open.", "Only one process may synchronise a branch.")
            stream = Exchange(self._gateway, self._clock, peer, branch_id, context, self._feed_grew)
            self._streams.add(stream)
            try:
                await stream.run(requests)
            finally:
                self._streams.discard(stream)

    async def _verify(self, request: VerifyRequest | Undecodable, context: Any) -> Any:
        async with _Translated(context):
            branch_id = await self._identify(peer_of(context))
            if isinstance(request, Undecodable):
                raise ProtocolViolation(request.reason)
            return await self._gateway.run(lambda: self._gateway.verify(branch_id, request))

    async def _enrol(self, request: EnrolRequest | Undecodable, context: Any) -> EnrolReply:
        async with _Translated(context):
            peer = peer_of(context)
            if isinstance(request, Undecodable):
                raise ProtocolViolation(request.reason)
            known = request
            reply = await self._gateway.run(lambda: self._gateway.enrol(peer, known))
            self._log.info("enrolled", branch=reply.branch_code)
            return reply

    async def _commit(self, request: CommitRequest | Undecodable, context: Any) -> Any:
        async with _Translated(context):
            peer = peer_of(context)
            if peer.branch_id is None:
                raise NotAuthorised("This certificate may only enrol a branch.")
            if isinstance(request, Undecodable):
                raise ProtocolViolation(request.reason)
            return await self._commits.commit(peer, read_request(peer.branch_id, request))

    async def _resolve(self, request: ResolveRequest | Undecodable, context: Any) -> Any:
        async with _Translated(context):
            peer = peer_of(context)
            branch_id = await self._identify(peer)
            if isinstance(request, Undecodable):
                raise ProtocolViolation(request.reason)
            known = request
            return await self._gateway.run(lambda: self._gateway.resolve(peer, branch_id, known))

    async def _query(self, question: Question | Undecodable, context: Any) -> Any:
        async with _Translated(context):
            peer = peer_of(context)
            if isinstance(question, Undecodable):
                raise ProtocolViolation(question.reason)
            known = question
            return await self._gateway.run(lambda: self._gateway.query(peer, known))

    async def _identify(self, peer: Peer) -> bytes:
        return await self._gateway.run(lambda: self._gateway.identify(peer))

    def _feed_grew(self, position: int) -> None:
        for stream in self._streams:
            stream.notice_feed(position)

    async def _look(self) -> None:
        pulse = await self._gateway.run(self._gateway.pulse)
        before, self._pulse = self._pulse, pulse
        if before is None or pulse.feed_head != before.feed_head:
            self._feed_grew(pulse.feed_head)
        if before is not None and pulse.fleet_revision != before.fleet_revision:
            await self._send_revoked_away()

    async def _send_revoked_away(self) -> None:
        for stream in list(self._streams):
            try:
                await self._identify(stream.peer)
            except NotAuthorised as error:
                stream.notice_closing(error)


class _Translated:
    """Domain errors become gRPC statuses here, and nowhere else."""

    def __init__(self, context: Any) -> None:
        self._abort: Callable[..., Awaitable[None]] = context.abort

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, FilialError):
            if isinstance(error, StoreError):
                structlog.get_logger().error("store failed", reason=error.message)
            await self._abort(status_of(error), error.message, trailing_metadata(error))
        elif isinstance(error, Exception) and not isinstance(error, grpc.RpcError | grpc.aio.AbortError):
            structlog.get_logger().error("call failed", error=repr(error), exc_info=error)
            failure = StoreError("The head office could not do that.", "Its log says why.")
            await self._abort(status_of(failure), failure.message, trailing_metadata(failure))
