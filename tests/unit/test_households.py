"""The real households as plain values: cards, and which receipt a coupon was redeemed with."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from deploy.demo import households
from deploy.demo.households import Redemption, Visit, Work, card_of, decode_work, encode_work, place_redemptions

DAY = "2017-05-08"
COUPON, CAMPAIGN, GOODS = 10_000_085_207, 8, 77


class Table:
    """A table of the data set that holds these rows."""

    def __init__(self, *rows: dict[str, object]) -> None:
        self._rows = rows

    def to_pylist(self) -> list[dict[str, object]]:
        return [dict(row) for row in self._rows]


def visit(store: int, basket: int, hour: int, day: str = DAY) -> Visit:
    return Visit(900, store, basket, datetime.fromisoformat(f"{day}T{hour:02}:00:00").replace(tzinfo=UTC))


@pytest.fixture
def discounted(monkeypatch: pytest.MonkeyPatch) -> dict[int, set[int]]:
    """By basket what coupons made cheaper; household 900 redeems one coupon, which is for GOODS, on DAY."""
    found: dict[int, set[int]] = {}
    redeemed = {"household_id": 900, "campaign_id": CAMPAIGN, "coupon_upc": COUPON}
    tables = {
        "campaign_descriptions": Table({"campaign_id": CAMPAIGN, "campaign_type": "Type A"}),
        "coupon_redemptions": Table(redeemed | {"redemption_date": datetime.fromisoformat(DAY)}),
    }
    monkeypatch.setattr(households, "read_table", tables.__getitem__)
    monkeypatch.setattr(households, "_discounted", lambda: found)
    monkeypatch.setattr(households, "_goods_of_coupons", lambda: {(CAMPAIGN, COUPON): frozenset({GOODS})})
    return found


def placed(everywhere: list[Visit], *stores: int) -> list[tuple[int, str]]:
    """At which basket, and at which moment, the coupon is noted in a chain of these stores."""
    within = [each for each in everywhere if each.store in stores]
    return [(found.basket, redemption.at) for found, redemption in place_redemptions(everywhere, within)]


def test_a_coupon_is_redeemed_with_the_receipt_that_it_made_cheaper(discounted: dict[int, set[int]]) -> None:
    visits = [visit(1, 10, 14), visit(2, 20, 15), visit(1, 30, 16)]
    assert placed(visits, 1, 2) == [(30, f"{DAY}T16:00:00+00:00")], "nothing is known of coupons: the last of the day"
    discounted[20] = {5}
    assert placed(visits, 1, 2) == [(20, f"{DAY}T15:00:00+00:00")], "other goods were made cheaper by a coupon"
    discounted[10] = {GOODS}
    assert placed(visits, 1, 2) == [(10, f"{DAY}T14:00:00+00:00")], "the goods of this coupon were"


@pytest.mark.usefixtures("discounted")
def test_what_was_bought_after_midnight_by_utc_is_of_the_day_before_in_the_store() -> None:
    visits = [visit(1, 10, 14, "2017-05-07"), visit(1, 20, 2, "2017-05-09"), visit(1, 30, 20, "2017-05-09")]
    assert placed(visits, 1) == [(20, "2017-05-09T02:00:00+00:00")]


@pytest.mark.usefixtures("discounted")
def test_a_coupon_is_noted_where_the_household_was_last_in_the_chain() -> None:
    visits = [visit(1, 10, 14, "2017-05-01"), visit(2, 20, 15), visit(3, 30, 16, "2017-05-09")]
    assert placed(visits, 1, 3) == [(10, f"{DAY}T15:00:00+00:00")]
    assert placed(visits, 3) == [], "it had not come to the chain yet"


def test_a_card_says_what_is_known_of_a_household() -> None:
    known = {"age": "45-54", "income": "Under 15K", "home_ownership": None, "household_size": "5+", "kids_count": "0"}
    card = card_of(31, known)
    assert card[:3] == ("31", "Household 31", "CJ-0031")
    assert card.tags == ("age 45-54", "household of 5+", "income Under 15K", "kids 0")
    assert card_of(31, None).tags == ()


def test_work_for_another_process_arrives_as_it_was_sent() -> None:
    redemption = Redemption("31", f"{DAY}T15:00:00+00:00", "anna", CAMPAIGN, "Type A", COUPON)
    card = card_of(31, {"age": "45-54"})
    arrived = decode_work(encode_work(Work((card,), ('{"key": "basket-1"}',), (redemption,))))
    assert [tuple(each) for each in arrived.cards] == [(*card[:3], ["age 45-54"])]
    assert arrived.receipts == ['{"key": "basket-1"}']
    assert arrived.redemptions == [redemption]
