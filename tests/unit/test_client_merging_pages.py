"""Duplicates on a branch's pages: proposed, compared, merged, taken back, warned of while one types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.dialects import sqlite

from branch_node.operations.clients import add_client
from branch_node.storage.store import BranchStore
from shared.domain.cards import Value
from shared.domain.identifiers import format_id
from shared.operations.aliases import find_survivor
from shared.storage.client_keys import _NEXT_SHARED
from tests.support.clock import FakeClock
from tests.support.till_pages import Browser, make_pages, staff_of

PHONE = "+79123456789"


@pytest.fixture
def browser(branch_store: BranchStore, clock: FakeClock, tmp_path: Path) -> Iterator[Browser]:
    staff_of(branch_store, clock, tmp_path)
    browser = Browser(make_pages(branch_store, tmp_path, phone_country="RU"))
    with browser.client:
        assert browser.log_in("maria").status_code == 303
        yield browser


def add(store: BranchStore, **fields: Value) -> str:
    with store.operation() as transaction:
        return format_id(add_client(transaction, fields))


def two(store: BranchStore) -> tuple[str, str]:
    one = add(store, name="Анна Белова", phones=(PHONE,))
    return one, add(store, name="Белова Анна", phones=(PHONE,), note="любит чай")


def is_merged(store: BranchStore, one: str, other: str) -> bool:
    with store.read() as connection:
        return find_survivor(connection, bytes.fromhex(other.replace("-", ""))).hex() == one.replace("-", "")


def seen_on(page: str) -> str:
    found = re.search(r'name="seen" value="([^"]+)"', page)
    assert found
    return found[1]


def test_a_pair_is_proposed_with_score_and_reasons(browser: Browser, branch_store: BranchStore) -> None:
    assert "Nobody seems" in browser.get("/clients/duplicates").text
    one, other = two(branch_store)
    page = browser.get("/clients/duplicates").text
    assert "the same phone" in page
    assert "the same name" in page
    older, newer = sorted((one, other))
    assert f"/clients/{older}/merge?with={newer}" in page


def test_a_pair_is_compared_merged_and_taken_back(browser: Browser, branch_store: BranchStore) -> None:
    one, other = two(branch_store)
    preview = browser.get(f"/clients/{one}/merge?with={other}").text
    assert "любит чай" in preview
    seen = seen_on(preview)
    merged = browser.post(f"/clients/{one}/merge", **{"with": other, "take": "name", "seen": seen})
    assert merged.status_code == 303
    assert is_merged(branch_store, one, other)
    page = browser.get("/clients/duplicates").text
    assert "/merge?with=" not in page
    command = re.search(r'name="command" value="([0-9a-f]+)"', page)
    assert command
    assert browser.post(f"/clients/{other}/unmerge", command=command[1]).status_code == 303
    assert not is_merged(branch_store, one, other)
    assert browser.post(f"/clients/{other}/unmerge", command=command[1]).status_code == 422
    assert browser.post(f"/clients/{other}/unmerge", command="xyz").status_code == 404


def test_two_people_are_not_proposed_again_until_that_is_taken_back(
    browser: Browser, branch_store: BranchStore
) -> None:
    one, other = two(branch_store)
    assert browser.post(f"/clients/{one}/different", **{"with": other}).status_code == 303
    assert "Nobody seems" in browser.get("/clients/duplicates").text
    assert browser.post(f"/clients/{one}/not-different", **{"with": other}).status_code == 303
    assert "the same phone" in browser.get("/clients/duplicates").text


def test_a_card_that_changed_since_the_preview_is_shown_again(browser: Browser, branch_store: BranchStore) -> None:
    one, other = two(branch_store)
    answer = browser.post(f"/clients/{one}/merge", **{"with": other, "seen": "old"})
    assert answer.status_code == 422
    assert "has changed in the meanwhile" in answer.text
    assert not is_merged(branch_store, one, other)


@pytest.mark.parametrize(
    "typed", ["phone=8 912 345-67-89", "name=белова анна", "name=Anna Belova", "phones=%2B79123456789%0A%2B7999"]
)
def test_whoever_types_a_client_once_more_is_warned(browser: Browser, branch_store: BranchStore, typed: str) -> None:
    one = add(branch_store, name="Анна Белова", phones=(PHONE,))
    page = browser.get(f"/clients/similar?{typed}").text
    assert f"/clients/{one}" in page
    assert "/clients/" not in browser.get(f"/clients/similar?{typed}&except={one}").text
    assert "/clients/" not in browser.get("/clients/similar?phone=12&name=Пётр").text


def test_a_cashier_is_warned_without_names_and_merges_nothing(browser: Browser, branch_store: BranchStore) -> None:
    one, other = two(branch_store)
    browser.post("/logout")
    browser.log_in("anna")
    page = browser.get("/clients/similar?phone=89123456789").text
    assert one in page
    assert "Белова" not in page
    assert PHONE not in page
    assert browser.get(f"/clients/{one}/merge?with={other}").status_code == 403
    panel = browser.get(f"/clients/{one}/duplicates").text
    assert other in panel
    assert "Белова" not in panel


def test_the_part_of_a_card_names_who_may_be_the_same_and_what_was_merged(
    browser: Browser, branch_store: BranchStore
) -> None:
    one, other = two(branch_store)
    assert "Белова Анна" in browser.get(f"/clients/{one}/duplicates").text
    seen = seen_on(browser.get(f"/clients/{one}/merge?with={other}").text)
    browser.post(f"/clients/{one}/merge", **{"with": other, "seen": seen})
    page = browser.get(f"/clients/{one}/duplicates").text
    assert f"/clients/{other}/unmerge" in page


def test_what_is_shared_is_read_by_its_own_index(branch_store: BranchStore) -> None:
    statement = str(_NEXT_SHARED.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": False}))
    with branch_store.read_cursor() as cursor:
        plan = cursor.execute(f"EXPLAIN QUERY PLAN {statement}", ("", 9, 0)[: statement.count("?")]).fetchall()
    assert "client_key_shared" in str(plan)
    assert "TEMP B-TREE" not in str(plan)
