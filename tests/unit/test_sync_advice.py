"""What the head office's `sync status` advises below its table."""

from __future__ import annotations

from typing import Any

from hq_server.cli.sync import _advice


def row(**changes: Any) -> dict[str, Any]:
    return {"branch": "B7", "state": "active", "trouble": None, "parked": 0, **changes}


def test_a_branch_in_order_needs_no_advice() -> None:
    assert _advice(row()) == []


def test_a_quarantined_branch_is_told_why_and_who_decides_how() -> None:
    (advice,) = _advice(row(state="quarantined", trouble="Two stores live."))
    assert advice.startswith("B7: Two stores live. See: filial-hq branch lives B7")
    assert "filial-hq branch heir B7 INCARNATION" in advice


def test_parked_entries_are_pointed_to() -> None:
    assert _advice(row(parked=2)) == ["B7: entries wait that could not be applied. See: filial-hq sync parked"]
