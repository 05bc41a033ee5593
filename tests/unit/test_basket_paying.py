"""A basket is sold once, whatever happens between asking and answering."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from branch_node.operations import basket
from branch_node.operations.backup import restore_backup, take_backup
from branch_node.operations.basket import BasketState, DiscountKind
from branch_node.operations.basket.settling import UNDECIDED_SECONDS_MAX, note_what_became
from branch_node.operations.budgets import store_grants, want_lease
from branch_node.operations.sale_request import SaleRequest
from branch_node.operations.selling import SaleAnswer
from branch_node.storage.store import BranchStore
from shared.domain.banknotes import CASH_SUGGESTIONS_MAX, suggest_cash
from shared.domain.check_digits import check_digit
from shared.domain.identifiers import format_id
from shared.domain.sales import Payment
from shared.errors import BasketClosed, HqUnreachable, InDoubt, InvalidInput, Refused, StoreFull, TakenOver
from shared.sync.messages import LeaseGrant
from tests.support.basket_desk import MANAGER, Till, learn_client, learn_goods
from tests.support.shop import Shop

CASH, CARD = "cash", "card"


class Died(BaseException):
    """The process ended here."""


@pytest.fixture
def till(shop: Shop) -> Till:
    """A basket with tea for 300.00 and a cake for 35.50."""
    learn_goods(shop, "tea", 10_000, category="Drinks")
    learn_goods(shop, "cake", 3_550)
    till = Till(shop)
    till.scan("tea", quantity_thousandths=3_000)
    till.scan("cake")
    return till


def sold(shop: Shop) -> list[tuple[int, int, int]]:
    return [tuple(row) for row in shop.rows("SELECT receipt_number, net_minor, change_minor FROM sale")]


def die_before(request: SaleRequest) -> SaleAnswer:
    raise Died


def test_what_is_shown_is_what_is_sold(till: Till) -> None:
    client_id = learn_client(till.shop, "Борис")
    till.do(basket.attach_client, format_id(client_id))
    till.do(basket.set_discount, None, DiscountKind.AMOUNT, 1_001, MANAGER, "vera")
    shown = till.view()
    outcome = till.pay(Payment(CARD, 20_000), Payment(CASH, 15_000))
    assert outcome.state is BasketState.PAID
    assert outcome.sold is not None
    assert (outcome.sold.receipt, outcome.sold.total_minor, outcome.sold.change_minor) == ("1-000001", 32_549, 2_451)
    assert sold(till.shop) == [(1, shown.total_minor, 2_451)]
    assert till.shop.one("SELECT client_id FROM sale") == client_id
    lines = till.shop.rows("SELECT sku, category, quantity_thousandths, amount_minor, discount_minor FROM sale_line")
    assert lines == [
        ("tea", "Drinks", 3_000, shown.lines[0].net_minor, shown.lines[0].discount_minor),
        ("cake", None, 1_000, shown.lines[1].net_minor, shown.lines[1].discount_minor),
    ]
    after = till.view()
    assert (after.state, after.sold, after.undo) == (BasketState.PAID, outcome.sold, ())


def test_a_price_that_changes_meanwhile_does_not_change_what_is_paid(till: Till) -> None:
    learn_goods(till.shop, "tea", 99_900)
    till.pay()
    assert sold(till.shop) == [(1, 33_550, 0)]


def test_an_amount_inside_a_code_is_sold_as_it_is(till: Till) -> None:
    learn_goods(till.shop, "00042", 70_001)
    till.scan("250004235000" + check_digit("250004235000"))
    till.pay()
    row = till.shop.rows("SELECT amount_minor, quantity_thousandths FROM sale_line WHERE sku = '00042'")
    assert row == [(35_000, 500)]


def test_a_double_submit_sells_once_and_is_told_the_same(till: Till) -> None:
    first = till.pay(Payment(CASH, 40_000))
    assert till.pay(Payment(CASH, 40_000)) == first
    assert till.pay(Payment(CARD, 33_550)) == first
    assert sold(till.shop) == [(1, 33_550, 6_450)]


def test_the_sales_key_is_the_basket(till: Till) -> None:
    request = basket.sale_request(till.shop.store, till.basket_id, [Payment(CASH, 33_550)])
    assert request.key == basket.sale_key(till.basket_id)
    till.pay()
    assert till.shop.one("SELECT key FROM idempotency_key") == request.key
    later = basket.sale_request(till.shop.store, till.basket_id, [Payment(CASH, 1)])
    assert later.content_hash == request.content_hash


@pytest.mark.parametrize("payments", [[Payment(CASH, 33_549)], [Payment(CARD, 33_551)], [Payment("", 33_550)]])
def test_payments_that_do_not_fit_leave_the_basket_open(till: Till, payments: list[Payment]) -> None:
    with pytest.raises(InvalidInput):
        till.pay(*payments)
    assert till.view().state is BasketState.OPEN
    till.scan("tea")
    till.pay()


def test_an_empty_basket_and_one_with_an_unknown_code_are_not_paid(till: Till) -> None:
    with pytest.raises(Refused, match="empty"):
        Till(till.shop, "2").pay(Payment(CASH, 0))
    till.scan("X-1")
    with pytest.raises(Refused, match="no product or price"):
        till.pay()
    till.do(basket.dismiss_unknown, "X-1")
    till.pay()


def test_while_it_is_being_paid_nothing_is_changed(till: Till) -> None:
    def scan_meanwhile(request: SaleRequest) -> SaleAnswer:
        with pytest.raises(BasketClosed, match="being paid"):
            till.scan("tea")
        with pytest.raises(BasketClosed, match="another way"):
            till.pay(Payment(CARD, 33_550))
        assert till.view().state is BasketState.UNDECIDED
        return till.shop.processor.sell(request)

    till.pay(sell=scan_meanwhile)
    assert sold(till.shop) == [(1, 33_550, 0)]


def test_a_second_submit_amid_the_first_sells_once(till: Till) -> None:
    def submit_again(request: SaleRequest) -> SaleAnswer:
        assert till.pay().state is BasketState.PAID
        return till.shop.processor.sell(request)

    till.pay(sell=submit_again)
    assert sold(till.shop) == [(1, 33_550, 0)]


def test_dead_before_the_sale_the_basket_is_open_again_at_the_start(till: Till) -> None:
    with pytest.raises(Died):
        till.pay(sell=die_before)
    assert till.view().state is BasketState.UNDECIDED
    assert basket.recover_baskets(till.shop.store) == 1
    assert basket.current_basket(till.shop.store, "1") == till.basket_id
    assert basket.recover_baskets(till.shop.store) == 0
    till.scan("tea")
    till.pay()
    assert sold(till.shop) == [(1, 43_550, 0)]


def test_dead_before_the_sale_the_basket_is_open_again_after_a_minute(till: Till) -> None:
    with pytest.raises(Died):
        till.pay(sell=die_before)
    till.shop.clock.advance(UNDECIDED_SECONDS_MAX)
    assert till.view().state is BasketState.UNDECIDED
    till.shop.clock.advance(1)
    assert till.view().state is BasketState.OPEN


def test_a_clock_that_was_set_back_does_not_keep_a_basket_undecided(till: Till) -> None:
    with pytest.raises(Died):
        till.pay(sell=die_before)
    till.shop.clock.advance(-3_600)
    assert till.view().state is BasketState.OPEN


def test_dead_before_the_sale_the_same_payments_go_on(till: Till) -> None:
    with pytest.raises(Died):
        till.pay(sell=die_before)
    assert till.pay(Payment(CASH, 33_550)).state is BasketState.PAID
    assert sold(till.shop) == [(1, 33_550, 0)]


def die_after(till: Till) -> None:
    def sell(request: SaleRequest) -> SaleAnswer:
        till.shop.processor.sell(request)
        raise Died

    with pytest.raises(Died):
        till.pay(Payment(CASH, 40_000), sell=sell)


def test_dead_after_the_sale_the_basket_is_paid(till: Till) -> None:
    die_after(till)
    view = till.view()
    assert view.state is BasketState.PAID
    assert view.sold is not None
    assert (view.sold.receipt, view.sold.total_minor, view.sold.change_minor) == ("1-000001", 33_550, 6_450)
    assert basket.current_basket(till.shop.store, "1") is None


def test_dead_after_the_sale_the_start_notes_it(till: Till) -> None:
    die_after(till)
    assert basket.recover_baskets(till.shop.store) == 1
    assert till.pay(Payment(CASH, 1)).state is BasketState.PAID
    assert len(sold(till.shop)) == 1


def test_an_open_basket_whose_sale_is_committed_is_paid(till: Till) -> None:
    die_after(till)
    looks: list[Callable[[], BasketState | None]] = [
        lambda: till.view().state,
        lambda: note_what_became(till.shop.store, till.basket_id),
        lambda: till.pay(Payment(CARD, 33_550)).state,
    ]
    for look in looks:
        with till.shop.store.write() as connection:
            connection.connection.cursor().execute("UPDATE basket SET state = 'open', sale_answer = NULL")
        assert look() is BasketState.PAID
    assert len(sold(till.shop)) == 1


def test_in_doubt_the_basket_says_so_and_the_same_payments_ask_again(till: Till) -> None:
    def doubt(request: SaleRequest) -> SaleAnswer:
        raise InDoubt("It is not known whether the head office has taken it.", "Ask with the same key.")

    outcome = till.pay(sell=doubt)
    assert (outcome.state, outcome.hint) == (BasketState.UNDECIDED, "Ask with the same key.")
    view = till.view()
    assert (view.state, view.trouble) == (BasketState.UNDECIDED, outcome.message)
    other = Till(till.shop)
    assert other.basket_id != till.basket_id
    (glance,) = basket.undecided(till.shop.store, "1")
    assert (glance.basket_id, glance.total_minor) == (till.basket_id, 33_550)
    till.pay(Payment(CASH, 33_550))
    assert basket.undecided(till.shop.store) == []
    assert till.view().trouble == ""
    assert sold(till.shop) == [(1, 33_550, 0)]


def test_while_hq_is_asked_the_basket_stays_undecided_however_long(till: Till) -> None:
    with pytest.raises(Died):
        till.pay(sell=die_before)
    with till.shop.store.write() as connection:
        connection.connection.cursor().execute(
            "INSERT INTO idempotency_key VALUES (?, x'00', x'00', x'00', 0, 0)", (basket.sale_key(till.basket_id),)
        )
    till.shop.clock.advance(10_000)
    assert till.view().state is BasketState.UNDECIDED
    assert basket.recover_baskets(till.shop.store) == 0

    def full(request: SaleRequest) -> SaleAnswer:
        raise StoreFull("The disk is full.")

    assert till.pay(Payment(CASH, 33_550), sell=full).state is BasketState.UNDECIDED
    with till.shop.store.write() as connection:
        connection.connection.cursor().execute("DELETE FROM idempotency_key")
    assert [glance.state for glance in basket.undecided(till.shop.store)] == []
    assert till.view().state is BasketState.OPEN


@pytest.mark.parametrize("error", [Refused("No."), HqUnreachable("Away."), StoreFull("Full.")])
def test_refused_the_basket_is_open_again(till: Till, error: Exception) -> None:
    def refuse(request: SaleRequest) -> SaleAnswer:
        raise error

    with pytest.raises(type(error)):
        till.pay(sell=refuse)
    assert till.view().state is BasketState.OPEN
    till.do(basket.remove_line, 2)
    till.pay()
    assert sold(till.shop) == [(1, 30_000, 0)]


def test_refused_after_another_basket_was_begun_it_is_held(till: Till) -> None:
    def begin_another(request: SaleRequest) -> SaleAnswer:
        Till(till.shop).scan("cake")
        raise Refused("No.")

    with pytest.raises(Refused):
        till.pay(sell=begin_another)
    assert [glance.basket_id for glance in basket.held(till.shop.store)] == [till.basket_id]


def test_a_failure_after_the_commit_is_a_sale(till: Till) -> None:
    def fail_late(request: SaleRequest) -> SaleAnswer:
        till.shop.processor.sell(request)
        raise StoreFull("Full.")

    outcome = till.pay(sell=fail_late)
    assert outcome.state is BasketState.PAID
    assert outcome.sold is not None
    assert outcome.sold.receipt == "1-000001"


def test_a_slow_sale_of_a_basket_that_was_opened_again_counts(till: Till) -> None:
    def slow(request: SaleRequest) -> SaleAnswer:
        till.shop.clock.advance(UNDECIDED_SECONDS_MAX + 1)
        assert till.view().state is BasketState.OPEN
        till.scan("tea")
        return till.shop.processor.sell(request)

    assert till.pay(sell=slow).state is BasketState.PAID
    assert till.pay(Payment(CASH, 43_550)).state is BasketState.PAID
    assert sold(till.shop) == [(1, 33_550, 0)]


def test_a_limited_product_is_sold_out_of_its_lease_or_not(till: Till) -> None:
    learn_goods(till.shop, "ticket", 500, limited=True)
    till.scan("ticket", quantity_thousandths=2_000)
    with pytest.raises(Refused, match="may be spent here"):
        till.pay()
    with till.shop.store.write() as connection:
        cursor, ids = connection.connection.cursor(), till.shop.store.ids
        want_lease(cursor, ids, "product:ticket", 2_000)
        grant = LeaseGrant(b"l" * 16, b"b" * 16, "product:ticket", 2_000, till.shop.clock.now_us() + 10**9)
        store_grants(cursor, ids, till.shop.store.node()[1].incarnation, (grant,))
    till.pay()
    assert till.shop.one("SELECT spent FROM lease") == 2_000


def test_a_tab_that_lost_the_register_does_not_sell(till: Till) -> None:
    basket.claim_register(till.shop.store, "1", "new")
    with pytest.raises(TakenOver):
        till.pay(tab_token="old")
    till.pay(tab_token="new")
    # It hears how the sale went all the same.
    assert till.pay(tab_token="old").state is BasketState.PAID


def test_a_basket_of_a_backup_is_not_sold_again(till: Till, tmp_path: Path) -> None:
    store, clock, ids = till.shop.store, till.shop.clock, till.shop.store.ids
    take_backup(store, tmp_path / "kept", clock)
    till.pay()
    store.close()
    restore_backup(tmp_path / "branch.db", tmp_path / "kept", clock)
    restored = BranchStore(tmp_path / "branch.db", clock, ids)
    view = basket.view(restored, till.basket_id)
    assert (view.state, "restored from a backup" in view.trouble) == (BasketState.ABANDONED, True)
    assert basket.current_basket(restored, "1") is None
    restored.close()


def test_a_basket_that_was_sold_before_the_backup_stays_sold(till: Till, tmp_path: Path) -> None:
    store, clock, ids = till.shop.store, till.shop.clock, till.shop.store.ids
    die_after(till)
    take_backup(store, tmp_path / "kept", clock)
    store.close()
    restore_backup(tmp_path / "branch.db", tmp_path / "kept", clock)
    restored = BranchStore(tmp_path / "branch.db", clock, ids)
    assert basket.view(restored, till.basket_id).state is BasketState.PAID
    restored.close()


@pytest.mark.parametrize(
    ("total", "currency", "expected"),
    [
        (73_450, "RUB", (73_450, 75_000, 80_000, 100_000, 200_000, 500_000)),
        (500_000, "RUB", (500_000,)),
        (1_234_567, "RUB", (1_234_567, 1_235_000, 1_240_000, 1_250_000, 1_300_000, 1_500_000)),
        (350, "USD", (350, 400, 500, 1_000, 2_000, 5_000)),
        (700, "JPY", (700, 1_000, 5_000, 10_000)),
        (0, "RUB", ()),
    ],
)
def test_banknote_buttons_are_what_people_hand_over(total: int, currency: str, expected: tuple[int, ...]) -> None:
    assert suggest_cash(total, currency) == expected
    assert len(suggest_cash(total, "XXX")) <= CASH_SUGGESTIONS_MAX
