"""Cookies: signed where they are believed, out of scripts' reach, never sent to another site.

Over TLS their names begin with `__Host-`, so that no neighbour of the same host can plant one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path
from typing import Final

from starlette.requests import HTTPConnection
from starlette.responses import Response

from shared.certificates import write_secret
from shared.clock import Ids

SECRET_BYTES: Final = 32
SECURE_PREFIX: Final = "__Host-"
YEAR_SECONDS: Final = 31_536_000


def read_or_make_secret(path: Path, ids: Ids) -> bytes:
    """The key that this node's pages are signed with, made at first need; only its owner may read the file."""
    if path.exists():
        held = path.read_bytes()
        if len(held) == SECRET_BYTES:
            return held
    made = ids.new_salt() + ids.new_salt()
    write_secret(path, made)
    return made


def signature(secret: bytes, purpose: str, text: str) -> str:
    """HMAC-SHA256 over a purpose and a text, in the alphabet of URLs."""
    digest = hmac.new(secret, f"{purpose}\0{text}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def sign(secret: bytes, purpose: str, text: str) -> str:
    """`text.signature`."""
    return f"{text}.{signature(secret, purpose, text)}"


def unsign(secret: bytes, purpose: str, signed: str) -> str | None:
    """The text when its signature holds."""
    text, separator, given = signed.rpartition(".")
    holds = separator and hmac.compare_digest(signature(secret, purpose, text).encode(), given.encode())
    return text if holds else None


def is_secure(connection: HTTPConnection) -> bool:
    """Whether the request came over TLS."""
    return connection.scope.get("scheme") == "https"


def read_cookie(connection: HTTPConnection, name: str) -> str:
    """The cookie's value; empty when there is none."""
    prefix = SECURE_PREFIX if is_secure(connection) else ""
    return connection.cookies.get(prefix + name, "")


def set_cookie(
    response: Response, connection: HTTPConnection, name: str, value: str, max_age_seconds: int | None = None
) -> None:
    """Sets a cookie of ours; without an age it ends with the browser."""
    secure = is_secure(connection)
    response.set_cookie(
        (SECURE_PREFIX if secure else "") + name,
        value,
        max_age=max_age_seconds,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def remove_cookie(response: Response, connection: HTTPConnection, name: str) -> None:
    """Makes the browser forget it."""
    set_cookie(response, connection, name, "", max_age_seconds=0)
