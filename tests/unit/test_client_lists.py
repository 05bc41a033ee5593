"""Lists of clients at a branch: whose they are, pages, filters; opening a card for service; exports."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import openpyxl
import pytest

from branch_node.operations import client_lists
from branch_node.operations.client_access import CLIENT_OPENED, OPEN_FOR_US, open_client, serve_client
from branch_node.operations.client_export import CLIENTS_EXPORTED, FileFormat, export_clients
from branch_node.operations.client_lists import ClientQuery, Whose, labels_in_use, list_clients, place_of
from branch_node.operations.client_search import find_at_till
from branch_node.operations.clients import add_client
from shared.domain.client_matching import CodeForm
from shared.domain.identifiers import format_id
from shared.domain.permissions import ROLES, Actor, ClientScope
from shared.domain.records import RecordKind
from shared.errors import HqUnreachable, NotFound, NotPermitted, Refused
from shared.sync.card_merge import CardState, merge_patch
from shared.sync.central import Findings, FoundClient, Question
from shared.wire.cards import encode_state
from tests.support.shop import Shop, change

REP, BOSS, OTHER = b"r" * 16, b"b" * 16, b"o" * 16
TODAY = 20_780


def actor(role: str, employee_id: bytes = REP, **changes: Any) -> Actor:
    known = ROLES[role]
    made = Actor(employee_id, role, role, role, known.permissions, known.limits, known.client_scope)
    return replace(made, **changes)


def add(shop: Shop, name: str, **fields: Any) -> bytes:
    with shop.store.operation() as transaction:
        return add_client(transaction, {"name": name, **fields})


def names(shop: Shop, who: Actor, limit: int = 50, **query: Any) -> list[str]:
    return [each.name for each in list_clients(shop.store, who, ClientQuery(**query), limit).clients]


@pytest.fixture
def clients(shop: Shop) -> dict[str, bytes]:
    shop.learn(
        change(RecordKind.EMPLOYEE, REP, code="rep", name="Рита"),
        change(
            RecordKind.POSITION, b"1" * 16, employee_id=REP, role_code="sales_rep", reports_to=BOSS, branches=("*",)
        ),
    )
    return {
        "mine": add(shop, "Анна Моя", owner_id=REP, phones=("+79120000001",), tags=("vip",), group="gold"),
        "boss": add(shop, "Борис Шефов", owner_id=BOSS, phones=("+79120000002",), loyalty_number="C-2", tags=("vip",)),
        "other": add(shop, "Вера Чужая", owner_id=OTHER, phones=("+79120000003",), do_not_contact=True),
        "nobody": add(shop, "Глеб Ничей", emails=("g@example.com",), note="тайна"),
        "gone": add(shop, "Дарья Ушедшая", owner_id=REP, archived=True, tags=("vip",)),
    }


def test_lists_show_whom_the_scope_says(shop: Shop, clients: dict[str, bytes]) -> None:
    assert names(shop, actor("sales_rep")) == ["Анна Моя"]
    boss = actor("manager", BOSS, client_scope=ClientScope.TEAM)
    assert names(shop, boss) == ["Анна Моя", "Борис Шефов"]
    assert names(shop, boss, whose=Whose.MINE) == ["Борис Шефов"]
    everybody = actor("manager", BOSS)
    assert names(shop, everybody) == ["Анна Моя", "Борис Шефов", "Вера Чужая", "Глеб Ничей"]
    assert names(shop, everybody, whose=Whose.TEAM) == ["Анна Моя", "Борис Шефов"]
    assert list_clients(shop.store, everybody, ClientQuery()).whose == (Whose.ALL, Whose.TEAM, Whose.MINE)
    assert list_clients(shop.store, actor("sales_rep"), ClientQuery()).whose == (Whose.MINE,)


def test_a_substitute_lists_the_others_clients(shop: Shop, clients: dict[str, bytes]) -> None:
    shop.learn(change(RecordKind.SUBSTITUTION, b"s" * 16, employee_id=OTHER, substitute_id=REP, valid_from=0))
    assert names(shop, actor("sales_rep")) == ["Анна Моя", "Вера Чужая"]
    shop.learn(
        change(RecordKind.SUBSTITUTION, b"s" * 16, employee_id=OTHER, substitute_id=REP, valid_from=0, valid_to=1)
    )
    assert names(shop, actor("sales_rep")) == ["Анна Моя"]


def test_filters_are_of_tags_groups_and_what_is_put_away(shop: Shop, clients: dict[str, bytes]) -> None:
    who = actor("manager", BOSS)
    assert names(shop, who, tag="VIP") == ["Анна Моя", "Борис Шефов"]
    assert names(shop, who, tag="vip", group="gold") == names(shop, who, group="Gold") == ["Анна Моя"]
    assert names(shop, who, archived=True) == names(shop, who, tag="vip", archived=True) == ["Дарья Ушедшая"]
    assert names(shop, who, tag="vip", whose=Whose.MINE) == ["Борис Шефов"]
    assert names(shop, who, text="анна", tag="vip") == ["Анна Моя"]
    assert names(shop, who, text="вера", tag="vip") == []
    assert labels_in_use(shop.store, CodeForm.TAG) == ["vip"]
    assert labels_in_use(shop.store, CodeForm.GROUP) == ["gold"]


@pytest.mark.parametrize("query", [{}, {"tag": "t"}, {"whose": Whose.MINE}])
def test_pages_follow_each_other_without_gaps_or_repetitions(shop: Shop, query: dict[str, Any]) -> None:
    for number in range(7):
        add(shop, f"Анна {number % 3}", tags=("t",), owner_id=REP)
    who, seen, after = actor("manager"), [], None
    while True:
        page = list_clients(shop.store, who, ClientQuery(**query, after=after), 3)
        seen += [each.client_id for each in page.clients]
        if page.next_key is None:
            break
        after = page.next_key
        assert place_of(shop.store, after[1]) == after
    assert len(seen) == len(set(seen)) == 7


@pytest.mark.parametrize("query", [{}, {"archived": True}, {"whose": Whose.MINE}, {"tag": "vip"}, {"group": "gold"}])
def test_lists_are_read_along_an_index(
    shop: Shop, clients: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, query: dict[str, Any]
) -> None:
    asked: list[tuple[str, Any]] = []
    run = client_lists._run

    def noting(connection: Any, sql: str, parameters: Any) -> list[Any]:
        asked.append((sql, tuple(parameters)))
        return run(connection, sql, asked[-1][1])

    monkeypatch.setattr(client_lists, "_run", noting)
    list_clients(shop.store, actor("manager"), ClientQuery(**query))
    for sql, parameters in asked:
        for row in shop.rows(f"EXPLAIN QUERY PLAN {sql}", *parameters):
            assert "SCAN" not in row[3] or "SCAN client USING" in row[3], row[3]
            assert "TEMP B-TREE" not in row[3], row[3]


def test_anybody_is_opened_by_a_full_number_and_it_is_told(shop: Shop, clients: dict[str, bytes]) -> None:
    rep = actor("sales_rep")
    open_client(shop.store, rep, clients["mine"])
    for reason in ("", "0002", "Борис Шефов", "+79120000003"):
        with pytest.raises(NotPermitted, match="somebody else") as refused:
            open_client(shop.store, rep, clients["boss"], reason)
        assert "full phone or card number" in refused.value.hint
    assert shop.count("audit_entry") == 0
    open_client(shop.store, rep, clients["boss"], "8 (912) 000-00-02")
    ((action, detail, register),) = shop.rows("SELECT action, detail, register FROM audit_entry")
    assert (action, register) == (CLIENT_OPENED, "web")
    assert format_id(clients["boss"]) in detail
    assert "0002" not in detail
    # For a while the card stays open, and is told once.
    open_client(shop.store, rep, clients["boss"])
    assert shop.count("audit_entry") == 1
    shop.clock.advance(OPEN_FOR_US // 1_000_000 + 1)
    with pytest.raises(NotPermitted):
        open_client(shop.store, rep, clients["boss"])
    open_client(shop.store, rep, clients["boss"], "c2")
    with pytest.raises(NotFound):
        open_client(shop.store, rep, b"?" * 16)


def test_a_full_number_finds_whom_the_lists_do_not_show(shop: Shop, clients: dict[str, bytes]) -> None:
    rep = actor("sales_rep")
    assert names(shop, rep, text="Борис") == names(shop, rep, text="0002") == []
    (found,) = list_clients(shop.store, rep, ClientQuery("+79120000002")).clients
    assert (found.name, found.is_open) == ("Борис Шефов", False)
    assert [each.name for each in find_at_till(shop.store, rep, "89120000002")] == ["Борис Шефов"]
    assert find_at_till(shop.store, rep, "0002") == []


def test_what_a_role_hides_is_in_no_list_search_or_file(shop: Shop, clients: dict[str, bytes]) -> None:
    who = actor("manager", BOSS, hidden_fields=frozenset({"phones", "note", "emails"}))
    page = list_clients(shop.store, who, ClientQuery())
    shown = [*map(str, page.clients), *map(str, find_at_till(shop.store, who, "глеб ничей"))]
    exported = export_clients(shop.store, who, ClientQuery(), FileFormat.CSV).data.decode()
    for text in (*shown, exported):
        assert not any(secret in text for secret in ("+7912", "тайна", "g@example.com"))
    assert "phones" not in exported
    masked = export_clients(
        shop.store, actor("manager", BOSS, permissions=who.permissions), ClientQuery(), FileFormat.CSV
    )
    assert "тайна" in masked.data.decode()


def rows_of(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


def test_an_export_leaves_out_who_wants_no_contact_unless_there_is_a_reason(
    shop: Shop, clients: dict[str, bytes]
) -> None:
    who = actor("manager", BOSS)
    add(shop, "=1+1")
    plain = export_clients(shop.store, who, ClientQuery(), FileFormat.CSV)
    header, *rows = rows_of(plain.data)
    assert header[:3] == ["name", "phones", "emails"]
    assert [row[0] for row in rows] == ["'=1+1", "Анна Моя", "Борис Шефов", "Глеб Ничей"]
    assert rows[1][1] == "'+79120000001"
    assert plain.left_out == 1
    told = export_clients(shop.store, who, ClientQuery(), FileFormat.XLSX, "recall of goods")
    sheet = openpyxl.load_workbook(io.BytesIO(told.data))["clients"]
    assert "Вера Чужая" in [row[0].value for row in sheet.iter_rows()]
    details = sorted(row[0] for row in shop.rows("SELECT detail FROM audit_entry WHERE action = ?", CLIENTS_EXPORTED))
    assert details == ["4 clients as csv", "5 clients as xlsx, with do-not-contact: recall of goods"]


def test_an_export_is_a_permission_and_so_is_the_reason(shop: Shop, clients: dict[str, bytes]) -> None:
    with pytest.raises(NotPermitted, match=r"client\.export"):
        export_clients(shop.store, actor("sales_rep"), ClientQuery(), FileFormat.CSV)
    who = actor("manager", BOSS, permissions=ROLES["manager"].permissions - {"contact.override"})
    with pytest.raises(NotPermitted, match=r"contact\.override"):
        export_clients(shop.store, who, ClientQuery(), FileFormat.CSV, "I want to")
    assert shop.count("audit_entry") == 0


def test_a_file_has_a_limit(shop: Shop, clients: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("branch_node.operations.client_export.EXPORT_ROWS_MAX", 3)
    with pytest.raises(Refused, match="at most 3"):
        export_clients(shop.store, actor("manager"), ClientQuery(), FileFormat.CSV)


def elsewhere(**fields: Any) -> Findings:
    record = change(RecordKind.CLIENT, b"e" * 16, **fields)
    state = merge_patch(CardState(), record.stamp, record.patches, {}).state
    return Findings(0, clients=(FoundClient(b"e" * 16, encode_state(state)),))


def test_serving_a_client_of_another_branch_makes_the_branch_know_them(shop: Shop) -> None:
    def ask(question: Question) -> Findings:
        return elsewhere(name="Зоя Дальняя", phones=("+79127777777",))

    reference = format_id(b"e" * 16)
    with pytest.raises(NotPermitted, match="somebody else"):
        serve_client(shop.store, ask, actor("sales_rep"), reference, "7777")
    assert serve_client(shop.store, ask, actor("sales_rep"), reference, "8 912 777-77-77") == b"e" * 16
    assert shop.rows("SELECT client_id, channel FROM interaction") == [(b"e" * 16, "visit")]
    assert shop.one("SELECT action FROM audit_entry") == CLIENT_OPENED
    serve_client(shop.store, ask, actor("head_of_sales"), reference, "")
    assert shop.count("interaction") == 2


def test_nobody_of_another_branch_is_served_while_the_head_office_is_away(shop: Shop) -> None:
    def ask(question: Question) -> Findings:
        raise HqUnreachable("No network.", "Later.")

    with pytest.raises(Refused, match="does not answer"):
        serve_client(shop.store, ask, actor("head_of_sales"), format_id(b"e" * 16), "")
