"""Points: the laws of earning, paying, expiring and clawing back, whatever the baskets and the order of events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.loyalty import (
    EXPIRES_DAYS_MAX,
    Balance,
    EarnRule,
    Entry,
    LoyaltyProgram,
    PaidLine,
    balance_on,
    make_program,
    owner_of_client,
    parse_rule,
    payable_points_max,
    points_earned,
    points_for_payment,
)
from shared.domain.refunds import points_back
from shared.errors import InvalidInput
from shared.operations.loyalty import program_fields, program_of_row
from tests.support.strategies import MANY, SOME

RULES = ("*:*:100", "gold:*:500", "*:Tobacco:0", "gold:Tobacco:50")
PROGRAM = make_program("main", RULES, 5_000, 365, 100)

_names = st.sampled_from(["", "gold", "silver"])
_categories = st.sampled_from(["", "Dairy", "Tobacco", "a:b"])
_rules = st.dictionaries(
    st.tuples(st.sampled_from(["*", "gold"]), st.sampled_from(["*", "Dairy", "a:b"])), st.integers(0, 10_000)
)
programs = st.builds(
    LoyaltyProgram,
    st.just("main"),
    _rules.map(lambda rules: tuple(EarnRule(*key, rate) for key, rate in sorted(rules.items()))),
    st.integers(0, 10_000),
    st.integers(0, EXPIRES_DAYS_MAX),
    st.integers(1, 1_000),
)
paid_lines = st.lists(st.builds(PaidLine, _categories, st.integers(0, 10**7)), min_size=1, max_size=6)
entries = st.lists(
    st.builds(Entry, st.integers(0, 30), st.integers(-50, 50), st.none() | st.integers(0, 40)), max_size=12
)


@pytest.mark.parametrize(
    ("tier", "category", "rate"),
    [("", "Dairy", 100), ("gold", "Dairy", 500), ("", "Tobacco", 0), ("gold", "Tobacco", 50), ("silver", "", 100)],
)
def test_the_most_particular_rule_counts_the_tier_before_the_category(tier: str, category: str, rate: int) -> None:
    assert PROGRAM.rate(tier, category) == rate


def test_each_line_earns_by_its_category_and_is_rounded_down() -> None:
    lines = [PaidLine("Dairy", 19_900), PaidLine("Tobacco", 50_000), PaidLine("", 9_999)]
    assert points_earned(PROGRAM, "", lines, 0) == 1 + 0 + 0
    assert points_earned(PROGRAM, "gold", lines, 0) == 9 + 2 + 4


def test_nothing_is_earned_on_what_points_pay() -> None:
    assert points_earned(PROGRAM, "gold", [PaidLine("", 20_000)], 10_000) == 5
    assert points_earned(PROGRAM, "gold", [PaidLine("", 20_000)], 20_000) == 0


@MANY
@given(programs, _names, paid_lines, st.data())
def test_what_is_earned_is_never_worth_more_than_the_money_that_was_paid(
    program: LoyaltyProgram, tier: str, lines: list[PaidLine], data: st.DataObject
) -> None:
    total = sum(line.amount_minor for line in lines)
    by_points = data.draw(st.integers(0, total))
    earned = points_earned(program, tier, lines, by_points)
    assert 0 <= earned * program.point_value_minor <= total - by_points
    assert points_earned(program, tier, lines, 0) >= earned or by_points == 0 or len(lines) > 1


@MANY
@given(programs, st.integers(0, 10**8), st.integers(0, 10**6))
def test_points_never_pay_more_than_their_share_nor_than_there_are(
    program: LoyaltyProgram, total: int, available: int
) -> None:
    most = payable_points_max(program, total, available)
    assert 0 <= most <= available
    amount = most * program.point_value_minor
    assert amount * 10_000 <= total * program.payable_share_basis_points_max
    assert points_for_payment(program, amount, total) == most


def test_a_payment_that_is_no_whole_number_of_points_or_too_large_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no whole number"):
        points_for_payment(PROGRAM, 150, 10_000)
    with pytest.raises(InvalidInput, match="At most 50 points"):
        points_for_payment(PROGRAM, 5_100, 10_000)


def test_the_oldest_points_are_spent_first_and_the_rest_expires() -> None:
    first, second, spent = Entry(1, 10, 11), Entry(5, 10, 15), Entry(6, -4, None)
    assert balance_on([second, spent, first], 11) == Balance(16, 0)
    assert balance_on([second, spent, first], 12) == Balance(10, 6)
    assert balance_on([second, spent, first], 16) == Balance(0, 16)


def test_a_claw_back_of_what_was_spent_is_owed_and_repaid_by_what_comes_next() -> None:
    history = [Entry(1, 10, 100), Entry(2, -10, None), Entry(3, -10, None)]
    assert balance_on(history, 4).points == -10
    assert balance_on([*history, Entry(5, 4, 100)], 6).points == -6
    assert balance_on([*history, Entry(5, 14, 100)], 6).points == 4


@MANY
@given(entries, st.integers(30, 80), st.randoms())
def test_a_balance_does_not_depend_on_the_order_in_which_entries_arrive(
    history: list[Entry], day: int, random: object
) -> None:
    shuffled = list(history)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert balance_on(shuffled, day) == balance_on(history, day)


@MANY
@given(entries, st.integers(30, 80))
def test_what_counts_and_what_expired_are_all_there_is(history: list[Entry], day: int) -> None:
    found = balance_on(history, day)
    assert found.points + found.expired == sum(entry.points for entry in history)
    assert found.expired >= 0


@SOME
@given(entries)
def test_without_expiry_a_balance_is_the_plain_sum(history: list[Entry]) -> None:
    plain = [entry._replace(expires_on=None) for entry in history]
    assert balance_on(plain, 1_000) == Balance(sum(entry.points for entry in history), 0)


@SOME
@given(entries, st.integers(30, 60), st.integers(0, 20))
def test_as_days_pass_a_balance_only_falls(history: list[Entry], day: int, more: int) -> None:
    assert balance_on(history, day + more).points <= balance_on(history, day).points


@MANY
@given(st.integers(0, 10_000), st.lists(st.integers(1, 500), min_size=1, max_size=6))
def test_refunds_of_everything_claw_back_exactly_what_was_earned(points: int, parts: list[int]) -> None:
    clawed = done = 0
    for part in parts:
        step = points_back(points, clawed, sum(parts), done, part)
        assert step >= 0
        clawed, done = clawed + step, done + part
        assert clawed <= points
    assert clawed == points


@pytest.mark.parametrize(
    "text", ["", "gold", "gold:*", "gold:*:", "gold:*:x", "gold:*:10001", ":*:5", "gold::5", "a:b:-1"]
)
def test_a_rule_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="no rule"):
        parse_rule(text)


def test_a_category_may_hold_colons_and_a_tier_may_not() -> None:
    assert parse_rule("gold:a:b:5") == EarnRule("gold", "a:b", 5)


@pytest.mark.parametrize(
    ("rules", "share", "days", "value"),
    [
        (["*:*:1", "*:*:2"], 0, 0, 1),
        ([], 10_001, 0, 1),
        ([], 0, -1, 1),
        ([], 0, EXPIRES_DAYS_MAX + 1, 1),
        ([], 0, 0, 0),
    ],
)
def test_a_programme_without_sense_is_refused(rules: list[str], share: int, days: int, value: int) -> None:
    with pytest.raises(InvalidInput):
        make_program("main", rules, share, days, value)


@SOME
@given(programs)
def test_a_programme_comes_back_from_its_card(program: LoyaltyProgram) -> None:
    fields = program_fields(program, "Club")
    row = {**fields, "earn_basis_points": "\n".join(fields["earn_basis_points"])}  # type: ignore[arg-type]
    found = program_of_row(row)
    assert found is not None
    assert {*found.rules} == {*program.rules}
    assert (found.point_value_minor, found.expires_days) == (program.point_value_minor, program.expires_days)
    assert program_of_row({**row, "point_value_minor": None}) is None


def test_a_client_s_points_have_a_budget_of_their_own() -> None:
    assert owner_of_client(b"\x01" * 16) == "loyalty:01010101-0101-0101-0101-010101010101"
