"""Which cards exist, their fields, and by which rule concurrent edits of a field are folded into one value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.domain.identifiers import is_encodable
from shared.domain.records import RecordKind
from shared.errors import InvalidInput

Value = str | int | bool | bytes | tuple[str, ...] | None
"""What a field can hold. A tuple of texts is a set: sorted, without repetition."""

TEXT_CHARACTERS_MAX = 2_000
TEXTS_MAX = 50


class MergeRule(StrEnum):
    """How the values that no later edit saw are folded into the one that is shown (docs/sync-protocol.md)."""

    LATEST = "latest"
    HQ_WINS = "hq_wins"
    UNION = "union"
    MAX = "max"
    WITHDRAWAL_WINS = "withdrawal_wins"
    MANUAL = "manual"


class FieldType(StrEnum):
    TEXT = "text"
    INTEGER = "integer"
    FLAG = "flag"
    ID = "id"
    TEXTS = "texts"


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of a kind of card."""

    type: FieldType
    rule: MergeRule = MergeRule.LATEST


_TEXT = FieldSpec(FieldType.TEXT)
_ARCHIVED = FieldSpec(FieldType.FLAG)
_HQ_TEXT = FieldSpec(FieldType.TEXT, MergeRule.HQ_WINS)
_HQ_INTEGER = FieldSpec(FieldType.INTEGER, MergeRule.HQ_WINS)
_HQ_FLAG = FieldSpec(FieldType.FLAG, MergeRule.HQ_WINS)
_HQ_ID = FieldSpec(FieldType.ID, MergeRule.HQ_WINS)
_HQ_TEXTS = FieldSpec(FieldType.TEXTS, MergeRule.HQ_WINS)

CARD_FIELDS: Final[dict[RecordKind, dict[str, FieldSpec]]] = {
    RecordKind.CLIENT: {
        "external_id": _TEXT,
        "name": _TEXT,
        "phones": FieldSpec(FieldType.TEXTS, MergeRule.UNION),
        "emails": FieldSpec(FieldType.TEXTS, MergeRule.UNION),
        "note": _TEXT,
        "do_not_contact": FieldSpec(FieldType.FLAG, MergeRule.MAX),
        # What promotions may be for: see shared.domain.promotions.
        "group": _TEXT,
        "archived": _ARCHIVED,
        # What points are earned by: see shared.domain.loyalty.
        "tier": _TEXT,
    },
    RecordKind.PRODUCT: {
        "sku": _HQ_TEXT,
        "name": _HQ_TEXT,
        "category": _HQ_TEXT,
        "barcode": _HQ_TEXT,
        "unit": _HQ_TEXT,
        "archived": FieldSpec(FieldType.FLAG, MergeRule.HQ_WINS),
        # Of this product no more is sold than the chain has: see shared.domain.budgets.
        "limited": FieldSpec(FieldType.FLAG, MergeRule.HQ_WINS),
        # The code of a VAT_RATE; none is sold without VAT.
        "vat_code": _HQ_TEXT,
        "weighed": _HQ_FLAG,
    },
    RecordKind.PRICE: {
        "product_id": FieldSpec(FieldType.ID, MergeRule.HQ_WINS),
        "zone": _HQ_TEXT,
        "amount_minor": _HQ_INTEGER,
        "archived": FieldSpec(FieldType.FLAG, MergeRule.HQ_WINS),
        # Days since 1970-01-01, both included; none is open. What begins last counts.
        "valid_from": _HQ_INTEGER,
        "valid_to": _HQ_INTEGER,
    },
    RecordKind.EMPLOYEE: {
        "code": _TEXT,
        "name": _TEXT,
        "archived": _ARCHIVED,
        # Days since 1970-01-01: from that day on the employee has no access.
        "dismissed_on": _HQ_INTEGER,
        "language": _HQ_TEXT,
    },
    RecordKind.BRANCH_SETTINGS: {
        "code": _HQ_TEXT,
        "name": _HQ_TEXT,
        "timezone": _HQ_TEXT,
        "price_zone": _HQ_TEXT,
        "currency": _HQ_TEXT,
        "mode": _HQ_TEXT,
        "when_unreachable": _HQ_TEXT,
    },
    # See shared.domain.permissions.
    RecordKind.ROLE: {
        "code": _HQ_TEXT,
        "name": _HQ_TEXT,
        "permissions": _HQ_TEXTS,
        "discount_basis_points_max": _HQ_INTEGER,
        "refund_without_receipt_minor_max": _HQ_INTEGER,
        "archived": _HQ_FLAG,
    },
    # See shared.domain.positions: days since 1970-01-01, branches by code.
    RecordKind.POSITION: {
        "employee_id": _HQ_ID,
        "role_code": _HQ_TEXT,
        "reports_to": _HQ_ID,
        "branches": _HQ_TEXTS,
        "valid_from": _HQ_INTEGER,
        "valid_to": _HQ_INTEGER,
        "archived": _HQ_FLAG,
    },
    # Goes to the branches where the employee works, and nowhere else.
    RecordKind.CREDENTIAL: {
        "employee_id": _HQ_ID,
        "password_hash": _HQ_TEXT,
        "must_change": _HQ_FLAG,
        "archived": _HQ_FLAG,
    },
    # What the fields mean is said at shared.domain.promotion_rules.Promotion.
    RecordKind.PROMOTION: {
        "code": _HQ_TEXT,
        "name": _HQ_TEXT,
        "type": _HQ_TEXT,
        "value": _HQ_INTEGER,
        "n": _HQ_INTEGER,
        "m": _HQ_INTEGER,
        "skus": _HQ_TEXTS,
        "categories": _HQ_TEXTS,
        "client_groups": _HQ_TEXTS,
        "zones": _HQ_TEXTS,
        "valid_from": _HQ_INTEGER,
        "valid_to": _HQ_INTEGER,
        "weekdays": _HQ_TEXT,
        "minute_from": _HQ_INTEGER,
        "minute_to": _HQ_INTEGER,
        "minimum_minor": _HQ_INTEGER,
        "combinable": _HQ_FLAG,
        "per_basket": _HQ_FLAG,
        "priority": _HQ_INTEGER,
        "archived": _HQ_FLAG,
    },
    RecordKind.VAT_RATE: {
        "code": _HQ_TEXT,
        # None is “without VAT”, which is not 0 %.
        "rate_basis_points": _HQ_INTEGER,
        "valid_from": _HQ_INTEGER,
        "valid_to": _HQ_INTEGER,
        "archived": _HQ_FLAG,
    },
    # What the fields mean is said at shared.domain.loyalty.LoyaltyProgram.
    RecordKind.LOYALTY_PROGRAM: {
        "code": _HQ_TEXT,
        "name": _HQ_TEXT,
        "earn_basis_points": _HQ_TEXTS,
        "payable_share_basis_points_max": _HQ_INTEGER,
        "expires_days": _HQ_INTEGER,
        "point_value_minor": _HQ_INTEGER,
        "archived": _HQ_FLAG,
    },
    # A code that a branch met and knows no product or no price for: see shared.domain.product_requests.
    RecordKind.PRODUCT_REQUEST: {
        "code": _TEXT,
        "problem": _TEXT,
        "name": _TEXT,
        "amount_minor": FieldSpec(FieldType.INTEGER),
        "register": _TEXT,
        "times": FieldSpec(FieldType.INTEGER),
        # Microseconds since 1970 in UTC.
        "first_seen_at": FieldSpec(FieldType.INTEGER),
        "last_seen_at": FieldSpec(FieldType.INTEGER),
        "state": _HQ_TEXT,
        "answered_at": _HQ_INTEGER,
        "product_id": _HQ_ID,
        "note": _HQ_TEXT,
    },
}

_BRANCH_FIELDS: Final[dict[int, frozenset[str]]] = {
    int(RecordKind.EMPLOYEE): frozenset({"code"}),
    int(RecordKind.PRODUCT_REQUEST): frozenset(
        name for name, spec in CARD_FIELDS[RecordKind.PRODUCT_REQUEST].items() if spec.rule is not MergeRule.HQ_WINS
    ),
}
"""Of cards that branches may edit, but not all of: of an employee a branch says the code that it met at a till, of a
request what it asks, not what is answered."""

_RULES: Final[dict[int, dict[str, MergeRule]]] = {
    int(kind): {name: spec.rule for name, spec in fields.items()} for kind, fields in CARD_FIELDS.items()
}
_SPECS: Final[dict[int, dict[str, FieldSpec]]] = {int(kind): fields for kind, fields in CARD_FIELDS.items()}
_NO_RULES: Final[dict[str, MergeRule]] = {}


def rules_of(kind: int) -> dict[str, MergeRule]:
    """The rules of a kind's fields; none for a kind of a newer release."""
    return _RULES.get(kind, _NO_RULES)


def rule_of(kind: int, field: str) -> MergeRule:
    """The rule of a field. A field of a newer release is folded by `latest` until this node is upgraded."""
    return rules_of(kind).get(field, MergeRule.LATEST)


def may_branch_edit(kind: int, field: str) -> bool:
    """Whether a branch may say what that field of a card it may edit is."""
    fields = _BRANCH_FIELDS.get(kind)
    return fields is None or field in fields


def can_hold(kind: int, field: str, value: Value) -> bool:
    """Whether a value is of the field's type and within its limits; a field of a newer release holds anything."""
    spec = _SPECS.get(kind, {}).get(field)
    return spec is None or value is None or _fits(spec.type, value)


def require_value(kind: RecordKind, field: str, value: Value) -> Value:
    """The value, checked against the field's type and limits. Raises InvalidInput."""
    spec = CARD_FIELDS[kind].get(field)
    if spec is None:
        raise InvalidInput(f"A {kind.name.lower()} has no field “{field}”.")
    if value is None or _fits(spec.type, value):
        return value
    raise InvalidInput(f"The field “{field}” cannot hold that value; it holds {spec.type.value}.")


def _fits(field_type: FieldType, value: Value) -> bool:
    match field_type:
        case FieldType.TEXT:
            return isinstance(value, str) and _is_storable(value)
        case FieldType.INTEGER:
            return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
        case FieldType.FLAG:
            return isinstance(value, bool)
        case FieldType.ID:
            return isinstance(value, bytes) and len(value) == 16
        case FieldType.TEXTS:
            return (
                isinstance(value, tuple)
                and len(value) <= TEXTS_MAX
                and value == tuple(sorted(set(value)))
                and all(_is_storable(text) for text in value)
            )


def _is_storable(text: str) -> bool:
    return len(text) <= TEXT_CHARACTERS_MAX and "\0" not in text and is_encodable(text)
