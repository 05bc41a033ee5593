"""`filial-hq promotion`, `vat` and `catalog` as they are typed, on both databases; and what branches hear of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hq_server.bootstrap import settings_for
from hq_server.cli import commands
from hq_server.operations import promotions, vat_rates
from shared.cli.program import run_program
from shared.domain.records import RecordKind
from shared.sync.messages import CardChange, CardFull
from tests.support.office import Office

Captured = pytest.CaptureFixture[str]
Run = Callable[..., Any]


@pytest.fixture
def run(office: Office, database_url: str, tmp_path: Path, capsys: Captured) -> Run:
    """Runs a command; returns its JSON document, or what it said when it was refused."""
    assert promotions is not vat_rates
    settings_for(tmp_path).configuration_path.write_text(f'database = "{database_url}"\n')

    def run_command(*arguments: str) -> Any:
        code = run_program(commands, ["--home", str(tmp_path), "--json", *arguments])
        captured = capsys.readouterr()
        return json.loads(captured.out) if captured.out else (code, captured.err)

    return run_command


def told(office: Office, branch_id: bytes, kind: RecordKind) -> list[type]:
    return [
        type(record)
        for record in office.feed_of(branch_id)
        if isinstance(record, CardFull | CardChange) and record.kind == kind
    ]


def test_a_promotion_is_made_shown_and_ended_and_every_branch_is_told(office: Office, run: Run) -> None:
    branch_id = office.add_branch("B1").id
    made = ("--percent", "12.5", "--name", "Осень", "--sku", "1", "--sku", "2", "--category", "food", "--group", "gold")
    when = ("--from", "2026-12-01", "--to", "2026-12-31", "--weekdays", "67", "--hours", "22:00-06:00")
    how = ("--minimum", "500.00", "--priority", "3", "--exclusive", "--per-basket", "--zone", "north")
    assert run("promotion", "add", "autumn", *made, *when, *how) == {"code": "autumn"}
    assert run("promotion", "show", "autumn") == {
        "code": "autumn",
        "name": "Осень",
        "type": "percent",
        "weekdays": "67",
        "value": 1_250,
        "n": 0,
        "m": 0,
        "minimum_minor": 50_000,
        "priority": 3,
        "combinable": False,
        "per_basket": True,
        "archived": False,
        "skus": ["1", "2"],
        "categories": ["food"],
        "client_groups": ["gold"],
        "zones": ["north"],
        "valid_from": "2026-12-01",
        "valid_to": "2026-12-31",
        "hours": "22:00-06:00",
    }
    run("promotion", "end", "autumn", "--on", "2026-12-24")
    assert run("promotion", "show", "autumn")["valid_to"] == "2026-12-24"
    run("promotion", "end", "autumn")
    assert run("promotion", "list") == {"promotions": []}
    assert [each["code"] for each in run("promotion", "list", "--archived")["promotions"]] == ["autumn"]
    assert told(office, branch_id, RecordKind.PROMOTION) == [CardFull, CardChange, CardChange]


def test_promotions_of_every_type_are_listed_in_their_order(run: Run) -> None:
    run("promotion", "add", "b", "--name", "B", "--n", "3", "--m", "2")
    run("promotion", "add", "c", "--name", "C", "--amount-off", "50", "--priority", "-1")
    run("promotion", "add", "a", "--name", "A", "--fixed-price", "99.90")
    listed = run("promotion", "list")["promotions"]
    assert [(each["code"], each["type"], each["value"]) for each in listed] == [
        ("c", "amount_off", 5_000),
        ("a", "fixed_price", 9_990),
        ("b", "n_for_m", 0),
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "x", "--name", "X"),
        ("add", "x", "--name", "X", "--percent", "5", "--amount-off", "1"),
        ("add", "x", "--name", "X", "--percent", "101"),
        ("add", "x", "--name", "X", "--n", "2"),
        ("add", "x", "--name", "X", "--percent", "5", "--from", "2026-12-02", "--to", "2026-12-01"),
        ("add", "x", "--name", "X", "--percent", "5", "--sku", " "),
        ("add", "known", "--name", "X", "--percent", "5"),
        ("end", "known", "--on", "2026-11-30"),
        ("end", "unknown"),
        ("show", "unknown"),
    ],
)
def test_what_is_no_promotion_is_refused(run: Run, arguments: tuple[str, ...]) -> None:
    run("promotion", "add", "known", "--name", "Known", "--percent", "5", "--from", "2026-12-01")
    code, said = run("promotion", *arguments)
    assert (code, said.split(":")[0]) == (1, "Error")


def test_vat_rates_are_set_with_dates_and_every_branch_is_told(office: Office, run: Run) -> None:
    branch_id = office.add_branch("B1").id
    assert run("vat", "set", "std", "20", "--to", "2026-12-31")["changed"] is True
    assert run("vat", "set", "std", "20", "--to", "2026-12-31")["changed"] is False
    run("vat", "set", "std", "22", "--from", "2027-01-01")
    run("vat", "set", "books", "none")
    run("vat", "set", "zero", "0")
    assert [tuple(rate.values()) for rate in run("vat", "list")["rates"]] == [
        ("books", None, None, None),
        ("std", 2_000, None, "2026-12-31"),
        ("std", 2_200, "2027-01-01", None),
        ("zero", 0, None, None),
    ]
    assert told(office, branch_id, RecordKind.VAT_RATE) == [CardFull] * 4
    assert run("vat", "set", "std", "101")[0] == 1
    assert run("vat", "set", "std", "1", "--from", "2026-12-02", "--to", "2026-12-01")[0] == 1


def test_a_catalogue_is_previewed_imported_listed_and_taken_back(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("sku,name,price,valid_from\n1,Хлеб,45.90,2026-12-01\n,no sku,,\n")
    preview = run("catalog", "import", str(file), "--preview")
    assert (preview["added"], preview["refused"], preview["preview"]) == (2, 1, True)
    assert {"row": 2, "card": "price of 1 from 2026-12-01", "is_new": True, "field": "amount_minor", "old": None} in [
        {name: each[name] for name in ("row", "card", "is_new", "field", "old")} for each in preview["changes"]
    ]
    assert {each["new"] for each in preview["changes"]} == {"1", "Хлеб", "45.90", "2026-12-01", ""}
    assert run("catalog", "imports") == {"imports": []}
    imported = run("catalog", "import", str(file))
    assert (imported["added"], imported["refused"]) == (2, 1)
    (listed,) = run("catalog", "imports")["imports"]
    assert (listed["id"], listed["source"]) == (imported["import"], "list.csv")
    assert run("catalog", "revert", imported["import"]) == {"fields": 0, "archived": 2, "kept": []}
    assert run("catalog", "revert", imported["import"])[0] == 1
    assert run("catalog", "revert", "nonsense")[0] == 1


def test_people_read_tables_and_sentences(run: Run, tmp_path: Path, capsys: Captured) -> None:
    def say(*arguments: str) -> str:
        run_program(commands, ["--home", str(tmp_path), *arguments])
        return capsys.readouterr().out

    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_text("sku,name,price\n1,Bread,100\n2,Milk,50\n")
    second.write_text("sku,name,price\n1,Rye,90\n2,Milk,60\n")
    say("catalog", "import", str(first))
    assert "price of 1" in say("catalog", "import", str(second), "--preview")
    import_id = say("catalog", "import", str(second)).strip().rpartition(" ")[2]
    third = tmp_path / "third.csv"
    third.write_text("sku,price\n2,70\n")
    say("catalog", "import", str(third))
    reverted = say("catalog", "revert", import_id)
    assert "2 fields have their old values, 0 new cards are archived." in reverted
    assert [word for word in reverted.splitlines()[-1].split() if "." in word] == ["50.00", "60.00", "70.00"]
    assert say("vat", "set", "std", "20") == "std is 20 %.\n"
    assert "20 %" in say("vat", "list")
    assert "goes to every branch" in say("promotion", "add", "x", "--name", "X", "--percent", "5")
