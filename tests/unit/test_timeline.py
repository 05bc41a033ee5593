"""What takes the place of what on a timeline, where its pages begin, and how long a call was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.business_time import LocalMoment
from shared.domain.interactions import DURATION_SECONDS_MAX, Interaction, format_duration, parse_duration
from shared.domain.timeline import ASKED, SOURCES, Shown, TimelineKey, newest_versions, parse_key, standing
from shared.errors import InvalidInput, NotFound

IDS = st.integers(0, 6).map(lambda number: bytes([number]) * 16)


@given(st.dictionaries(IDS, st.none() | IDS, max_size=7))
def test_every_interaction_is_shown_once_whatever_corrects_what(corrects: dict[bytes, bytes | None]) -> None:
    versions = newest_versions(corrects)
    shown = [each for newest, older in versions.items() for each in (newest, *older)]
    assert sorted(shown) == sorted(corrects)


@given(st.dictionaries(IDS, st.none() | IDS, max_size=7))
def test_what_corrects_another_stands_with_it(corrects: dict[bytes, bytes | None]) -> None:
    group_of = {each: newest for newest, older in newest_versions(corrects).items() for each in (newest, *older)}
    for identity, before in corrects.items():
        if before in corrects:
            assert group_of[identity] == group_of[before]


@given(st.permutations([bytes([number]) * 16 for number in range(5)]))
def test_of_a_chain_the_last_is_shown_and_then_what_it_corrected(chain: list[bytes]) -> None:
    corrects = {after: before for before, after in zip([None, *chain], chain, strict=False)}
    last, *older = reversed(chain)
    assert newest_versions(corrects) == {last: tuple(older)}


def test_two_corrections_of_one_that_is_not_known_here_are_one() -> None:
    assert newest_versions({b"b": b"a", b"c": b"a"}) == {b"c": (b"b",)}


def test_of_two_corrections_the_later_is_shown() -> None:
    corrects = {b"a": None, b"b": b"a", b"c": b"b", b"d": b"a"}
    assert newest_versions(corrects) == {b"d": (b"c", b"b", b"a")}


def said(corrects: bytes | None, withdrawn: bool = False) -> Interaction:
    at = LocalMoment(0, 0, "UTC")
    return Interaction(b"c" * 16, "call", "out", "anna", at, corrects_id=corrects, withdrawn=withdrawn)


def test_of_a_correction_that_was_withdrawn_what_it_corrected_stands() -> None:
    spoken = {b"a": said(None), b"b": said(b"a"), b"w": said(b"b", withdrawn=True)}
    assert newest_versions(standing(spoken)) == {b"a": ()}


def test_what_was_withdrawn_here_and_corrected_elsewhere_stands_as_it_was_corrected() -> None:
    spoken = {b"a": said(None), b"w": said(b"a", withdrawn=True), b"c": said(b"a")}
    assert newest_versions(standing(spoken)) == {b"c": ()}
    assert standing({b"w": said(b"a", withdrawn=True)}) == {}


@given(st.integers(0, 2**60), st.sampled_from(sorted(SOURCES)), st.binary(min_size=16, max_size=16))
def test_a_key_comes_back_from_its_address(at_us: int, source: int, identity: bytes) -> None:
    key = TimelineKey(at_us, source, identity)
    assert parse_key(str(key)) == key


@given(st.text(min_size=1, max_size=90) | st.from_regex(r"-?[0-9]{1,30}-[0-9]{1,3}-[0-9a-f]{30,34}", fullmatch=True))
def test_nonsense_is_no_key_and_nothing_worse(text: str) -> None:
    try:
        key = parse_key(text)
    except NotFound:
        return
    assert key is not None
    assert key.source in SOURCES


def test_no_key_is_the_first_page() -> None:
    assert parse_key("") is None


def test_every_filter_says_where_to_look() -> None:
    assert set(ASKED) == set(Shown)
    assert ASKED[Shown.ALL].sources == SOURCES


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", 0), ("3", 180), ("2,5", 150), ("2.5", 150), ("3:20", 200), ("0:05", 5), ("1:05:00", 3_900), (" 90 ", 5_400)],
)
def test_a_length_is_read_as_people_write_it(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["an hour", "3:75", "-3", "1:2:3:4", "1441", "٣", "3:2"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_duration(text)


@given(st.integers(0, DURATION_SECONDS_MAX))
def test_a_length_comes_back_as_it_was_written(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds
