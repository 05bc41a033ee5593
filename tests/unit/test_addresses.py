"""Network addresses as people write them."""

from __future__ import annotations

import pytest

from shared.addresses import split_address
from shared.errors import InvalidInput


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("hq.example.com:50051", ("hq.example.com", 50051)),
        (":8080", ("127.0.0.1", 8080)),
        ("[::1]:8080", ("::1", 8080)),
        ("0.0.0.0:0", ("0.0.0.0", 0)),
        ("host:65535", ("host", 65535)),
    ],
)
def test_an_address_is_a_host_and_a_port(address: str, parts: tuple[str, int]) -> None:
    assert split_address(address) == parts


@pytest.mark.parametrize(
    "address", ["", "8080", "host", "host:", "host:port", "host:65536", "host:-1", "host:٨٠", "host: 80"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput, match="not an address"):
        split_address(address)
