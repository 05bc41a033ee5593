"""Serving a web application inside a program that has other things to do: uvicorn without its hold on signals."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import uvicorn
from anyio.to_thread import current_default_thread_limiter
from uvicorn.protocols.http.h11_impl import H11Protocol

from shared.addresses import split_address
from shared.errors import InvalidInput

CONNECTIONS_MAX = 256
"""More at once are answered with 503: a shop has a few tills."""

THREADS_MAX = 8
"""Pages that are made at the same moment; the others wait for their turn."""

HEADER_BYTES_MAX = 65_536
HEADER_SECONDS_MAX = 15
"""For a request's head: a connection that sends nothing would hold its place for ever."""

KEEP_ALIVE_SECONDS: Final = 10
STOP_SECONDS_MAX = 5
"""How long requests under way may take when the program ends."""


class TlsFiles(NamedTuple):
    """PEM files: the certificate with its chain, and its key."""

    certificate: Path
    key: Path


class ImpatientProtocol(H11Protocol):
    """HTTP that ends a connection whose request does not come."""

    _giving_up: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_request()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._wait_for_request()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._wait_for_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_request(self) -> None:
        # uvicorn's own `cycle` is None before the first request, whatever its annotation says.
        under_way = self.cycle is not None and not self.cycle.response_complete
        if under_way:
            self._stop_waiting()
        elif self._giving_up is None:
            self._giving_up = self.loop.call_later(HEADER_SECONDS_MAX, self._give_up)

    def _stop_waiting(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None

    def _give_up(self) -> None:
        self._giving_up = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()


class WebServer(uvicorn.Server):
    """A server whose program decides when it stops."""

    def __init__(self, app: Any, address: str, tls: TlsFiles | None = None) -> None:
        """Raises InvalidInput when the address or the certificate cannot be used."""
        host, port = split_address(address)
        super().__init__(_configuration(app, tls))
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
            # From now on whoever connects waits for the first answer, instead of being refused until the loop runs.
            self._socket.listen(CONNECTIONS_MAX)
        except OSError as error:
            self._socket.close()
            raise InvalidInput(f"Cannot listen on {address}: {error.strerror}.", "Choose another port.") from None
        self.host, self.port = host, int(self._socket.getsockname()[1])
        self.scheme = "https" if tls else "http"

    async def run_until_stopped(self) -> None:
        """Serves until `should_exit` is set."""
        # Of this loop: each thread that writes to a store keeps one of its connections, which are fewer than 40.
        current_default_thread_limiter().total_tokens = THREADS_MAX
        await self.serve(sockets=[self._socket])

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach the address. Raises InvalidInput."""
    host, _ = split_address(address)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _configuration(app: Any, tls: TlsFiles | None) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        log_config=None,
        lifespan="off",
        access_log=False,
        http=ImpatientProtocol,
        ws="none",
        # Whom a request comes from is what the socket says, whatever a header claims.
        proxy_headers=False,
        server_header=False,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS_MAX,
        h11_max_incomplete_event_size=HEADER_BYTES_MAX,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
        ssl_context_factory=_tls_context if tls else None,
    )
    if tls:
        _load(config, tls)
    return config


def _tls_context(_config: uvicorn.Config, default: Any) -> ssl.SSLContext:
    context: ssl.SSLContext = default()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def _load(config: uvicorn.Config, tls: TlsFiles) -> None:
    """Loads the files now, so that a program with an unusable certificate says so before it does anything else."""
    try:
        config.load()
    except (ssl.SSLError, OSError):
        raise InvalidInput(
            f"The certificate {tls.certificate} and the key {tls.key} cannot be used.",
            "Both must be PEM and belong together.",
        ) from None
