"""What people call kinds of records, the fields of cards and their values, and why entries are parked. No rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from hq_server.operations.record_sight import Seen
from hq_server.storage.parking import CLOCK_AHEAD, DEPENDS_ON_PARKED, DIFFERS_FROM_COMMIT
from hq_server.web.names import permission_name
from shared.domain.business_time import date_from_days
from shared.domain.cards import MergeRule, Value
from shared.domain.permissions import Permission
from shared.domain.records import RecordKind
from shared.errors import InvalidInput
from shared.web import client_words
from shared.web.formats import format_date, format_moment, format_money, format_number, format_rate
from shared.web.timeline_rows import REQUEST_STATES, TASK_TYPES
from shared.web.translations import LazyText
from shared.web.translations import lazy_text as _

KINDS: Final[Mapping[int, LazyText]] = {
    RecordKind.SALE: _("Sale"),
    RecordKind.SHIFT_OPEN: _("Opening of a shift"),
    RecordKind.SHIFT_CLOSE: _("Z-report"),
    RecordKind.RECEIPT_VOID: _("Receipt number that was given up"),
    RecordKind.MODE_SWITCH: _("Change of the branch’s mode"),
    RecordKind.BUDGET_SPEND: _("Spending of a limited stock"),
    RecordKind.LEASE_RETURN: _("Return of a limited stock"),
    RecordKind.REFUND: _("Return"),
    RecordKind.CASH_MOVEMENT: _("Cash put in or taken out"),
    RecordKind.AUDIT_ENTRY: _("Act by hand"),
    RecordKind.PASSWORD_CHANGE: _("Change of a password"),
    RecordKind.STOCK_MOVEMENT: _("Movement of goods"),
    RecordKind.LOYALTY_ENTRY: _("Points of a client"),
    RecordKind.INTERACTION: _("Call or visit"),
    RecordKind.CLIENT_TRANSFER: _("Hand-over of a client"),
    RecordKind.CLIENT: _("Client"),
    RecordKind.PRODUCT: _("Product"),
    RecordKind.PRICE: _("Price"),
    RecordKind.EMPLOYEE: _("Employee"),
    RecordKind.BRANCH_SETTINGS: _("Branch settings"),
    RecordKind.ROLE: _("Role"),
    RecordKind.POSITION: _("Position"),
    RecordKind.CREDENTIAL: _("Password"),
    RecordKind.PROMOTION: _("Promotion"),
    RecordKind.VAT_RATE: _("VAT rate"),
    RecordKind.PRODUCT_REQUEST: _("Unknown code"),
    RecordKind.LOYALTY_PROGRAM: _("Loyalty programme"),
    RecordKind.TASK: _("Task"),
    RecordKind.DICTIONARY_TERM: _("Word of a dictionary"),
    RecordKind.ATTACHMENT: _("File"),
    RecordKind.ERASURE: _("Order to erase"),
    RecordKind.MAIL: _("Letter"),
    RecordKind.SUBSTITUTION: _("Substitution"),
}

FIELDS: Final[Mapping[str, LazyText]] = {
    "sku": _("SKU"),
    "name": _("Name"),
    "name_en": _("Name in English"),
    "category": _("Category"),
    "barcode": _("Barcode"),
    "unit": _("Unit"),
    "archived": _("Archived"),
    "limited": _("Sold only as long as the chain has it"),
    "vat_code": _("VAT"),
    "weighed": _("Sold by weight"),
    "product_id": _("Product"),
    "zone": _("Price zone"),
    "price_zone": _("Price zone"),
    "amount_minor": _("Price"),
    "valid_from": _("Holds from"),
    "valid_to": _("Holds until"),
    "code": _("Code"),
    "dismissed_on": _("Dismissed on"),
    "language": _("Language spoken"),
    "timezone": _("Time zone"),
    "currency": _("Currency"),
    "mode": _("Mode of work"),
    "when_unreachable": _("When the head office cannot be reached"),
    "permissions": _("What the role may do"),
    "discount_basis_points_max": _("Largest discount by hand"),
    "refund_without_receipt_minor_max": _("Largest return without a receipt"),
    "client_scope": _("Whose clients are listed"),
    "hidden_fields": _("What is hidden of clients"),
    "employee_id": _("Employee"),
    "role_code": _("Role"),
    "reports_to": _("Reports to"),
    "branches": _("Branches"),
    "password_hash": _("Password"),
    "must_change": _("Must change the password"),
    "type": _("Kind"),
    "value": _("How much"),
    "skus": _("Products"),
    "categories": _("Categories"),
    "client_groups": _("Client groups"),
    "zones": _("Price zones"),
    "weekdays": _("Days of the week"),
    "minute_from": _("From what time"),
    "minute_to": _("Until what time"),
    "minimum_minor": _("From what sum"),
    "combinable": _("Goes with other promotions"),
    "per_basket": _("Once a basket"),
    "priority": _("Order"),
    "rate_basis_points": _("VAT rate"),
    "earn_basis_points": _("How points are earned"),
    "payable_share_basis_points_max": _("Largest share paid with points"),
    "expires_days": _("Days until points expire"),
    "point_value_minor": _("What a point is worth"),
    "register": _("Register"),
    "times": _("Times"),
    "first_seen_at": _("Met first"),
    "last_seen_at": _("Met last"),
    "state": _("State"),
    "answered_at": _("Answered"),
    "note": _("Note"),
    "client_id": _("Client"),
    "title": _("What is to be done"),
    "assignee_id": _("Who does it"),
    "branch_id": _("Branch"),
    "due_at": _("Due"),
    "outcome": _("Outcome"),
    "done_at": _("Done at"),
    "done_by": _("Done by"),
    "created_by": _("Made by"),
    "created_at": _("Made at"),
    "snoozed_until": _("Put off until"),
    "address": _("Address"),
    "subject": _("Subject"),
    "body": _("Text of the letter"),
    "reason": _("Reason"),
    "substitute_id": _("Who stands in"),
    "dictionary": _("Dictionary"),
    "is_target": _("What the call was for"),
    "place": _("Place in the list"),
}

RULES: Final[Mapping[MergeRule, LazyText]] = {
    MergeRule.LATEST: _("The later edit is shown until somebody decides."),
    MergeRule.HQ_WINS: _("What the head office said is shown until somebody decides."),
    MergeRule.UNION: _("Everything that was said is shown together until somebody decides."),
    MergeRule.MAX: _("“Yes” is shown until somebody decides."),
    MergeRule.WITHDRAWAL_WINS: _("The withdrawal is shown until somebody decides."),
    MergeRule.MANUAL: _("The earlier edit is shown until somebody decides."),
}

REASONS: Final[Mapping[str, LazyText]] = {
    CLOCK_AHEAD: _("The branch’s clock was ahead"),
    DEPENDS_ON_PARKED: _("An earlier edit of the same card is parked"),
    DIFFERS_FROM_COMMIT: _("It differs from what the head office had confirmed"),
    "refused_by_store": _("The database did not take it"),
    "unknown_kind": _("It comes from a newer release"),
    "not_for_branches": _("A branch changed what only the head office may"),
    "undecodable": _("It cannot be read"),
}
ADVICE: Final[Mapping[str, LazyText]] = {
    CLOCK_AHEAD: _("Sales were taken, edits wait. Correct the branch’s clock: its next contact applies them."),
    DEPENDS_ON_PARKED: _("Decide about the earlier one first, then try this one again."),
    DIFFERS_FROM_COMMIT: _("The operation is in the books as it was confirmed; this copy of it differs. Find out why."),
    "refused_by_store": _("Two branches or two stores may have used one number. Try it again after a repair."),
    "unknown_kind": _("Upgrade the head office, then try it again. Nothing is lost."),
    "not_for_branches": _("Find out how that came about at the branch. It is not applied unless you try it again."),
    "undecodable": _("Upgrade the head office, then try it again; otherwise set it aside."),
}  # fmt: skip

EVIDENCE: Final = (
    _("the branch's clock was %(1)s seconds ahead of the head office's"),
    _("an earlier edit of the same card is parked"),
    _("the head office committed other records"),
)
"""What the merge writes down beside a reason, so that it is found when it is translated."""

_DAYS: Final = frozenset({"valid_from", "valid_to", "dismissed_on"})
_MOMENTS: Final = frozenset({"snoozed_until"})
_MINUTES: Final = frozenset({"minute_from", "minute_to"})


class Telling(NamedTuple):
    """What values are written with."""

    names: Mapping[bytes, str]
    zone: str
    currency: str


def kind_name(kind: int) -> str:
    """What a kind of record is called; of a newer release, its number."""
    known = KINDS.get(kind)
    return str(_("Unknown kind %(kind)s", kind=kind) if known is None else known)


def field_name(kind: int, field: str) -> str:
    """What a field is called; of a newer release, its own name."""
    return client_words.field_label(field) if kind == RecordKind.CLIENT else str(FIELDS.get(field, field))


def reason_name(reason: str) -> str:
    """Why an entry is parked."""
    return str(REASONS.get(reason, reason))


def tell(kind: int, field: str, seen: Seen, telling: Telling) -> str:
    """A value in the language of the page."""
    value = seen.value
    if seen.is_hidden:
        return str(_("hidden from you"))
    if kind == RecordKind.CREDENTIAL and field == "password_hash" and value:
        return str(_("a password (%(mark)s)", mark=value))
    if isinstance(value, bytes):
        return telling.names.get(value) or str(_("not known here"))
    if kind == RecordKind.CLIENT:
        return client_words.show_value(field, value, telling.zone, lambda each: telling.names.get(each, ""))
    return _tell(kind, field, value, telling)


def _tell(kind: int, field: str, value: Value, telling: Telling) -> str:
    match value:
        case None | "" | ():
            return str(client_words.NOTHING)
        case bool():
            return str(client_words.YES if value else client_words.NO)
        case int():
            return _tell_number(field, value, telling)
        case tuple() if field == "permissions":
            return ", ".join(str(permission_name(Permission(each))) if each in _PERMISSIONS else each for each in value)
        case tuple():
            return ", ".join(value)
    words = {"state": REQUEST_STATES, "type": TASK_TYPES}.get(field, {}) if kind == RecordKind.TASK else {}
    return str(words.get(str(value), value))


_PERMISSIONS: Final = frozenset(map(str, Permission))


def _tell_number(field: str, value: int, telling: Telling) -> str:
    try:
        if field in _DAYS:
            return format_date(date_from_days(value))
        if field in _MOMENTS or field.endswith("_at"):
            return format_moment(value, telling.zone)
    except (InvalidInput, OverflowError, ValueError, OSError):
        return format_number(value)
    if field in _MINUTES:
        return f"{value // 60:02d}:{value % 60:02d}"
    if "_minor" in field:
        return format_money(value, telling.currency)
    return format_rate(value) if "_basis_points" in field else format_number(value)
