"""The web server itself: TLS with files of our own, refused ones, what clients may claim."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from shared.certificates import key_to_pem, new_key
from shared.errors import InvalidInput
from shared.web.serving import TlsFiles, WebServer, is_loopback
from tests.support.deadlines import wait_until
from tests.support.gallery import Gallery

SECONDS_MAX = 10


@contextmanager
def served(tls: TlsFiles | None = None) -> Iterator[WebServer]:
    server = WebServer(Gallery().app(), "127.0.0.1:0", tls)
    thread = threading.Thread(target=lambda: asyncio.run(server.run_until_stopped()))
    thread.start()
    try:
        wait_until(lambda: server.started, "the server to start")
        yield server
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def files(tmp_path: Path) -> TlsFiles:
    """A certificate for 127.0.0.1 that signs itself."""
    key, name = new_key(), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "till")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = TlsFiles(tmp_path / "web.crt", tmp_path / "web.key")
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(key_to_pem(key))
    return files


def test_pages_are_served_over_tls_1_3(files: TlsFiles) -> None:
    trusting = ssl.create_default_context(cafile=str(files.certificate))
    with served(files) as server:
        url = f"{server.scheme}://127.0.0.1:{server.port}/"
        with urllib.request.urlopen(url, context=trusting, timeout=SECONDS_MAX) as answer:
            assert answer.headers["Set-Cookie"].startswith("__Host-")
            assert "server" not in answer.headers
        trusting.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(url, context=trusting, timeout=SECONDS_MAX)


def test_a_header_does_not_make_a_connection_secure() -> None:
    with served() as server:
        request = urllib.request.Request(
            f"http://127.0.0.1:{server.port}/", headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "10.0.0.1"}
        )
        with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:
            assert answer.headers["Set-Cookie"].startswith("visitor=")


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow:"])
def test_a_connection_whose_request_does_not_come_is_ended(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr("shared.web.serving.HEADER_SECONDS_MAX", 0.1)
    with served() as server, socket.create_connection(("127.0.0.1", server.port), SECONDS_MAX) as connection:
        connection.sendall(sent)
        assert connection.recv(1) == b""


def test_a_slow_second_request_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.web.serving.HEADER_SECONDS_MAX", 0.5)
    with served() as server, socket.create_connection(("127.0.0.1", server.port), SECONDS_MAX) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /")
        answered = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answered.count(b"HTTP/1.1 200") == 1


def test_a_body_that_does_not_come_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.web.security.BODY_SECONDS_MAX", 0.1)
    with served() as server, socket.create_connection(("127.0.0.1", server.port), SECONDS_MAX) as connection:
        connection.sendall(b"POST /sales HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\na=")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 408")


def test_a_certificate_that_cannot_be_used_is_said_before_serving(files: TlsFiles) -> None:
    files.key.write_bytes(key_to_pem(new_key()))
    with pytest.raises(InvalidInput, match="cannot be used"):
        WebServer(Gallery().app(), "127.0.0.1:0", files)


def test_loopback_is_told_from_other_addresses() -> None:
    assert [is_loopback(address) for address in ("127.0.0.1:1", "[::1]:1", "localhost:1", ":1")] == [True] * 4
    assert [is_loopback(address) for address in ("0.0.0.0:1", "[::]:1", "10.0.0.1:1", "till:1")] == [False] * 4
