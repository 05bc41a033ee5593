"""A message to a webhook, against a real HTTP server: signed, led nowhere, and bounded in time."""

from __future__ import annotations

import hashlib
import hmac
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from hq_server.mail import webhooks
from hq_server.mail.webhooks import MESSAGE_BYTES_MAX, SIGNATURE_HEADER, post_message
from hq_server.operations.mail_sending import Answer, Outcome
from tests.support.webhooks import Listener, listening

SECRET, BODY = b"a secret of thirty-two characters", '{"филиал": "B1"}'.encode()


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as found:
        yield found


def post(url: str, body: bytes = BODY) -> Outcome:
    return post_message(url, body, SECRET, 1_790_000_000, "message-1")


def test_a_message_is_signed_over_its_moment_and_its_bytes(listener: Listener) -> None:
    assert post(listener.url).answer is Answer.TAKEN
    (got,) = listener.got
    assert (got.path, got.body) == ("/filial?to=it", BODY)
    assert got.headers["Content-Type"].startswith("application/json")
    assert got.headers["X-Filial-Message"] == "message-1"
    moment, signed = got.headers[SIGNATURE_HEADER].split(",")
    assert moment == "t=1790000000"
    assert signed == "v1=" + hmac.new(SECRET, b"1790000000." + BODY, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 500, 503])
def test_what_is_no_success_is_put_off_and_nobody_is_led_elsewhere(listener: Listener, status: int) -> None:
    listener.status, listener.headers = status, {"Location": listener.url}
    outcome = post(listener.url)
    assert (outcome.answer, outcome.words[:3]) == (Answer.PUT_OFF, str(status))
    assert len(listener.got) == 1


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "file:///etc/passwd", "gopher://x", ""])
def test_only_http_is_spoken(url: str) -> None:
    assert post(url).answer is Answer.REJECTED


def test_a_message_that_is_too_long_is_not_sent(listener: Listener) -> None:
    assert post(listener.url, b"x" * (MESSAGE_BYTES_MAX + 1)).answer is Answer.REJECTED
    assert listener.got == []


def test_a_server_that_is_not_there_puts_the_message_off() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    outcome = post(f"http://127.0.0.1:{port}/")
    assert outcome.answer is Answer.PUT_OFF
    assert "refused" in outcome.words


def test_a_server_without_tls_is_not_spoken_to_in_https(listener: Listener) -> None:
    assert post(listener.url.replace("http://", "https://")).answer is Answer.PUT_OFF
    assert listener.got == []


def test_a_server_that_answers_a_letter_at_a_time_is_cut_off(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "ANSWER_SECONDS_MAX", 0.2)

    def drip(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 ")
        handler.wfile.flush()
        # It would wait for ever: only being cut off ends it.
        assert handler.connection.recv(1) == b""

    listener.speak = drip
    assert post(listener.url).answer is Answer.PUT_OFF


def test_what_is_no_http_puts_the_message_off(listener: Listener) -> None:
    listener.speak = lambda handler: handler.wfile.write(b"\x00\xff nonsense\r\n\r\n")
    assert post(listener.url).answer is Answer.PUT_OFF
