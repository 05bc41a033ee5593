"""Refunds, cash and Z-reports between real programs: what a branch gave back, HQ reports and audits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import update

from deploy.demo.chain import Branch
from docs import check_proof
from shared.storage.tables import shift_close
from tests.support.chains import Chain
from tests.support.commands import branch as filial_branch
from tests.support.commands import hq as filial_hq
from tests.support.commands import require_done, require_refusal
from tests.support.tills import asked_line


def lines(*documents: dict[str, Any]) -> str:
    return "".join(json.dumps(document) + "\n" for document in documents)


def test_what_came_back_is_in_every_report_and_every_z_report_is_proven(
    chain: Chain, branch: Branch, capsys: pytest.CaptureFixture[str]
) -> None:
    home, hq = branch.home, chain.office.home
    till = ("--register", "1", "--cashier", "anna")
    require_done(filial_branch(home, "shift", "open", *till, "--float", "100.00"))
    sold = require_done(filial_branch(home, "sell", "-", give=asked_line("a") + "\n" + asked_line("b") + "\n"))
    receipt = sold.documents()[0]["receipt"]
    asked = {"key": "r", "register": "1", "cashier": "anna", "receipt": receipt}
    done = filial_branch(home, "refund", "-", give=lines(asked, asked, {**asked, "key": "r2"}, {"key": "r3"}))
    assert done.code == 1
    first, again, twice, bad = done.documents()
    assert (first["status"], first["receipt"], first["total_minor"]) == ("committed", "1-000003", 50)
    assert again == first
    assert (twice["status"], bad["status"]) == ("refused", "refused")
    assert "given back already" in twice["reason"]
    require_done(filial_branch(home, "shift", "cash", "pickup", "20.00", *till, "--reason", "to the bank"))
    require_refusal(filial_branch(home, "shift", "cash", "out", "2000.00", *till, "--reason", "x"), "only 80.50")
    shift = require_done(filial_branch(home, "shift", "close", *till, "--counted", "80.50", "--json")).document()
    assert (shift["refunds"], shift["returns_minor"], shift["expected_cash_minor"]) == (1, 50, 8_050)
    assert (shift["cash_variance_minor"], shift["signed"]) == (0, True)
    here = require_done(filial_branch(home, "report", "run", "sales", "--json")).document()
    require_done(filial_branch(home, "sync", "run"))
    require_done(filial_branch(home, "sync", "verify", "--deep"))
    there = require_done(filial_hq(hq, "report", "run", "sales", "--branch", branch.code, "--json")).document()
    assert here["rows"] == there["rows"] == [[2, 2, 100, 0, 50, 50, 50, 1]]
    (audited,) = require_done(filial_hq(hq, "audit", "shifts", branch.code, "--json")).document()["shifts"]
    assert (audited["signature"], audited["equal"], audited["last_receipt"]) == ("signed", True, "1-000003")
    assert require_done(filial_hq(hq, "audit", "refunds", "--json")).document() == {"cases": []}
    proof = branch.home / "proof.jsonl"
    require_done(filial_hq(hq, "report", "prove", str(proof), "--branch", branch.code))
    assert check_proof.main(str(proof)) == 0
    said = capsys.readouterr().out
    assert "receipts 2  units 2000  gross 100  discounts 0  returns 50  net 50" in said
    assert "1 of 1 Z-reports signed" in said


def test_a_z_report_that_was_altered_at_hq_is_found_out(own_chain: Chain) -> None:
    branch = own_chain.join()
    require_done(filial_branch(branch.home, "sell", "-", give=asked_line("a") + "\n"))
    require_done(filial_branch(branch.home, "shift", "close", "--register", "1", "--cashier", "anna"))
    require_done(filial_branch(branch.home, "sync", "run"))
    with own_chain.inside().store.write() as connection:
        connection.execute(update(shift_close).values(net_minor=shift_close.c.net_minor - 10))
    done = filial_hq(own_chain.office.home, "audit", "shifts", "--differing", "--json")
    assert done.code == 1
    (audited,) = done.document()["shifts"]
    assert (audited["signature"], audited["equal"]) == ("forged", False)
    assert audited["differences"] == ["net: the Z-report says 40, the receipts make 50."]
