"""What a person is told of a repair: all of it done is 0, anything left is 1 with a hint."""

from __future__ import annotations

import json

import pytest

from shared.cli.commands import GlobalOptions
from shared.cli.repairs import print_repair
from shared.operations.record_check import Repair


def tell(repair: Repair, as_json: bool = False) -> int:
    return print_repair(GlobalOptions(json=as_json), repair, {"branch": "B1"}, "Nothing was changed.", "Restore.")


def test_nothing_to_do_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(Repair([], [])) == 0
    assert capsys.readouterr().out == "Nothing was changed.\n"


def test_what_was_done_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(Repair(["Counters were counted anew."], [])) == 0
    assert capsys.readouterr().out == "Counters were counted anew.\n"


def test_what_is_left_fails_and_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(Repair([], ["Entry 2 was altered."])) == 1
    told = capsys.readouterr()
    assert told.out == "Not repaired:\n  Entry 2 was altered.\n"
    assert told.err == "Error: 1 of the differences cannot be repaired here.\nHint: Restore.\n"


def test_a_program_is_told_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(Repair(["Done."], ["Left."]), as_json=True) == 1
    said = json.loads(capsys.readouterr().out)
    assert said == {"branch": "B1", "repaired": ["Done."], "problems": ["Left."], "hint": "Restore."}
