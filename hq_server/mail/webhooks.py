"""One message to a webhook: signed, over http or https alone, led nowhere else, and bounded in time."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from hq_server.operations.fleet_rules import require_url
from hq_server.operations.mail_sending import Answer, Outcome
from shared.errors import InvalidInput

CONNECT_SECONDS_MAX: Final = 10
ANSWER_SECONDS_MAX: Final = 20
"""For the whole conversation, however slowly the other side speaks."""

MESSAGE_BYTES_MAX: Final = 1_000_000
SIGNATURE_HEADER: Final = "X-Filial-Signature"
WORDS_CHARACTERS_MAX: Final = 200
_FAILED = (OSError, http.client.HTTPException, ValueError)


def sign_message(secret: bytes, sent_at_seconds: int, body: bytes) -> str:
    """`t=1790000000,v1=<hex>`: HMAC-SHA256 over the seconds, a full stop and the body, as it went over the wire."""
    signed = hmac.new(secret, f"{sent_at_seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={sent_at_seconds},v1={signed}"


def post_message(url: str, body: bytes, secret: bytes, sent_at_seconds: int, message_id: str) -> Outcome:
    """Hands a message over; 2xx alone says that it was taken. Of the answer only its status is looked at."""
    try:
        parts = urlsplit(require_url(url))
    except InvalidInput as error:
        return Outcome(Answer.REJECTED, error.message)
    if len(body) > MESSAGE_BYTES_MAX:
        return Outcome(Answer.REJECTED, f"The message has {len(body)} bytes; the limit is {MESSAGE_BYTES_MAX}.")
    assert parts.hostname is not None, "require_url wants one"
    connection = _connection(parts.scheme, parts.hostname, parts.port)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "filial-hq",
        SIGNATURE_HEADER: sign_message(secret, sent_at_seconds, body),
        "X-Filial-Message": message_id,
        "Connection": "close",
    }
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with _cut_off_after(connection, ANSWER_SECONDS_MAX):
        try:
            connection.request("POST", target, body, headers)
            status = connection.getresponse().status
        except _FAILED as error:
            return Outcome(Answer.PUT_OFF, _words(error))
        finally:
            connection.close()
    if 200 <= status < 300:
        return Outcome(Answer.TAKEN, str(status))
    return Outcome(Answer.PUT_OFF, f"{status}; redirects are not followed" if 300 <= status < 400 else str(status))


def _connection(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "https":
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return http.client.HTTPSConnection(host, port, timeout=CONNECT_SECONDS_MAX, context=context)
    return http.client.HTTPConnection(host, port, timeout=CONNECT_SECONDS_MAX)


@contextlib.contextmanager
def _cut_off_after(connection: http.client.HTTPConnection, seconds: float) -> Iterator[None]:
    """A socket's timeout is for one byte; whoever sends one every second is cut off here."""

    def cut() -> None:
        held = connection.sock
        if held is not None:
            with contextlib.suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _words(error: Exception) -> str:
    said = " ".join(str(error).split()) or type(error).__name__
    return "".join(each if each.isprintable() else "·" for each in said)[:WORDS_CHARACTERS_MAX]
