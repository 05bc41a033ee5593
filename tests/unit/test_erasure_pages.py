"""Erasing a person on the head office's pages: found, shown, confirmed by the name, and listed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hq_server.operations.erasure_file import read_orders
from shared.domain.identifiers import format_id
from shared.domain.records import RecordKind
from shared.errors import InvalidInput
from shared.storage.tables import client
from tests.support.office_pages import Desk, OfficePages, office_pages
from tests.support.persons import NAME, PHONE, traces_in


@pytest.fixture
def pages(tmp_path: Path, sqlite_template: Path) -> Iterator[OfficePages]:
    with office_pages(tmp_path, sqlite_template) as served:
        yield served


@pytest.fixture
def desk(pages: OfficePages) -> Desk:
    pages.hire("olga", "owner")
    return pages.logged_in("olga")


@pytest.fixture
def person(pages: OfficePages) -> bytes:
    journal, client_id = pages.office.journal("B1"), pages.office.ids.new_id()
    journal.add_edit(RecordKind.CLIENT, client_id, {}, name=NAME, phones=(PHONE,), external_id="C-17")
    pages.office.merge(journal, journal.batch())
    return client_id


def test_a_person_is_found_and_what_goes_is_shown_before_anything_does(desk: Desk, person: bytes) -> None:
    assert "Nobody was erased yet." in desk.get("/erasures").text
    where = f"/erasures/{format_id(person)}"
    assert where in desk.get("/erasures?words=4567").text
    assert "Nobody is found." in desk.get("/erasures?words=nobody").text
    shown = desk.get(where).text
    assert NAME in shown
    assert "B1" in shown
    assert PHONE not in shown


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"reason": "", "word": NAME}, "needs a reason"),
        ({"reason": f"{NAME} asked", "word": NAME}, "names the person"),
        ({"reason": "asked by letter", "word": "Maria"}, "not the person’s name"),
    ],
)
def test_nothing_goes_without_a_reason_and_the_name(
    pages: OfficePages, desk: Desk, person: bytes, fields: dict[str, str], said: str
) -> None:
    where = f"/erasures/{format_id(person)}"
    refused = desk.post(where, fields, page=where)
    assert (refused.status_code, said in refused.text) == (422, True)
    assert pages.office.count(client) == 1


def test_the_person_goes_and_the_order_stays(pages: OfficePages, desk: Desk, person: bytes, tmp_path: Path) -> None:
    where = f"/erasures/{format_id(person)}"
    done = desk.post(where, {"reason": "asked by letter", "word": NAME}, page=where)
    assert (done.status_code, done.headers["location"]) == (303, "/erasures")
    assert pages.office.count(client) == 0
    listed = desk.get("/erasures").text
    assert "asked by letter" in listed
    assert "Olga" in listed
    assert NAME not in listed
    assert list(read_orders(tmp_path / "erasures.jsonl")) == [person]
    assert desk.get(where).status_code == 404
    assert traces_in(*tmp_path.glob("hq.db*"), tmp_path / "erasures.jsonl") == {}


def test_a_file_of_orders_that_is_damaged_is_named(tmp_path: Path) -> None:
    path = tmp_path / "erasures.jsonl"
    assert read_orders(path) == {}
    path.write_text('{"client": "no id"}\n')
    with pytest.raises(InvalidInput, match="Line 1"):
        read_orders(path)
