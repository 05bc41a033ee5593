"""The key of a branch's web pages, and the request by which the head office certifies it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from shared.certificates import key_from_pem, key_to_pem, new_key, web_request, write_secret


def request_web_certificate(key_path: Path, hosts: Sequence[str]) -> bytes:
    """A PEM request for those names and addresses. The key is made once: a certificate in use goes on fitting it.

    Raises InvalidInput when a name is none or the key file is damaged.
    """
    key = key_from_pem(key_path.read_bytes()) if key_path.exists() else new_key()
    request = web_request(key, hosts)
    if not key_path.exists():
        write_secret(key_path, key_to_pem(key))
    return request
