"""What an employee may do: the closed list of permissions, the predefined roles, and the check that operations make.

A permission is asked for in the operation, never in a page alone: whoever finds another way to the operation meets it
there as well. Contains no storage.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NamedTuple

from shared.domain.identifiers import NIL_ID
from shared.domain.money import AMOUNT_MINOR_MAX
from shared.errors import NotPermitted

BASIS_POINTS_WHOLE = 10_000
"""A rate of 100 %."""


class Permission(StrEnum):
    """One operation, or a few that belong together. The value is what a role's card holds; it never changes."""

    SALE_MAKE = "sale.make"
    SALE_LINE_REMOVE = "sale.line_remove"
    SALE_DISCOUNT = "sale.discount"
    SALE_PRICE = "sale.price"
    SALE_HOLD = "sale.hold"
    REFUND_BY_RECEIPT = "refund.by_receipt"
    REFUND_WITHOUT_RECEIPT = "refund.without_receipt"
    REFUND_OTHER_BRANCH = "refund.other_branch"
    SHIFT_OPEN = "shift.open"
    SHIFT_CLOSE = "shift.close"
    CASH_MOVE = "cash.move"
    DRAWER_OPEN = "drawer.open"
    RECEIPT_REPRINT = "receipt.reprint"
    CLIENT_VIEW = "client.view"
    CLIENT_EDIT = "client.edit"
    CLIENT_CONTACTS = "client.contacts"
    REGISTER_PAIR = "register.pair"
    PIN_SET = "pin.set"
    REPORT_BRANCH = "report.branch"
    REPORT_CHAIN = "report.chain"
    CATALOG_EDIT = "catalog.edit"
    EMPLOYEE_EDIT = "employee.edit"
    AUDIT_VIEW = "audit.view"
    OVERRIDE_GIVE = "override.give"
    SETTINGS_BRANCH = "settings.branch"
    STOCK_VIEW = "stock.view"
    STOCK_EDIT = "stock.edit"
    CLIENT_EXPORT = "client.export"
    CLIENT_IMPORT = "client.import"
    CLIENT_MERGE = "client.merge"
    CLIENT_TRANSFER = "client.transfer"
    CLIENT_ERASE = "client.erase"
    CONTACT_OVERRIDE = "contact.override"
    INTERACTION_LOG = "interaction.log"
    MAIL_SEND = "mail.send"
    TASK_EDIT = "task.edit"
    TEAM_VIEW = "team.view"
    DICTIONARY_EDIT = "dictionary.edit"
    BRANCH_EDIT = "branch.edit"
    FLEET_VIEW = "fleet.view"
    FLEET_EDIT = "fleet.edit"
    RECORDS_REVIEW = "records.review"


EVERYTHING: Final = frozenset(Permission)

OFFICE_PERMISSIONS: Final = frozenset(
    {
        Permission.EMPLOYEE_EDIT,
        Permission.CATALOG_EDIT,
        Permission.AUDIT_VIEW,
        Permission.REPORT_CHAIN,
        Permission.CLIENT_ERASE,
        Permission.DICTIONARY_EDIT,
        Permission.BRANCH_EDIT,
        Permission.FLEET_VIEW,
        Permission.FLEET_EDIT,
        Permission.RECORDS_REVIEW,
    }
)
"""Whoever has one of these does something at the head office, beyond any one shop."""

PERMITTED_UNHEARD: Final = frozenset(
    {
        Permission.SALE_MAKE,
        Permission.SALE_LINE_REMOVE,
        Permission.SALE_HOLD,
        Permission.REFUND_BY_RECEIPT,
        Permission.SHIFT_OPEN,
        Permission.SHIFT_CLOSE,
    }
)
"""What stays when a branch was unheard for too long: a dismissal may not have reached it."""


class Limits(NamedTuple):
    """How far a role's permissions go."""

    discount_basis_points_max: int = 0
    refund_without_receipt_minor_max: int = 0


NO_LIMITS: Final = Limits(BASIS_POINTS_WHOLE, AMOUNT_MINOR_MAX)


class ClientScope(StrEnum):
    """Whose clients an employee's lists show. For service any client is opened, by a full phone or card number."""

    OWN = "own"
    TEAM = "team"
    BRANCH = "branch"
    CHAIN = "chain"


HIDEABLE_FIELDS: Final = frozenset({"phones", "emails", "note", "address", "birthday", "preferences"})
"""Fields of a client's card that a role may not see."""


@dataclass(frozen=True, slots=True)
class Role:
    """What a position allows. Two names, since both languages are the product's own."""

    code: str
    name_ru: str
    name_en: str
    permissions: frozenset[Permission]
    limits: Limits = Limits()
    client_scope: ClientScope = ClientScope.BRANCH
    hidden_fields: frozenset[str] = frozenset()

    def name(self, language: str) -> str:
        """The role's name for people who read that language."""
        return self.name_ru if language == "ru" else self.name_en


_CASHIER: Final = frozenset(
    {
        Permission.SALE_MAKE,
        Permission.SALE_HOLD,
        Permission.SALE_DISCOUNT,
        Permission.REFUND_BY_RECEIPT,
        Permission.SHIFT_OPEN,
        Permission.SHIFT_CLOSE,
        Permission.CLIENT_VIEW,
        Permission.CLIENT_EDIT,
        Permission.INTERACTION_LOG,
        Permission.TASK_EDIT,
        Permission.STOCK_VIEW,
    }
)
_SALES_REP: Final = frozenset(
    {
        Permission.CLIENT_VIEW,
        Permission.CLIENT_EDIT,
        Permission.CLIENT_CONTACTS,
        Permission.INTERACTION_LOG,
        Permission.MAIL_SEND,
        Permission.TASK_EDIT,
        Permission.STOCK_VIEW,
    }
)
_MANAGER: Final = _CASHIER | {
    Permission.CLIENT_EXPORT,
    Permission.CLIENT_IMPORT,
    Permission.CLIENT_MERGE,
    Permission.CLIENT_TRANSFER,
    Permission.CONTACT_OVERRIDE,
    Permission.MAIL_SEND,
    Permission.TEAM_VIEW,
    Permission.SALE_LINE_REMOVE,
    Permission.SALE_PRICE,
    Permission.REFUND_WITHOUT_RECEIPT,
    Permission.REFUND_OTHER_BRANCH,
    Permission.CASH_MOVE,
    Permission.DRAWER_OPEN,
    Permission.RECEIPT_REPRINT,
    Permission.CLIENT_CONTACTS,
    Permission.REGISTER_PAIR,
    Permission.PIN_SET,
    Permission.REPORT_BRANCH,
    Permission.OVERRIDE_GIVE,
    Permission.SETTINGS_BRANCH,
    Permission.STOCK_EDIT,
}
_HEAD_OF_SALES: Final = frozenset(
    {
        Permission.CLIENT_VIEW,
        Permission.CLIENT_EDIT,
        Permission.CLIENT_CONTACTS,
        Permission.CLIENT_EXPORT,
        Permission.CLIENT_MERGE,
        Permission.CLIENT_TRANSFER,
        Permission.CONTACT_OVERRIDE,
        Permission.DICTIONARY_EDIT,
        Permission.INTERACTION_LOG,
        Permission.MAIL_SEND,
        Permission.TASK_EDIT,
        Permission.TEAM_VIEW,
        Permission.REPORT_BRANCH,
        Permission.REPORT_CHAIN,
        Permission.OVERRIDE_GIVE,
        Permission.SALE_DISCOUNT,
        Permission.SALE_LINE_REMOVE,
        Permission.SALE_PRICE,
        Permission.STOCK_VIEW,
    }
)
_AUDITOR: Final = frozenset(
    {
        Permission.CLIENT_VIEW,
        Permission.REPORT_BRANCH,
        Permission.REPORT_CHAIN,
        Permission.AUDIT_VIEW,
        Permission.FLEET_VIEW,
        Permission.RECORDS_REVIEW,
        Permission.STOCK_VIEW,
    }
)
_ADMINISTRATOR: Final = frozenset(
    {
        Permission.REGISTER_PAIR,
        Permission.PIN_SET,
        Permission.CATALOG_EDIT,
        Permission.CLIENT_ERASE,
        Permission.BRANCH_EDIT,
        Permission.DICTIONARY_EDIT,
        Permission.EMPLOYEE_EDIT,
        Permission.AUDIT_VIEW,
        Permission.FLEET_VIEW,
        Permission.FLEET_EDIT,
        Permission.RECORDS_REVIEW,
        Permission.SETTINGS_BRANCH,
        Permission.REPORT_BRANCH,
        Permission.REPORT_CHAIN,
    }
)

ROLES: Final[dict[str, Role]] = {
    role.code: role
    for role in (
        Role("cashier", "Кассир", "Cashier", _CASHIER, Limits(500, 0)),
        Role("manager", "Управляющий", "Manager", _MANAGER, Limits(3_000, 1_000_000)),
        Role("sales_rep", "Менеджер по продажам", "Sales rep", _SALES_REP, client_scope=ClientScope.OWN),
        Role(
            "head_of_sales", "Руководитель продаж", "Head of sales", _HEAD_OF_SALES, Limits(3_000, 0), ClientScope.CHAIN
        ),
        Role("auditor", "Аудитор", "Auditor", _AUDITOR, client_scope=ClientScope.CHAIN),
        Role("owner", "Владелец", "Owner", EVERYTHING, NO_LIMITS, ClientScope.CHAIN),
        Role("administrator", "Администратор", "Administrator", _ADMINISTRATOR),
    )
}
"""The roles that every chain begins with. A role's card of the same code takes its place."""


def parse_scope(value: str | None) -> ClientScope:
    """A scope as a card holds it; one of a newer release shows least."""
    if not value:
        return ClientScope.BRANCH
    return ClientScope(value) if value in frozenset(map(str, ClientScope)) else ClientScope.OWN


def parse_permissions(values: tuple[str, ...]) -> frozenset[Permission]:
    """Permissions as a card holds them; those of a newer release are left out, for nothing here asks for them."""
    known = {str(permission) for permission in Permission}
    return frozenset(Permission(value) for value in values if value in known)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does an operation, and what that one may do now. `register` is that of a paired browser."""

    employee_id: bytes
    code: str
    name: str
    role: str
    permissions: frozenset[Permission]
    limits: Limits
    client_scope: ClientScope = ClientScope.BRANCH
    hidden_fields: frozenset[str] = frozenset()
    register: str | None = None
    session_id: bytes | None = None
    language: str | None = None
    must_change_password: bool = False
    # Since when the branch has been unheard for too long, microseconds; None while it is heard.
    limited_since_us: int | None = None

    def may(self, permission: Permission) -> bool:
        """Whether the permission is among the actor's."""
        return permission in self.permissions


LOCAL_ADMINISTRATOR: Final = Actor(
    NIL_ID, "local administrator", "", "administrator", EVERYTHING, NO_LIMITS, ClientScope.CHAIN
)
"""Whoever may run the programs on this machine: its command line."""


def limited(actor: Actor, since_us: int | None) -> Actor:
    """The actor at a branch that is unheard for too long since that moment; None while it is heard."""
    if since_us is None:
        return actor
    return replace(actor, permissions=actor.permissions & PERMITTED_UNHEARD, limited_since_us=since_us)


def require(actor: Actor, permission: Permission) -> None:
    """Raises NotPermitted."""
    if permission in actor.permissions:
        return
    who = actor.name or actor.code
    if actor.limited_since_us is not None and permission not in PERMITTED_UNHEARD:
        raise NotPermitted(
            f"{who} may not do this now ({permission}): the branch has not heard the head office for too long.",
            "Connect the branch; until then it sells, opens and closes shifts, and refunds by receipt.",
        )
    raise NotPermitted(
        f"{who} may not do this ({permission}).",
        "Ask the head office for the permission, or let a manager give an override.",
    )


def require_refund_without_receipt(actor: Actor, amount_minor: int) -> None:
    """Raises NotPermitted when the actor may not refund that much without a receipt."""
    require(actor, Permission.REFUND_WITHOUT_RECEIPT)
    if amount_minor > actor.limits.refund_without_receipt_minor_max:
        raise NotPermitted(
            f"{actor.name or actor.code} may not refund that much without a receipt.",
            "Find the receipt, or let a manager give an override.",
        )
