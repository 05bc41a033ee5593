"""All that a client ever did is on the card that survives, however many cards there were, one merged into the next."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from branch_node.operations import tasks
from branch_node.operations.client_glance import glance_at
from branch_node.operations.clients import add_client
from branch_node.operations.files import attach_file, list_files
from branch_node.operations.letters import read_letters
from branch_node.operations.task_lists import tasks_of_client
from branch_node.storage.store import BranchStore
from shared.domain.identifiers import derived_id, format_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR as ADMIN
from shared.domain.records import RecordKind
from shared.operations.receipts import sales_to_client
from tests.support.clock import FakeClock
from tests.support.letters import AGREED, write
from tests.support.shop import Shop, change
from tests.support.till_pages import Browser, make_pages, staff_of


@pytest.fixture
def shop(branch_store: BranchStore, clock: FakeClock) -> Shop:
    return Shop(branch_store, clock)


@pytest.fixture
def cards(shop: Shop) -> list[bytes]:
    """Three cards of one client, each with a receipt, a file, a letter and a task; the last merged into the one before,
    and that into the first."""
    made, commit = [], shop.processor.commit
    for number in range(3):
        with shop.store.operation() as transaction:
            card = add_client(transaction, {**AGREED, "external_id": f"K-{number}"})
        shop.sell(f"sale-{number}", 100, client=f"K-{number}")
        attach_file(shop.store, commit, ADMIN, card, io.BytesIO(b"%%PDF-1.7 %d" % number), f"{number}.pdf")
        assert write(commit, card, derived_id("letter", b"%d" % number), subject=f"Letter {number}")
        shop.learn(change(RecordKind.EMPLOYEE, derived_id("employee", b"rita"), code="rita", name="Rita"))
        given = {"title": f"Task {number}", "client_id": card, "assignee_id": derived_id("employee", b"rita")}
        tasks.add_task(commit, ADMIN, given)
        shop.clock.advance(10)
        made.append(card)
    for loser, survivor in zip(made[1:], made, strict=False):
        shop.learn(change(RecordKind.CLIENT, loser, merged_into=survivor))
    return made


@pytest.mark.parametrize("asked", range(3))
def test_every_card_shows_the_history_of_all(shop: Shop, cards: list[bytes], asked: int) -> None:
    card = cards[asked]
    assert glance_at(shop.store, ADMIN, card).receipts == 3
    assert {each.name for each in list_files(shop.store, ADMIN, card)} == {"0.pdf", "1.pdf", "2.pdf"}
    assert [each.subject for each in read_letters(shop.store, ADMIN, card).letters] == [
        "Letter 2",
        "Letter 1",
        "Letter 0",
    ]
    opened, _ = tasks_of_client(shop.store, ADMIN, card)
    assert {each.task.title for each in opened} == {"Task 0", "Task 1", "Task 2"}
    with shop.store.read() as connection:
        assert len(sales_to_client(connection, card, 10)) == 3


def test_a_file_of_a_merged_card_opens_from_the_survivor_and_from_nobody_else(
    shop: Shop, cards: list[bytes], tmp_path: Path
) -> None:
    stranger = derived_id("client", b"stranger")
    shop.learn(change(RecordKind.CLIENT, stranger, name="Борис"))
    staff_of(shop.store, shop.clock, tmp_path)
    browser = Browser(make_pages(shop.store, tmp_path))
    browser.log_in("maria")
    (last,) = [each for each in list_files(shop.store, ADMIN, cards[0]) if each.name == "2.pdf"]
    for client_id, status in ((cards[0], 200), (cards[2], 200), (stranger, 404)):
        address = f"/clients/{format_id(client_id)}/files/{format_id(last.file_id)}"
        assert browser.get(address).status_code == status
