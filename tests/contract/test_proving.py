"""A proof of sales, on both databases: what the outsider's script says of it, and of one that somebody altered."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from branch_node.operations.refund_request import parse_refund_request
from branch_node.operations.refunding import refund
from branch_node.operations.shifts import close_shift
from docs import check_proof
from hq_server.operations import proving
from hq_server.operations.authority import Authority
from hq_server.operations.proving import Proof, prove_sales, write_proof
from hq_server.operations.proving import check_proof as look_at_proof
from hq_server.storage.branches import read_cursor
from hq_server.storage.tables import journal_entry
from shared.certificates import sign_statement
from shared.domain.identifiers import format_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.errors import InvalidInput, NotPermitted, Refused
from shared.reports.parameters import ReportAsk
from shared.sync.chain import Head, hash_record
from shared.wire.entries import open_entry
from shared.wire.raw_entries import raw_records
from tests.support.office import Office
from tests.support.pair import Pair

Captured = pytest.CaptureFixture[str]
Lines = list[dict[str, Any]]
AUTHORITY = Authority.found("Chain")
EVERYTHING = ReportAsk()
NOBODY = replace(LOCAL_ADMINISTRATOR, permissions=frozenset())


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    """Two branches; the first has closed its shift and sold after that."""
    made = Pair(office, tmp_path)
    first, second = made.join("B1"), made.join("B2")
    first.sell("a", "b", "c")
    with first.store.operation() as transaction:
        close_shift(transaction, "1", "anna", None)
    first.sell("d")
    second.sell("e")
    first.sync()
    second.sync()
    return made


def prove(pair: Pair, ask: ReportAsk = EVERYTHING) -> Proof:
    with pair.office.store.read() as connection:
        return prove_sales(connection, ask, pair.office.clock.now_us(), 15)


def lines_of(pair: Pair, ask: ReportAsk = EVERYTHING) -> Lines:
    with pair.office.store.read() as connection:
        proof = prove_sales(connection, ask, pair.office.clock.now_us(), 15)
        return [json.loads(line) for line in write_proof(connection, proof, AUTHORITY)]


def verdict(lines: Lines, folder: Path, capsys: Captured, sign: bool = True) -> tuple[int, str]:
    """What the script answers and prints. With `sign` the file's end is made anew, as a forger would."""
    raw = [json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode() + b"\n" for line in lines]
    if sign:
        digest = hashlib.sha256(b"".join(raw[:-1]))
        signature = base64.b64encode(sign_statement(AUTHORITY.signing_key, digest.digest())).decode()
        end = {"type": "end", "lines": len(raw) - 1, "sha256": digest.hexdigest(), "signature": signature}
        raw[-1] = json.dumps(end).encode()
    path = folder / "proof.jsonl"
    path.write_bytes(b"".join(raw))
    code = check_proof.main(str(path))
    return code, capsys.readouterr().out


def entries(lines: Lines) -> Lines:
    return [line for line in lines if line["type"] == "entry" and line.get("facts")]


def test_a_proof_is_proven(pair: Pair, tmp_path: Path, capsys: Captured) -> None:
    code, said = verdict(lines_of(pair), tmp_path, capsys, sign=False)
    assert (code, said.splitlines()[-1]) == (0, "PROVEN")
    assert "receipts 5  units 5000  gross 250" in said
    assert "0 of 1 Z-reports signed" in said


def test_its_heads_are_those_that_the_branches_have(pair: Pair) -> None:
    stretches = prove(pair).stretches
    assert {stretch.branch.code for stretch in stretches} == {"B1", "B2"}
    with pair.office.store.read() as connection:
        for stretch in stretches:
            cursor = read_cursor(connection, stretch.branch.id)
            assert stretch.head == Head(cursor.acknowledged_seq, cursor.acknowledged_hash)


def test_what_came_back_is_in_it(pair: Pair, tmp_path: Path, capsys: Captured) -> None:
    node = pair.join("B3")
    answer = node.sell("x")
    with node.store.operation() as transaction:
        refund(transaction, returned(answer.sale_id))
    node.sync()
    code, said = verdict(lines_of(pair, ReportAsk(branches=("B3",))), tmp_path, capsys)
    assert code == 0, said
    assert "returns 50" in said


def returned(sale_id: bytes) -> Any:
    asked = {"key": "r", "register": "1", "cashier": "anna", "sale": format_id(sale_id)}
    return parse_refund_request(asked)


def _leave_out_an_entry(lines: Lines) -> None:
    lines.remove(entries(lines)[1])


def _leave_out_the_last(lines: Lines) -> None:
    lines.remove(entries(lines)[-1])


def _alter_a_receipt(lines: Lines) -> None:
    fact = entries(lines)[0]["facts"][0]
    fact[4] = base64.b64encode(base64.b64decode(fact[4]).replace(b"anna", b"anya")).decode()


def _claim_more(lines: Lines) -> None:
    lines[0]["totals"]["net"] += 1


def _drop_a_fact(lines: Lines) -> None:
    del entries(lines)[0]["facts"][0]


def _name_another_head(lines: Lines) -> None:
    chain = next(line for line in lines if line["type"] == "chain")
    chain["head_hash"] = "00" * 32


def _alter_a_z_report(lines: Lines) -> None:
    report = next(line for line in lines if line["type"] == "z-report")
    said = report["statement"].split("\n")
    said[9] = "7"
    report["statement"] = "\n".join(said)


FORGERIES: list[tuple[Callable[[Lines], None], str]] = [
    (_leave_out_an_entry, "does not follow"),
    (_leave_out_the_last, "does not end with the head"),
    (_alter_a_receipt, "is not what its entry says"),
    (_claim_more, "The total of net is"),
    (_drop_a_fact, "the receipts make"),
    (_name_another_head, "does not end with the head"),
    (_alter_a_z_report, "says receipts 7"),
]


@pytest.mark.parametrize(("forge", "words"), FORGERIES, ids=[forge.__name__ for forge, _ in FORGERIES])
def test_a_forged_proof_is_found_out(
    pair: Pair, tmp_path: Path, capsys: Captured, forge: Callable[[Lines], None], words: str
) -> None:
    lines = lines_of(pair)
    forge(lines)
    code, said = verdict(lines, tmp_path, capsys)
    assert code == 1
    assert words in said
    assert said.endswith("NOT PROVEN\n")


def test_a_proof_that_another_hand_wrote_is_found_out(pair: Pair, tmp_path: Path, capsys: Captured) -> None:
    lines = lines_of(pair)
    _claim_more(lines)
    code, said = verdict(lines, tmp_path, capsys, sign=False)
    assert code == 1
    assert "The file was altered" in said
    assert "The head office did not sign" in said


def test_half_a_proof_is_none(pair: Pair, tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "half.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines_of(pair)[:3]))
    assert check_proof.main(str(path)) == 1
    assert "its end is missing" in capsys.readouterr().out


def test_a_proof_of_a_day_begins_where_the_day_does_and_has_the_shift_whole(
    pair: Pair, tmp_path: Path, capsys: Captured
) -> None:
    pair.office.clock.advance(86_400)
    node = pair.join("B4")
    node.sell("y")
    pair.office.clock.advance(86_400)
    node.sell("z")
    with node.store.operation() as transaction:
        close_shift(transaction, "1", "anna", None)
    node.sync()
    day = prove(pair).result.parameters
    assert day.date_from is None
    lines = lines_of(pair, ReportAsk(date_from="2026-11-25", branches=("B4",)))
    code, said = verdict(lines, tmp_path, capsys)
    assert code == 0, said
    assert "receipts 1 " in said


def test_head_office_checks_the_same_at_once(pair: Pair) -> None:
    with pair.office.store.read() as connection:
        proof = prove_sales(connection, EVERYTHING, pair.office.clock.now_us(), 15)
        first, second = look_at_proof(connection, proof)
    assert (first.code, first.reports, first.signed, first.differing, first.problems) == ("B1", 1, 0, 0, ())
    assert (second.code, second.reports) == ("B2", 0)


def test_an_altered_entry_is_found_at_head_office(pair: Pair) -> None:
    with pair.office.store.write() as connection:
        connection.execute(update(journal_entry).where(journal_entry.c.seq == 2).values(entry_hash=b"x" * 32))
    with pair.office.store.read() as connection:
        checked = look_at_proof(connection, prove_sales(connection, EVERYTHING, pair.office.clock.now_us(), 15))
    assert "Entry 2 was altered" in checked[0].problems[0]


@pytest.mark.parametrize(
    "ask", [{"filters": ["cashier=anna"]}, {"team": "anna"}, {"as_of": "2026-11-23"}, {"compare": "previous"}]
)
def test_a_proof_is_of_whole_branches_and_days(pair: Pair, ask: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="whole branches"):
        prove(pair, ReportAsk(**ask))


def test_a_proof_names_people_and_needs_the_right(pair: Pair) -> None:
    proof = prove(pair)
    with pair.office.store.read() as connection:
        with pytest.raises(NotPermitted):
            prove_sales(connection, EVERYTHING, 0, 15, NOBODY)
        with pytest.raises(NotPermitted):
            next(write_proof(connection, proof, AUTHORITY, NOBODY))


def test_a_proof_has_a_most_of_entries(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "PROOF_ENTRIES_MAX", 2)
    with pytest.raises(Refused, match="the limit is 2"):
        lines_of(pair)


def test_raw_records_are_what_was_hashed(pair: Pair) -> None:
    with pair.office.store.read() as connection:
        for (data,) in connection.execute(select(journal_entry.c.data)):
            hashes = [hash_record(each.salt, each.kind, each.id, each.payload) for each in raw_records(data)]
            assert hashes == open_entry(data).record_hashes
