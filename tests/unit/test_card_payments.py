"""Paying by card: whatever dies when, at most one live charge, and each is a sale's, reversed, or listed."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from branch_node.devices.payment_terminal import Script, SimulatedTerminal, open_terminal
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
from branch_node.storage.card_attempts import (
    ATTEMPTS_PER_KEY_MAX,
    CardAttempt,
    advance_attempt,
    attempts_of_payment,
    attempts_of_record,
    open_attempts,
)
from shared.domain.card_payments import (
    NEXT_STATES,
    OPEN_STATES,
    Approved,
    AttemptState,
    Declined,
    TerminalAnswer,
    Unknown,
    state_of,
    states_before,
)
from shared.errors import InvalidInput, NotFound, Refused
from tests.support.fuse import FragileTerminal
from tests.support.shop import Shop, request

AMOUNT = 23_000
SALE = b"s" * 16


@pytest.fixture
def terminal(tmp_path: Path) -> SimulatedTerminal:
    return SimulatedTerminal(tmp_path / "terminal")


def begin(shop: Shop, key: str = "k1", amount: int = AMOUNT, **more: Any) -> CardAttempt:
    return begin_attempt(shop.store, key, "1", amount, "RUB", **more)


def pay(shop: Shop, terminal: Any, key: str = "k1") -> CardAttempt:
    return ask(shop.store, terminal, begin(shop, key).reference)


def use(shop: Shop, reference: str, record_id: bytes = SALE, amount: int = AMOUNT) -> CardAttempt:
    with shop.store.operation() as transaction:
        return use_attempt(transaction.cursor, reference, record_id, amount, "RUB", transaction.now_us)


# The usual ways.


def test_an_approved_charge_becomes_a_sale_s(shop: Shop, terminal: SimulatedTerminal) -> None:
    attempt = pay(shop, terminal)
    assert (attempt.state, attempt.card) == (AttemptState.APPROVED, "**** 4242")
    assert attempt.approval
    with shop.store.operation() as transaction:
        answer = sell(transaction, request("k1", AMOUNT, payments=[{"method": "card", "amount_minor": AMOUNT}]))
        use_attempt(
            transaction.cursor, attempt.reference, answer.sale_id, answer.total_minor, "RUB", transaction.now_us
        )
    used = require_attempt(shop.store, attempt.reference)
    assert (used.state, used.record_id) == (AttemptState.USED, answer.sale_id)
    assert unresolved(shop.store) == []
    assert terminal.charges() == {attempt.reference: AMOUNT}


def test_a_sale_that_fails_leaves_its_charge_listed(shop: Shop, terminal: SimulatedTerminal) -> None:
    attempt = pay(shop, terminal)
    with contextlib.suppress(RuntimeError), shop.store.operation() as transaction:
        use_attempt(transaction.cursor, attempt.reference, SALE, AMOUNT, "RUB", transaction.now_us)
        raise RuntimeError
    assert [each.state for each in unresolved(shop.store)] == [AttemptState.APPROVED]


def test_a_declined_card_may_be_tried_again_under_a_new_reference(shop: Shop, terminal: SimulatedTerminal) -> None:
    terminal.set_script([Script.DECLINE])
    first = pay(shop, terminal)
    assert (first.state, first.problem) == (AttemptState.DECLINED, "Declined by the bank.")
    second = pay(shop, terminal)
    assert second.state is AttemptState.APPROVED
    assert second.reference != first.reference


def test_a_double_click_charges_once(shop: Shop, terminal: SimulatedTerminal) -> None:
    first, second = begin(shop), begin(shop)
    assert first == second
    assert ask(shop.store, terminal, first.reference) == ask(shop.store, terminal, first.reference)
    assert begin(shop).state is AttemptState.APPROVED
    assert terminal.charges() == {first.reference: AMOUNT}


def test_two_cards_for_one_basket_are_two_attempts(shop: Shop, terminal: SimulatedTerminal) -> None:
    first, second = begin(shop, payment_number=1), begin(shop, payment_number=2)
    assert first.reference != second.reference


def test_another_amount_for_an_open_attempt_is_refused(shop: Shop) -> None:
    begin(shop)
    with pytest.raises(Refused, match="still open"):
        begin(shop, amount=AMOUNT + 1)


def test_a_payment_that_was_made_is_not_made_again(shop: Shop, terminal: SimulatedTerminal) -> None:
    use(shop, pay(shop, terminal).reference)
    with pytest.raises(Refused, match="made already"):
        begin(shop)


def test_a_basket_is_not_tried_for_ever(shop: Shop, terminal: SimulatedTerminal) -> None:
    terminal.set_script([Script.DECLINE] * ATTEMPTS_PER_KEY_MAX)
    for _ in range(ATTEMPTS_PER_KEY_MAX):
        pay(shop, terminal)
    with pytest.raises(Refused):
        begin(shop)


@pytest.mark.parametrize("amount", [0, -1])
def test_nothing_cannot_be_paid_by_card(shop: Shop, amount: int) -> None:
    with pytest.raises(InvalidInput):
        begin(shop, amount=amount)


def test_only_an_approved_charge_of_that_amount_can_be_used(shop: Shop, terminal: SimulatedTerminal) -> None:
    reference = begin(shop).reference
    with pytest.raises(Refused, match="not approved"):
        use(shop, reference)
    ask(shop.store, terminal, reference)
    with pytest.raises(Refused, match="23000 RUB, not 1 RUB"):
        use(shop, reference, amount=1)
    assert use(shop, reference) == use(shop, reference)
    with pytest.raises(Refused):
        use(shop, reference, b"t" * 16)
    with pytest.raises(NotFound):
        use(shop, "nothing")


# What nobody knows.


def test_a_time_out_after_approval_is_found_out_and_never_charged_twice(
    shop: Shop, terminal: SimulatedTerminal
) -> None:
    terminal.set_script([Script.TIME_OUT_AFTER_APPROVAL])
    attempt = pay(shop, terminal)
    assert attempt.state is AttemptState.UNKNOWN
    assert begin(shop) == attempt, "trying again goes on with the attempt that is there"
    assert ask(shop.store, terminal, attempt.reference) == attempt
    assert resolve_unknown(shop.store, terminal, attempt.reference).state is AttemptState.APPROVED
    use(shop, attempt.reference)
    assert terminal.charges() == {attempt.reference: AMOUNT}


def test_a_time_out_before_approval_is_cancelled_for_good(shop: Shop, terminal: SimulatedTerminal) -> None:
    terminal.set_script([Script.TIME_OUT_BEFORE_APPROVAL])
    attempt = pay(shop, terminal)
    resolved = resolve_unknown(shop.store, terminal, attempt.reference)
    assert resolved.state is AttemptState.REVERSED
    # The request was only slow: it arrives now.
    assert isinstance(terminal.authorize(attempt.reference, AMOUNT, "RUB"), Declined)
    assert terminal.charges() == {}
    assert begin(shop).reference != attempt.reference


def test_a_terminal_that_is_off_decides_nothing(shop: Shop, terminal: SimulatedTerminal) -> None:
    terminal.set_script([Script.SILENT])
    attempt = pay(shop, terminal)
    assert (attempt.state, attempt.problem) == (AttemptState.UNKNOWN, "The terminal is off.")
    assert resolve_unknown(shop.store, terminal, attempt.reference).state is AttemptState.UNKNOWN
    assert resolve_all(shop.store, terminal) == [require_attempt(shop.store, attempt.reference)]
    terminal.set_script([])
    assert resolve_all(shop.store, terminal) == []


def test_an_approval_that_comes_while_it_is_being_cancelled_finds_nothing_to_approve(
    shop: Shop, terminal: SimulatedTerminal
) -> None:
    """The till asks; another process, asked before the terminal had heard of it, cancels at the same moment."""

    class Interleaved(FragileTerminal):
        def authorize(self, reference: str, amount_minor: int, currency: str) -> TerminalAnswer:
            if when == "before":
                resolve_unknown(shop.store, Late(self.terminal), reference)
            answer = self.terminal.authorize(reference, amount_minor, currency)
            if when == "after":
                resolve_unknown(shop.store, Late(self.terminal), reference)
            return answer

    class Late(FragileTerminal):
        def status(self, reference: str) -> TerminalAnswer:
            return Unknown("not heard of", never_heard=True)

    for when in ("before", "after"):
        attempt = pay(shop, Interleaved(terminal), f"k-{when}")
        assert attempt.state is AttemptState.REVERSED
        assert terminal.charges() == {}


def test_an_approved_charge_without_a_sale_is_reversed_once(shop: Shop, terminal: SimulatedTerminal) -> None:
    attempt = pay(shop, terminal)
    assert reverse(shop.store, terminal, attempt.reference).state is AttemptState.REVERSED
    assert reverse(shop.store, terminal, attempt.reference).state is AttemptState.REVERSED
    assert terminal.charges() == {}
    with pytest.raises(Refused):
        use(shop, attempt.reference)


def test_a_sale_s_charge_and_a_doubtful_one_are_not_reversed(shop: Shop, terminal: SimulatedTerminal) -> None:
    used = pay(shop, terminal, "k1").reference
    use(shop, used)
    terminal.set_script([Script.TIME_OUT_AFTER_APPROVAL])
    doubtful = pay(shop, terminal, "k2").reference
    for reference in (used, doubtful):
        with pytest.raises(Refused, match="cannot be reversed"):
            reverse(shop.store, terminal, reference)
    assert len(terminal.charges()) == 2


def test_a_reversal_that_the_terminal_does_not_hear_stays_listed_and_forbids_the_sale(
    shop: Shop, terminal: SimulatedTerminal
) -> None:
    attempt = pay(shop, terminal)
    terminal.set_script([Script.SILENT])
    assert reverse(shop.store, terminal, attempt.reference).state is AttemptState.REVERSING
    with pytest.raises(Refused):
        use(shop, attempt.reference)
    terminal.set_script([])
    assert resolve_all(shop.store, terminal) == []
    assert terminal.charges() == {}


def test_what_is_unresolved_is_told_by_register(shop: Shop, terminal: SimulatedTerminal) -> None:
    begin_attempt(shop.store, "k1", "1", AMOUNT, "RUB")
    shop.clock.advance(1)
    begin_attempt(shop.store, "k2", "2", AMOUNT, "RUB")
    assert [attempt.register for attempt in unresolved(shop.store)] == ["1", "2"]
    assert [attempt.register for attempt in unresolved(shop.store, "2")] == ["2"]
    assert [attempt.register for attempt in resolve_all(shop.store, terminal, "1")] == []
    assert [attempt.register for attempt in unresolved(shop.store)] == ["2"]


# Paying back.


def test_a_refund_goes_to_the_card_and_no_further_than_the_charge(shop: Shop, terminal: SimulatedTerminal) -> None:
    charge = pay(shop, terminal)
    use(shop, charge.reference)
    for key, amount, state in (("r1", 20_000, AttemptState.APPROVED), ("r2", 3_001, AttemptState.DECLINED)):
        refund = begin_attempt(shop.store, key, "1", amount, "RUB", refunds=charge.reference)
        assert ask(shop.store, terminal, refund.reference).state is state
    assert sum(terminal.charges().values()) == AMOUNT - 20_000


def test_a_refund_in_doubt_is_found_out_like_a_charge(shop: Shop, terminal: SimulatedTerminal) -> None:
    charge = pay(shop, terminal)
    terminal.set_script([Script.TIME_OUT_AFTER_APPROVAL])
    refund = begin_attempt(shop.store, "r1", "1", AMOUNT, "RUB", refunds=charge.reference)
    assert ask(shop.store, terminal, refund.reference).state is AttemptState.UNKNOWN
    assert resolve_unknown(shop.store, terminal, refund.reference).state is AttemptState.APPROVED
    assert sum(terminal.charges().values()) == 0


# The table of states.


@given(st.sampled_from(list(AttemptState)), st.sampled_from(list(AttemptState)))
@settings(max_examples=100, deadline=None)
def test_the_table_reads_the_same_in_both_directions(before: AttemptState, after: AttemptState) -> None:
    assert (after in NEXT_STATES[before]) == (before in states_before(after))


def test_only_an_approved_attempt_can_be_used_and_what_is_over_stays_over() -> None:
    assert states_before(AttemptState.USED) == (AttemptState.APPROVED,)
    assert states_before(AttemptState.BEGUN) == ()
    assert [state for state, after in NEXT_STATES.items() if not after] == [
        state for state in NEXT_STATES if state not in OPEN_STATES
    ]
    assert [state_of(answer) for answer in (Approved("a"), Declined("d"), Unknown("u"))] == [
        AttemptState.APPROVED,
        AttemptState.DECLINED,
        AttemptState.UNKNOWN,
    ]


def test_a_row_moves_only_along_the_table(shop: Shop) -> None:
    reference = begin(shop).reference
    with shop.store.write() as connection:
        cursor = connection.connection.cursor()
        assert not advance_attempt(cursor, reference, AttemptState.APPROVED, 1)
        assert advance_attempt(cursor, reference, AttemptState.ASKED, 1)
        assert not advance_attempt(cursor, reference, AttemptState.ASKED, 1)
        assert [each.state for each in attempts_of_payment(cursor, "k1", 1)] == [AttemptState.ASKED]
        assert len(open_attempts(cursor, None)) == 1


def test_a_sale_names_the_charges_that_a_refund_goes_back_to(shop: Shop, terminal: SimulatedTerminal) -> None:
    first, second = pay(shop, terminal), begin(shop, payment_number=2)
    ask(shop.store, terminal, second.reference)
    for reference in (first.reference, second.reference):
        use(shop, reference)
    with shop.store.read_cursor() as cursor:
        found = attempts_of_record(cursor, SALE)
        assert attempts_of_record(cursor, b"t" * 16) == []
    assert [attempt.reference for attempt in found] == [first.reference, second.reference]


def test_what_is_over_is_forgotten_in_time_and_what_is_open_never(shop: Shop, terminal: SimulatedTerminal) -> None:
    used = pay(shop, terminal, "used").reference
    use(shop, used)
    approved = pay(shop, terminal, "approved").reference
    terminal.set_script([Script.DECLINE])
    declined = pay(shop, terminal, "declined").reference

    def kept() -> set[str]:
        return {reference for (reference,) in shop.rows("SELECT reference FROM card_attempt")}

    for days, expected in ((0, {used, approved, declined}), (61, {used, approved}), (340, {approved})):
        shop.clock.advance(days * 86_400)
        resolve_all(shop.store, terminal)
        assert kept() == expected


# The simulator.


def test_the_simulator_charges_twice_when_it_is_asked_twice(terminal: SimulatedTerminal) -> None:
    reference = "0190a5d4-7c3e-7d1f-9b2a-3c4d5e6f7a8b"
    terminal.authorize(reference, 100, "RUB")
    terminal.authorize(reference, 100, "RUB")
    assert terminal.charges() == {reference: 200}


def test_the_simulator_keeps_to_its_folder(terminal: SimulatedTerminal) -> None:
    with pytest.raises(InvalidInput):
        terminal.authorize("../../etc/passwd", 100, "RUB")


def test_a_terminal_is_named_by_a_setting(tmp_path: Path) -> None:
    assert open_terminal("") is None
    assert isinstance(open_terminal(f"simulator:{tmp_path}/t"), SimulatedTerminal)
    with pytest.raises(InvalidInput):
        open_terminal("ingenico:1")
