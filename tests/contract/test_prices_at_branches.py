"""From what the head office publishes to what a basket costs at a branch and comes back in a refund."""

from __future__ import annotations

import pytest

from branch_node.operations.price_lists import price_lists_of
from branch_node.storage.store import BranchStore
from hq_server.operations.importing import import_catalog
from hq_server.operations.promotions import add_promotion, end_promotion
from hq_server.operations.vat_rates import set_vat_rate
from hq_server.storage.feed import number_feed
from shared.domain.business_time import days_from_date, parse_local
from shared.domain.identifiers import NIL_ID
from shared.domain.promotions import PricedBasket, Promotion, PromotionType, price_basket
from shared.domain.records import RecordKind
from shared.domain.refunds import SoldLine, refund_lines, refund_payments, refundable
from shared.domain.rounding import CashRounding, settle
from shared.domain.sales import CASH, Payment
from shared.domain.vat import DatedVatRate
from shared.errors import InvalidInput
from shared.operations.tabular_files import FileRow
from tests.support.clock import FakeClock
from tests.support.office import Office
from tests.support.shop import Shop, change

FRIDAY = parse_local("2024-10-04T12:00:00", "Europe/Moscow", "now")


@pytest.fixture
def shop(office: Office, branch_store: BranchStore, clock: FakeClock) -> Shop:
    """A branch that has heard everything of a head office with prices, VAT and promotions."""
    branch_id = office.add_branch("B1").id
    today = days_from_date(FRIDAY.business_date)
    offers = (
        Promotion(NIL_ID, "3-2", "3 for 2", PromotionType.N_FOR_M, n=3, m=2, skus=frozenset(["tea"]), combinable=False),
        Promotion(NIL_ID, "gold", "Gold card", PromotionType.PERCENT, 500, client_groups=frozenset(["gold"])),
        Promotion(NIL_ID, "gone", "Gone", PromotionType.PERCENT, 9_000),
        Promotion(NIL_ID, "over", "Over", PromotionType.PERCENT, 9_000, valid_from=today - 9),
    )
    catalog = (
        {"sku": "tea", "price_minor": "10000", "vat": "std"},
        {"sku": "tea", "price_minor": "9999", "valid_from": "2024-10-01", "valid_to": "2024-10-31"},
        {"sku": "rice", "price_minor": "8033", "vat": "food", "weighed": "yes"},
    )
    with office.store.write() as connection:
        ids, now_us, chain = office.ids, office.clock.now_us(), office.chain
        for rate in (DatedVatRate("std", 2_000, None, None), DatedVatRate("food", 1_000, None, None)):
            set_vat_rate(connection, ids, now_us, chain.chain_id, rate)
        for offer in offers:
            add_promotion(connection, ids, now_us, offer)
        end_promotion(connection, ids, now_us, "gone", None)
        end_promotion(connection, ids, now_us, "over", today - 1)
        given = [FileRow(number, row) for number, row in enumerate(catalog, 2)]
        assert import_catalog(connection, ids, now_us, chain.chain_id, "RUB", given).problems == []
    number_feed(office.store, office.clock.now_us())
    shop = Shop(branch_store, clock)
    assert shop.learn(*office.feed_of(branch_id)) == []
    return shop


def priced(shop: Shop, client_id: bytes | None = None) -> PricedBasket:
    """Four packets of tea, 1.234 kg of rice, and something unknown at a price set by hand."""
    with shop.store.operation() as transaction:
        lists = price_lists_of(transaction)
        context = lists.basket_context(FRIDAY, client_id)
        lines = [
            lists.basket_line("1", "tea", 4_000, context.day),
            lists.basket_line("2", "rice", 1_234, context.day),
            lists.basket_line("3", "unknown", 1_000, context.day, manual_price_minor=500),
        ]
        return price_basket(lines, lists.promotions_on(context.day), context)


def test_a_branch_prices_a_basket_with_what_the_head_office_told_it(shop: Shop) -> None:
    basket = priced(shop)
    assert [(line.gross_minor, line.amount_minor, line.vat_minor, line.reason) for line in basket.lines] == [
        (39_996, 29_997, 5_000, "3 for 2"),
        (9_913, 9_913, 901, ""),
        (500, 500, 0, ""),
    ]


def test_a_client_of_a_group_has_its_promotion_on_what_the_exclusive_one_left(shop: Shop) -> None:
    client_id = b"c" * 16
    shop.learn(change(RecordKind.CLIENT, client_id, external_id="900", group="gold"))
    assert [line.amount_minor for line in priced(shop, client_id).lines] == [29_497, 9_417, 500]


def test_a_sale_of_it_is_settled_and_comes_back_exactly(shop: Shop) -> None:
    basket = priced(shop)
    assert basket.total_minor == 40_410
    paid = [Payment("card", 30_000), Payment(CASH, 11_000)]
    settled = settle(basket.total_minor, paid, CashRounding(100))
    assert settled == (-10, 600)
    quantities = (4_000, 1_234, 1_000)
    sold = [
        SoldLine(number, quantity, line.amount_minor, line.discount_minor, line.vat_minor)
        for number, (quantity, line) in enumerate(zip(quantities, basket.lines, strict=True), 1)
    ]
    back = refund_lines(sold, [], refundable(sold, []))
    total = sum(line.amount_minor for line in back)
    returned = refund_payments(paid, settled.change_minor, [], total, 0, total, CashRounding(100))
    assert returned == ((Payment("card", 30_000), Payment(CASH, 10_400)), -10)


def test_what_has_no_price_needs_one_set_by_hand(shop: Shop) -> None:
    with shop.store.operation() as transaction, pytest.raises(InvalidInput, match="is unknown"):
        price_lists_of(transaction).basket_line("1", "unknown", 1_000, 1)
