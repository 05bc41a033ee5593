"""The words of calls: what a word is, keeping them at the head office, and their page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hq_server.operations.dictionaries import add_default_terms, add_term, change_term, list_terms, move_term
from hq_server.storage.feed import number_feed
from shared.domain.dictionaries import (
    DEFAULT_TERMS,
    TERMS_PER_DICTIONARY_MAX,
    Dictionary,
    Term,
    code_from_name,
    names_of_terms,
    require_term,
    term_id,
)
from shared.domain.identifiers import format_id
from shared.domain.permissions import ROLES, Actor, Permission
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, NotFound, NotPermitted
from shared.operations.dictionaries import read_dictionaries
from shared.sync.messages import CardFull
from tests.support.office_pages import Desk, OfficePages, office_pages


@pytest.fixture
def pages(tmp_path: Path, sqlite_template: Path) -> Iterator[OfficePages]:
    with office_pages(tmp_path, sqlite_template) as served:
        served.hire("owner", "owner")
        yield served


@pytest.fixture
def owner(pages: OfficePages) -> Desk:
    return pages.logged_in("owner")


def add(pages: OfficePages, term: Term) -> Term:
    with pages.office.store.write() as connection:
        return add_term(connection, pages.office.ids, pages.office.clock.now_us(), term)


def codes(pages: OfficePages, dictionary: str) -> list[str]:
    with pages.office.store.read() as connection:
        return [term.code for term in read_dictionaries(connection)[dictionary]]


def test_the_usual_words_are_sound_and_have_codes_of_their_own() -> None:
    assert [require_term(term) for term in DEFAULT_TERMS] == list(DEFAULT_TERMS)
    assert len({(term.dictionary, term.code) for term in DEFAULT_TERMS}) == len(DEFAULT_TERMS)
    assert any(term.is_target for term in DEFAULT_TERMS)
    assert not any(term.dictionary == Dictionary.COMPETITOR for term in DEFAULT_TERMS)


@given(st.text(max_size=80), st.lists(st.text(max_size=10)))
def test_a_code_is_made_of_any_name_and_is_not_taken(name: str, taken: list[str]) -> None:
    code = code_from_name(name, [*taken, code_from_name(name, ())])
    assert code not in {*taken, code_from_name(name, ())}
    assert require_term(Term("theme", code, "x")).code == code


def test_a_word_in_russian_gets_a_code_in_latin() -> None:
    assert code_from_name("Цена и скидки", ()) == "tsena_i_skidki"
    assert code_from_name("Цена", ["tsena"]) == "tsena_2"


@pytest.mark.parametrize(
    "term",
    [
        Term("colour", "red", "красный"),
        Term("theme", "", "цена"),
        Term("theme", "Цена", "цена"),
        Term("theme", "price", "  "),
        Term("theme", "price", "x" * 61),
        Term("theme", "price", "a\x00b"),
        Term("theme", "price", "цена", is_target=True),
    ],
)
def test_a_word_that_is_none_is_refused(term: Term) -> None:
    with pytest.raises(InvalidInput):
        require_term(term)


def test_a_word_is_shown_in_the_readers_language_or_else_in_the_other() -> None:
    assert Term("theme", "price", "цена", "price").shown("en") == "price"
    assert Term("theme", "price", "цена").shown("en") == "цена"


def test_the_usual_words_are_added_once_and_go_to_every_branch(pages: OfficePages) -> None:
    office = pages.office
    with office.store.write() as connection:
        assert add_default_terms(connection, office.ids, office.clock.now_us()) == len(DEFAULT_TERMS)
        assert add_default_terms(connection, office.ids, office.clock.now_us()) == 0
    number_feed(office.store, office.clock.now_us())
    told = [each for each in office.feed_of(office.add_branch("B1").id) if isinstance(each, CardFull)]
    identity = term_id(office.chain.chain_id, "outcome", "agreed")
    assert identity in {each.card_id for each in told if each.kind == RecordKind.DICTIONARY_TERM}


def test_a_word_put_away_is_not_offered_but_known(pages: OfficePages) -> None:
    office = pages.office
    word = add(pages, Term("competitor", "", "Пятёрочка"))
    assert word.code == "pyaterochka"
    with office.store.write() as connection:
        now_us = office.clock.now_us()
        assert change_term(connection, office.ids, now_us, "competitor", word.code, {"archived": True})
    assert codes(pages, "competitor") == []
    with office.store.read() as connection:
        known = read_dictionaries(connection, with_archived=True)
    assert names_of_terms(known, "ru")["competitor"] == {"pyaterochka": "Пятёрочка"}
    assert add(pages, Term("competitor", "pyaterochka", "Пятёрочка снова")).name == "Пятёрочка снова"
    assert codes(pages, "competitor") == ["pyaterochka"]


def test_words_are_moved_but_not_past_the_ends(pages: OfficePages) -> None:
    office = pages.office
    for name in ("one", "two", "three"):
        add(pages, Term("theme", name, name))
    for code, places in (("three", -1), ("three", -5), ("three", -1), ("two", 7)):
        with office.store.write() as connection:
            move_term(connection, office.ids, office.clock.now_us(), "theme", code, places)
    assert codes(pages, "theme") == ["three", "one", "two"]


def test_a_code_is_given_once_and_a_dictionary_has_an_end(pages: OfficePages) -> None:
    add(pages, Term("theme", "price", "цена"))
    with pytest.raises(InvalidInput, match="already"):
        add(pages, Term("theme", "price", "другая"))
    with pytest.raises(NotFound), pages.office.store.write() as connection:
        change_term(connection, pages.office.ids, 0, "theme", "nothing", {"name": "x"})
    for number in range(TERMS_PER_DICTIONARY_MAX - 1):
        add(pages, Term("theme", f"t{number}", "тема"))
    with pytest.raises(InvalidInput, match="at most"):
        add(pages, Term("theme", "one-more", "тема"))


def test_whoever_may_not_edit_dictionaries_does_not(pages: OfficePages) -> None:
    role = ROLES["cashier"]
    cashier = Actor(b"c" * 16, "c", "c", "cashier", role.permissions, role.limits)
    assert Permission.DICTIONARY_EDIT not in role.permissions
    with pytest.raises(NotPermitted), pages.office.store.read() as connection:
        list_terms(connection, cashier)


def test_words_are_kept_on_the_page(pages: OfficePages, owner: Desk) -> None:
    assert owner.post("/dictionaries/default", page="/dictionaries").status_code == 303
    shown = owner.get("/dictionaries", "ru").text
    assert all(word in shown for word in ("договорились", "обслуживание"))
    assert owner.post("/dictionaries", {"dictionary": "competitor", "name": "Лента"}).status_code == 303
    assert codes(pages, "competitor") == ["lenta"]
    changed = {"dictionary": "competitor", "code": "lenta", "name": "Лента!", "name_en": "Lenta"}
    assert owner.post("/dictionaries/change", changed).status_code == 303
    assert "Лента!" in owner.get("/dictionaries").text
    assert owner.post("/dictionaries/away", {"dictionary": "competitor", "code": "lenta"}).status_code == 303
    assert codes(pages, "competitor") == []
    back = {"dictionary": "competitor", "code": "lenta", "back": "yes"}
    assert owner.post("/dictionaries/away", back).status_code == 303
    assert codes(pages, "competitor") == ["lenta"]
    assert owner.post("/dictionaries/move", {"dictionary": "theme", "code": "quality", "do": "up"}).status_code == 303
    assert codes(pages, "theme")[:2] == ["quality", "price"]


def test_the_timeline_of_a_client_is_shown_to_whoever_may_see_the_chain(pages: OfficePages, owner: Desk) -> None:
    office = pages.office
    journal = office.journal("B1")
    client_id = office.ids.new_id()
    journal.add_edit(RecordKind.CLIENT, client_id, {}, name="Анна", consent_data=True, consent_data_source="анкета")
    office.merge(journal, journal.batch())
    shown = owner.get(f"/clients/{format_id(client_id)}/timeline", "ru").text
    assert "Согласие на обработку персональных данных дано" in shown
    part = owner.get(f"/clients/{format_id(client_id)}/timeline?shown=calls", "ru", **{"HX-Request": "true"}).text
    assert "Записей такого вида нет." in part
    assert "<html" not in part
    assert owner.get(f"/clients/{format_id(b'n' * 16)}/timeline").status_code == 404


def test_a_word_without_a_name_is_asked_for_again_with_what_was_typed(owner: Desk) -> None:
    owner.get("/dictionaries")
    answer = owner.post("/dictionaries", {"dictionary": "theme", "name": "", "name_en": "x" * 61}, "/dictionaries")
    assert answer.status_code == 422
    assert "x" * 61 in answer.text
