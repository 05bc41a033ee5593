"""The code at a receipt's foot: it names the receipt, and nobody else can have written it."""

from __future__ import annotations

import string
from datetime import date, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from branch_node.devices.qr import qr_matrix, qr_svg, sign_document, signer_of
from shared.certificates import PrivateKey, new_key
from shared.domain.business_time import from_us
from shared.domain.money import TOTAL_MINOR_MAX
from shared.domain.receipt_document import as_reprint
from shared.domain.receipt_identity import ReceiptIdentity, needs_signature, parse_qr, unsigned_qr
from shared.errors import InvalidInput
from shared.operations.receipt_signatures import sign_qr, verify_qr
from tests.support.clock import START_US
from tests.support.receipts import SALE_ID, plain_document
from tests.support.strategies import SOME

KEY = new_key()
IDENTITY = ReceiptIdentity("B7", "1-000001", SALE_ID, 26_996, date(2026, 11, 23))
UNSIGNED = "filial:1:B7:1-000001:000102030405060708090a0b0c0d0e0f:26996:2026-11-23:"
CODES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
IDENTITIES = st.builds(
    ReceiptIdentity,
    CODES,
    CODES,
    st.binary(min_size=16, max_size=16),
    st.integers(-TOTAL_MINOR_MAX, TOTAL_MINOR_MAX),
    st.dates(date(1970, 1, 1), date(2099, 12, 31)),
)


def certificate_of(key: PrivateKey) -> x509.Certificate:
    """A certificate with that key; who issued it is not the code's business."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "B7")])
    start = from_us(START_US)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )


CERTIFICATE = certificate_of(KEY)


def test_the_code_is_written_as_documented() -> None:
    signed = sign_qr(unsigned_qr(IDENTITY), KEY)
    assert unsigned_qr(IDENTITY) == UNSIGNED
    assert signed.startswith(UNSIGNED)
    assert len(signed) == len(UNSIGNED) + 86
    assert verify_qr(signed, CERTIFICATE) == IDENTITY


@SOME
@given(IDENTITIES)
def test_any_identity_survives_the_code(identity: ReceiptIdentity) -> None:
    unsigned = unsigned_qr(identity)
    assert unsigned.isascii()
    assert parse_qr(unsigned) == (identity, "")
    assert needs_signature(unsigned)
    signed = sign_qr(unsigned, KEY)
    assert not needs_signature(signed)
    assert verify_qr(signed, CERTIFICATE) == identity


@SOME
@given(st.data())
def test_a_code_that_was_changed_anywhere_is_not_believed(data: st.DataObject) -> None:
    signed = sign_qr(UNSIGNED, KEY)
    at = data.draw(st.integers(0, len(signed) - 1))
    letter = data.draw(st.sampled_from(string.printable.replace(signed[at], "")))
    with pytest.raises(InvalidInput):
        verify_qr(signed[:at] + letter + signed[at + 1 :], CERTIFICATE)


def test_a_code_of_another_branch_is_not_believed() -> None:
    with pytest.raises(InvalidInput, match="not signed by branch B7"):
        verify_qr(sign_qr(UNSIGNED, new_key()), CERTIFICATE)


def test_a_code_without_a_signature_is_not_believed() -> None:
    with pytest.raises(InvalidInput, match="no signature"):
        verify_qr(UNSIGNED, CERTIFICATE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4601234567890",
        "https://example.com",
        UNSIGNED.replace("filial:1", "filial:2"),
        UNSIGNED.replace("2026-11-23", "2026-13-23"),
        UNSIGNED.replace("26996", "026996"),
        UNSIGNED.replace("26996", "9" * 16),
        UNSIGNED.replace("B7", "%42%37"),
        UNSIGNED.replace("B7", "%ff"),
        UNSIGNED.replace("B7", "B" * 2_000),
        UNSIGNED + "x",
    ],
)
def test_what_is_no_receipt_is_said_to_be_none(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_qr(text)


@SOME
@given(st.text(max_size=200))
def test_a_scanner_may_send_anything(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_qr(text)


def test_a_document_is_signed_once_and_only_with_a_key() -> None:
    document = plain_document()
    assert sign_document(document, None) is document
    signed = sign_document(document, signer_of(KEY))
    assert verify_qr(signed.qr, CERTIFICATE).receipt == "1-000001"
    assert sign_document(as_reprint(signed), signer_of(KEY)).qr == signed.qr


def test_a_code_is_square_and_has_its_three_eyes() -> None:
    matrix = qr_matrix(sign_qr(UNSIGNED, KEY))
    assert {len(row) for row in matrix} == {len(matrix)}
    eye = [row[:7] for row in matrix[:7]]
    assert eye == [row[-7:] for row in matrix[:7]] == [row[:7] for row in matrix[-7:]]
    assert qr_svg("x").startswith("<svg")
