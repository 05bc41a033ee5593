"""Letters as bytes: a plain one made of what somebody wrote, and what people wrote taken out of any that arrives.

Whatever arrives is read: what cannot be understood is left out, and nothing of it raises.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from email import policy
from email.errors import HeaderParseError, MessageError
from email.header import decode_header
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.utils import format_datetime, formataddr, getaddresses
from html.parser import HTMLParser
from typing import Final, NamedTuple

from shared.domain.business_time import from_us
from shared.domain.cards import LONG_TEXT_CHARACTERS_MAX
from shared.domain.clients import normalize_email
from shared.domain.identifiers import shorten
from shared.domain.mail import SUBJECT_CHARACTERS_MAX, message_ids
from shared.errors import InvalidInput

PARTS_MAX: Final = 100
ATTACHMENTS_MAX: Final = 20
NAME_CHARACTERS_MAX: Final = 200
HTML_CHARACTERS_MAX: Final = 200_000
_CUT: Final = "…"
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", re.ASCII)
# What Python's own reader is known to raise of hostile letters.
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError, MessageError)
_BLANK_LINES = re.compile(r"\n[ \t]*\n[\s]*\n")
_BLOCKS = frozenset({"p", "div", "tr", "li", "h1", "h2", "h3", "h4", "blockquote", "table", "ul", "ol", "br", "hr"})
_UNSEEN = frozenset({"script", "style", "head", "title"})


class Envelope(NamedTuple):
    """What a letter is sent as. `answers` are Message-IDs of what it answers, the oldest first."""

    message_id: str
    sender: str
    sender_name: str
    recipient: str
    recipient_name: str
    subject: str
    body: str
    written_at_us: int
    answers: tuple[str, ...] = ()


class ReceivedLetter(NamedTuple):
    """A letter that arrived. `address` is the sender's, normalized, or "" when it is none; `attachments` are names."""

    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    address: str
    name: str
    subject: str
    body: str
    attachments: tuple[str, ...]
    # Made by a program: an out-of-office note, a report of a server.
    is_automatic: bool


def wire_address(address: str) -> str:
    """An address as mail servers take it: a domain of other letters in its ASCII form. Raises InvalidInput."""
    local, _, domain = address.rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        domain = ""
    if not _LOCAL_PART.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        raise InvalidInput(f"Mail servers do not take the address “{shorten(address)}”.", "Correct it on the card.")
    return f"{local}@{domain}"


def compose(envelope: Envelope) -> bytes:
    """The letter as it goes over the wire, with CRLF. Equal envelopes give equal bytes. Raises InvalidInput."""
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = formataddr((_one_line(envelope.sender_name), wire_address(envelope.sender)))
    message["To"] = formataddr((_one_line(envelope.recipient_name), wire_address(envelope.recipient)))
    message["Subject"] = _one_line(envelope.subject)
    message["Date"] = format_datetime(from_us(envelope.written_at_us).replace(microsecond=0))
    message["Message-ID"] = envelope.message_id
    if envelope.answers:
        message["In-Reply-To"] = envelope.answers[-1]
        message["References"] = " ".join(envelope.answers)
    message.set_content(envelope.body, cte="base64" if not envelope.body.isascii() else "quoted-printable")
    return message.as_bytes()


def parse_letter(data: bytes) -> ReceivedLetter:
    """What is in a letter. Never raises, or the mailbox would stick at it: what is no letter is an empty one."""
    try:
        return _read(data)
    except _UNREADABLE:
        return ReceivedLetter("", (), (), "", "", "", "", (), False)


def _read(data: bytes) -> ReceivedLetter:
    message = BytesParser(policy=policy.compat32).parsebytes(data)
    parts = list(_leaves(message))
    address, name = _sender(message)
    return ReceivedLetter(
        next(iter(message_ids(_header(message, "Message-ID"))), ""),
        message_ids(_header(message, "In-Reply-To")),
        message_ids(_header(message, "References")),
        address,
        name,
        _one_line(_header(message, "Subject"))[:SUBJECT_CHARACTERS_MAX],
        _body(parts),
        tuple(_attachments(parts)),
        _is_automatic(message),
    )


def shorten_text(text: str, characters_max: int = LONG_TEXT_CHARACTERS_MAX) -> str:
    """The text, or as much of it as is kept."""
    return text if len(text) <= characters_max else text[: characters_max - len(_CUT)] + _CUT


def text_of_html(html: str) -> str:
    """What a reader sees of a page, without its tags."""
    reader = _Reader()
    reader.feed(html[:HTML_CHARACTERS_MAX])
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.seen).split("\n"))
    return _without_gaps("\n".join(lines))


def _leaves(message: Message) -> Iterator[Message]:
    """The parts that hold something, in order; those inside a letter that was forwarded as a file as well."""
    seen = 0
    waiting: list[Message] = [message]
    while waiting and seen < PARTS_MAX:
        part = waiting.pop()
        seen += 1
        # Asked of a part that holds text, it would decode that text, and raise.
        payload = part.get_payload() if part.is_multipart() else None
        if isinstance(payload, list):
            waiting.extend(each for each in reversed(payload) if isinstance(each, Message))
        else:
            yield part


def _body(parts: list[Message]) -> str:
    """The plain texts; of a letter without any, what its HTML says."""
    for kind, reading in (("text/plain", str), ("text/html", text_of_html)):
        texts = [reading(_text(part)) for part in parts if part.get_content_type() == kind and not _is_file(part)]
        joined = _without_gaps("\n\n".join(filter(None, map(str.strip, texts))))
        if joined:
            return shorten_text(joined)
    return ""


def _attachments(parts: list[Message]) -> Iterator[str]:
    for part in [part for part in parts if _is_file(part)][:ATTACHMENTS_MAX]:
        yield (_one_line(_file_name(part)) or _one_line(part.get_content_type()))[:NAME_CHARACTERS_MAX]


def _is_file(part: Message) -> bool:
    is_text = part.get_content_type() in ("text/plain", "text/html")
    return not is_text or _disposition(part) == "attachment" or bool(_file_name(part))


def _disposition(part: Message) -> str:
    return str(part.get("Content-Disposition", "")).partition(";")[0].strip().lower()


def _file_name(part: Message) -> str:
    try:
        name = part.get_filename("")
    except (ValueError, LookupError, TypeError, MessageError):
        return ""
    return _decoded(name) if isinstance(name, str) else ""


def _text(part: Message) -> str:
    try:
        payload = part.get_payload(decode=True)
        charset = part.get_content_charset() or "utf-8"
    except (ValueError, LookupError, TypeError, MessageError):
        return ""
    if not isinstance(payload, bytes):
        return ""
    return _clean(_decode_bytes(payload, charset))


def _decode_bytes(data: bytes, charset: str) -> str:
    try:
        return data.decode(charset, "replace")
    except (LookupError, ValueError, UnicodeError, TypeError):
        return data.decode("utf-8", "replace")


def _header(message: Message, name: str) -> str:
    value = message.get(name)
    return "" if value is None else _decoded(str(value))


def _decoded(text: str) -> str:
    """A header with its encoded words read."""
    try:
        words = decode_header(text)
    except (HeaderParseError, binascii.Error, ValueError, UnicodeError):
        return _clean(text)
    return _clean(
        "".join(_decode_bytes(word, name or "utf-8") if isinstance(word, bytes) else word for word, name in words)
    )


def _sender(message: Message) -> tuple[str, str]:
    """Address and name. Read before encoded words are: a name may hold what looks like an address."""
    value = message.get("From")
    found = getaddresses([_clean(str(value))]) if value is not None else []
    for name, address in found:
        try:
            return normalize_email(_clean(address)), _one_line(_decoded(name))[:NAME_CHARACTERS_MAX]
        except InvalidInput:
            continue
    return "", _one_line(_header(message, "From"))[:NAME_CHARACTERS_MAX]


def _is_automatic(message: Message) -> bool:
    submitted = _header(message, "Auto-Submitted").strip().lower()
    is_report = message.get_content_type() == "multipart/report"
    return is_report or (bool(submitted) and submitted != "no") or _header(message, "Return-Path").strip() == "<>"


def _one_line(text: str) -> str:
    return " ".join(_clean(text).split())


def _clean(text: str) -> str:
    """Without what cannot be stored or shown; lines end with a line feed."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(each for each in text if each in "\n\t" or each >= " ")
    return kept.encode("utf-8", "replace").decode()


def _without_gaps(text: str) -> str:
    return _BLANK_LINES.sub("\n\n", text).strip()


class _Reader(HTMLParser):
    """Collects what is seen of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag in _BLOCKS:
            self.seen.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag in _BLOCKS:
            self.seen.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.seen.append(data)
