"""`filial-branch sync`: synchronise once, show how far it has come, verify."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from branch_node.bootstrap import open_store, settings_for
from branch_node.bootstrap.status import read_status
from branch_node.bootstrap.verification import verify_against_hq
from branch_node.operations.verification import repair_rows
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_json, print_result
from shared.cli.program import EXIT_FAILED
from shared.cli.repairs import print_repair

TIMEOUT_SECONDS = 30.0
REPAIR_HINT = (
    "Restore a backup from before the damage (filial-branch restore FILE), or enrol in a new folder: filial-branch "
    "enrol --replace. Keep this folder: what the head office has not acknowledged is nowhere else."
)


@click.group(cls=Group)
def sync() -> None:
    """Synchronise once, show how far it has come, verify."""


@sync.command("run")
@click.option(
    "--timeout", "timeout_seconds", type=click.FloatRange(min=0.1), default=TIMEOUT_SECONDS, show_default=True
)
@click.pass_obj
def run_command(options: GlobalOptions, timeout_seconds: float) -> None:
    """Send what waits and fetch what is new, then stop. Beside a running `serve`, asks it to."""
    from branch_node.sync_client.synchroniser import Synchroniser
    from shared.cli.logging import configure_logging

    configure_logging(options.debug)
    settings = settings_for(options.home)
    store = open_store(settings)
    try:
        asyncio.run(Synchroniser(settings, store).run_pass(timeout_seconds))
        status = read_status(settings, store)
    finally:
        store.close()
    sentence = (
        f"Even with the head office: {status['acknowledged_seq']} entries, feed position {status['feed_position']}."
    )
    print_result(options, status, sentence)


@sync.command("status")
@click.pass_obj
def status_command(options: GlobalOptions) -> None:
    """Show what waits, since when, and how the last contact went."""
    settings = settings_for(options.home)
    store = open_store(settings)
    status = read_status(settings, store)
    store.close()
    print_result(options, status)


@sync.command("verify")
@click.option("--deep", is_flag=True, help="Compare every row here with the journal too.")
@click.pass_obj
def verify_command(options: GlobalOptions, deep: bool) -> int:
    """Ask the head office whether it holds exactly what this branch holds."""
    settings = settings_for(options.home)
    store = open_store(settings)
    result = verify_against_hq(settings, store, deep)
    store.close()
    if options.json:
        print_json(result)
    else:
        _say(result)
    return 0 if result["equal"] else EXIT_FAILED


@sync.command("repair")
@click.pass_obj
def repair_command(options: GlobalOptions) -> int:
    """Put right what `verify --deep` finds in the rows here: only what differs, from the journal."""
    store = open_store(settings_for(options.home))
    repair = repair_rows(store)
    store.close()
    nothing = "Every row is what the journal says; nothing was changed."
    return print_repair(options, repair, {}, nothing, REPAIR_HINT)


@sync.command("export")
@click.argument("file")
@click.pass_obj
def export_command(options: GlobalOptions, file: str) -> None:
    """Write what the head office lacks to a signed FILE, to be carried there."""
    from branch_node.sync_client.carrying import export_file

    settings = settings_for(options.home)
    store = open_store(settings)
    done = export_file(settings, store, Path(file))
    store.close()
    print_result(
        options, {"file": file, **done}, f"{file} holds {done['entries']} entries. There: filial-hq sync import"
    )


@sync.command("import")
@click.argument("file")
@click.pass_obj
def import_command(options: GlobalOptions, file: str) -> None:
    """Take in a FILE that the head office exported for this branch."""
    from branch_node.sync_client.carrying import import_file

    settings = settings_for(options.home)
    store = open_store(settings)
    done = import_file(settings, store, Path(file))
    store.close()
    sentence = f"{done['records']} records taken; the feed is at {done['feed_position']}."
    print_result(options, {"file": file, **done}, sentence)


def _say(result: dict[str, Any]) -> None:
    if result["equal"]:
        click.echo(
            f"Equal: the head office holds exactly these {result['entries']} entries, head {result['head_hash'][:16]}…"
        )
        return
    click.echo("Not equal:")
    for difference in result["differences"]:
        click.echo(f"  {difference}")
