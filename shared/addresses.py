"""Network addresses as people write them."""

from __future__ import annotations

from shared.errors import InvalidInput


def split_address(address: str) -> tuple[str, int]:
    """`127.0.0.1:8080` as host and port. Raises InvalidInput."""
    host, separator, port = address.rpartition(":")
    if not separator or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise InvalidInput(f"“{address}” is not an address.", "Write it as HOST:PORT, such as 127.0.0.1:8080.")
    return host.strip("[]") or "127.0.0.1", int(port)
