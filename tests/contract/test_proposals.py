"""Cards handed back to HQ, on both databases: a branch speaks for itself, and an administrator decides the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from hq_server.operations.backup import restore_backup, take_backup
from hq_server.operations.people import Personnel, Placement, require_employee
from hq_server.operations.proposals import accept_proposals, list_proposals, reject_proposals
from hq_server.storage.feed import number_feed
from hq_server.storage.people import PEOPLE_KINDS, told_branches
from hq_server.storage.proposals import keep_proposals
from shared.domain.records import RecordKind
from shared.errors import ProtocolViolation
from shared.operations.cards import load_card, shown_fields
from shared.operations.passwords import hash_password
from shared.storage.tables import product
from shared.sync.card_merge import HQ_ORIGIN, CardState, FieldPatch, FieldState, FieldVersion, Stamp
from shared.sync.messages import CardChange, CardFull
from shared.wire.cards import encode_state
from shared.wire.exchange import encode_feed_record
from tests.support.office import Office
from tests.support.pair import Node, Pair
from tests.support.staff import CHEAP, PASSWORD, TODAY

CARD = b"c" * 16


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    return Pair(office, tmp_path)


def card(office: Office, kind: int, card_id: bytes, origin: bytes, **fields: object) -> bytes:
    """A card as it is handed back, all of whose values were given at one place."""
    stamp = Stamp(0, office.clock.now_us() // 1_000 << 16, office.ids.new_id(), b"a" * 16, origin)
    state = CardState({n: FieldState((FieldVersion(stamp, v),)) for n, v in fields.items()})  # type: ignore[arg-type]
    return encode_feed_record(CardFull(kind, card_id, encode_state(state)))


def hand_back(office: Office, branch_id: bytes, *records: bytes) -> None:
    with office.store.write() as connection:
        keep_proposals(connection, branch_id, records, office.clock.now_us())


def listed(office: Office) -> list[str]:
    with office.store.write() as connection:
        return [row["name"] for row in list_proposals(connection, office.clock.now_us())]


def client_name(office: Office) -> object:
    with office.store.read() as connection:
        state = load_card(connection, RecordKind.CLIENT, CARD)
    return None if state is None else shown_fields(RecordKind.CLIENT, state).get("name")


def test_what_a_branch_says_of_itself_is_merged_at_once(office: Office) -> None:
    branch_id = office.add_branch("B1").id
    hand_back(office, branch_id, card(office, RecordKind.CLIENT, CARD, branch_id, name="Anna"))
    assert (client_name(office), listed(office)) == ("Anna", [])


@pytest.mark.parametrize("origin", ["B2", "head office"])
def test_nobody_speaks_for_another(office: Office, origin: str) -> None:
    branch_id, other = office.add_branch("B1").id, office.add_branch("B2").id
    forged = card(office, RecordKind.CLIENT, CARD, other if origin == "B2" else HQ_ORIGIN, name="Forged")
    hand_back(office, branch_id, forged)
    assert (client_name(office), listed(office)) == (None, ["Forged"])
    with office.store.write() as connection:
        accept_proposals(connection, office.ids, office.clock.now_us())
    assert (client_name(office), listed(office)) == ("Forged", [])


def test_what_the_author_brings_himself_need_not_be_decided(office: Office) -> None:
    journal, other = office.journal("B1"), office.add_branch("B2").id
    command_id = journal.add_edit(RecordKind.CLIENT, CARD, {}, name="Anna")
    stamp = Stamp(0, 1, command_id, b"a" * 16, journal.branch_id)
    state = encode_state(CardState({"name": FieldState((FieldVersion(stamp, "Anna"),))}))
    hand_back(office, other, encode_feed_record(CardFull(RecordKind.CLIENT, CARD, state)))
    assert listed(office) == ["Anna"]
    office.merge(journal, journal.batch())
    assert (client_name(office), listed(office)) == ("Anna", [])
    # And now that HQ knows the edit to have been made, another may say so.
    hand_back(office, other, encode_feed_record(CardFull(RecordKind.CLIENT, CARD, state)))
    assert listed(office) == []


def test_who_holds_a_client_hears_of_it_even_before_head_office_has_the_card(office: Office) -> None:
    holder = office.add_branch("B2").id
    hand_back(office, holder, card(office, RecordKind.CLIENT, CARD, HQ_ORIGIN, name="Anna"))
    journal = office.journal("B1")
    journal.add_edit(RecordKind.CLIENT, CARD, {}, name="Anna Petrova")
    office.merge(journal, journal.batch())
    assert [type(record) for record in office.feed_of(holder) if record.card_id == CARD] == [CardChange]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (RecordKind.SALE, {"name": "x"}),
        (RecordKind.CLIENT, {"external_id": 5}),
        (RecordKind.BRANCH_SETTINGS, {"name": "x"}),
    ],
)
def test_what_is_no_card_of_ours_is_a_violation(office: Office, kind: int, fields: dict[str, object]) -> None:
    branch_id = office.add_branch("B1").id
    with pytest.raises(ProtocolViolation):
        hand_back(office, branch_id, card(office, kind, CARD, branch_id, **fields))
    change = CardChange(RecordKind.CLIENT, CARD, Stamp(0, 1, CARD, CARD, branch_id), (FieldPatch("name", "x"),))
    with pytest.raises(ProtocolViolation):
        hand_back(office, branch_id, encode_feed_record(change))


def test_a_card_of_a_kind_that_a_newer_release_knows_is_passed_over(office: Office) -> None:
    branch_id = office.add_branch("B1").id
    for kind in (150, 4_000_000_000):
        hand_back(office, branch_id, card(office, kind, CARD, HQ_ORIGIN, name="x"))
    assert listed(office) == []


def test_settings_that_cannot_be_used_disturb_nothing(office: Office) -> None:
    row = office.add_branch("B1")
    hand_back(office, row.id, card(office, RecordKind.BRANCH_SETTINGS, row.id, HQ_ORIGIN, mode="bogus", name="One"))
    with office.store.write() as connection:
        assert accept_proposals(connection, office.ids, office.clock.now_us()).cards == 1


def lose_and_hand_back(pair: Pair, path: Path) -> Node:
    """HQ renames a product and adds one, a branch takes both, HQ is restored from before."""
    node, office = pair.join("north"), pair.office
    pair.add_product("100", "Milk")
    node.sync()
    take_backup(office.store, path / "hq.backup", office.clock, office.ids)
    pair.add_product("100", "Cream")
    pair.add_product("200", "Bread")
    node.sync()
    restore_backup(office.store, path / "hq.backup", office.clock, office.ids)
    node.sync()
    return node


def product_names(node: Node) -> list[str]:
    with node.store.read() as connection:
        return list(connection.execute(select(product.c.name).order_by(product.c.name)).scalars())


def test_a_proposal_says_what_it_would_change(pair: Pair, tmp_path: Path) -> None:
    lose_and_hand_back(pair, tmp_path)
    with pair.office.store.write() as connection:
        rows = list_proposals(connection, pair.office.clock.now_us())
    assert [(row["name"], row["changes"]) for row in sorted(rows, key=lambda row: row["name"])] == [
        ("100", "name: Milk → Cream"),
        ("200", "name: nothing → Bread; sku: nothing → 200"),
    ]


def test_after_a_rejection_branches_show_what_head_office_shows(pair: Pair, tmp_path: Path) -> None:
    node = lose_and_hand_back(pair, tmp_path)
    office = pair.office
    with office.store.write() as connection:
        assert reject_proposals(connection, office.ids, office.clock.now_us()).cards == 2
    number_feed(office.store, office.clock.now_us())
    node.sync()
    assert product_names(node) == pair.product_names() == ["Milk"]
    pair.add_product("100", "Kefir")
    node.sync()
    assert product_names(node) == ["Kefir"]


def test_after_an_acceptance_too(pair: Pair, tmp_path: Path) -> None:
    node = lose_and_hand_back(pair, tmp_path)
    office = pair.office
    with office.store.write() as connection:
        assert accept_proposals(connection, office.ids, office.clock.now_us()).cards == 2
    number_feed(office.store, office.clock.now_us())
    node.sync()
    assert product_names(node) == pair.product_names() == ["Bread", "Cream"]


def test_people_that_a_restored_head_office_lost_come_back_when_it_is_decided(office: Office, tmp_path: Path) -> None:
    branch = office.add_branch("B1")
    take_backup(office.store, tmp_path / "backup", office.clock, office.ids)
    hashed = hash_password(PASSWORD, b"s" * 16, CHEAP)
    with office.store.write() as connection:
        people = Personnel(connection, office.ids, office.clock.now_us())
        identity = people.hire("anna", "Anna", Placement("cashier", ("B1",)), password_hash=hashed)
    number_feed(office.store, office.clock.now_us())
    held = [each for each in office.feed_of(branch.id) if isinstance(each, CardFull) and each.kind in PEOPLE_KINDS]
    assert len(held) == 3
    restore_backup(office.store, tmp_path / "backup", office.clock, office.ids)
    hand_back(office, branch.id, *(encode_feed_record(each) for each in held))
    with office.store.write() as connection:
        said = list_proposals(connection, office.clock.now_us())
        assert len(said) == 3
        assert "argon2" not in str(said)
        accept_proposals(connection, office.ids, office.clock.now_us())
    with office.store.read() as connection:
        assert told_branches(connection, identity) == {branch.id: True}
        assert require_employee(connection, "anna").name == "Anna"


def test_a_branch_hands_back_no_word_of_its_own_on_who_was_dismissed(office: Office) -> None:
    branch = office.add_branch("B1")
    with office.store.write() as connection:
        people = Personnel(connection, office.ids, office.clock.now_us())
        identity = people.hire("anna", "Anna", Placement("cashier", ("B1",)))
    with office.store.write() as connection:
        Personnel(connection, office.ids, office.clock.now_us()).dismiss("anna")
    hand_back(office, branch.id, card(office, RecordKind.EMPLOYEE, identity, branch.id, dismissed_on=99_999))
    with office.store.read() as connection:
        assert require_employee(connection, "anna").dismissed_on == TODAY
        state = load_card(connection, RecordKind.EMPLOYEE, identity)
        assert state is not None
        assert len(state.fields["dismissed_on"].live) == 1
