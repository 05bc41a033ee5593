"""What the fuzzing begins from: one well-formed input of every shape."""

from __future__ import annotations

import base64
import datetime
import json
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from shared.certificates import certificate_request
from shared.domain.identifiers import NIL_ID
from shared.domain.mail_text import Envelope, compose
from shared.domain.receipt_identity import ReceiptIdentity, unsigned_qr
from shared.domain.records import Record, RecordKind
from shared.operations.carry_files import MAGIC_TO_HQ, write_carry_file
from shared.operations.receipt_signatures import sign_qr
from shared.sync.card_merge import CardState, FieldPatch, Stamp, merge_patch
from shared.sync.central import (
    CommitRequest,
    Committed,
    FindClients,
    Findings,
    FoundClient,
    FoundSale,
    Rejected,
    ResolveRequest,
    ShowClient,
    ShowReceipt,
    StaleCard,
)
from shared.sync.chain import EntryHeader, Head
from shared.sync.counting import Counter
from shared.sync.files import FileMissing, GetRequest, MissingRequest, PutRequest
from shared.sync.messages import (
    Ack,
    Batch,
    CardChange,
    CardForgotten,
    CardFull,
    ChainAnswer,
    Checkpoint,
    Common,
    Drain,
    EntryOutcome,
    FeedBatch,
    FeedCursor,
    FieldLost,
    HistoryBatch,
    HistoryCursor,
    LeaseGrant,
    LeasesGranted,
    ProposalsKept,
    VerifyReply,
    VerifyRequest,
)
from shared.wire import cards, central, enrolment, exchange, files, verification
from shared.wire.entries import intend_entry, open_entry

_RECORDING = Path(__file__).parent.parent / "contract" / "session-1.json"
_STAMP = Stamp(0, 1 << 60, b"c" * 16, b"a" * 16, b"b" * 16)
_PATCHES = (FieldPatch("name", "Мария", (b"o" * 16,)), FieldPatch("tags", ("new", "old")), FieldPatch("points", 7))
_HEAD = Head(3, b"h" * 32)


def _branch_messages() -> list[bytes]:
    return [base64.b64decode(message) for message in json.loads(_RECORDING.read_text())["messages"]]


def _entries() -> list[bytes]:
    decoded = [exchange.decode_branch_message(data) for data in _branch_messages()]
    return [entry for message in decoded if isinstance(message, Batch) for entry in message.entries]


def _states() -> list[bytes]:
    return [cards.encode_state(merge_patch(CardState(), _STAMP, _PATCHES, {}).state)]


def _feed_records() -> list[bytes]:
    key = (RecordKind.CLIENT, b"k" * 16)
    records = (
        CardChange(*key, _STAMP, _PATCHES),
        CardFull(*key, _states()[0]),
        CardForgotten(*key),
        ChainAnswer(b"q" * 16, "rfm", "rfm.segment.last-365-days", 1, b"answer"),
    )
    return [exchange.encode_feed_record(record) for record in records]


def _hq_messages() -> list[bytes]:
    cursor = FeedCursor(b"e" * 16, 9, b"r" * 32)
    lost = FieldLost(RecordKind.CLIENT, b"k" * 16, "name", b"c" * 16)
    messages = (
        Ack(_HEAD, (EntryOutcome(2, parked_reason="unknown_kind: 999"), EntryOutcome(3, fields_lost=(lost,)))),
        FeedBatch(tuple(_feed_records()), cursor, 9, 4),
        Checkpoint(1, 9, 3),
        Drain(1_000, "HQ is being serviced."),
        Common(2),
        HistoryBatch(tuple(_entries()), HistoryCursor(1, 3), True),
        ProposalsKept(9),
        LeasesGranted((LeaseGrant(b"l" * 16, b"b" * 16, "product:42", 5, 9),)),
    )
    return [exchange.encode_hq_message(message) for message in messages]


def _verify_requests() -> list[bytes]:
    return [verification.encode_verify_request(VerifyRequest(b"i" * 16, _HEAD, b"d" * 32))]


def _verify_replies() -> list[bytes]:
    counters = {(1, date(2026, 11, 24)): Counter(1, 2, 3)}
    return [verification.encode_verify_reply(VerifyReply(3, b"i" * 16, _HEAD, 1, counters))]


def _enrol_requests() -> list[bytes]:
    return [enrolment.encode_enrol_request(enrolment.EnrolRequest(b"secret", b"request", replace=True))]


def _enrol_replies() -> list[bytes]:
    reply = enrolment.EnrolReply(b"cert", b"c" * 16, "Chain", b"b" * 16, "B1", "Shop", "Europe/Moscow", "RUB", "")
    return [enrolment.encode_enrol_reply(reply)]


def _tokens() -> list[bytes]:
    return [enrolment.encode_token(enrolment.Token(b"s", b"a", b"c", b"k")).encode()]


def _carry_files() -> list[bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "carry"
        write_carry_file(path, MAGIC_TO_HQ, _certificate(key), key, _branch_messages())
        return [path.read_bytes()]


def _certificate(key: ec.EllipticCurvePrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "B1")])
    begin = datetime.datetime(2026, 1, 1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(begin).not_valid_after(begin + datetime.timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def _commit_requests() -> list[bytes]:
    return [central.encode_commit_request(CommitRequest(b"i" * 16, 3, entry)) for entry in _intents()]


def _intents() -> list[bytes]:
    record = Record(RecordKind.CLIENT, b"k" * 16, cards.encode_patch(_PATCHES))
    header = EntryHeader(0, 1, 0, 0, 1 << 60, NIL_ID, b"c" * 16, b"a" * 16)
    return [intend_entry(header, [record], [b"s" * 16])]


def _outcomes() -> list[bytes]:
    stale = (StaleCard(RecordKind.CLIENT, b"k" * 16, _states()[0]),)
    outcomes = (Committed(1), Rejected("stale", "Somebody was faster.", "Look.", stale))
    return [central.encode_outcome(outcome) for outcome in outcomes]


def _questions() -> list[bytes]:
    questions = (FindClients("Anna", 5), ShowClient("900", 10), ShowReceipt("B1", "1", 2))
    return [central.encode_question(question) for question in questions]


def _findings() -> list[bytes]:
    sales = [record.payload for entry in _entries() for record in open_entry(entry).records if record.kind == 1]
    found = Findings(
        1, (FoundClient(b"k" * 16, _states()[0]),), tuple(FoundSale("B1", b"s" * 16, sale) for sale in sales[:1])
    )
    return [central.encode_findings(found)]


def _file_requests() -> list[bytes]:
    return [
        files.encode_missing_request(MissingRequest((b"a" * 16, b"b" * 16))),
        files.encode_put_request(PutRequest(b"a" * 16, 3, b"data")),
        files.encode_get_request(GetRequest(b"a" * 16, 3)),
    ]


def _file_answers() -> list[bytes]:
    return [files.encode_missing((FileMissing(True, (0, 5)), FileMissing(False)))]


def _attached_files() -> list[bytes]:
    return [b"ID3\x04", b"%PDF-1.7", b"RIFF\0\0\0\0WAVE", b"PK\x03\x04", "..\\\u202eДоговор.docx".encode(), b"ab" * 32]


def _scanned_codes() -> list[bytes]:
    marked = "0104601234567893215Abc-de.fgh1>\x1d91EE06\x1d92" + "Q" * 44
    texts = ("4006381333931", "2100123012504", marked, "(01)04601234567893(10)L7(3103)001250", "CARD-77", "1-000042")
    return [text.encode() for text in texts]


def _receipt_codes() -> list[bytes]:
    unsigned = unsigned_qr(ReceiptIdentity("Невский", "1-000001", b"s" * 16, 26_996, date(2026, 11, 23)))
    return [unsigned.encode(), sign_qr(unsigned, ec.generate_private_key(ec.SECP256R1())).encode()]


def _letters() -> list[bytes]:
    envelope = Envelope("<1@x>", "a@b.org", "Анна", "shop@c.org", "", "Заказ", "Готов.", 10**15, ("<0@x>",))
    parts = (
        b"From: =?koi8-r?B?79TXxdQ=?= <a@b.org>\r\nMessage-ID: <1@x>\r\n"
        b'Content-Type: multipart/mixed; boundary="m"\r\n\r\n--m\r\nContent-Type: text/html\r\n\r\n<p>x</p>\r\n--m\r\n'
        b"Content-Disposition: attachment; filename*=utf-8''%D1%87.pdf\r\n\r\nx\r\n--m--\r\n"
    )
    return [compose(envelope), parts]


SAMPLES: dict[str, Callable[[], list[bytes]]] = {
    "branch-message": _branch_messages,
    "hq-message": _hq_messages,
    "feed-record": _feed_records,
    "entry": _entries,
    "card-state": _states,
    "card-patch": lambda: [cards.encode_patch(_PATCHES)],
    "stamp": lambda: [cards.encode_stamp(_STAMP)],
    "verify-request": _verify_requests,
    "verify-reply": _verify_replies,
    "enrol-request": _enrol_requests,
    "enrol-reply": _enrol_replies,
    "token": _tokens,
    "certificate": lambda: [_certificate(ec.generate_private_key(ec.SECP256R1()))],
    "certificate-request": lambda: [certificate_request(ec.generate_private_key(ec.SECP256R1()))],
    "carry-file": _carry_files,
    "commit-request": _commit_requests,
    "resolve-request": lambda: [central.encode_resolve_request(ResolveRequest(b"c" * 16))],
    "outcome": _outcomes,
    "question": _questions,
    "findings": _findings,
    "file-request": _file_requests,
    "file-answer": _file_answers,
    "attached-file": _attached_files,
    "scanned-code": _scanned_codes,
    "receipt-code": _receipt_codes,
    "letter": _letters,
}
