"""One line to the server that takes letters, and what it said of each – told apart from what it did not say."""

from __future__ import annotations

import contextlib
import re
import smtplib
from types import TracebackType
from typing import Final

from hq_server.mail.accounts import ANSWER_SECONDS_MAX, Account, Protection
from hq_server.operations.mail_sending import Answer, Outcome
from shared.domain.mail import domain_of
from shared.domain.mail_text import wire_address
from shared.errors import InvalidInput, MailServerFailed

WORDS_CHARACTERS_MAX: Final = 300
GO_AHEAD: Final = 354
_ACCEPTED: Final = (250, 251)
_CLOSING: Final = 421
_DOT = re.compile(rb"(?m)^\.")
_NOT_SAID = (smtplib.SMTPException, OSError)


class SmtpLine:
    """Logged in and ready; a context manager. Raises MailServerFailed when it cannot be: then no letter was begun."""

    def __init__(self, account: Account, sender: str) -> None:
        self._sender = wire_address(sender)
        self.is_open = True
        self._smtp = _connect(account, domain_of(self._sender))

    def __enter__(self) -> SmtpLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(*_NOT_SAID):
            if self.is_open:
                self._smtp.quit()
        self._smtp.close()

    def deliver(self, recipient: str, data: bytes) -> Outcome:
        """Hands one letter over, and says what came of it. Before its last byte nothing can have been taken."""
        try:
            refused = self._offer(wire_address(recipient))
        except InvalidInput as error:
            return Outcome(Answer.REJECTED, error.message)
        except _NOT_SAID as error:
            self.is_open = False
            return Outcome(Answer.PUT_OFF, _words(error))
        if refused is not None:
            return refused
        try:
            self._smtp.send(_DOT.sub(b"..", data) + (b"" if data.endswith(b"\r\n") else b"\r\n") + b".\r\n")
            code, words = self._smtp.getreply()
        except _NOT_SAID as error:
            self.is_open = False
            return Outcome(Answer.NONE, _words(error))
        return self._judge(code, words, Answer.NONE)

    def _offer(self, recipient: str) -> Outcome | None:
        """Sender, recipient, and leave to go ahead; None when it is given."""
        code, words = self._smtp.mail(self._sender)
        if code in _ACCEPTED:
            code, words = self._smtp.rcpt(recipient)
        if code not in _ACCEPTED:
            return self._begin_anew(self._judge(code, words, Answer.PUT_OFF))
        code, words = self._smtp.docmd("DATA")
        return None if code == GO_AHEAD else self._begin_anew(self._judge(code, words, Answer.PUT_OFF))

    def _judge(self, code: int, words: bytes, otherwise: Answer) -> Outcome:
        if code == _CLOSING:
            self.is_open = False
        said = f"{code} {_readable(words)}"
        match code // 100:
            case 2 if code in _ACCEPTED:
                return Outcome(Answer.TAKEN, said)
            case 4:
                return Outcome(Answer.PUT_OFF, said)
            case 5:
                return Outcome(Answer.REJECTED, said)
        # No answer that means anything: whatever comes next on this line could be taken for another's.
        self.is_open = False
        return Outcome(otherwise, said)

    def _begin_anew(self, refused: Outcome) -> Outcome:
        try:
            if self.is_open:
                self._smtp.rset()
        except _NOT_SAID:
            self.is_open = False
        return Outcome(Answer.PUT_OFF, refused.words) if refused.answer is Answer.TAKEN else refused


def _connect(account: Account, our_name: str) -> smtplib.SMTP:
    smtp: smtplib.SMTP | None = None
    try:
        if account.protection is Protection.IMPLICIT:
            smtp = smtplib.SMTP_SSL(
                account.host, account.port, our_name, timeout=ANSWER_SECONDS_MAX, context=account.tls()
            )
        else:
            smtp = smtplib.SMTP(account.host, account.port, our_name, timeout=ANSWER_SECONDS_MAX)
        smtp.ehlo_or_helo_if_needed()
        if account.protection is Protection.STARTTLS:
            smtp.starttls(context=account.tls())
            smtp.ehlo()
        if account.user:
            smtp.login(account.user, account.secret)
    except (*_NOT_SAID, UnicodeError) as error:
        if smtp is not None:
            smtp.close()
        raise MailServerFailed(
            f"The mail server {account.host}:{account.port} does not let us send: {_words(error)}",
            "Look at the settings FILIAL_SMTP_…; letters wait.",
        ) from None
    return smtp


def _words(error: Exception) -> str:
    """What a server said, or what went wrong, on one line; never what we said."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {_readable(said if isinstance(said, bytes) else str(said).encode())}"
    if isinstance(error, UnicodeError):
        return "user or password are not ASCII"
    return _readable(str(error).encode("utf-8", "replace")) or type(error).__name__


def _readable(words: bytes) -> str:
    text = " ".join(words.decode("utf-8", "replace").split())
    return "".join(each if each.isprintable() else "·" for each in text)[:WORDS_CHARACTERS_MAX]
