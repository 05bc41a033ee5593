"""The dated tree: which position counts on a day, where somebody works from a day on, and who stands above whom."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.positions import (
    Position,
    by_employee,
    chain_above,
    closes_a_circle,
    position_on,
    positions_from,
    team_of,
    works_at_from,
)
from tests.support.strategies import SOME

DAY = 20_000


def name(letter: str) -> bytes:
    return letter.encode() * 16


def at(
    branch: str,
    since: int | None = None,
    until: int | None = None,
    who: str = "a",
    above: str | None = None,
    number: int = 1,
    archived: bool = False,
) -> Position:
    superior = None if above is None else name(above)
    branches = (branch,) if branch else ()
    return Position(b"%016d" % number, name(who), "cashier", superior, branches, since, until, archived)


def test_the_position_that_began_last_counts() -> None:
    first, second = at("B1"), at("B2", DAY, number=2)
    assert position_on([first, second], DAY - 1) == first
    assert position_on([first, second], DAY) == second
    assert position_on([second, first], DAY + 9) == second
    assert position_on([], DAY) is None
    assert position_on([at("B1", archived=True)], DAY) is None


def test_the_last_day_belongs_to_a_position_and_the_earlier_one_comes_back() -> None:
    usual, substitution = at("B1"), at("B2", DAY, DAY + 1, number=2)
    shown = [position_on([usual, substitution], day) for day in range(DAY - 1, DAY + 3)]
    assert shown == [usual, substitution, substitution, usual]


def test_of_two_that_began_together_the_newer_counts() -> None:
    older, newer = at("B1", DAY, number=1), at("B2", DAY, number=2)
    assert position_on([newer, older], DAY) == newer


def test_present_and_future_positions_are_those_that_count_on_some_day() -> None:
    gone, overtaken, now, later = (
        at("B1", None, DAY - 1, number=1),
        at("B2", DAY - 9, number=2),
        at("B3", DAY - 1, number=3),
        at("B4", DAY + 9, number=4),
    )
    assert positions_from([gone, overtaken, now, later], DAY) == [now, later]
    assert works_at_from([gone, overtaken, now, later], "B4", DAY)
    assert not works_at_from([gone, overtaken, now, later], "B2", DAY)
    assert works_at_from([at("*")], "anything", DAY)
    assert not works_at_from([at("")], "B1", DAY)


_days = st.none() | st.integers(DAY - 6, DAY + 6)


@SOME
@given(st.lists(st.tuples(_days, _days), max_size=6))
def test_they_are_exactly_what_counts_on_any_day_from_then_on(spans: list[tuple[int | None, int | None]]) -> None:
    positions = [at("B1", since, until, number=number) for number, (since, until) in enumerate(spans)]
    counting = {position_on(positions, day) for day in range(DAY, DAY + 20)}
    assert set(positions_from(positions, DAY)) == counting - {None}


def test_everybody_above_and_below_is_found_as_of_a_day() -> None:
    tree = by_employee(
        [
            at("*", who="d"),
            at("B1", who="r", above="d", number=2),
            at("B1", who="h", above="r", number=3),
            at("B1", who="a", above="h", number=4),
            at("B1", DAY, who="a", above="r", number=5),
        ]
    )
    assert chain_above(tree, name("a"), DAY - 1) == [name("h"), name("r"), name("d")]
    assert chain_above(tree, name("a"), DAY) == [name("r"), name("d")]
    assert team_of(tree, name("r"), DAY - 1) == {name("h"), name("a")}
    assert team_of(tree, name("h"), DAY) == set()
    assert team_of(tree, name("d"), DAY) == {name("r"), name("h"), name("a")}


def test_nobody_comes_to_stand_below_himself_on_any_day() -> None:
    tree = by_employee([at("B1", who="a", above="b"), at("B1", DAY + 5, who="c", above="a", number=2)])
    assert closes_a_circle(tree, at("B1", who="b", above="a", number=3))
    assert closes_a_circle(tree, at("B1", who="b", above="b", number=3))
    assert closes_a_circle(tree, at("B1", who="b", above="c", number=3))
    assert not closes_a_circle(tree, at("B1", who="b", above="c", until=DAY + 4, number=3))
    assert not closes_a_circle(tree, at("B1", who="b", above="x", number=3))


def test_a_circle_that_is_there_is_walked_once() -> None:
    tree = by_employee(
        [at("", who="a", above="b"), at("", who="b", above="a", number=2), at("", who="c", above="a", number=3)]
    )
    assert chain_above(tree, name("c"), DAY) == [name("a"), name("b")]
    assert team_of(tree, name("a"), DAY) == {name("b"), name("c")}
    assert not closes_a_circle(tree, at("", who="x", above="c", number=4))
