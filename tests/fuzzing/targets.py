"""Whatever parses bytes from outside: each target either understands its input or refuses it in our own words.

What is understood must survive being written and read again, or two nodes would understand one message differently.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hq_server.operations.central import read_request as read_asked
from shared.certificates import certificate_to_pem, read_request
from shared.domain.attachments import clean_name, media_type_of, read_hashes
from shared.domain.barcodes import CodePlan, PlainCode, lookup_texts, parse_code
from shared.domain.cards import can_hold
from shared.domain.mail_text import parse_letter
from shared.domain.receipt_identity import parse_qr, unsigned_qr
from shared.domain.records import RecordKind
from shared.errors import DecodeError, InvalidInput, ProtocolViolation, TokenRefused
from shared.operations.carry_files import MAGIC_TO_HQ, read_carry_file
from shared.sync.messages import Undecodable
from shared.wire import cards, central, enrolment, exchange, files, verification
from shared.wire.decoding import decode_entry
from shared.wire.entries import identities, open_entry, prune_entry


def _branch_message(data: bytes) -> None:
    message = exchange.decode_branch_message(data)
    if not isinstance(message, Undecodable):
        assert exchange.decode_branch_message(exchange.encode_branch_message(message)) == message


def _hq_message(data: bytes) -> None:
    message = exchange.decode_hq_message(data)
    if not isinstance(message, Undecodable):
        assert exchange.decode_hq_message(exchange.encode_hq_message(message)) == message


def _feed_record(data: bytes) -> None:
    record = exchange.decode_feed_record(data)
    assert exchange.decode_feed_record(exchange.encode_feed_record(record)) == record


def _entry(data: bytes) -> None:
    opened = open_entry(data)
    decode_entry(opened)
    identities(data)
    assert open_entry(prune_entry(data)).header == opened.header


def _card_state(data: bytes) -> None:
    state = cards.decode_state(data)
    assert cards.decode_state(cards.encode_state(state)) == state


def _card_patch(data: bytes) -> None:
    patches = cards.decode_patch(data)
    assert cards.decode_patch(cards.encode_patch(patches)) == patches


def _stamp(data: bytes) -> None:
    stamp = cards.decode_stamp(data)
    assert cards.decode_stamp(cards.encode_stamp(stamp)) == stamp


def _verify_request(data: bytes) -> None:
    verification.decode_verify_request(data)


def _verify_reply(data: bytes) -> None:
    reply = verification.decode_verify_reply(data)
    assert verification.decode_verify_reply(verification.encode_verify_reply(reply)) == reply


def _enrol_request(data: bytes) -> None:
    enrolment.decode_enrol_request(data)


def _enrol_reply(data: bytes) -> None:
    reply = enrolment.decode_enrol_reply(data)
    assert enrolment.decode_enrol_reply(enrolment.encode_enrol_reply(reply)) == reply


def _token(data: bytes) -> None:
    token = enrolment.decode_token(data.decode("utf-8", "replace"))
    assert enrolment.decode_token(enrolment.encode_token(token)) == token


def _carry_file(data: bytes) -> None:
    handle, name = tempfile.mkstemp()
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        for _ in read_carry_file(Path(name), MAGIC_TO_HQ, lambda signer: None):
            pass
    finally:
        os.unlink(name)


def _certificate(data: bytes) -> None:
    certificate_to_pem(data)


def _certificate_request(data: bytes) -> None:
    read_request(data)


def _commit_request(data: bytes) -> None:
    request = central.decode_commit_request(data)
    if not isinstance(request, Undecodable):
        assert central.decode_commit_request(central.encode_commit_request(request)) == request
        read_asked(b"b" * 16, request)


def _resolve_request(data: bytes) -> None:
    request = central.decode_resolve_request(data)
    if not isinstance(request, Undecodable):
        assert central.decode_resolve_request(central.encode_resolve_request(request)) == request


def _outcome(data: bytes) -> None:
    outcome = central.decode_outcome(data)
    assert central.decode_outcome(central.encode_outcome(outcome)) == outcome


def _question(data: bytes) -> None:
    question = central.decode_question(data)
    if not isinstance(question, Undecodable):
        assert central.decode_question(central.encode_question(question)) == question


def _findings(data: bytes) -> None:
    findings = central.decode_findings(data)
    assert central.decode_findings(central.encode_findings(findings)) == findings


def _file_request(data: bytes) -> None:
    missing = files.decode_missing_request(data)
    assert isinstance(missing, Undecodable) or (
        files.decode_missing_request(files.encode_missing_request(missing)) == missing
    )
    put = files.decode_put_request(data)
    assert isinstance(put, Undecodable) or files.decode_put_request(files.encode_put_request(put)) == put
    get = files.decode_get_request(data)
    assert isinstance(get, Undecodable) or files.decode_get_request(files.encode_get_request(get)) == get


def _file_answer(data: bytes) -> None:
    missing = files.decode_missing(data)
    assert files.decode_missing(files.encode_missing(missing)) == missing


def _attached_file(data: bytes) -> None:
    """Whatever is sent is some kind of file, and its name can be kept."""
    name = clean_name(data.decode("utf-8", "replace"))
    assert clean_name(name) == name
    assert media_type_of(data, name)
    read_hashes(data.decode("latin-1"))


def _scanned_code(data: bytes) -> None:
    """A till must go on, whatever is scanned: no refusal here, not even in our own words."""
    try:
        code = parse_code(data.decode("utf-8", "surrogateescape"), CodePlan(card_prefixes=("CARD-",)))
        for text in lookup_texts(code):
            text.encode()
        assert not isinstance(code, PlainCode) or parse_code(code.text) == code or not code.gtin
    except (DecodeError, InvalidInput) as error:
        raise AssertionError(error.message) from error


def _receipt_code(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    parsed = parse_qr(text)
    assert unsigned_qr(parsed.identity) + parsed.signature == text


def _letter(data: bytes) -> None:
    """The mailbox must be read on, whatever lies in it: nothing is refused, and all of it can be kept."""
    try:
        read = parse_letter(data)
    except (DecodeError, InvalidInput) as error:
        raise AssertionError(error.message) from error
    for field, value in (("subject", read.subject), ("body", read.body), ("address", read.address)):
        assert can_hold(RecordKind.MAIL, field, value), field
    assert all(can_hold(RecordKind.MAIL, "subject", text) for text in (*read.attachments, read.name, read.message_id))


TARGETS: dict[str, Callable[[bytes], None]] = {
    "branch-message": _branch_message,
    "hq-message": _hq_message,
    "feed-record": _feed_record,
    "entry": _entry,
    "card-state": _card_state,
    "card-patch": _card_patch,
    "stamp": _stamp,
    "verify-request": _verify_request,
    "verify-reply": _verify_reply,
    "enrol-request": _enrol_request,
    "enrol-reply": _enrol_reply,
    "token": _token,
    "certificate": _certificate,
    "certificate-request": _certificate_request,
    "carry-file": _carry_file,
    "commit-request": _commit_request,
    "resolve-request": _resolve_request,
    "outcome": _outcome,
    "question": _question,
    "findings": _findings,
    "file-request": _file_request,
    "file-answer": _file_answer,
    "attached-file": _attached_file,
    "scanned-code": _scanned_code,
    "receipt-code": _receipt_code,
    "letter": _letter,
}


def try_target(name: str, data: bytes) -> None:
    """Runs a target; anything but understanding and a refusal in our own words is an error."""
    with suppress(DecodeError, InvalidInput, ProtocolViolation, TokenRefused):
        TARGETS[name](data)
