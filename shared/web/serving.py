"""Serving a web application inside a program that has other things to do: uvicorn without its hold on signals."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn

from shared.addresses import split_address
from shared.errors import InvalidInput


class WebServer(uvicorn.Server):
    """A server whose program decides when it stops."""

    def __init__(self, app: Any, address: str) -> None:
        """Raises InvalidInput when the address cannot be used."""
        host, port = split_address(address)
        super().__init__(uvicorn.Config(app, log_config=None, lifespan="off", access_log=False))
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            raise InvalidInput(f"Cannot listen on {address}: {error.strerror}.", "Choose another port.") from None
        self.host, self.port = host, int(self._socket.getsockname()[1])

    async def run_until_stopped(self) -> None:
        """Serves until `should_exit` is set."""
        await self.serve(sockets=[self._socket])

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
