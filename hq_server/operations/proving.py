"""What a total of sales rests on, as lines that an outsider checks with docs/check_proof.py alone.

The format is docs/operating/proof.md: what it is, then for each branch its certificates, the Z-reports as the branch
signed them, and its entries from the first that the total needs to the head, then the head office's own signature.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import serialization
from sqlalchemy import ColumnElement, Connection, Select, Table, and_, func, select, true, union

from hq_server.operations.authority import Authority
from hq_server.operations.founding import read_chain
from hq_server.operations.reporting import run_report
from hq_server.operations.shift_audit import SIGNED, audit_shifts, branch_certificates
from hq_server.storage import central
from hq_server.storage.branches import BranchRow, all_branches, branch_by_code
from hq_server.storage.lives import genesis_of, lives_of
from hq_server.storage.parking import PARKED, parked_without_facts
from hq_server.storage.tables import journal_entry
from shared.certificates import sign_statement
from shared.domain.business_time import format_us
from shared.domain.identifiers import format_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor, Permission, require
from shared.domain.records import RecordKind
from shared.domain.shifts import z_statement
from shared.errors import InvalidInput, Refused
from shared.operations.chain_check import ChainCheck
from shared.reports.parameters import ReportAsk
from shared.reports.registry import find_report
from shared.reports.result import ReportResult
from shared.reports.sales import MEASURES
from shared.storage.tables import refund, sale, shift_close
from shared.sync.chain import Head
from shared.wire.entries import OpenedEntry, open_entry
from shared.wire.raw_entries import raw_records

PROOF_ENTRIES_MAX = 200_000
AT_ONCE_ENTRIES_MAX = 20_000
"""So many entries are followed while somebody waits for a page; more when he asks for it."""
ENTRIES_PER_QUERY = 2_000
_PROVEN_KINDS = frozenset({RecordKind.SALE, RecordKind.REFUND, RecordKind.SHIFT_CLOSE})
_NEEDED: tuple[Table, ...] = (sale, refund, shift_close)


class Stretch(NamedTuple):
    """Entries of one incarnation from behind `anchor` to `head`, all of them."""

    branch: BranchRow
    incarnation: bytes
    anchor: Head
    head: Head

    @property
    def entries(self) -> int:
        return self.head.seq - self.anchor.seq


@dataclass(frozen=True, slots=True)
class Proof:
    """A total, and the stretches of the branches' chains that hold what it is made of."""

    result: ReportResult
    branches: tuple[BranchRow, ...]
    stretches: tuple[Stretch, ...]
    now_us: int

    @property
    def entries(self) -> int:
        """How many entries a file of it holds."""
        return sum(stretch.entries for stretch in self.stretches)


class Checked(NamedTuple):
    """What looking at one branch's part found: Z-reports in the period, those signed, those that do not hold, and what
    is wrong in its chain, in sentences."""

    code: str
    reports: int
    signed: int
    differing: int
    problems: tuple[str, ...]


def prove_sales(
    connection: Connection, ask: ReportAsk, now_us: int, lag_minutes: int, actor: Actor = LOCAL_ADMINISTRATOR
) -> Proof:
    """The total of sales in a period at branches, and where it comes from.

    Raises NotPermitted, NotFound, InvalidInput for a question that is about less than whole branches and days.
    """
    require(actor, Permission.REPORT_CHAIN)
    if ask.filters or ask.team or ask.compare or ask.as_of:
        raise InvalidInput(
            "A proof is of whole branches and whole days, as they are known now.",
            "Leave filters, team, comparison and “as known at” out.",
        )
    plain = whole_days(ask)
    result = run_report(connection, find_report("sales"), plain, now_us, lag_minutes)
    branches = [branch_by_code(connection, code) for code in ask.branches] or all_branches(connection)
    return Proof(result, tuple(branches), tuple(_stretches(connection, branches, result)), now_us)


def whole_days(ask: ReportAsk) -> ReportAsk:
    """The same branches and days, with nothing left out of them."""
    return ReportAsk(date_from=ask.date_from, date_to=ask.date_to, branches=ask.branches, period=ask.period)


def check_proof(connection: Connection, proof: Proof, actor: Actor = LOCAL_ADMINISTRATOR) -> list[Checked]:
    """Does at once what the file lets an outsider do: follows every stretch, holds every Z-report against HQ's sums.

    Raises NotPermitted, Refused when there are more than PROOF_ENTRIES_MAX entries.
    """
    require(actor, Permission.AUDIT_VIEW)
    _require_size(proof)
    parameters = proof.result.parameters
    audits = defaultdict(list)
    for audit in audit_shifts(
        connection, [row.id for row in proof.branches], parameters.date_from, parameters.date_to, actor
    ):
        audits[audit.branch_id].append(audit)
    problems: dict[bytes, list[str]] = defaultdict(list)
    for stretch in proof.stretches:
        problems[stretch.branch.id] += _follow(connection, stretch)
    return [
        Checked(
            row.code,
            len(audits[row.id]),
            sum(audit.signature == SIGNED for audit in audits[row.id]),
            sum(audit.is_suspicious for audit in audits[row.id]),
            tuple(problems[row.id]),
        )
        for row in proof.branches
    ]


def write_proof(
    connection: Connection, proof: Proof, authority: Authority, actor: Actor = LOCAL_ADMINISTRATOR
) -> Iterator[bytes]:
    """The file, line by line. It names cashiers and clients' numbers: only an auditor gets it.

    Raises NotPermitted, Refused when there are more than PROOF_ENTRIES_MAX entries.
    """
    require(actor, Permission.AUDIT_VIEW)
    _require_size(proof)
    digest, lines = hashlib.sha256(), 0
    for document in _documents(connection, proof, authority, actor):
        line = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        digest.update(line)
        lines += 1
        yield line
    signature = sign_statement(authority.signing_key, digest.digest())
    end = {"type": "end", "lines": lines, "sha256": digest.hexdigest(), "signature": _text(signature)}
    yield json.dumps(end, separators=(",", ":")).encode() + b"\n"


def _require_size(proof: Proof) -> None:
    if proof.entries > PROOF_ENTRIES_MAX:
        raise Refused(
            f"The proof would hold {proof.entries} entries; the limit is {PROOF_ENTRIES_MAX}.",
            "Ask for a later beginning or for fewer branches.",
        )


def _stretches(connection: Connection, branches: Sequence[BranchRow], result: ReportResult) -> Iterator[Stretch]:
    for row in branches:
        first = {found[0]: found[1] for found in connection.execute(_first_entries(row.id, result))}
        for life in lives_of(connection, row.id):
            if life.id not in first:
                continue
            seqs = _end(connection, row.id, life.id, first[life.id])
            yield Stretch(row, life.id, seqs[0] or Head(0, genesis_of(life)), seqs[1])


def _first_entries(branch_id: bytes, result: ReportResult) -> Select[Any]:
    """The first entry of each incarnation that has something of the period."""
    needed = union(*(_commands(table, branch_id, result) for table in _NEEDED)).subquery()
    joined = journal_entry.join(needed, journal_entry.c.command_id == needed.c.command_id)
    statement = select(journal_entry.c.incarnation, func.min(journal_entry.c.seq)).select_from(joined)
    return statement.where(journal_entry.c.branch_id == branch_id).group_by(journal_entry.c.incarnation)


def _commands(table: Table, branch_id: bytes, result: ReportResult) -> Select[Any]:
    """Of what happened in the period, and of every receipt of a shift whose Z-report is of it."""
    is_wanted = and_(*_within(table, result))
    if table is not shift_close:
        of_period = [shift_close.c.branch_id == branch_id, *_within(shift_close, result)]
        is_wanted = is_wanted | table.c.shift_id.in_(select(shift_close.c.shift_id).where(*of_period))
    return select(table.c.command_id).where(table.c.branch_id == branch_id, is_wanted)


def _within(table: Table, result: ReportResult) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [true()]
    if result.parameters.date_from is not None:
        conditions.append(table.c.business_date >= result.parameters.date_from)
    if result.parameters.date_to is not None:
        conditions.append(table.c.business_date <= result.parameters.date_to)
    return conditions


def _end(connection: Connection, branch_id: bytes, life_id: bytes, first_seq: int) -> tuple[Head | None, Head]:
    """The entry before the first, None at the beginning; and the last that HQ holds."""
    of_life = (journal_entry.c.branch_id == branch_id, journal_entry.c.incarnation == life_id)
    columns = select(journal_entry.c.seq, journal_entry.c.entry_hash).where(*of_life)
    before = connection.execute(columns.where(journal_entry.c.seq == first_seq - 1)).one_or_none()
    last = connection.execute(columns.order_by(journal_entry.c.seq.desc()).limit(1)).one()
    return None if before is None else Head(*before), Head(*last)


def _follow(connection: Connection, stretch: Stretch) -> list[str]:
    chain = ChainCheck.after(stretch.anchor)
    for row in _entries(connection, stretch):
        chain.follow(row.seq, row.entry_hash, row.data)
    return chain.problems


def _entries(connection: Connection, stretch: Stretch) -> Iterator[Any]:
    columns = (journal_entry.c.seq, journal_entry.c.entry_hash, journal_entry.c.status, journal_entry.c.data)
    after = stretch.anchor.seq
    while after < stretch.head.seq:
        rows = connection.execute(
            select(*columns)
            .where(
                journal_entry.c.branch_id == stretch.branch.id,
                journal_entry.c.incarnation == stretch.incarnation,
                journal_entry.c.seq > after,
            )
            .order_by(journal_entry.c.seq)
            .limit(ENTRIES_PER_QUERY)
        ).all()
        if not rows:
            return
        yield from rows
        after = rows[-1].seq


# The file's lines.


def _documents(connection: Connection, proof: Proof, authority: Authority, actor: Actor) -> Iterator[dict[str, Any]]:
    chain, result = read_chain(connection), proof.result
    report = find_report("sales")
    totals = dict(zip((measure.name for measure in report.all_measures), result.totals, strict=True))
    yield {
        "type": "proof",
        "version": 1,
        "chain": chain.name,
        "currency": chain.currency,
        "zone": chain.timezone,
        "made_at": format_us(proof.now_us),
        "from": result.as_json()["parameters"]["from"],
        "to": result.as_json()["parameters"]["to"],
        "branches": [row.code for row in proof.branches],
        # Minor units; units in thousandths.
        "totals": {measure.name: totals[measure.name] for measure in MEASURES},
        "definitions": dict(report.definitions),
        "completeness": result.completeness.as_json(),
        "authority": authority.pem.decode(),
    }
    certificates = branch_certificates(connection)
    for row in proof.branches:
        pems = [each.public_bytes(serialization.Encoding.PEM).decode() for each in certificates.get(row.id, [])]
        yield {"type": "branch", "code": row.code, "id": format_id(row.id), "certificates": pems}
    yield from _reports(connection, proof, actor)
    for stretch in proof.stretches:
        yield from _chain_lines(connection, stretch)
    for row in proof.branches:
        for _, data in central.commits_waiting(connection, row.id):
            opened = open_entry(data)
            yield {"type": "commit", "branch": row.code} | _entry_line(opened, is_held=False)


def _reports(connection: Connection, proof: Proof, actor: Actor) -> Iterator[dict[str, Any]]:
    codes = {row.id: row.code for row in proof.branches}
    parameters = proof.result.parameters
    for audit in audit_shifts(connection, list(codes), parameters.date_from, parameters.date_to, actor):
        yield {
            "type": "z-report",
            "branch": codes[audit.branch_id],
            "shift": audit.report.shift_id.hex(),
            "statement": z_statement(audit.branch_id, audit.report).decode(),
            "signature": _text(audit.report.signature),
        }


def _chain_lines(connection: Connection, stretch: Stretch) -> Iterator[dict[str, Any]]:
    yield {
        "type": "chain",
        "branch": stretch.branch.code,
        "incarnation": format_id(stretch.incarnation),
        "anchor_seq": stretch.anchor.seq,
        "anchor_hash": stretch.anchor.entry_hash.hex(),
        "head_seq": stretch.head.seq,
        "head_hash": stretch.head.entry_hash.hex(),
    }
    without_facts = parked_without_facts(connection, stretch.branch.id)
    for row in _entries(connection, stretch):
        is_held = row.status == PARKED and (stretch.incarnation, row.seq) not in without_facts
        yield {"type": "entry", "seq": row.seq} | _entry_line(open_entry(row.data), is_held)


def _entry_line(opened: OpenedEntry, is_held: bool) -> dict[str, Any]:
    """Header and record hashes, and of receipts and Z-reports what was hashed. `held`: parked, so it counts nowhere."""
    facts = [
        [place, record.kind, record.id.hex(), record.salt.hex(), _text(record.payload)]
        for place, record in enumerate(raw_records(opened.data))
        if record.kind in _PROVEN_KINDS and record.payload
    ]
    line: dict[str, Any] = {
        "header": opened.header_bytes.hex(),
        "records": [record_hash.hex() for record_hash in opened.record_hashes],
    }
    if facts:
        line["facts"] = facts
    return line | {"held": True} if is_held else line


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
