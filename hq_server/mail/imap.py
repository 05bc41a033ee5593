"""One line to the mailbox that answers arrive in. It is only looked at: nothing there is marked, moved or deleted."""

from __future__ import annotations

import contextlib
import imaplib
from datetime import date
from types import TracebackType
from typing import Any, Final

from hq_server.mail.accounts import ANSWER_SECONDS_MAX, Account, Protection
from shared.errors import MailServerFailed

LETTER_BYTES_MAX: Final = 2_000_000
"""Of a longer letter only its beginning is read: its text; files are left in the mailbox."""

UIDS_MAX: Final = 4_294_967_295
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FAILED = (imaplib.IMAP4.error, OSError, ValueError, UnicodeError)


class Mailbox:
    """Opened to be read; a context manager. Every method raises MailServerFailed."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._imap = self._connect()
        try:
            self._require("EXAMINE", self._imap.select(f'"{account.mailbox}"', readonly=True))
            self.uid_validity = self._uid_validity()
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Mailbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def uids_after(self, uid: int) -> list[int]:
        """The UIDs that came later, in their order."""
        # The last letter always answers to “N:*”, however small its UID is.
        return [found for found in self._search(f"UID {min(uid + 1, UIDS_MAX)}:*") if found > uid]

    def uids_since(self, day: date) -> list[int]:
        """The UIDs of letters that arrived on a day or later, in their order."""
        return self._search(f"SINCE {day.day}-{_MONTHS[day.month - 1]}-{day.year}")

    def fetch(self, uid: int) -> bytes | None:
        """A letter, or its beginning; None when it is gone meanwhile."""
        asked = f"(BODY.PEEK[]<0.{LETTER_BYTES_MAX}>)"
        for part in self._require("FETCH", self._ask("FETCH", str(uid), asked)):
            if isinstance(part, tuple) and len(part) > 1 and isinstance(part[1], bytes):
                return part[1]
        return None

    def _search(self, criteria: str) -> list[int]:
        found = self._require("SEARCH", self._ask("SEARCH", criteria))
        words = b" ".join(part for part in found if isinstance(part, bytes)).split()
        return sorted({int(word) for word in words if word.isdigit()})

    def _ask(self, command: str, *arguments: str) -> tuple[str, list[Any]]:
        try:
            return self._imap.uid(command, *arguments)
        except _FAILED as error:
            raise self._failure(str(error)) from None

    def _require(self, command: str, answer: tuple[str, list[Any]]) -> list[Any]:
        state, parts = answer
        if state != "OK":
            raise self._failure(f"{command} {state} {parts[0] if parts else ''}")
        return [part for part in parts if part is not None]

    def _uid_validity(self) -> int:
        _, parts = self._imap.response("UIDVALIDITY")
        text = parts[0] if parts else None
        if not isinstance(text, bytes) or not text.isdigit():
            raise self._failure("it says no UIDVALIDITY")
        return int(text)

    def _connect(self) -> imaplib.IMAP4:
        account = self._account
        imap: imaplib.IMAP4 | None = None
        try:
            if account.protection is Protection.IMPLICIT:
                imap = imaplib.IMAP4_SSL(
                    account.host, account.port, ssl_context=account.tls(), timeout=ANSWER_SECONDS_MAX
                )
            else:
                imap = imaplib.IMAP4(account.host, account.port, timeout=ANSWER_SECONDS_MAX)
                if account.protection is Protection.STARTTLS:
                    imap.starttls(account.tls())
            imap.login(account.user, account.secret)
        except _FAILED as error:
            if imap is not None:
                with contextlib.suppress(*_FAILED):
                    imap.shutdown()
            raise self._failure(str(error)) from None
        return imap

    def _close(self) -> None:
        with contextlib.suppress(*_FAILED):
            self._imap.logout()
        with contextlib.suppress(*_FAILED):
            self._imap.shutdown()

    def _failure(self, words: str) -> MailServerFailed:
        account = self._account
        said = " ".join("".join(each if each.isprintable() else " " for each in words).split())[:300]
        if account.secret:
            said = said.replace(account.secret, "•••")
        return MailServerFailed(
            f"The mailbox at {account.host}:{account.port} cannot be read: {said}",
            "Look at the settings FILIAL_IMAP_…; letters stay in the mailbox.",
        )
