"""`filial-hq backup` and `filial-hq restore`."""

from __future__ import annotations

from pathlib import Path

import click

from hq_server.bootstrap import head_office
from hq_server.bootstrap.restoring import restore as put_back
from hq_server.operations.backup import mark_backup, take_backup
from shared.cli.commands import Command, GlobalOptions
from shared.cli.output import print_result

MARK = "mark"


@click.command(cls=Command)
@click.argument("file")
@click.pass_obj
def backup(options: GlobalOptions, file: str) -> None:
    """Write a verified backup to FILE; with the word `mark`, vouch for one that another tool took just now."""
    with head_office(options.home) as office:
        if file == MARK:
            mark_backup(office.store, office.clock, office.ids)
            print_result(options, {"marked": True}, "The database as it is now counts as backed up.")
            return
        done = take_backup(office.store, Path(file), office.clock, office.ids)
    print_result(
        options,
        {"file": file, "rows": done.rows, "branches": done.branches, "verified": True},
        f"{file} holds {done.rows} rows and was read back. Not in it, keep apart: authority.key, authority.crt.",
    )


@click.command(cls=Command)
@click.argument("file")
@click.pass_obj
def restore(options: GlobalOptions, file: str) -> None:
    """Put a backup in the place of everything HQ holds; the branches bring what came after it."""
    done = put_back(options.home, Path(file))
    was_there = f" What was there is kept in {done.kept.name}." if done.kept is not None else ""
    print_result(
        options,
        {"file": file, "rows": done.rows, "branches": done.branches, "kept": done.kept and str(done.kept)},
        f"{done.rows} rows are back.{was_there} Start the server: every branch sends what came after. "
        "Then see: filial-hq sync proposals",
    )
