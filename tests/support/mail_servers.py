"""Real mail servers on this machine: aiosmtpd takes letters, pymap keeps a mailbox."""

from __future__ import annotations

import asyncio
import imaplib
import ssl
import threading
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import DictBackend
from pymap.imap import IMAPServer

from shared.domain.mail_text import ReceivedLetter, parse_letter

HOST = "127.0.0.1"
USER, SECRET = "shop@shop.example", "a secret of the mail server"


@dataclass(frozen=True)
class Certificates:
    """A certificate for this machine, and a file of authorities that vouches for it."""

    folder: Path
    authorities: Path

    def context(self) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.folder / "mail.crt", self.folder / "mail.key")
        return made


def make_certificates(folder: Path, address: str = HOST) -> Certificates:
    """For a server at that address; it vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "mail.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "mail.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Certificates(folder, folder / "mail.crt")


@dataclass
class Took:
    """A letter that the server took or was just taking."""

    sender: str
    recipient: str
    data: bytes

    @property
    def letter(self) -> ReceivedLetter:
        return parse_letter(self.data)


@dataclass
class PostOffice:
    """What the SMTP server does with letters: `on_…` answer otherwise than it would, or cut the line with None."""

    took: list[Took] = field(default_factory=list)
    on_mail: Callable[[str], str | None] | None = None
    on_rcpt: Callable[[str], str | None] | None = None
    on_data: Callable[[Took], str | None] | None = None
    logged_in: list[str] = field(default_factory=list)
    port: int = 0

    # What aiosmtpd calls.

    async def handle_MAIL(self, server: Any, _session: Any, envelope: Any, address: str, options: list[str]) -> Any:
        if self.on_mail is not None:
            return self._said(server, self.on_mail(address))
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server: Any, _session: Any, envelope: Any, address: str, options: list[str]) -> Any:
        said = self.on_rcpt(address) if self.on_rcpt is not None else "250 OK"
        if said is not None and said.startswith("250"):
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return self._said(server, said)

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> Any:
        (recipient,) = envelope.rcpt_tos
        took = Took(envelope.mail_from, recipient, envelope.content)
        # Whether the other side learns of it or not: it is here.
        self.took.append(took)
        return self._said(server, self.on_data(took) if self.on_data is not None else "250 Taken")

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, mechanism: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword), mechanism
        self.logged_in.append(given.login.decode())
        return AuthResult(success=(given.login, given.password) == (USER.encode(), SECRET.encode()), handled=False)

    @staticmethod
    def _said(server: Any, said: str | None) -> str:
        if said is None:
            server.transport.abort()
            return "421 cut"
        return said


@dataclass
class ImapMailbox:
    """A mailbox on the IMAP server, and how tests put letters into it."""

    port: int
    name: str = "INBOX"

    @contextmanager
    def owner(self) -> Iterator[imaplib.IMAP4]:
        with imaplib.IMAP4(HOST, self.port, timeout=10) as client:
            client.login(USER, SECRET)
            yield client

    def put(self, *letters: bytes) -> None:
        with self.owner() as client:
            for letter in letters:
                said, words = client.append(self.name, "", "", letter)
                assert said == "OK", words

    def begin_anew(self) -> None:
        """The mailbox is another of the same name: its UIDs begin at 1 again."""
        with self.owner() as client:
            client.delete(self.name)
            assert client.create(self.name)[0] == "OK"

    def flags(self) -> list[bytes]:
        """Of every letter."""
        with self.owner() as client:
            client.select(self.name, readonly=True)
            return [part for part in client.fetch("1:*", "(FLAGS)")[1] if isinstance(part, bytes)]


class _Loop:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="mail servers", daemon=True)
        self.thread.start()

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def close(self) -> None:
        async def end() -> None:
            ours = asyncio.current_task()
            tasks = [task for task in asyncio.all_tasks() if task is not ours]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self.run(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@contextmanager
def smtp_server(
    tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None, needs_log_in: bool = False
) -> Iterator[PostOffice]:
    """aiosmtpd on a free port: plain, with TLS from the first byte, or on request."""
    office, running = PostOffice(), _Loop()

    def session() -> SMTP:
        return SMTP(
            office, hostname="mail.example", tls_context=starttls, require_starttls=starttls is not None,
            authenticator=office.authenticate, auth_required=needs_log_in, auth_require_tls=starttls is not None,
            loop=running.loop,
        )  # fmt: skip

    async def begin() -> asyncio.Server:
        return await running.loop.create_server(session, HOST, 0, ssl=tls)

    server = running.run(begin())
    office.port = server.sockets[0].getsockname()[1]
    try:
        yield office
    finally:
        running.loop.call_soon_threadsafe(server.close)
        running.close()


@contextmanager
def imap_server(tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None) -> Iterator[ImapMailbox]:
    """pymap on a free port, with an empty mailbox in its memory."""
    running = _Loop()

    async def begin() -> asyncio.Server:
        arguments = Namespace(
            host=HOST, port=0, debug=False, cert=None, key=None, tls=starttls is not None, proxy_protocol=None,
            inherited_sockets=None, demo_data=False, demo_user=USER, demo_password=SECRET, passlib_cfg=None,
        )  # fmt: skip
        backend, config = await DictBackend.init(
            arguments, ssl_context=starttls, secure_auth=False, invalid_user_sleep=0
        )
        config.apply_context()
        await backend.start(AsyncExitStack())
        reader = ProxyProtocolReader(config.proxy_protocol)
        served = reader.get_callback(IMAPServer(backend.login, config))
        return await asyncio.start_server(served, HOST, 0, ssl=tls)

    server = running.run(begin())
    try:
        yield ImapMailbox(server.sockets[0].getsockname()[1])
    finally:
        running.loop.call_soon_threadsafe(server.close)
        running.close()
