"""Permissions: a closed list whose words never change, roles as data, and one sentence for whoever lacks one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.domain.money import AMOUNT_MINOR_MAX
from shared.domain.permissions import (
    EVERYTHING,
    LOCAL_ADMINISTRATOR,
    PERMITTED_UNHEARD,
    ROLES,
    Actor,
    Limits,
    Permission,
    limited,
    parse_permissions,
    require,
    require_refund_without_receipt,
)
from shared.errors import NotPermitted, Refused


def actor(role: str) -> Actor:
    return Actor(b"a" * 16, "anna", "Anna", role, ROLES[role].permissions, ROLES[role].limits)


def test_the_words_of_permissions_never_change() -> None:
    assert sorted(str(permission) for permission in Permission) == [
        "audit.view",
        "branch.edit",
        "cash.move",
        "catalog.edit",
        "client.contacts",
        "client.edit",
        "client.erase",
        "client.export",
        "client.import",
        "client.merge",
        "client.transfer",
        "client.view",
        "contact.override",
        "dictionary.edit",
        "drawer.open",
        "employee.edit",
        "fleet.edit",
        "fleet.view",
        "interaction.log",
        "mail.send",
        "override.give",
        "pin.set",
        "receipt.reprint",
        "records.review",
        "refund.by_receipt",
        "refund.other_branch",
        "refund.without_receipt",
        "register.pair",
        "report.branch",
        "report.chain",
        "sale.discount",
        "sale.hold",
        "sale.line_remove",
        "sale.make",
        "sale.price",
        "settings.branch",
        "shift.close",
        "shift.open",
        "stock.edit",
        "stock.view",
        "task.edit",
        "team.view",
    ]


def test_every_chain_begins_with_seven_roles_in_two_languages() -> None:
    assert list(ROLES) == [
        "cashier", "manager", "sales_rep", "head_of_sales", "auditor", "owner", "administrator",
    ]  # fmt: skip
    for code, role in ROLES.items():
        assert (role.code, role.name("ru"), role.name("en")) == (code, role.name_ru, role.name_en)
        assert role.name_ru != role.name_en
        assert 0 <= role.limits.discount_basis_points_max <= 10_000
        assert 0 <= role.limits.refund_without_receipt_minor_max <= AMOUNT_MINOR_MAX
        assert (
            role.limits.refund_without_receipt_minor_max == 0 or Permission.REFUND_WITHOUT_RECEIPT in role.permissions
        )


def test_a_cashier_sells_and_a_manager_does_more() -> None:
    assert ROLES["cashier"].permissions < ROLES["manager"].permissions < ROLES["owner"].permissions == EVERYTHING
    assert ROLES["manager"].permissions > PERMITTED_UNHEARD
    assert Permission.SALE_MAKE not in ROLES["auditor"].permissions | ROLES["administrator"].permissions


def test_who_may_is_let_and_who_may_not_is_told_what_to_do() -> None:
    require(actor("cashier"), Permission.SALE_MAKE)
    with pytest.raises(NotPermitted) as refused:
        require(actor("cashier"), Permission.DRAWER_OPEN)
    assert isinstance(refused.value, Refused)
    assert refused.value.message == "Anna may not do this (drawer.open)."
    assert "override" in refused.value.hint
    for permission in Permission:
        require(LOCAL_ADMINISTRATOR, permission)


def test_at_a_branch_unheard_for_too_long_only_selling_remains() -> None:
    assert limited(actor("manager"), None) == actor("manager")
    unheard = limited(actor("manager"), 5)
    assert unheard.permissions == PERMITTED_UNHEARD
    assert unheard.limited_since_us == 5
    with pytest.raises(NotPermitted, match="not heard the head office"):
        require(unheard, Permission.DRAWER_OPEN)
    auditor = limited(actor("auditor"), 5)
    assert auditor.permissions == frozenset()
    with pytest.raises(NotPermitted, match="may not do this"):
        require(auditor, Permission.SALE_MAKE)


def test_limits_hold_to_the_last_unit() -> None:
    manager = replace(actor("manager"), limits=Limits(750, 1_000))
    require_refund_without_receipt(manager, 1_000)
    with pytest.raises(NotPermitted, match="receipt"):
        require_refund_without_receipt(manager, 1_001)
    with pytest.raises(NotPermitted):
        require_refund_without_receipt(actor("cashier"), 0)


def test_a_permission_of_a_newer_release_is_left_out() -> None:
    assert parse_permissions(("sale.make", "moon.land", "")) == {Permission.SALE_MAKE}
