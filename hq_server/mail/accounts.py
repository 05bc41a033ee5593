"""Which mail servers the head office uses, and how a line to one is protected. Secrets are never shown or logged."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from hq_server.settings import Settings
from shared.domain.clients import normalize_email
from shared.domain.identifiers import shorten
from shared.domain.mail_text import wire_address
from shared.errors import InvalidInput
from shared.web.serving import is_loopback

ANSWER_SECONDS_MAX: Final = 30
"""How long a mail server may take for one answer."""

PORT_MAX: Final = 65_535


class Protection(StrEnum):
    """How a line is protected: TLS from its first byte, TLS once both agreed, or not, which this machine alone may."""

    IMPLICIT = "implicit"
    STARTTLS = "starttls"
    NONE = "none"


SMTP_PORTS: Final = {Protection.IMPLICIT: 465, Protection.STARTTLS: 587, Protection.NONE: 25}
IMAP_PORTS: Final = {Protection.IMPLICIT: 993, Protection.STARTTLS: 143, Protection.NONE: 143}


@dataclass(frozen=True, slots=True)
class Account:
    """One server and who logs in there; without a user nobody does. `authorities` is a file of certificates that are
    trusted instead of this machine's own."""

    host: str
    port: int
    protection: Protection
    user: str
    secret: str = field(repr=False)
    authorities: Path | None = None
    mailbox: str = ""

    @property
    def name(self) -> str:
        """What tells this account's mailbox from others."""
        return f"{self.user}@{self.host}/{self.mailbox}"

    def tls(self) -> ssl.SSLContext:
        """Checks the server's certificate and name. Raises InvalidInput when the file of authorities is none."""
        try:
            context = ssl.create_default_context(cafile=None if self.authorities is None else str(self.authorities))
        except (OSError, ssl.SSLError):
            raise InvalidInput(f"{self.authorities} holds no certificates.", "Set FILIAL_MAIL_AUTHORITIES.") from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


def smtp_account(settings: Settings) -> Account | None:
    """The server that letters are given to; None when none is set. Raises InvalidInput."""
    if not settings.smtp_host:
        return None
    secret = _secret(settings.smtp_secret, settings.home / "smtp.secret")
    return _account(settings, "SMTP", settings.smtp_host, settings.smtp_port, settings.smtp_tls, SMTP_PORTS,
                    settings.smtp_user, secret)  # fmt: skip


def imap_account(settings: Settings) -> Account | None:
    """The mailbox that answers arrive in; None when none is set. Raises InvalidInput."""
    if not settings.imap_host:
        return None
    secret = _secret(settings.imap_secret, settings.home / "imap.secret")
    mailbox = settings.imap_mailbox
    if not mailbox.isascii() or not mailbox.isprintable() or '"' in mailbox or "\\" in mailbox or not mailbox:
        raise InvalidInput(f"“{shorten(mailbox)}” is not a mailbox.", "Set FILIAL_IMAP_MAILBOX, such as INBOX.")
    return _account(settings, "IMAP", settings.imap_host, settings.imap_port, settings.imap_tls, IMAP_PORTS,
                    settings.imap_user, secret, mailbox)  # fmt: skip


def sender_address(settings: Settings) -> str:
    """The address that letters come from. Raises InvalidInput when none is set."""
    if not settings.mail_from:
        raise InvalidInput("No address is set that letters come from.", "Set FILIAL_MAIL_FROM.")
    address = normalize_email(settings.mail_from)
    wire_address(address)
    return address


def _account(
    settings: Settings,
    what: str,
    host: str,
    port: int,
    tls: str,
    ports: dict[Protection, int],
    user: str,
    secret: str,
    mailbox: str = "",
) -> Account:
    if tls not in frozenset(map(str, Protection)):
        raise InvalidInput(f"FILIAL_{what}_TLS is “{shorten(tls)}”.", f"It is one of: {', '.join(Protection)}.")
    protection = Protection(tls)
    if protection is Protection.NONE and not is_loopback(f"{host}:1"):
        raise InvalidInput(
            f"Letters and passwords would go to {shorten(host)} without protection.",
            f"Set FILIAL_{what}_TLS to implicit or starttls; none is for a server on this machine.",
        )
    if not 0 <= port <= PORT_MAX:
        raise InvalidInput(f"FILIAL_{what}_PORT is {port}.", f"A port is a number up to {PORT_MAX}.")
    if user and not secret:
        raise InvalidInput(
            f"There is no password for {shorten(user)} at {shorten(host)}.",
            f"Write it into {what.lower()}.secret in the folder, or set FILIAL_{what}_SECRET.",
        )
    authorities = settings.mail_authorities if settings.mail_authorities != Path() else None
    return Account(host, port or ports[protection], protection, user, secret, authorities, mailbox)


def _secret(given: str, path: Path) -> str:
    """From the environment, else the first line of a file in the folder, which no backup holds."""
    if given:
        return given
    try:
        lines = path.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError):
        raise InvalidInput(f"{path} cannot be read.", "It holds the password as its first line.") from None
    return lines[0].strip() if lines else ""
