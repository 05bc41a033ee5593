"""What a client is found by: spellings in Latin letters, typos, the other keyboard layout, numbers from both ends."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.client_matching import (
    CodeForm,
    CodeKey,
    Match,
    Term,
    beginnings_of,
    code_keys,
    code_ranges,
    is_number,
    is_typo,
    is_within,
    latin,
    match_of,
    parts_inside,
    skeleton,
    spellings_of,
    terms_of,
    typo_keys,
    words_of,
)
from shared.domain.keyboard_layout import as_latin_keys, as_russian_keys
from shared.domain.text_folding import fold

CYRILLIC = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
words = st.text(CYRILLIC, min_size=1, max_size=12).map(fold)
long_words = st.text(CYRILLIC, min_size=5, max_size=14).map(fold)


@pytest.mark.parametrize(
    "spellings",
    [
        "Юрий Yury Yuri Iurii Yuriy",
        "Щербаков Shcherbakov Scherbakov Sherbakov Shherbakov",
        "Мария Maria Mariya Mariia",
        "Наталья Natalia Наталия Natalya",
        "Соловьёв Соловьев Solovyov Soloviev Solovev",
        "Ксения Xenia Kseniya Ksenia",
        "Пётр Петр Petr Pyotr",
        "Чехов Chekhov Tchekhov",
        "Цветков Tsvetkov Tzvetkov",
        "Евгений Evgeny Yevgeniy Evgenii",
        "Иванов Ivanov",
        "Анна Anna",
        "Oskar Oscar",
    ],
)
def test_all_usual_spellings_of_a_name_sound_alike(spellings: str) -> None:
    assert len({skeleton(fold(word)) for word in spellings.split()}) == 1


@given(words)
def test_a_word_in_latin_letters_sounds_as_the_word(word: str) -> None:
    assert skeleton(latin(word)) == skeleton(word)


@given(words)
def test_a_word_begins_with_itself_and_its_latin_spelling(word: str) -> None:
    assert {word, latin(word)} - {""} <= beginnings_of(word)


@given(words, st.data())
def test_every_part_of_two_letters_is_indexed(word: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(word)))
    part = word[start : start + data.draw(st.integers(2, 5))]
    if len(part) >= 2:
        assert any(held.startswith(part) for held in beginnings_of(word) | parts_inside(word))


def one_typo(data: st.DataObject, word: str) -> str:
    """A letter changed, left out, added, or swapped with the next."""
    at = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from(CYRILLIC))
    how = data.draw(st.sampled_from(["change", "leave out", "add", "swap"]))
    if how == "swap" and at + 1 < len(word):
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    changed = {"change": letter, "leave out": "", "add": letter + word[at], "swap": word[at]}[how]
    return fold(word[:at] + changed + word[at + 1 :])


@settings(deadline=None)
@given(long_words, st.data())
def test_a_typo_of_a_word_of_five_letters_is_found(word: str, data: st.DataObject) -> None:
    typed = one_typo(data, word)
    assert is_typo(Term(typed, skeleton(typed)), word)
    assert typo_keys(typed) & typo_keys(word)


@settings(deadline=None)
@given(st.text(CYRILLIC, min_size=9, max_size=14).map(fold), st.data())
def test_two_typos_of_a_long_word_are_found(word: str, data: st.DataObject) -> None:
    middle = len(word) // 2
    typed = one_typo(data, word[:middle]) + one_typo(data, word[middle:])
    assert is_typo(Term(typed, skeleton(typed)), word)
    assert typo_keys(typed) & typo_keys(word)


@given(words, words, st.integers(0, 2))
def test_edits_are_counted_alike_from_both_sides(left: str, right: str, edits: int) -> None:
    assert is_within(left, right, edits) == is_within(right, left, edits)
    assert is_within(left, left, edits)


@pytest.mark.parametrize(
    ("left", "right", "edits", "is_near"),
    [
        ("иванов", "ивнаов", 1, True),
        ("иванов", "иванво", 1, True),
        ("иванов", "иваво", 1, False),
        ("иванов", "иваво", 2, True),
        ("иванов", "петров", 2, False),
        ("", "аб", 2, True),
        ("", "абв", 2, False),
    ],
)
def test_letters_changed_added_left_out_and_swapped_are_edits(left: str, right: str, edits: int, is_near: bool) -> None:
    assert is_within(left, right, edits) is is_near


def test_short_words_have_no_typos() -> None:
    assert not typo_keys("юля")
    assert not is_typo(Term("юля", "ula"), "оля")


@given(st.text("абвгдежзийклмнопрстуфхцчшщъыьэюя", min_size=3, max_size=20))
def test_what_was_typed_with_the_other_layout_is_read_as_meant(name: str) -> None:
    assert name in spellings_of(as_latin_keys(name))


def test_both_layouts_are_tried() -> None:
    assert spellings_of("bdfyjd") == ["bdfyjd", "иванов"]
    assert spellings_of("шмфтщм") == ["шмфтщм", "ivanov"]
    assert spellings_of(",fhfyjd")[1] == "баранов"
    assert spellings_of("4567") == ["4567"]
    assert spellings_of("anna@mail.ru") == ["anna@mail.ru"]
    assert as_russian_keys("bdfyjd") == "иванов"


def test_words_fit_better_the_more_of_them_was_typed() -> None:
    (term,) = terms_of("Ivanov")
    assert match_of(term, "ivanov") is Match.EXACT
    assert match_of(term, "иванов") is Match.SOUND
    assert match_of(term, "иванова") is Match.PREFIX
    assert list(Match) == sorted(Match)


def test_names_are_split_into_words_each_once() -> None:
    assert words_of("Анна-Мария ЁЛКИНА (Анна)") == ["анна", "мария", "елкина"]
    assert words_of(None) == words_of("") == words_of("«»") == []
    assert len(words_of(" ".join(f"w{number}" for number in range(100)))) == 16
    assert len(terms_of(" ".join(f"w{number}" for number in range(100)))) == 6


@given(st.text("0123456789", min_size=10, max_size=14), st.integers(3, 10))
def test_a_phone_is_found_by_its_last_digits(digits: str, typed: int) -> None:
    keys = code_keys([f"+{digits}"], [], [])
    (end,) = [key for key in code_ranges(digits[-typed:])[Match.PREFIX] if key.form is CodeForm.PHONE_END]
    assert any(key.form is end.form and key.code.startswith(end.code) for key in keys)


@pytest.mark.parametrize("typed", ["89123456789", "+7 912 345-67-89", "9123456789", "8 (912) 345 67 89"])
def test_a_whole_phone_is_exact_however_it_is_written(typed: str) -> None:
    assert code_ranges(typed)[Match.EXACT] & code_keys(["+79123456789"], [], [])
    assert is_number(typed)


def test_cards_are_compared_without_their_punctuation() -> None:
    keys = code_keys([], ["AB-12 34", None, ""], [])
    assert keys == {CodeKey(CodeForm.CODE, "ab1234"), CodeKey(CodeForm.CODE_END, "4321ba")}
    assert code_ranges("ab1234")[Match.EXACT] & keys


def test_an_email_is_found_from_every_piece() -> None:
    keys = {key.code for key in code_keys([], [], ["Anna.Petrova@mail.example.com"])}
    assert keys == {"anna.petrova@mail.example.com", "petrova@mail.example.com", "mail.example.com", "example.com"}
