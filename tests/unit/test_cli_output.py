"""Printing results: tables for people, one JSON document for programs."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from shared.cli.clients import PROBLEMS_SHOWN_MAX, print_card, print_clients, print_import
from shared.cli.commands import GlobalOptions
from shared.cli.output import format_cell, print_result, print_rows, print_table

PLAIN, JSON = GlobalOptions(), GlobalOptions(json=True)
ROWS: list[dict[str, Any]] = [{"code": "B1", "name": "Первый", "sold": 5}, {"code": "B2", "name": None, "sold": 70}]
CARD: dict[str, Any] = {
    "id": "0190a5d4-7c3e-7d1f-9b2a-3c4d5e6f7a8b",
    "name": "Анна",
    "phones": ["+7912", "+7913"],
    "do_not_contact": True,
    "conflicts": [
        {
            "kind": "client",
            "card": "0190a5d4",
            "field": "name",
            "rule": "latest",
            "shown": "newer",
            "older": {"value": "Аня", "branch": "B1", "at": "2026-11-23T16:00:00Z"},
            "newer": {"value": "Анна", "branch": "head office", "at": "2026-11-23T17:00:00Z"},
        }
    ],
}
Captured = pytest.CaptureFixture[str]


def document(capsys: Captured) -> Any:
    """The one JSON document on standard output."""
    out = capsys.readouterr().out
    assert out.endswith("\n")
    assert "\n" not in out[:-1]
    return json.loads(out)


def test_rows_are_a_document_under_their_name(capsys: Captured) -> None:
    print_rows(JSON, "branches", ("code",), ROWS, "None.", {"feed_head": 7})
    assert document(capsys) == {"branches": ROWS, "feed_head": 7}


def test_no_rows_are_an_empty_list_or_a_sentence(capsys: Captured) -> None:
    print_rows(JSON, "branches", ("code",), [], "Add one.")
    assert document(capsys) == {"branches": []}
    print_rows(PLAIN, "branches", ("code",), iter(()), "Add one.")
    assert capsys.readouterr().out == "Add one.\n"


def test_rows_are_a_table_of_the_columns_asked_for(capsys: Captured) -> None:
    print_rows(PLAIN, "branches", ("code", "name"), ROWS, "None.")
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["code", "name"],
        ["B1", "Первый"],
        ["B2", "–"],
    ]


def test_a_table_is_as_wide_as_it_must_be_and_takes_no_markup() -> None:
    text = io.StringIO()
    print_table(("a_column", "b"), [["x" * 150, "[bold]y[/bold]"], [1, 2]], frozenset({"b"}), text)
    header, long, short = text.getvalue().splitlines()
    assert "a column" in header
    assert "x" * 150 in long
    assert "[bold]y[/bold]" in long
    assert short.rstrip().endswith("2")
    assert long.rstrip().endswith("]")
    assert len(long.rstrip()) == len(short.rstrip())


def test_cyrillic_stays_readable_in_json(capsys: Captured) -> None:
    print_result(JSON, {"name": "Ёлка"})
    assert "Ёлка" in capsys.readouterr().out


def test_a_result_is_a_sentence_or_its_fields(capsys: Captured) -> None:
    print_result(PLAIN, {"x": 1}, "Done.")
    assert capsys.readouterr().out == "Done.\n"
    print_result(PLAIN, {"head_seq": 7, "trouble": None, "online": True})
    assert capsys.readouterr().out == "head seq  7\ntrouble   –\nonline    yes\n"
    print_result(PLAIN, {})
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (True, "yes"), (False, "no"), (0, "0"), (["a", None], "a, –"), ((), ""), ("Ё", "Ё"), (0.5, "0.5")],
)
def test_a_value_is_shown_as_people_read_it(value: object, text: str) -> None:
    assert format_cell(value) == text


def test_a_client_is_shown_with_both_values_of_a_conflict(capsys: Captured) -> None:
    print_card(PLAIN, CARD)
    said = capsys.readouterr().out
    assert "phones          +7912, +7913\n" in said
    assert "Conflict in name of client 0190a5d4 (rule: latest):" in said
    assert "not shown  Аня  – by B1, 2026-11-23T16:00:00Z" in said
    assert "shown      Анна  – by head office" in said
    print_card(JSON, CARD)
    assert document(capsys) == CARD


def test_clients_are_listed_or_their_absence_explained(capsys: Captured) -> None:
    print_clients(PLAIN, [])
    assert "last four digits" in capsys.readouterr().out
    print_clients(JSON, [{"id": "1", "name": "Анна"}])
    assert document(capsys) == {"clients": [{"id": "1", "name": "Анна"}]}


def test_an_import_counts_and_names_the_first_refused_rows(capsys: Captured) -> None:
    problems = [{"row": number, "reason": "Bad."} for number in range(2, PROBLEMS_SHOWN_MAX + 5)]
    assert print_import(PLAIN, {"added": 3, "changed": 1}, problems) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"3 added, 1 changed, {len(problems)} refused."
    assert lines[1] == "  row 2: Bad."
    assert len(lines) == PROBLEMS_SHOWN_MAX + 2
    assert "and 3 more" in lines[-1]


def test_an_import_without_problems_ends_well(capsys: Captured) -> None:
    assert print_import(JSON, {"added": 3}, []) == 0
    assert document(capsys) == {"added": 3, "refused": 0, "problems": []}
    assert print_import(JSON, {"added": 3}, [{"row": 2, "reason": "Bad."}]) == 1
