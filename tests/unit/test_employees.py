"""Employees: a code is one person in the whole chain from its first use on."""

from __future__ import annotations

import pytest

from branch_node.operations.employees import ensure_employee
from shared.domain.records import RecordKind
from shared.operations.people import employee_id
from shared.wire.cards import decode_patch
from tests.support.shop import Shop, change


def test_the_first_use_of_a_code_makes_a_card(shop: Shop) -> None:
    shop.sell("k1", cashier="anna")
    record = shop.entries()[0].records[0]
    (patch,) = decode_patch(record.payload)
    assert (record.kind, patch.field, patch.value) == (RecordKind.EMPLOYEE, "code", "anna")
    assert shop.rows("SELECT id, code FROM employee") == [(record.record_id, "anna")]


def test_a_code_has_the_same_id_in_every_branch_and_another_in_another_chain(shop: Shop) -> None:
    shop.sell("k1", cashier="anna")
    chain_id = shop.store.node()[0].chain_id
    assert shop.one("SELECT id FROM employee") == employee_id(chain_id, "anna")
    assert employee_id(b"x" * 16, "anna") != employee_id(chain_id, "anna") != employee_id(chain_id, "boris")


def test_an_employee_that_head_office_named_is_used_and_not_made_again(shop: Shop) -> None:
    shop.learn(change(RecordKind.EMPLOYEE, b"a" * 16, code="anna", name="Anna Petrova"))
    shop.sell("k1", cashier="anna")
    assert shop.entries()[0].header.author == b"a" * 16
    assert shop.count("employee") == 1


def test_a_failed_sale_makes_no_employee_and_the_next_one_does(shop: Shop) -> None:
    with pytest.raises(RuntimeError):
        _ensure_and_fail(shop, times=1)
    shop.sell("k1", cashier="anna")
    assert shop.kinds(1)[0] == RecordKind.EMPLOYEE
    assert shop.count("employee") == 1


def test_an_employee_that_was_rolled_back_is_not_remembered(shop: Shop) -> None:
    with pytest.raises(RuntimeError):
        _ensure_and_fail(shop, times=2)
    shop.sell("k1", cashier="anna")
    assert shop.count("employee") == 1


def _ensure_and_fail(shop: Shop, times: int) -> None:
    with shop.store.operation() as transaction:
        for _ in range(times):
            ensure_employee(transaction, "anna")
        raise RuntimeError("the power failed")


def test_a_known_employee_costs_no_look_up(shop: Shop) -> None:
    for key in ("k1", "k2"):
        shop.sell(key, cashier="anna")
    with shop.store.write() as connection:
        connection.exec_driver_sql("DELETE FROM employee")  # behind its back
    shop.sell("k3", cashier="anna")
    assert shop.kinds(3) == [RecordKind.SALE]
    assert len({entry.header.author for entry in shop.entries()}) == 1
