"""Folded text: what people type finds and sorts what people wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.text_folding import SEARCH_CHARACTERS_MAX, SORT_KEY_CHARACTERS_MAX, fold, search_text, sort_key
from tests.support.strategies import MANY, SOME

written = st.text(st.sampled_from("АЯЁаяёAZazßİ ſ№ﬁ１\t\n\u00a0'-"), max_size=30)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Ёлкин", "елкин"),
        ("\u0415\u0308лкин", "елкин"),
        ("  ИВАНОВА \t\n Анна ", "иванова анна"),
        ("Straße", "strasse"),
        ("ﬁnal １２", "final 12"),
        ("a\u00a0b", "a b"),
        ("", ""),
    ],
)
def test_spelling_that_means_the_same_folds_to_the_same(text: str, folded: str) -> None:
    assert fold(text) == folded


@MANY
@given(written)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@MANY
@given(written)
def test_case_and_white_space_never_matter(text: str) -> None:
    assert fold(f" {text.swapcase().swapcase()}\n") == fold(text)


def test_names_sort_as_people_expect_and_empty_ones_last() -> None:
    names = ["яблоков", None, "Ёлкин", "Ежов", "", "абрамов"]
    ordered = sorted(names, key=sort_key)
    assert ordered[:4] == ["абрамов", "Ежов", "Ёлкин", "яблоков"]
    assert set(ordered[4:]) == {None, ""}


@SOME
@given(st.lists(st.none() | written, max_size=6))
def test_search_text_has_one_line_a_part(parts: list[str | None]) -> None:
    lines = search_text(*parts).split("\n") if any(parts) else []
    assert lines == [fold(part) for part in parts if part]


def test_folded_texts_have_limits() -> None:
    assert len(sort_key("я" * 5_000)) == SORT_KEY_CHARACTERS_MAX
    assert len(search_text("я" * 5_000, "b")) == SEARCH_CHARACTERS_MAX
