"""A person in a chain: what branches record of one, and where a trace of one may be found afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from branch_node.operations.clients import add_client, edit_client
from branch_node.operations.selling import sell
from hq_server.operations.erasing import order_erasure, scour_if_due
from hq_server.storage.erasing import Erased
from hq_server.storage.feed import number_feed
from shared.domain.branch_facts import AuditEntry, BranchFact
from shared.domain.business_time import LocalMoment
from shared.domain.interactions import Channel, Direction, Interaction, KeyPoint
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.records import RecordKind
from shared.operations.cards import edit_card, merge_cards
from shared.storage.fact_rows import add_branch_fact_rows, new_rows
from shared.wire.cards import encode_patch
from shared.wire.payloads import encode_branch_fact
from tests.support.office import Office
from tests.support.pair import Node
from tests.support.shop import request

PHONE, OLD_PHONE, EMAIL, NAME = "+79161234567", "+79037654321", "maria@example.org", "Мария Полякова"
SAID = "wants the blue one by Friday"
TRACES = (PHONE[1:], PHONE[-10:], OLD_PHONE[-10:], EMAIL, NAME, SAID)
REASON = "asked in a letter of 20 November"


def meet(node: Node, external_id: str = "C-17", **fields: Any) -> bytes:
    """A client with everything, made at a branch; returns the card's id."""
    with node.store.operation() as transaction:
        return add_client(
            transaction,
            {"external_id": external_id, "name": NAME, "phones": (OLD_PHONE,), "emails": (EMAIL,), **fields},
        )


def edit(node: Node, client_id: bytes, **fields: Any) -> None:
    node.clock.advance(1)
    with node.store.operation() as transaction:
        edit_client(transaction, client_id, fields)


def put_card(node: Node, kind: RecordKind, card_id: bytes, **fields: Any) -> bytes:
    """Makes or edits any card at a branch."""
    with node.store.operation() as transaction:
        edited = edit_card(transaction.connection, kind, card_id, fields, transaction.stamp)
        assert edited is not None
        merge_cards(transaction.connection, [edited], transaction.now_us, None)
        transaction.record(kind, card_id, encode_patch(edited.patches))
    return card_id


def record(node: Node, kind: RecordKind, fact: BranchFact) -> bytes:
    """Records a small fact at a branch."""
    with node.store.operation() as transaction:
        fact_id, rows = transaction.ids.new_id(), new_rows()
        add_branch_fact_rows(rows, node.branch_id, fact_id, transaction.command_id, fact, None)
        transaction.insert_all(rows)
        transaction.record(kind, fact_id, encode_branch_fact(fact))
    return fact_id


def now(node: Node) -> LocalMoment:
    return LocalMoment(node.clock.now_us(), 10_800, "Europe/Moscow")


def call(node: Node, client_id: bytes) -> bytes:
    """Somebody speaks with the client by phone."""
    points = (KeyPoint("price", "", "positive", SAID),)
    fact = Interaction(client_id, Channel.CALL, Direction.OUT, "anna", now(node), PHONE, True, body=SAID, points=points)
    return record(node, RecordKind.INTERACTION, fact)


def note_at_till(node: Node, words: str) -> bytes:
    """An entry of the auditor's, in words."""
    return record(node, RecordKind.AUDIT_ENTRY, AuditEntry("client_opened", "1", "anna", None, 700, words, now(node)))


def sell_to(node: Node, client: str, key: str) -> bytes:
    """A sale that names a client."""
    with node.store.operation() as transaction:
        answer = sell(transaction, request(f"{node.path.name}-{key}", client=client))
    node.pair.keys[answer.sale_id] = key
    return answer.sale_id


def live(node: Node, client_id: bytes) -> None:
    """Whatever may be recorded of a client."""
    edit(node, client_id, phones=(PHONE,), note=SAID, address=NAME)
    task = put_card(node, RecordKind.TASK, node.ids.new_id(), client_id=client_id, title=f"Call {NAME}")
    put_card(node, RecordKind.TASK, task, note=SAID)
    put_card(node, RecordKind.ATTACHMENT, node.ids.new_id(), client_id=client_id, name=f"{NAME}.pdf")
    put_card(node, RecordKind.MAIL, node.ids.new_id(), client_id=client_id, address=EMAIL, body=SAID)
    call(node, client_id)
    note_at_till(node, f"found by {PHONE}")
    sell_to(node, "C-17", f"number {node.ids.new_id().hex()}")


def erase(office: Office, client_id: bytes, reason: str = REASON) -> Erased:
    """The head office's order, carried out there to the last byte."""
    with office.store.write() as connection:
        done = order_erasure(connection, office.ids, office.clock.now_us(), LOCAL_ADMINISTRATOR, client_id, reason)
    number_feed(office.store, office.clock.now_us())
    assert scour_if_due(office.store, office.clock.now_us())
    return done


def traces_in(*paths: Path) -> dict[str, list[str]]:
    """By file, what is found there of the person, in all its bytes."""
    found: dict[str, list[str]] = {}
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                data = file.read_bytes()
                seen = [text for text in TRACES if text.encode() in data]
                if seen:
                    found[file.name] = seen
    return found


def traces_in_database(office: Office) -> list[str]:
    """The same of every value in every table of the head office, on whatever database."""
    from hq_server.storage import migrations

    found = []
    with office.store.read() as connection:
        for metadata in migrations.METADATA:
            for table in metadata.sorted_tables:
                for row in connection.execute(table.select()):
                    for column, value in zip(table.columns, row, strict=True):
                        data = value.encode() if isinstance(value, str) else value
                        if isinstance(data, bytes | memoryview):
                            text = bytes(data)
                            found += [f"{table.name}.{column.name}: {t}" for t in TRACES if t.encode() in text]
    return found
