"""Which fields a card has, what they hold, and by which rule they are folded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.cards import (
    CARD_FIELDS,
    TEXT_CHARACTERS_MAX,
    TEXTS_MAX,
    FieldType,
    MergeRule,
    Value,
    require_value,
    rule_of,
    rules_of,
)
from shared.domain.records import BRANCH_EDITED_KINDS, KNOWN_KINDS, RecordKind
from shared.errors import InvalidInput
from tests.support.strategies import MANY, values

EXAMPLES: dict[FieldType, tuple[RecordKind, str]] = {
    FieldType.TEXT: (RecordKind.CLIENT, "name"),
    FieldType.INTEGER: (RecordKind.PRICE, "amount_minor"),
    FieldType.FLAG: (RecordKind.CLIENT, "archived"),
    FieldType.ID: (RecordKind.PRICE, "product_id"),
    FieldType.TEXTS: (RecordKind.CLIENT, "phones"),
}
PYTHON_TYPES = {
    FieldType.TEXT: str,
    FieldType.INTEGER: int,
    FieldType.FLAG: bool,
    FieldType.ID: bytes,
    FieldType.TEXTS: tuple,
}


@MANY
@given(st.sampled_from(FieldType), values)
def test_a_field_takes_values_of_its_own_type_and_none(field_type: FieldType, value: Value) -> None:
    kind, field = EXAMPLES[field_type]
    if value is None or type(value) is PYTHON_TYPES[field_type]:
        assert require_value(kind, field, value) == value
    else:
        with pytest.raises(InvalidInput, match=field):
            require_value(kind, field, value)


@pytest.mark.parametrize(
    ("field_type", "value"),
    [
        (FieldType.TEXT, "x" * (TEXT_CHARACTERS_MAX + 1)),
        (FieldType.TEXT, "a\0b"),
        (FieldType.INTEGER, 2**63),
        (FieldType.INTEGER, -(2**63) - 1),
        (FieldType.ID, b"short"),
        (FieldType.TEXTS, ("b", "a")),
        (FieldType.TEXTS, ("a", "a")),
        (FieldType.TEXTS, ("a\0",)),
        (FieldType.TEXTS, ("x" * (TEXT_CHARACTERS_MAX + 1),)),
        (FieldType.TEXTS, tuple(sorted(str(number) for number in range(TEXTS_MAX + 1)))),
    ],
)
def test_a_value_beyond_a_field_s_limits_is_refused(field_type: FieldType, value: Value) -> None:
    with pytest.raises(InvalidInput):
        require_value(*EXAMPLES[field_type], value)


def test_a_text_that_cannot_be_encoded_is_refused() -> None:
    with pytest.raises(InvalidInput):
        require_value(RecordKind.CLIENT, "name", "\ud800")


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no field"):
        require_value(RecordKind.CLIENT, "shoe_size", 43)


def test_a_field_of_a_newer_release_is_folded_by_latest() -> None:
    assert rule_of(RecordKind.CLIENT, "shoe_size") is MergeRule.LATEST
    assert rule_of(999, "name") is MergeRule.LATEST
    assert rules_of(999) == {}


def test_head_office_wins_every_field_that_only_it_edits() -> None:
    for kind in CARD_FIELDS.keys() - BRANCH_EDITED_KINDS:
        assert set(rules_of(kind).values()) == {MergeRule.HQ_WINS}, kind


def test_do_not_contact_can_only_be_lost_by_an_edit_that_saw_it() -> None:
    assert rule_of(RecordKind.CLIENT, "do_not_contact") is MergeRule.MAX


def test_kinds_keep_their_numbers_for_ever() -> None:
    assert {kind.name: int(kind) for kind in RecordKind} == {
        "SALE": 1,
        "SHIFT_OPEN": 2,
        "SHIFT_CLOSE": 3,
        "RECEIPT_VOID": 4,
        "MODE_SWITCH": 5,
        "BUDGET_SPEND": 6,
        "LEASE_RETURN": 7,
        "REFUND": 8,
        "CASH_MOVEMENT": 9,
        "AUDIT_ENTRY": 10,
        "PASSWORD_CHANGE": 11,
        "STOCK_MOVEMENT": 12,
        "LOYALTY_ENTRY": 13,
        "INTERACTION": 14,
        "CLIENT_TRANSFER": 15,
        "CLIENT": 100,
        "PRODUCT": 101,
        "PRICE": 102,
        "EMPLOYEE": 103,
        "BRANCH_SETTINGS": 104,
        "ROLE": 105,
        "POSITION": 106,
        "CREDENTIAL": 107,
        "PROMOTION": 108,
        "VAT_RATE": 109,
        "PRODUCT_REQUEST": 110,
        "LOYALTY_PROGRAM": 111,
        "TASK": 112,
        "DICTIONARY_TERM": 113,
        "ATTACHMENT": 114,
        "ERASURE": 115,
        "MAIL": 116,
        "SUBSTITUTION": 117,
        "REPORT_TEMPLATE": 118,
    }


def test_every_kind_that_is_a_card_has_fields_and_no_other_has() -> None:
    assert {kind for kind in RecordKind if kind.is_card} == set(CARD_FIELDS)
    assert {int(kind) for kind in RecordKind} == KNOWN_KINDS
