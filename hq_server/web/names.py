"""What people call permissions, roles, promotions' states and an audit's findings. Contains no rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.domain.permissions import ClientScope, Permission, Role
from shared.web.translations import LazyText, current_language
from shared.web.translations import lazy_text as _

PERMISSIONS: Final[Mapping[Permission, LazyText]] = {
    Permission.SALE_MAKE: _("sell"),
    Permission.SALE_LINE_REMOVE: _("take lines out of a basket"),
    Permission.SALE_DISCOUNT: _("give a discount by hand"),
    Permission.SALE_PRICE: _("change a price by hand"),
    Permission.SALE_HOLD: _("hold a sale for later"),
    Permission.REFUND_BY_RECEIPT: _("take goods back with a receipt"),
    Permission.REFUND_WITHOUT_RECEIPT: _("take goods back without a receipt"),
    Permission.REFUND_OTHER_BRANCH: _("take back what another branch sold"),
    Permission.SHIFT_OPEN: _("open a shift"),
    Permission.SHIFT_CLOSE: _("close a shift"),
    Permission.CASH_MOVE: _("put cash in and take cash out"),
    Permission.DRAWER_OPEN: _("open the drawer without a sale"),
    Permission.RECEIPT_REPRINT: _("print a receipt again"),
    Permission.CLIENT_VIEW: _("see clients"),
    Permission.CLIENT_EDIT: _("add and edit clients"),
    Permission.CLIENT_CONTACTS: _("see clients’ phones and addresses"),
    Permission.REGISTER_PAIR: _("make a device a register"),
    Permission.PIN_SET: _("set PINs of others"),
    Permission.REPORT_BRANCH: _("see a branch’s reports"),
    Permission.REPORT_CHAIN: _("see the chain’s reports"),
    Permission.CATALOG_EDIT: _("edit products, prices and promotions"),
    Permission.EMPLOYEE_EDIT: _("hire, place and dismiss people, edit roles"),
    Permission.AUDIT_VIEW: _("see the audits"),
    Permission.OVERRIDE_GIVE: _("allow a colleague something once"),
    Permission.SETTINGS_BRANCH: _("change a branch’s settings"),
    Permission.STOCK_VIEW: _("see what is on hand"),
    Permission.STOCK_EDIT: _("receive, write off and count goods"),
    Permission.CLIENT_EXPORT: _("save lists of clients as files"),
    Permission.CLIENT_IMPORT: _("bring clients from a file"),
    Permission.CLIENT_MERGE: _("merge two cards of one client"),
    Permission.CLIENT_TRANSFER: _("hand clients to colleagues"),
    Permission.CLIENT_ERASE: _("erase a person"),
    Permission.CONTACT_OVERRIDE: _("contact who wants no contact, with a reason"),
    Permission.INTERACTION_LOG: _("write down calls and visits"),
    Permission.MAIL_SEND: _("write letters to clients"),
    Permission.TASK_EDIT: _("make and do tasks"),
    Permission.TEAM_VIEW: _("see the work of the team"),
    Permission.DICTIONARY_EDIT: _("edit outcomes, themes and competitors"),
    Permission.BRANCH_EDIT: _("add branches, set their mode"),
    Permission.FLEET_VIEW: _("see how the branches stand, and check them"),
    Permission.FLEET_EDIT: _("repair, enrol and revoke branches; set alerts"),
    Permission.RECORDS_REVIEW: _("decide about conflicts, parked entries and findings"),
}

SCOPES: Final[Mapping[ClientScope, LazyText]] = {
    ClientScope.OWN: _("one’s own"),
    ClientScope.TEAM: _("one’s team’s"),
    ClientScope.BRANCH: _("all of the shop"),
    ClientScope.CHAIN: _("all of the chain"),
}
"""Whose clients a role’s lists show."""

HIDEABLE: Final[Mapping[str, LazyText]] = {
    "phones": _("phones"),
    "emails": _("e-mails"),
    "note": _("notes"),
    "address": _("addresses"),
    "birthday": _("birthdays"),
    "preferences": _("preferences"),
}

GROUPS: Final[tuple[tuple[LazyText, tuple[Permission, ...]], ...]] = (
    (
        _("At the till"),
        (
            Permission.SALE_MAKE,
            Permission.SALE_HOLD,
            Permission.SALE_LINE_REMOVE,
            Permission.SALE_DISCOUNT,
            Permission.SALE_PRICE,
            Permission.OVERRIDE_GIVE,
            Permission.RECEIPT_REPRINT,
        ),
    ),
    (
        _("Returns"),
        (Permission.REFUND_BY_RECEIPT, Permission.REFUND_WITHOUT_RECEIPT, Permission.REFUND_OTHER_BRANCH),
    ),
    (
        _("Shift and cash"),
        (Permission.SHIFT_OPEN, Permission.SHIFT_CLOSE, Permission.CASH_MOVE, Permission.DRAWER_OPEN),
    ),
    (
        _("Clients"),
        (
            Permission.CLIENT_VIEW,
            Permission.CLIENT_EDIT,
            Permission.CLIENT_CONTACTS,
            Permission.INTERACTION_LOG,
            Permission.MAIL_SEND,
            Permission.TASK_EDIT,
            Permission.CLIENT_EXPORT,
            Permission.CLIENT_IMPORT,
            Permission.CLIENT_MERGE,
            Permission.CLIENT_TRANSFER,
            Permission.CONTACT_OVERRIDE,
            Permission.TEAM_VIEW,
        ),
    ),
    (_("Goods on hand"), (Permission.STOCK_VIEW, Permission.STOCK_EDIT)),
    (
        _("Running a branch"),
        (Permission.REGISTER_PAIR, Permission.PIN_SET, Permission.SETTINGS_BRANCH, Permission.REPORT_BRANCH),
    ),
    (
        _("Head office"),
        (
            Permission.REPORT_CHAIN,
            Permission.CATALOG_EDIT,
            Permission.EMPLOYEE_EDIT,
            Permission.AUDIT_VIEW,
            Permission.RECORDS_REVIEW,
            Permission.CLIENT_ERASE,
            Permission.DICTIONARY_EDIT,
            Permission.BRANCH_EDIT,
            Permission.FLEET_VIEW,
            Permission.FLEET_EDIT,
        ),
    ),
)
"""Every permission once, in the order in which people look for it."""


def permission_name(permission: Permission) -> LazyText | str:
    """What it allows, as people say it."""
    return PERMISSIONS.get(permission, str(permission))


def role_name(role: Role) -> str:
    """In the language of the page."""
    return role.name(current_language())


FIGURES: Final[Mapping[str, LazyText]] = {
    "receipts": _("receipts"),
    "refunds": _("returns, how many"),
    "gross": _("sales before discounts"),
    "discounts": _("discounts"),
    "net": _("sales"),
    "returns": _("returns"),
    "rounding": _("rounding"),
    "float": _("cash at the beginning"),
    "cash in": _("cash put in"),
    "cash out": _("cash taken out"),
    "expected cash": _("cash that should be there"),
}
COUNTED: Final = frozenset({"receipts", "refunds"})
PAYMENT_METHODS: Final[Mapping[str, LazyText]] = {
    "cash": _("paid in cash"),
    "card": _("paid by card"),
}
KINDS_OF_ACT: Final[Mapping[str, LazyText]] = {
    "sale": _("sales"),
    "shift_open": _("shifts opened"),
    "shift_close": _("shifts closed"),
}


def figure_name(name: str) -> LazyText | str:
    """What a figure of a Z-report is called."""
    method = name.removeprefix("paid by ")
    if method != name:
        return PAYMENT_METHODS.get(method) or _("paid by %(method)s", method=method)
    return FIGURES.get(name, name)
