"""Facts of a branch's own life: recorded with their rows, and read from the wire as they were written."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from branch_node.operations.branch_facts import record_branch_fact, record_switch
from shared.domain.branch_facts import (
    CASH_DIRECTIONS,
    KINDS,
    AuditEntry,
    BranchFact,
    BudgetSpend,
    CashMovement,
    LeaseReturn,
    ModeSwitch,
    PasswordChange,
    ReceiptVoid,
)
from shared.domain.business_time import local_moment
from shared.domain.loyalty import ENTRY_KINDS, LoyaltyEntry
from shared.domain.money import AMOUNT_MINOR_MAX, BUDGET_MAX
from shared.domain.stock import STOCK_THOUSANDTHS_MAX, MovementLine, MovementReason, StockMovement
from shared.errors import DecodeError
from shared.storage.tables import (
    audit_entry,
    budget_spend,
    cash_movement,
    lease_return,
    loyalty_entry,
    mode_switch,
    password_change,
    receipt_void,
    stock_movement,
)
from shared.wire.fact_fields import DAYS_MAX
from shared.wire.payloads import decode_branch_fact, encode_branch_fact
from tests.support.clock import START_US
from tests.support.shop import Shop
from tests.support.strategies import MANY, SOME, codes, damaged, ids, local_moments, texts, totals

TABLES: dict[type[BranchFact], Any] = {
    ReceiptVoid: receipt_void,
    ModeSwitch: mode_switch,
    BudgetSpend: budget_spend,
    LeaseReturn: lease_return,
    CashMovement: cash_movement,
    AuditEntry: audit_entry,
    PasswordChange: password_change,
    StockMovement: stock_movement,
    LoyaltyEntry: loyalty_entry,
}
amounts = st.integers(1, BUDGET_MAX)
movement_lines = st.builds(
    MovementLine,
    codes,
    st.none() | ids,
    st.integers(-STOCK_THOUSANDTHS_MAX, STOCK_THOUSANDTHS_MAX),
    st.none() | st.integers(0, AMOUNT_MINOR_MAX),
    st.none() | st.integers(0, STOCK_THOUSANDTHS_MAX),
    st.none() | st.integers(-STOCK_THOUSANDTHS_MAX, STOCK_THOUSANDTHS_MAX),
)
branch_facts = st.one_of(
    st.builds(ReceiptVoid, codes, st.integers(1, 2**62), local_moments, st.just("not_committed")),
    st.builds(
        ModeSwitch,
        st.sampled_from(["distributed", "centralized"]),
        st.sampled_from(["refuse", "fall_back"]),
        local_moments,
    ),
    st.builds(BudgetSpend, ids, st.none() | ids, amounts, local_moments),
    st.builds(LeaseReturn, ids, ids, st.integers(0, BUDGET_MAX), local_moments),
    st.builds(CashMovement, ids, codes, codes, st.sampled_from(CASH_DIRECTIONS), totals, texts, local_moments),
    st.builds(AuditEntry, codes, codes, codes, st.none() | codes, totals, texts, local_moments),
    st.builds(
        PasswordChange, ids, st.text("$argon2id", min_size=1), st.binary(min_size=32, max_size=32), local_moments
    ),
    st.builds(
        StockMovement,
        st.sampled_from([str(reason) for reason in MovementReason]),
        st.just("") | codes,
        st.none() | codes,
        codes,
        st.lists(movement_lines, min_size=1, max_size=4).map(tuple),
        local_moments,
    ),
    st.builds(
        LoyaltyEntry,
        ids,
        st.sampled_from(sorted(ENTRY_KINDS)),
        st.integers(-BUDGET_MAX, BUDGET_MAX),
        st.none() | ids,
        st.none() | ids,
        st.none() | st.integers(0, DAYS_MAX),
        texts,
        local_moments,
    ),
)


@MANY
@given(branch_facts)
def test_a_fact_is_read_as_it_was_written(fact: BranchFact) -> None:
    assert decode_branch_fact(KINDS[type(fact)], encode_branch_fact(fact)) == fact


@SOME
@given(st.sampled_from(sorted(KINDS.values())), damaged(branch_facts.map(encode_branch_fact)))
def test_damaged_bytes_are_a_fact_or_refused(kind: int, data: bytes) -> None:
    with suppress(DecodeError):
        assert type(decode_branch_fact(kind, data)) in KINDS


AT = local_moment(START_US, "Europe/Moscow")


@pytest.mark.parametrize(
    "fact",
    [
        ReceiptVoid("1", 7, AT, "not_committed"),
        CashMovement(b"s" * 16, "1", "anna", "pickup", 500_000, "to the bank", AT),
        AuditEntry("drawer_opened", "1", "anna", None, 0, "no sale", AT),
        PasswordChange(b"e" * 16, "$argon2id$", b"p" * 32, AT),
        ModeSwitch("centralized", "refuse", AT),
        BudgetSpend(b"b" * 16, None, 3, AT),
        LeaseReturn(b"b" * 16, b"l" * 16, 2, AT),
        StockMovement("received", "INV-7", None, "anna", (MovementLine("952", None, 5_000, 40_000),), AT),
        LoyaltyEntry(b"c" * 16, "earned", 25, b"s" * 16, None, 20_000, "", AT),
    ],
)
def test_a_fact_is_a_row_and_a_record_of_one_entry(shop: Shop, fact: BranchFact) -> None:
    with shop.store.operation() as transaction:
        fact_id = record_branch_fact(transaction, fact)
    with shop.store.read() as connection:
        assert list(connection.execute(select(TABLES[type(fact)].c.id)).scalars()) == [fact_id]
    (record,) = shop.entries()[-1].records
    assert (record.kind, record.record_id) == (KINDS[type(fact)], fact_id)
    assert decode_branch_fact(record.kind, record.payload) == fact


def test_only_a_change_of_the_mode_is_a_switch(shop: Shop) -> None:
    with shop.store.operation() as transaction:
        node = transaction.node
        assert not record_switch(transaction, node.mode.value, node.when_unreachable.value)
        assert record_switch(transaction, "centralized", "fall_back")
    with shop.store.read() as connection:
        assert connection.execute(select(mode_switch.c.mode, mode_switch.c.when_unreachable)).all() == [
            ("centralized", "fall_back")
        ]
