"""Importing clients from a spreadsheet: previewed, in parts, again after a crash, taken back as a whole."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from branch_node.operations.client_importing import (
    ImportSettings,
    bad_rows_file,
    change_settings,
    keep_file,
    list_imports,
    preview_import,
    read_import,
    read_progress,
    revert_import,
    run_import,
    start_import,
    start_reverting,
)
from branch_node.operations.client_importing.kept import FILL, OVERWRITE, SKIP
from branch_node.operations.client_importing.running import ROWS_PER_OPERATION, SILENT_US_MAX
from branch_node.operations.committing import Prepare
from branch_node.storage.client_import_tables import client_import_row
from shared.domain.identifiers import format_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR, ROLES, Actor
from shared.domain.records import RecordKind
from shared.errors import HqUnreachable, InvalidInput, NotPermitted, Refused
from tests.support.shop import Shop, change

BOSS = LOCAL_ADMINISTRATOR
FILE = """ФИО;Телефон;Почта;Дата рождения;Метка
Иванова Анна;8 (912) 345-67-89;anna@example.com;31.12.1985;vip
Петров Борис;9123456780;;;
Сидорова Клара;не скажу;;;
"""
KNOWN = b"k" * 16


def keep(shop: Shop, text: str = FILE, name: str = "clients.csv") -> bytes:
    return keep_file(shop.store, BOSS, name, text.encode(), "RU")


def run(shop: Shop, import_id: bytes, **settings: Any) -> dict[str, int]:
    if settings:
        mapping = read_import(shop.store, BOSS, import_id).settings.mapping
        change_settings(shop.store, BOSS, import_id, ImportSettings(mapping, **settings))
    start_import(shop.store, BOSS, import_id)
    progress = run_import(shop.store, BOSS, import_id, "RU", shop.processor.commit)
    assert progress.state == "done", progress.trouble
    return {name: count for name, count in progress.counts.items() if count}


def clients(shop: Shop) -> list[Any]:
    return shop.rows("SELECT name, phones, emails, birthday, tags FROM client WHERE NOT archived ORDER BY name")


def test_a_file_is_previewed_and_then_does_what_the_preview_said(shop: Shop) -> None:
    import_id = keep(shop)
    preview = preview_import(shop.store, BOSS, import_id, "RU")
    assert (preview.counts["added"], preview.counts["bad"], preview.repaired) == (2, 1, 2)
    assert (preview.problems[0].column, preview.problems[0].reason) == (
        "телефон",
        "“не скажу” is not a phone number.",
    )
    assert shop.count("client") == 0
    assert run(shop, import_id) == {"added": 2, "bad": 1}
    assert clients(shop) == [
        ("Иванова Анна", "+79123456789", "anna@example.com", "1985-12-31", "vip"),
        ("Петров Борис", "+79123456780", None, None, None),
    ]
    assert len(shop.entries()) == 1
    with shop.store.read() as connection:
        rows = select(func.count()).select_from(client_import_row)
        assert connection.execute(rows).scalar_one() == 3


def test_bad_rows_come_back_in_a_file_that_can_be_corrected(shop: Shop) -> None:
    import_id = keep(shop)
    run(shop, import_id)
    told = bad_rows_file(shop.store, BOSS, import_id, "Ошибка").decode("utf-8-sig")
    assert told.splitlines()[0] == "фио;телефон;почта;дата_рождения;метка;Ошибка"
    assert "не скажу" in told.splitlines()[1]
    again = keep(shop, told.replace("не скажу", "8 912 345-67-70"))
    assert preview_import(shop.store, BOSS, again, "RU").problems == []
    assert run(shop, again) == {"added": 1}


@pytest.mark.parametrize(
    ("policy", "name", "note"),
    [(FILL, "Анна", "new"), (OVERWRITE, "Иванова Анна", "new"), (SKIP, "Анна", None)],
)
def test_a_known_client_is_filled_in_overwritten_or_left_alone(
    shop: Shop, policy: str, name: str, note: str | None
) -> None:
    shop.learn(change(RecordKind.CLIENT, KNOWN, name="Анна", phones=("+79123456789",), tags=("old",)))
    import_id = keep(shop, "ФИО;Телефон;Примечание;Метка\nИванова Анна;89123456789;new;vip\n")
    run(shop, import_id, policy=policy)
    tags = "old" if policy == SKIP else "old\nvip"
    assert shop.rows("SELECT id, name, note, tags FROM client") == [(KNOWN, name, note, tags)]


def test_a_file_takes_no_wish_and_no_withdrawal_away(shop: Shop) -> None:
    shop.learn(
        change(RecordKind.CLIENT, KNOWN, name="Анна", phones=("+79123456789",), do_not_contact=True, consent_data=False)
    )
    text = "ФИО;Телефон;Не звонить;Согласие;Реклама\nАнна;89123456789;нет;да;да\n"
    run(shop, keep(shop, text), policy=OVERWRITE)
    assert shop.rows(
        "SELECT do_not_contact, consent_data, consent_advertising, consent_advertising_source FROM client"
    ) == [(1, 0, 1, "import")]


def test_two_rows_of_one_phone_are_one_client(shop: Shop) -> None:
    import_id = keep(shop, "ФИО;Телефон;Почта\nАнна;89123456789;\nАнна И.;8 912 345 67 89;a@b.ru\n")
    assert run(shop, import_id) == {"added": 1, "changed": 1}
    assert shop.rows("SELECT name, emails FROM client") == [("Анна", "a@b.ru")]


def test_two_numbers_of_one_phone_are_two_clients(shop: Shop) -> None:
    import_id = keep(shop, "Код;ФИО;Телефон\n1;Анна;89123456789\n2;Борис;89123456789\n2;Борис П.;89123456789\n")
    assert run(shop, import_id, policy=OVERWRITE) == {"added": 2, "changed": 1}
    assert shop.rows("SELECT external_id, name FROM client ORDER BY external_id") == [("1", "Анна"), ("2", "Борис П.")]


def test_everybody_in_the_file_gets_the_tag_and_the_owner(shop: Shop) -> None:
    run(shop, keep(shop), tag="осень", owner_id=b"o" * 16)
    assert {(row[0], row[1]) for row in shop.rows("SELECT tags, owner_id FROM client")} == {
        ("vip\nосень", b"o" * 16),
        ("осень", b"o" * 16),
    }


def test_a_whole_import_is_taken_back_but_not_what_somebody_changed_since(shop: Shop) -> None:
    shop.learn(change(RecordKind.CLIENT, KNOWN, name="Анна", phones=("+79123456789",)))
    text = "ФИО;Телефон;Примечание;Адрес\nАнна;89123456789;first;Тверь\nАнна;89123456789;second;\nБорис;89123456780;;\n"
    import_id = keep(shop, text)
    run(shop, import_id, policy=OVERWRITE)
    assert shop.one("SELECT note FROM client WHERE id = ?", KNOWN) == "second"
    shop.processor.edit_client(format_id(KNOWN), {"address": "Москва"})
    start_reverting(shop.store, BOSS, import_id)
    progress = revert_import(shop.store, BOSS, import_id, shop.processor.commit)
    assert progress.state == "reverted"
    assert shop.rows("SELECT note, address FROM client WHERE id = ?", KNOWN) == [(None, "Москва")]
    assert shop.rows("SELECT name FROM client WHERE archived") == [("Борис",)]
    with pytest.raises(Refused):
        start_reverting(shop.store, BOSS, import_id)


def many(rows: int) -> str:
    return "ФИО;Телефон\n" + "".join(f"Клиент {number};89{number:09}\n" for number in range(rows))


def test_an_import_that_died_goes_on_and_makes_nobody_twice(shop: Shop) -> None:
    import_id = keep(shop, many(2 * ROWS_PER_OPERATION + 5))
    start_import(shop.store, BOSS, import_id)
    parts: list[int] = []

    def commit_twice_then_die(prepare: Prepare) -> bytes | None:
        if len(parts) == 2:
            raise ZeroDivisionError
        parts.append(1)
        return shop.processor.commit(prepare)

    with pytest.raises(ZeroDivisionError):
        run_import(shop.store, BOSS, import_id, "RU", commit_twice_then_die)
    with pytest.raises(Refused):
        start_import(shop.store, BOSS, import_id)
    shop.clock.advance(SILENT_US_MAX // 1_000_000 + 1)
    assert read_progress(shop.store, BOSS, import_id).is_interrupted
    assert run(shop, import_id) == {"added": 2 * ROWS_PER_OPERATION + 5}
    assert shop.count("client") == 2 * ROWS_PER_OPERATION + 5


def test_without_an_answer_the_import_stops_and_can_go_on(shop: Shop) -> None:
    import_id = keep(shop)
    start_import(shop.store, BOSS, import_id)

    def no_answer(prepare: Prepare) -> bytes | None:
        raise HqUnreachable("The head office does not answer.")

    progress = run_import(shop.store, BOSS, import_id, "RU", no_answer)
    assert (progress.state, progress.done) == ("stopped", 0)
    assert "does not answer" in progress.trouble
    assert run(shop, import_id) == {"added": 2, "bad": 1}


def test_what_the_head_office_refuses_is_a_bad_row_and_stops_nobody_else(shop: Shop) -> None:
    import_id = keep(shop)
    start_import(shop.store, BOSS, import_id)

    def refuse_anna(prepare: Prepare) -> bytes | None:
        def checked(transaction: Any) -> Any:
            wanted = prepare(transaction)
            if any(edit.changes.get("name") == "Иванова Анна" for edit in wanted.edits):
                raise Refused("This number was given to somebody else.")
            return wanted

        return shop.processor.commit(checked)

    progress = run_import(shop.store, BOSS, import_id, "RU", refuse_anna)
    assert (progress.counts["added"], progress.counts["bad"]) == (1, 2)
    assert "somebody else" in bad_rows_file(shop.store, BOSS, import_id, "x").decode("utf-8-sig")


def test_a_mapping_is_remembered_for_the_next_file_of_its_kind(shop: Shop) -> None:
    import_id = keep(shop, "a;b\nАнна;89123456789\n")
    change_settings(shop.store, BOSS, import_id, ImportSettings({"a": "name", "b": "note"}))
    again = keep(shop, "a;b\nБорис;Тверь\n")
    assert read_import(shop.store, BOSS, again).settings.mapping == {"a": "name", "b": "note"}
    with pytest.raises(InvalidInput):
        change_settings(shop.store, BOSS, again, ImportSettings({"a": "", "b": "note"}))
    assert [each.source for each in list_imports(shop.store, BOSS)] == ["clients.csv", "clients.csv"]


def test_who_may_not_import_does_not(shop: Shop) -> None:
    role = ROLES["cashier"]
    cashier = Actor(b"c" * 16, "anna", "Anna", role.code, role.permissions, role.limits)
    with pytest.raises(NotPermitted):
        keep_file(shop.store, cashier, "clients.csv", FILE.encode(), "RU")


@pytest.mark.parametrize("content", [b"", b"\n", "ФИО\n".encode()])
def test_an_empty_file_is_named_so(shop: Shop, content: bytes) -> None:
    with pytest.raises(InvalidInput):
        keep_file(shop.store, BOSS, "clients.csv", content, "RU")
