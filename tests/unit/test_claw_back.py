"""Points taken back line by line: a line takes what it earned by its category's rate, everything takes everything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from branch_node.operations.refund_request import parse_refund_request
from shared.domain.cards import Value
from shared.domain.loyalty import (
    EarnRule,
    LoyaltyProgram,
    PaidLine,
    points_earned,
    points_of_lines,
    points_to_claw_back,
)
from shared.domain.records import RecordKind
from tests.support.shop import Shop, change
from tests.support.strategies import MANY

CLIENT = b"c" * 16
_categories = st.sampled_from(["", "Tea", "Tobacco"])
_rates = st.dictionaries(st.sampled_from(["*", "Tea", "Tobacco"]), st.integers(0, 10_000))
programs = _rates.map(
    lambda rates: LoyaltyProgram("main", tuple(EarnRule("*", *each) for each in rates.items()), 5_000, 0, 100)
)
paid_lines = st.lists(st.builds(PaidLine, _categories, st.integers(0, 10**6)), min_size=1, max_size=5)


@MANY
@given(programs, programs, paid_lines, st.data())
def test_whatever_comes_back_when_the_claws_sum_to_what_was_earned(
    then: LoyaltyProgram, now: LoyaltyProgram, lines: list[PaidLine], data: st.DataObject
) -> None:
    sold = [line.amount_minor for line in lines]
    paid = data.draw(st.integers(0, sum(sold)))
    earned, clawed, back = points_earned(then, "", lines, paid), 0, [0] * len(lines)
    today = points_of_lines(data.draw(st.sampled_from([then, now])), "", lines, paid)
    while back != sold:
        place = data.draw(st.sampled_from([place for place, amount in enumerate(sold) if back[place] < amount]))
        back[place] += data.draw(st.integers(1, sold[place] - back[place]))
        step = points_to_claw_back(earned, clawed, today, sold, back)
        assert step >= 0
        clawed += step
        assert clawed <= earned
    assert clawed + points_to_claw_back(earned, clawed, today, sold, back) == earned


@MANY
@given(programs, paid_lines, st.data())
def test_a_line_that_comes_back_whole_takes_exactly_what_it_earned(
    program: LoyaltyProgram, lines: list[PaidLine], data: st.DataObject
) -> None:
    sold = [line.amount_minor for line in lines]
    paid = data.draw(st.integers(0, sum(sold)))
    each = points_of_lines(program, "", lines, paid)
    assert sum(each) == points_earned(program, "", lines, paid)
    clawed, back = 0, [0] * len(lines)
    for place in data.draw(st.permutations(range(len(lines)))):
        back[place] = sold[place]
        step = points_to_claw_back(sum(each), clawed, each, sold, back)
        # A line that is worth nothing has earned nothing.
        assert step == each[place] or sum(each) == 0
        clawed += step


@pytest.fixture
def club(shop: Shop) -> Shop:
    """Tea earns 10 %, tobacco nothing, the rest 1 %."""
    learn_rates(shop, "*:*:100", "*:Tea:1000", "*:Tobacco:0")
    shop.learn(change(RecordKind.CLIENT, CLIENT, name="Anna", external_id="900"))
    for sku, category in (("tea", "Tea"), ("cigarettes", "Tobacco"), ("bread", "Bread")):
        shop.learn_product(sku, category, everywhere=100_00)
    return shop


def learn_rates(shop: Shop, *rules: str) -> None:
    fields: dict[str, Value] = {"earn_basis_points": rules, "expires_days": 0, "point_value_minor": 100}
    fields |= {"code": "main", "payable_share_basis_points_max": 5_000}
    shop.learn(change(RecordKind.LOYALTY_PROGRAM, b"l" * 16, **fields))


def sell(shop: Shop) -> str:
    lines = [{"sku": sku, "quantity": 2, "amount_minor": 200_00} for sku in ("tea", "cigarettes", "bread")]
    return shop.sell("sold", 600_00, lines=lines, client="900").receipt


def give_back(shop: Shop, receipt: str, key: str, *lines: dict[str, Any]) -> None:
    asked = {"key": key, "register": "1", "cashier": "anna", "receipt": receipt, "lines": list(lines)}
    shop.processor.refund(parse_refund_request(asked))


def clawed(shop: Shop) -> list[int]:
    rows = shop.rows("SELECT points FROM loyalty_entry WHERE kind = 'clawed_back' ORDER BY id")
    return [row[0] for row in rows]


def test_a_line_takes_back_what_its_category_earned(club: Shop) -> None:
    receipt = sell(club)
    assert club.one("SELECT points FROM loyalty_entry WHERE kind = 'earned'") == 22
    give_back(club, receipt, "r1", {"line": 2})
    assert clawed(club) == []
    give_back(club, receipt, "r2", {"line": 1, "quantity": 1})
    assert clawed(club) == [-10]
    give_back(club, receipt, "r3", {"line": 3})
    give_back(club, receipt, "r4", {"line": 1})
    assert sorted(clawed(club)) == [-10, -10, -2]


def test_rules_that_changed_since_spread_what_was_earned_and_lose_nothing(club: Shop) -> None:
    receipt = sell(club)
    learn_rates(club, "*:*:0", "*:Tobacco:500")
    give_back(club, receipt, "r1", {"line": 1})
    give_back(club, receipt, "r2", {"line": 2})
    give_back(club, receipt, "r3", {"line": 3})
    assert sum(clawed(club)) == -22


def test_a_programme_that_ended_is_clawed_back_by_the_prices(club: Shop) -> None:
    receipt = sell(club)
    club.learn(change(RecordKind.LOYALTY_PROGRAM, b"l" * 16, archived=True))
    give_back(club, receipt, "r1", {"line": 2})
    assert clawed(club) == [-7]
    give_back(club, receipt, "r2", {"line": 1}, {"line": 3})
    assert sum(clawed(club)) == -22
