"""How alike two clients are: each reason by an example, and the laws that hold for any two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.duplicates import (
    PROPOSED_FROM,
    SCORE_MAX,
    Likeness,
    Reason,
    compare,
    is_certain,
    is_proposed,
    keys_of,
    name_words,
    proposes,
)
from shared.domain.identifiers import format_id

A, B = b"\1" * 16, b"\2" * 16
PHONE = "+79123456789"


def alike(one: str, other: str) -> Reason:
    (reason,) = compare(Likeness(A, one), Likeness(B, other)).reasons
    return reason


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Иванов Пётр", "Петр ИВАНОВ"),
        ("Иванов Юрий", "Yuriy Ivanov"),
        ("Щукина Юлия", "Yulia Shchukina"),
        ("Алла Хохлова", "Alla Khokhlova"),
        ("ООО «Ромашка»", 'ооо "ромашка"'),
    ],
)
def test_a_name_is_the_same_in_another_order_case_or_alphabet(one: str, other: str) -> None:
    assert name_words(one) == name_words(other)
    assert alike(one, other) is Reason.SAME_NAME


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Иванов П.", "Иванов Пётр Сергеевич"),
        ("Иванов Пётр", "Иванов Пётр Сергеевич"),
        ("Ивонов Пётр", "Иванов Пётр"),
        ("Ивнаов Пётр", "Иванов Пётр"),
        ("Ivanov P. S.", "Пётр Сергеевич Иванов"),
    ],
)
def test_a_name_is_alike_with_initials_without_a_word_or_with_a_slip(one: str, other: str) -> None:
    assert alike(one, other) is Reason.ALIKE_NAME


@pytest.mark.parametrize(
    ("one", "other"),
    [("Иванов Пётр", "Иванов Фёдор"), ("А. Б.", "Анна Белова"), ("Анна", "Инна"), ("Иванов К.", "Иванов Пётр")],
)
def test_other_names_are_other_names(one: str, other: str) -> None:
    assert alike(one, other) is Reason.OTHER_NAME


def test_the_same_phone_is_proposed_whatever_the_names_are() -> None:
    score = compare(Likeness(A, "Анна Белова", phones=(PHONE,)), Likeness(B, "Пётр Иванов", phones=(PHONE,)))
    assert (score.points, score.reasons) == (PROPOSED_FROM, (Reason.SAME_PHONE, Reason.OTHER_NAME))
    assert is_proposed(score)


def test_the_same_phone_of_two_people_born_on_different_days_is_a_household() -> None:
    one = Likeness(A, "Анна Белова", phones=(PHONE,), birthday="1980-01-02")
    other = Likeness(B, "Пётр Белов", phones=(PHONE,), birthday="1979-05-06")
    assert not is_proposed(compare(one, other))


def test_the_same_name_alone_is_not_proposed_but_with_the_birthday_it_is() -> None:
    one, other = Likeness(A, "Анна Белова"), Likeness(B, "Белова Анна")
    assert not is_proposed(compare(one, other))
    born, day = one._replace(birthday="1980-01-02"), other._replace(birthday="--01-02")
    assert is_proposed(compare(born, day))


def test_different_tax_numbers_outweigh_a_shared_e_mail() -> None:
    mail = ("office@example.org",)
    one = Likeness(A, "ООО Ромашка", "company", emails=mail, tax_number="7707083893")
    other = Likeness(B, "ООО Лютик", "company", emails=mail, tax_number="7736050003")
    assert compare(one, other).points == 0


def test_only_the_same_phone_and_the_same_name_are_certain() -> None:
    one, other = Likeness(A, "Анна Белова", phones=(PHONE,)), Likeness(B, "белова анна", phones=(PHONE,))
    assert is_certain(one, other)
    assert not is_certain(one, other._replace(name="Белова А."))
    assert not is_certain(one._replace(birthday="1980-01-02"), other._replace(birthday="1981-01-02"))
    assert not is_certain(one, other._replace(phones=()))


def test_two_that_somebody_said_are_different_are_never_proposed() -> None:
    one = Likeness(A, "Анна Белова", phones=(PHONE,))
    other = one._replace(client_id=B, not_same_as=(format_id(A),))
    assert compare(one, other) == compare(other, one) == (0, ())


WORDS = st.sampled_from(["Иванов", "Ивонов", "Пётр", "Petr", "П.", "Анна", "Юлия", "ООО"])
CLIENTS = st.builds(
    Likeness,
    st.just(A),
    st.lists(WORDS, max_size=3).map(" ".join),
    st.sampled_from(["person", "company"]),
    st.sets(st.sampled_from([PHONE, "+79120000000"])).map(lambda texts: tuple(sorted(texts))),
    st.sets(st.sampled_from(["a@example.org", "b@example.org"])).map(lambda texts: tuple(sorted(texts))),
    st.sampled_from(["", "7707083893", "7736050003"]),
    st.sampled_from(["", "100", "200"]),
    st.sampled_from(["", "1980-01-02", "--01-02", "1990-03-04"]),
    st.sampled_from([None, b"\7" * 16]),
)


@given(CLIENTS, CLIENTS)
def test_a_score_is_within_its_bounds_and_does_not_depend_on_the_order(one: Likeness, other: Likeness) -> None:
    other = other._replace(client_id=B)
    score = compare(one, other)
    assert 0 <= score.points <= SCORE_MAX
    assert compare(other, one) == score


@given(CLIENTS, CLIENTS)
def test_whatever_is_proposed_shares_a_key_unless_the_names_are_only_alike(one: Likeness, other: Likeness) -> None:
    other = other._replace(client_id=B)
    score = compare(one, other)
    if is_proposed(score) and Reason.ALIKE_NAME not in score.reasons:
        assert {key for key in set(keys_of(one)) & set(keys_of(other)) if proposes(key)}
