"""`filial-hq sync`: how far each branch has come, and what needs a decision."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection, select

from hq_server.bootstrap import head_office
from hq_server.operations.carrying import export_file, import_file
from hq_server.operations.chain_verification import verify_chain
from hq_server.operations.conflicts import Side, resolve_conflict, undo_conflict
from hq_server.operations.explaining import explain
from hq_server.operations.fleet_checks import CheckKind, keep_result, result_of
from hq_server.operations.parked import discard_parked, restore_parked, retry_parked
from hq_server.operations.proposals import accept_proposals, list_proposals, reject_proposals
from hq_server.operations.verification import Verification, repair_branch, verify_branch
from hq_server.storage.branches import all_branches, branch_by_code, branch_names
from hq_server.storage.feed import number_feed, read_head
from hq_server.storage.parking import list_parked, parked_by_branch
from hq_server.storage.proposals import open_proposals
from hq_server.storage.tables import branch_cursor
from shared.cli.clients import print_conflict
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_json, print_result, print_rows
from shared.cli.program import EXIT_FAILED
from shared.cli.repairs import print_repair
from shared.domain.business_time import format_us
from shared.domain.identifiers import NIL_ID, format_id, is_id, parse_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.errors import FilialError, InvalidInput
from shared.operations.clients import conflict_document
from shared.storage.conflict_rows import open_conflicts
from shared.storage.raw_rows import raw_texts

REPAIR_HINT = (
    "Put a backup from before the damage in place: filial-hq restore FILE; branches send again what came after it."
)


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
        proposed = len(open_proposals(connection))
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
    if not options.json:
        for row in rows:
            for advice in _advice(row):
                click.echo(advice)
        if proposed:
            click.echo(f"{proposed} cards were handed back and wait for a decision. See: filial-hq sync proposals")


def _advice(row: dict[str, Any]) -> list[str]:
    """What waits for a person to decide, and how."""
    code, advice = row["branch"], []
    if row["state"] == "quarantined":
        advice.append(
            f"{code}: {row['trouble']} See: filial-hq branch lives {code}, and filial-branch sync status at each; "
            f"then name the one that goes on: filial-hq branch heir {code} INCARNATION"
        )
    if row["parked"]:
        advice.append(f"{code}: entries wait that could not be applied. See: filial-hq sync parked")
    return advice


@sync.command("verify")
@click.argument("code", required=False)
@click.option("--deep", is_flag=True, help="Compare every row, counter and rollup with the entries too.")
@click.pass_obj
def verify_command(options: GlobalOptions, code: str | None, deep: bool) -> int:
    """Recompute the chain of a branch, or of all, from the entries as they came."""
    with head_office(options.home) as office, office.store.read() as connection, raw_texts(connection):
        rows = [branch_by_code(connection, code)] if code else all_branches(connection)
        results = [verify_branch(connection, row, deep) for row in rows]
        common = verify_chain(connection) if deep else []
        ids_of = {row.code: row.id for row in rows}
    _keep(options, [(ids_of[result.branch], result) for result in results], deep)
    if code and common:
        # Asked about one branch, what belongs to none is told with it.
        results = [replace(result, differences=(*result.differences, *common)) for result in results]
    equal = not common and all(not result.differences for result in results)
    if options.json:
        documents = [_verification(result) for result in results]
        print_json(documents[0] if code else {"equal": equal, "branches": documents, "differences": common})
    else:
        _say(results, [] if code else common)
    return 0 if equal else EXIT_FAILED


def _keep(options: GlobalOptions, results: list[tuple[bytes, Verification]], deep: bool) -> None:
    """For the page of the fleet. A store that cannot be written to is verified all the same."""
    kind = CheckKind.DEEP if deep else CheckKind.VERIFY
    with suppress(FilialError), head_office(options.home) as office, office.store.write() as connection:
        for branch_id, result in results:
            now_us = office.clock.now_us()
            keep_result(connection, office.ids, now_us, LOCAL_ADMINISTRATOR, branch_id, kind, result_of(result))


def _say(results: list[Verification], common: list[str]) -> None:
    for result in results:
        state = "sound" if not result.differences else "NOT SOUND"
        click.echo(f"{result.branch}: {state}, {result.entries} entries, head {result.head.entry_hash.hex()[:16]}…")
        for difference in result.differences:
            click.echo(f"  {difference}")
    if common:
        click.echo("What belongs to no single branch: NOT SOUND")
    for difference in common:
        click.echo(f"  {difference}")


@sync.command("repair")
@click.argument("code")
@click.pass_obj
def repair_command(options: GlobalOptions, code: str) -> int:
    """Put right what `verify --deep` finds in the rows of a branch: only what differs, from its entries."""
    with head_office(options.home) as office, office.store.write() as connection, raw_texts(connection):
        repair = repair_branch(connection, branch_by_code(connection, code))
    nothing = f"{code}: every row is what the entries say; nothing was changed."
    return print_repair(options, repair, {"branch": code}, nothing, REPAIR_HINT)


@sync.command("explain")
@click.argument("record")
@click.argument("code")
@click.pass_obj
def explain_command(options: GlobalOptions, record: str, code: str) -> None:
    """Say why branch CODE has RECORD or has not: an id, a client's external id, or a SKU."""
    with head_office(options.home) as office, office.store.read() as connection:
        found = explain(connection, record, branch_by_code(connection, code))
    position, taken = found["feed_position"], found["branch_feed_position"]
    told = "" if position is None else f" Told at feed position {position}; the branch is at {taken}."
    print_result(options, found, f"{'Has it' if found['has'] else 'Has it not'}: {found['reason']}{told}")


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


@sync.command("retry")
@click.argument("code")
@click.pass_obj
def retry_command(options: GlobalOptions, code: str) -> int:
    """Try a branch's parked entries again, after an upgrade or a repair."""
    with head_office(options.home) as office:
        now_us = office.clock.now_us()
        with office.store.write() as connection:
            tried = retry_parked(office.store, connection, branch_by_code(connection, code).id, now_us)
        number_feed(office.store, now_us)
    rows = [{"seq": each.seq, "applied": each.problem is None, "problem": each.problem} for each in tried]
    print_rows(options, "retried", ("seq", "applied", "problem"), rows, "Nothing is parked.")
    return 0 if all(each.problem is None for each in tried) else EXIT_FAILED


@sync.command("discard")
@click.argument("code")
@click.argument("seq", type=int)
@click.pass_obj
def discard_command(options: GlobalOptions, code: str, seq: int) -> None:
    """Decide that a parked entry is never applied. Its bytes stay."""
    with head_office(options.home) as office, office.store.write() as connection:
        row = branch_by_code(connection, code)
        discard_parked(connection, office.ids, office.clock.now_us(), row.id, seq)
    print_result(options, {"branch": code, "discarded": seq}, f"Entry {seq} of {code} is set aside.")


@sync.command("park-again")
@click.argument("code")
@click.argument("seq", type=int)
@click.pass_obj
def park_again_command(options: GlobalOptions, code: str, seq: int) -> None:
    """Take back that an entry was discarded: it is parked as it was."""
    with head_office(options.home) as office, office.store.write() as connection:
        row = branch_by_code(connection, code)
        restore_parked(connection, office.clock.now_us(), row.id, seq)
    print_result(options, {"branch": code, "parked": seq}, f"Entry {seq} of {code} is parked again.")


@sync.command("resolve")
@click.argument("card")
@click.argument("field")
@click.argument("side", type=click.Choice(["older", "newer"]))
@click.pass_obj
def resolve_command(options: GlobalOptions, card: str, field: str, side: Side) -> None:
    """Decide a conflict for one of its two values; every branch that has the card learns it."""
    value = _decide(options, card, partial(resolve_conflict, field=field, side=side))
    print_result(options, {"card": card, "field": field, "value": value}, f"{field} is “{value}” now.")


@sync.command("undo")
@click.argument("card")
@click.argument("field")
@click.pass_obj
def undo_command(options: GlobalOptions, card: str, field: str) -> None:
    """Take the last decision of a conflict back: what was shown before is shown again, and it is open again."""
    value = _decide(options, card, partial(undo_conflict, field=field))
    print_result(options, {"card": card, "field": field, "value": value}, f"{field} is “{value}” again.")


@sync.command("proposals")
@click.option("--accept", is_flag=True, help="Take all of them up.")
@click.option("--reject", is_flag=True, help="Set all of them aside.")
@click.pass_obj
def proposals_command(options: GlobalOptions, accept: bool, reject: bool) -> None:
    """List the head office's own cards that branches handed back after it had lost them."""
    if accept and reject:
        raise click.UsageError("Either --accept or --reject.")
    with head_office(options.home) as office:
        now_us = office.clock.now_us()
        with office.store.write() as connection:
            rows = list_proposals(connection, now_us)
            if accept:
                accept_proposals(connection, office.ids, now_us)
            elif reject:
                reject_proposals(connection, office.ids, now_us)
        number_feed(office.store, now_us)
    columns = ("branch", "kind", "name", "changes", "card")
    decided = {"decided": "accepted" if accept else "rejected"} if accept or reject else {}
    print_rows(options, "proposals", columns, rows, "Nothing is proposed.", decided)
    if decided and rows and not options.json:
        click.echo(f"These were {decided['decided']}.")


@sync.command("import")
@click.argument("file")
@click.pass_obj
def import_command(options: GlobalOptions, file: str) -> None:
    """Take in a FILE that a branch exported."""
    with head_office(options.home) as office:
        done = import_file(office.store, office.authority(), office.clock, Path(file))
    sentence = f"{done['entries']} entries of {done['branch']} taken, {done['known']} were here already."
    print_result(options, {"file": file, **done}, sentence)


@sync.command("export")
@click.argument("code")
@click.argument("file")
@click.pass_obj
def export_command(options: GlobalOptions, code: str, file: str) -> None:
    """Write what branch CODE must know to a signed FILE, to be carried there."""
    with head_office(options.home) as office:
        with office.store.read() as connection:
            row = branch_by_code(connection, code)
        done = export_file(office.store, office.authority(), row, Path(file), office.clock.now_us())
    sentence = f"{file} holds {done['records']} records. There: filial-branch sync import"
    print_result(options, {"file": file, **done}, sentence)


def _decide(options: GlobalOptions, card: str, decide: Callable[..., Any]) -> Any:
    if not is_id(card):
        raise InvalidInput("A card is named by its id.", "See: filial-hq sync conflicts")
    with head_office(options.home) as office:
        now_us = office.clock.now_us()
        with office.store.write() as connection:
            value = decide(connection, office.ids, now_us, parse_id(card))
        number_feed(office.store, now_us)
    return value.hex() if isinstance(value, bytes) else value


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
