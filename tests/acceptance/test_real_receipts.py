"""The demo's invariants on a slice of the real receipts: every figure equals the source's, at both ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deploy.demo.chain import Branch, HeadOffice
from deploy.demo.receipts import Sums, busiest_stores, catalog_lines, receipts_of, skus_of, source_sums
from deploy.demo.relay import Relay
from deploy.postgresql import PostgresqlServer

RECEIPTS = 150
CATALOGUE_PRODUCTS = 500


def sums_by_month(report: dict[str, Any]) -> dict[tuple[int, str], Sums]:
    """A report by branch and month as the source's sums."""
    names = [column["name"] for column in report["columns"]]
    rows = [dict(zip(names, row, strict=True)) for row in report["rows"]]
    return {(int(row["branch"][1:]), row["month"]): Sums(row["receipts"], row["units"], row["net"]) for row in rows}


def open_chain(folder: Path, stores: list[int], *init: str) -> tuple[HeadOffice, int]:
    office = HeadOffice.found(folder / "hq", "--currency", "USD", "--timezone", "America/New_York", *init)
    port = office.serve()
    wanted = sorted(skus_of(stores))[:CATALOGUE_PRODUCTS]
    assert office.import_lines("catalog", catalog_lines(wanted))["refused"] == 0
    return office, port


# On SQLite `make demo` does the same with whole stores and a whole year.
@pytest.mark.parametrize("database", [pytest.param("sqlite", marks=pytest.mark.slow), "postgresql"])
def test_every_figure_equals_the_source(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    stores = busiest_stores(9)[6:]
    init: tuple[str, ...] = ()
    if database == "postgresql":
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        init = ("--database", server.create_database("acceptance"))
    office, port = open_chain(tmp_path, stores, *init)
    relay = Relay(port)
    relay_port = relay.start()
    branches = [
        Branch.enrol(office, f"S{store}", tmp_path / f"s{store}", relay_port if store == stores[-1] else port)
        for store in stores
    ]
    try:
        _sell_with_a_cut(branches, stores, relay)
        for branch in branches:
            branch.run("sync", "run")
            verified = branch.ask("sync", "verify")
            assert verified["equal"] is True, verified
        expected = source_sums(stores, dict.fromkeys(stores, RECEIPTS))
        report = office.ask("report", "run", "sales", "--by", "branch", "--by", "month")
        assert sums_by_month(report) == expected
        assert all(known["complete"] for known in report["completeness"]["branches"])
        for branch, store in zip(branches, stores, strict=True):
            own = branch.ask("report", "run", "sales", "--by", "branch", "--by", "month")
            assert sums_by_month(own) == {key: sums for key, sums in expected.items() if key[0] == store}
        assert office.ask("sync", "verify")["equal"] is True
        assert office.ask("db", "rebuild-rollups", "--compare")["equal"] is True
    finally:
        for branch in branches:
            branch.stop()
        office.stop()
        relay.stop()


def _sell_with_a_cut(branches: list[Branch], stores: list[int], relay: Relay) -> None:
    """Every branch serves and sells; the last one has no network for the second third of its receipts."""
    for branch, store in zip(branches, stores, strict=True):
        branch.serve()
        lines = [receipt.line for receipt in receipts_of(store, RECEIPTS)]
        third = RECEIPTS // 3
        for part in (lines[:third], lines[third : 2 * third], lines[2 * third :]):
            if branch is branches[-1] and part[0] == lines[third]:
                relay.cut()
            answers = branch.sell(part)
            assert [answer["status"] for answer in answers] == ["committed"] * len(part)
        if branch is branches[-1]:
            assert branch.ask("sync", "status")["waiting"] > 0
            relay.mend()


def test_both_sides_agree_along_every_dimension(tmp_path: Path) -> None:
    (store,) = busiest_stores(10)[9:]
    office, port = open_chain(tmp_path, [store])
    try:
        branch = Branch.enrol(office, f"S{store}", tmp_path / "branch", port)
        branch.run("sync", "run")
        branch.sell([receipt.line for receipt in receipts_of(store, RECEIPTS)])
        branch.run("sync", "run")
        for dimension in ("business_date", "month", "category", "product", "cashier", "client", "hour"):
            ask = ("report", "run", "sales", "--by", dimension)
            here, there = branch.ask(*ask), office.ask(*ask)
            assert here["rows"] == there["rows"], dimension
            assert here["totals"] == there["totals"], dimension
        categories = office.ask("report", "run", "sales", "--by", "category")["rows"]
        assert len(categories) > 2, "the catalogue's categories are stamped on the lines"
    finally:
        office.stop()
