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
LONG_TEXT_CHARACTERS_MAX = 20_000
"""Of a text that people write as a letter, and of the hashes of a file."""


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
    characters_max: int = TEXT_CHARACTERS_MAX


_TEXT = FieldSpec(FieldType.TEXT)
_ARCHIVED = FieldSpec(FieldType.FLAG)
_INTEGER = FieldSpec(FieldType.INTEGER)
_ID = FieldSpec(FieldType.ID)
_CONSENT = FieldSpec(FieldType.FLAG, MergeRule.WITHDRAWAL_WINS)
_LETTER = FieldSpec(FieldType.TEXT, characters_max=LONG_TEXT_CHARACTERS_MAX)
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
        # "person" or "company"; none is a person.
        "kind": _TEXT,
        # YYYY-MM-DD, or --MM-DD of whoever does not say the year.
        "birthday": _TEXT,
        "preferences": _TEXT,
        "tags": FieldSpec(FieldType.TEXTS, MergeRule.UNION),
        "address": _TEXT,
        "language": _TEXT,
        "tax_number": _TEXT,
        "loyalty_number": _TEXT,
        # The company whose contact this person is, and as what.
        "company_id": _ID,
        "position": _TEXT,
        # The employee who looks after the client.
        "owner_id": _ID,
        # To keep and use personal data; to be sent advertising. When and how it was given or withdrawn last:
        # microseconds since 1970 in UTC.
        "consent_data": _CONSENT,
        "consent_data_source": _TEXT,
        "consent_data_at": _INTEGER,
        "consent_advertising": _CONSENT,
        "consent_advertising_source": _TEXT,
        "consent_advertising_at": _INTEGER,
        "do_not_contact_reason": _TEXT,
        # Why there is explicitly no next step.
        "no_next_step": _TEXT,
        # The client that this card turned out to be: see shared.domain.aliases.
        "merged_into": _ID,
        # Ids of clients that somebody said are others: see shared.domain.duplicates.
        "not_same_as": FieldSpec(FieldType.TEXTS, MergeRule.UNION),
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
        # Whose clients are listed: see shared.domain.visibility.
        "client_scope": _HQ_TEXT,
        "hidden_fields": _HQ_TEXTS,
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
    # See shared.domain.tasks. Moments are microseconds since 1970 in UTC.
    RecordKind.TASK: {
        "client_id": _ID,
        "type": _TEXT,
        "title": _TEXT,
        "note": _TEXT,
        "assignee_id": _ID,
        # The branch in whose zone it is due.
        "branch_id": _ID,
        "due_at": _INTEGER,
        # Whether the time of the day counts, and not the day alone.
        "due_has_time": FieldSpec(FieldType.FLAG),
        # That of the branch: other branches show the same day and repeat alike.
        "zone": _TEXT,
        "repeat": _TEXT,
        "snoozed_until": _INTEGER,
        "remind_minutes": _INTEGER,
        "state": _TEXT,
        "outcome": _TEXT,
        "done_at": _INTEGER,
        "done_by": _ID,
        # The task of which this is the next repetition.
        "previous_id": _ID,
        "created_by": _ID,
        "archived": _ARCHIVED,
    },
    # A word that people choose from: see shared.domain.dictionaries.
    RecordKind.DICTIONARY_TERM: {
        "dictionary": _HQ_TEXT,
        "code": _HQ_TEXT,
        "name": _HQ_TEXT,
        "name_en": _HQ_TEXT,
        # An outcome that was what the call was for.
        "is_target": _HQ_FLAG,
        "place": _HQ_INTEGER,
        "archived": _HQ_FLAG,
    },
    # A document or a recording of a client: see shared.domain.attachments.
    RecordKind.ATTACHMENT: {
        "client_id": _ID,
        "interaction_id": _ID,
        "name": _TEXT,
        "media_type": _TEXT,
        "size": _INTEGER,
        "sha256": _TEXT,
        # SHA-256 of each chunk in hexadecimal, in order, with spaces between them.
        "chunks": _LETTER,
        "archived": _ARCHIVED,
    },
    # An order to erase a person; the card's id is the client's.
    RecordKind.ERASURE: {
        "reason": _HQ_TEXT,
        "ordered_at": _HQ_INTEGER,
        "ordered_by": _HQ_ID,
    },
    # A letter to a client or from one: see shared.domain.mail. A branch writes, the head office sends.
    RecordKind.MAIL: {
        "client_id": _ID,
        "direction": _TEXT,
        "purpose": _TEXT,
        "address": _TEXT,
        "subject": _TEXT,
        "body": _LETTER,
        "created_at": _INTEGER,
        "created_by": _ID,
        "in_reply_to": _ID,
        # Why it is sent to a client who wants no contact.
        "override_reason": _TEXT,
        "state": _HQ_TEXT,
        "detail": _HQ_TEXT,
        "decided_at": _HQ_INTEGER,
        "message_id": _HQ_TEXT,
        "archived": _ARCHIVED,
    },
    # Who looks after an employee's clients for some days, both included, since 1970-01-01.
    RecordKind.SUBSTITUTION: {
        "employee_id": _ID,
        "substitute_id": _ID,
        "valid_from": _INTEGER,
        "valid_to": _INTEGER,
        "reason": _TEXT,
        "archived": _ARCHIVED,
    },
    # A report with its parameters, saved: see shared.reports.templates. Moments are microseconds since 1970 in UTC.
    RecordKind.REPORT_TEMPLATE: {
        "name": _HQ_TEXT,
        "report": _HQ_TEXT,
        # What is asked, as canonical JSON; periods by their names.
        "ask": FieldSpec(FieldType.TEXT, MergeRule.HQ_WINS, LONG_TEXT_CHARACTERS_MAX),
        # Codes of the roles that it is shared with; none are all.
        "roles": _HQ_TEXTS,
        "is_shared": _HQ_FLAG,
        "owner_id": _HQ_ID,
        "language": _HQ_TEXT,
        # See shared.domain.report_schedules; runs that were due before `scheduled_at` are none.
        "schedule": _HQ_TEXT,
        "scheduled_at": _HQ_INTEGER,
        "formats": _HQ_TEXTS,
        "recipients": _HQ_TEXTS,
        "to_folder": _HQ_FLAG,
        # For how many hours a run waits for missing branches before it goes out all the same.
        "wait_hours": _HQ_INTEGER,
        "archived": _HQ_FLAG,
    },
}

_BRANCH_FIELDS: Final[dict[int, frozenset[str]]] = {
    int(RecordKind.EMPLOYEE): frozenset({"code"}),
    **{
        int(kind): frozenset(name for name, spec in CARD_FIELDS[kind].items() if spec.rule is not MergeRule.HQ_WINS)
        for kind in (RecordKind.PRODUCT_REQUEST, RecordKind.MAIL)
    },
}
"""Of cards that branches may edit, but not all of: of an employee a branch says the code that it met at a till, of a
request what it asks, not what is answered, of a letter what it says, not what became of it."""

OFFICE_FIELDS: Final[dict[int, frozenset[str]]] = {
    int(RecordKind.REPORT_TEMPLATE): frozenset(
        {"schedule", "scheduled_at", "formats", "recipients", "to_folder", "wait_hours"}
    ),
}
"""Fields that no branch is told: to whom a report goes, and when, is the head office's own business
(docs/decisions/0051-what-stays-at-the-head-office.md)."""

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
    return spec is None or value is None or _fits(spec, value)


def require_value(kind: RecordKind, field: str, value: Value) -> Value:
    """The value, checked against the field's type and limits. Raises InvalidInput."""
    spec = CARD_FIELDS[kind].get(field)
    if spec is None:
        raise InvalidInput(f"A {kind.name.lower()} has no field “{field}”.")
    if value is None or _fits(spec, value):
        return value
    raise InvalidInput(f"The field “{field}” cannot hold that value; it holds {spec.type.value}.")


def _fits(spec: FieldSpec, value: Value) -> bool:
    match spec.type:
        case FieldType.TEXT:
            return isinstance(value, str) and _is_storable(value, spec.characters_max)
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


def _is_storable(text: str, characters_max: int = TEXT_CHARACTERS_MAX) -> bool:
    return len(text) <= characters_max and "\0" not in text and is_encodable(text)
