"""`filial-hq sync`: how far each branch has come, and what needs a decision."""

from __future__ import annotations

from typing import Any

import click
from sqlalchemy import Connection, select

from hq_server.bootstrap import head_office
from hq_server.operations.verification import Verification, verify_branch
from hq_server.storage.branches import all_branches, branch_by_code, branch_names
from hq_server.storage.feed import read_head
from hq_server.storage.parking import list_parked, parked_by_branch
from hq_server.storage.tables import branch_cursor
from shared.cli.clients import print_conflict
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_json, print_rows
from shared.cli.program import EXIT_FAILED
from shared.domain.business_time import format_us
from shared.domain.identifiers import NIL_ID, format_id
from shared.operations.clients import conflict_document
from shared.storage.conflict_rows import open_conflicts


@click.group(cls=Group)
def sync() -> None:
    """How far each branch has come; verify; conflicts; parked entries."""


@sync.command("status")
@click.pass_obj
def status_command(options: GlobalOptions) -> None:
    """Show every branch: what HQ holds of it, and when it was last heard."""
    with head_office(options.home) as office, office.store.read() as connection:
        rows = _standings(connection)
        feed_head = read_head(connection).position
    columns = (
        "branch",
        "online",
        "mode",
        "acknowledged_seq",
        "watermark",
        "last_seen_at",
        "feed_lag",
        "parked",
        "state",
    )
    print_rows(options, "branches", columns, rows, "There is no branch yet.", {"feed_head": feed_head})


@sync.command("verify")
@click.argument("code", required=False)
@click.pass_obj
def verify_command(options: GlobalOptions, code: str | None) -> int:
    """Recompute the chain of a branch, or of all, from the entries as they came."""
    with head_office(options.home) as office, office.store.read() as connection:
        rows = [branch_by_code(connection, code)] if code else all_branches(connection)
        results = [verify_branch(connection, row) for row in rows]
    if options.json:
        documents = [_verification(result) for result in results]
        print_json(documents[0] if code else {"equal": all(d["equal"] for d in documents), "branches": documents})
    else:
        for result in results:
            state = "sound" if not result.differences else "NOT SOUND"
            click.echo(f"{result.branch}: {state}, {result.entries} entries, head {result.head.entry_hash.hex()[:16]}…")
            for difference in result.differences:
                click.echo(f"  {difference}")
    return 0 if all(not result.differences for result in results) else EXIT_FAILED


@sync.command("conflicts")
@click.pass_obj
def conflicts_command(options: GlobalOptions) -> None:
    """List edits that did not see each other, with both values."""
    with head_office(options.home) as office, office.store.read() as connection:
        names = branch_names(connection)
        found = [conflict_document(row, names) for row in open_conflicts(connection)]
    if options.json:
        print_json({"conflicts": found})
    elif not found:
        click.echo("There are no open conflicts.")
    for document in [] if options.json else found:
        print_conflict(document)


@sync.command("parked")
@click.pass_obj
def parked_command(options: GlobalOptions) -> None:
    """List entries that HQ holds but could not apply."""
    with head_office(options.home) as office, office.store.read() as connection:
        rows = [
            {
                "branch": row.code,
                "incarnation": format_id(row.incarnation),
                "seq": row.seq,
                "reason": row.reason,
                "evidence": row.evidence,
                "parked_at": format_us(row.parked_at),
            }
            for row in list_parked(connection)
        ]
    columns = ("branch", "seq", "reason", "evidence", "parked_at")
    print_rows(options, "parked", columns, rows, "Nothing is parked.")


def _verification(result: Verification) -> dict[str, Any]:
    return {
        "branch": result.branch,
        "equal": not result.differences,
        "entries": result.entries,
        "head_hash": result.head.entry_hash.hex(),
        "differences": list(result.differences),
    }


def _standings(connection: Connection) -> list[dict[str, Any]]:
    head = read_head(connection)
    parked = parked_by_branch(connection)
    cursors = {row.branch_id: row for row in connection.execute(select(branch_cursor))}
    documents = []
    for row in all_branches(connection):
        cursor = cursors[row.id]
        known = cursor.incarnation != NIL_ID
        taken = cursor.feed_position if cursor.feed_epoch == head.epoch else 0
        documents.append(
            {
                "branch": row.code,
                "incarnation": format_id(cursor.incarnation) if known else None,
                "online": bool(cursor.connected),
                "mode": row.mode.value,
                "acknowledged_seq": cursor.acknowledged_seq,
                "acknowledged_hash": cursor.acknowledged_hash.hex() if known else None,
                "watermark": None if cursor.watermark is None else format_us(cursor.watermark),
                "last_seen_at": None if cursor.last_seen_at is None else format_us(cursor.last_seen_at),
                "feed_position": taken,
                "feed_lag": head.position - taken,
                "skew_ms": cursor.skew_ms,
                "parked": parked.get(row.id, 0),
                "version": cursor.release,
                "state": _state(row.revoked_at_us is not None, known, cursor.trouble),
                "trouble": cursor.trouble,
            }
        )
    return documents


def _state(revoked: bool, known: bool, trouble: str | None) -> str:
    if revoked:
        return "revoked"
    if trouble:
        return "quarantined"
    return "active" if known else "never connected"
