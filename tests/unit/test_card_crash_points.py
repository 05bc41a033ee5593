"""A till that dies at any step of a card payment: at most one live charge, and each is a sale's, reversed or listed."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from branch_node.devices.payment_terminal import Script, SimulatedTerminal
from branch_node.operations.card_payments import (
    ask,
    begin_attempt,
    require_attempt,
    resolve_all,
    resolve_unknown,
    reverse,
    unresolved,
    use_attempt,
)
from branch_node.operations.selling import sell
from branch_node.storage.card_attempts import CardAttempt
from shared.domain.card_payments import OPEN_STATES, AttemptState
from shared.errors import Refused
from tests.support.fuse import FragileTerminal, Fuse, PowerCut, cut_writes
from tests.support.shop import Shop, request

AMOUNT = 23_000


@pytest.fixture
def terminal(tmp_path: Path) -> SimulatedTerminal:
    return SimulatedTerminal(tmp_path / "terminal")


def begin(shop: Shop, key: str) -> CardAttempt:
    return begin_attempt(shop.store, key, "1", AMOUNT, "RUB")


def checkout(shop: Shop, terminal: Any, key: str) -> None:
    """What a till does: pay, sell; when in doubt find out, and give back what is declined."""
    attempt = begin(shop, key)
    if attempt.state is AttemptState.BEGUN:
        attempt = ask(shop.store, terminal, attempt.reference)
    if attempt.state is not AttemptState.APPROVED:
        attempt = resolve_unknown(shop.store, terminal, attempt.reference)
    if attempt.state is AttemptState.APPROVED:
        with shop.store.operation() as transaction:
            answer = sell(transaction, request(key, AMOUNT, payments=[{"method": "card", "amount_minor": AMOUNT}]))
            use_attempt(transaction.cursor, attempt.reference, answer.sale_id, AMOUNT, "RUB", transaction.now_us)


def check_promises(shop: Shop, terminal: SimulatedTerminal, sales_before: int) -> None:
    """Every charge has a row that says so or is in doubt, the one sale has one live charge, and none is doubled."""
    charges = terminal.charges()
    assert all(amount == AMOUNT for amount in charges.values()), "a reference was charged twice"
    rows = dict(shop.rows("SELECT reference, state FROM card_attempt"))
    for reference in charges:
        assert rows[reference] == AttemptState.USED or rows[reference] in OPEN_STATES
    used = {reference for reference, state in rows.items() if state == AttemptState.USED}
    assert used <= set(charges)
    assert shop.count("sale") - sales_before == len(used) <= 1


def live(shop: Shop, terminal: SimulatedTerminal, fuse: Fuse, key: str) -> bool:
    """One life of the till; whether it lived to the end."""
    try:
        checkout(shop, FragileTerminal(terminal, fuse), key)
    except PowerCut:
        return False
    except Refused:
        pass  # it was sold in an earlier life
    return True


@pytest.mark.parametrize(
    "script", [[], [Script.TIME_OUT_AFTER_APPROVAL], [Script.TIME_OUT_BEFORE_APPROVAL], [Script.DECLINE]]
)
def test_dying_at_any_step_charges_once_and_the_next_life_finishes(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: list[Script]
) -> None:
    fuse = Fuse()
    cut_writes(shop, fuse, monkeypatch)
    steps, survived = 0, False
    while not survived:
        shop.store.nodes.forget()
        terminal = SimulatedTerminal(tmp_path / f"terminal-{steps}", script)
        with shop.store.write() as connection:
            connection.exec_driver_sql("DELETE FROM card_attempt")
        shop.clock.advance(1)
        sales = shop.count("sale")
        fuse.steps_left = steps
        survived = live(shop, terminal, fuse, f"k{steps}")
        fuse.steps_left = None
        check_promises(shop, terminal, sales)
        for _ in range(3):
            assert live(shop, terminal, fuse, f"k{steps}")
            check_promises(shop, terminal, sales)
            resolve_all(shop.store, terminal)
            check_promises(shop, terminal, sales)
        assert shop.count("sale") == sales + 1
        assert list(terminal.charges().values()) == [AMOUNT]
        assert unresolved(shop.store) == []
        steps += 1
    assert steps > 8


@pytest.mark.parametrize("cut", range(12))
def test_dying_amid_a_reversal_leaves_it_to_be_finished(
    shop: Shop, terminal: SimulatedTerminal, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    attempt = ask(shop.store, terminal, begin(shop, "k1").reference)
    fuse = Fuse()
    cut_writes(shop, fuse, monkeypatch)
    fuse.steps_left = cut
    with contextlib.suppress(PowerCut):
        reverse(shop.store, FragileTerminal(terminal, fuse), attempt.reference)
    fuse.steps_left = None
    if terminal.charges() == {}:
        assert require_attempt(shop.store, attempt.reference).state is not AttemptState.APPROVED
    else:
        assert unresolved(shop.store) != []
    if require_attempt(shop.store, attempt.reference).state is AttemptState.APPROVED:
        reverse(shop.store, terminal, attempt.reference)
    assert resolve_all(shop.store, terminal) == []
    assert terminal.charges() == {}
