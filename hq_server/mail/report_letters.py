"""A report as a letter with its files, and its files in a folder."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from pathlib import Path
from typing import Final, NamedTuple

from shared.domain.business_time import from_us
from shared.domain.identifiers import derived_id
from shared.domain.mail import domain_of, message_id
from shared.domain.mail_text import wire_address
from shared.errors import InvalidInput
from shared.reports.exports import MEDIA_TYPES

LETTER_BYTES_MAX: Final = 20_000_000
"""Files of a letter, before they are encoded; most mail servers take 25 MB."""

FILE_NAME_CHARACTERS_MAX: Final = 80
NAMESAKES_MAX: Final = 100
_UNSAFE = re.compile(r"[^\w-]+")


class ReportFile(NamedTuple):
    """A report in one format."""

    name: str
    kind: str
    data: bytes


class LetterHead(NamedTuple):
    """From whom, to whom, about what; equal heads of one run have one Message-ID."""

    sender: str
    sender_name: str
    recipient: str
    subject: str
    body: str
    written_at_us: int
    run: bytes


def safe_stem(name: str, due: datetime) -> str:
    """A file's name without its ending, of letters, digits, `-` and `_`: `Продажи-по-филиалам_2026-11-27_0800`."""
    words = _UNSAFE.sub("-", unicodedata.normalize("NFC", name)).strip("-_")
    return f"{words[:FILE_NAME_CHARACTERS_MAX].rstrip('-_') or 'report'}_{due:%Y-%m-%d_%H%M}"


def compose_report(head: LetterHead, files: Sequence[ReportFile]) -> bytes:
    """The letter as it goes over the wire. Raises InvalidInput when it is too large or an address is none."""
    size = sum(len(each.data) for each in files)
    if size > LETTER_BYTES_MAX:
        raise InvalidInput(
            f"The files have {size // 1_000_000} MB, more than a letter takes ({LETTER_BYTES_MAX // 1_000_000} MB).",
            "Ask for less, or let it be put into the folder.",
        )
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = formataddr((" ".join(head.sender_name.split()), wire_address(head.sender)))
    message["To"] = wire_address(head.recipient)
    message["Subject"] = " ".join(head.subject.split())
    message["Date"] = format_datetime(from_us(head.written_at_us).replace(microsecond=0))
    letter = derived_id("report_letter", head.run, head.recipient.encode())
    message["Message-ID"] = message_id(letter, domain_of(head.sender))
    # Out-of-office notes are not for a program.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(head.body, cte="base64" if not head.body.isascii() else "quoted-printable")
    for file in files:
        main, _, sub = MEDIA_TYPES[file.kind].partition(";")[0].partition("/")
        message.add_attachment(file.data, maintype=main, subtype=sub, filename=file.name)
    return message.as_bytes()


def put_into_folder(folder: Path, files: Sequence[ReportFile], is_again: bool = False) -> list[str]:
    """Puts each file there whole or not at all, and over none: beside a file of that name it gets a number. When it is
    done again, nobody knowing how far it came, the file of that name is the one. Returns names. Raises InvalidInput.
    """
    if folder == Path():
        raise InvalidInput("No folder is set for reports.", "Set FILIAL_REPORT_FOLDER.")
    if not folder.is_absolute() or not folder.is_dir():
        raise InvalidInput(f"There is no folder {folder} for reports.", "Make it, or set FILIAL_REPORT_FOLDER.")
    try:
        return [_put(folder, file, is_again) for file in files]
    except OSError as error:
        raise InvalidInput(
            f"The report cannot be written into {folder}: {error.strerror}.",
            "Look at the folder’s owner and its space.",
        ) from None


def _put(folder: Path, file: ReportFile, is_again: bool) -> str:
    stem, _, ending = Path(file.name).name.rpartition(".")
    if is_again and (folder / f"{stem}.{ending}").is_file():
        return f"{stem}.{ending}"
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".report-")
    try:
        with os.fdopen(descriptor, "wb") as target:
            target.write(file.data)
            target.flush()
            os.fsync(target.fileno())
        os.chmod(temporary, 0o640)
        for number in range(1, NAMESAKES_MAX + 1):
            name = f"{stem}.{ending}" if number == 1 else f"{stem}_{number}.{ending}"
            with contextlib.suppress(FileExistsError):
                os.link(temporary, folder / name)
                return name
        raise InvalidInput(f"There are {NAMESAKES_MAX} files of that name in {folder} already.", "Move them away.")
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
