"""`filial-branch backup` and `filial-branch restore`."""

from __future__ import annotations

from pathlib import Path

import click

from branch_node.bootstrap import open_store, settings_for
from branch_node.bootstrap.restoring import restore as put_back
from branch_node.operations.backup import take_backup
from shared.cli.commands import Command, GlobalOptions
from shared.cli.output import print_result


@click.command(cls=Command)
@click.argument("file")
@click.pass_obj
def backup(options: GlobalOptions, file: str) -> None:
    """Write a copy of this branch's store to FILE and read it back. Selling goes on meanwhile."""
    store = open_store(settings_for(options.home))
    size = take_backup(store, Path(file), store.clock)
    store.close()
    print_result(options, {"file": file, "bytes": size}, f"{file} holds the store, {size} bytes, and was read back.")


@click.command(cls=Command)
@click.argument("file")
@click.pass_obj
def restore(options: GlobalOptions, file: str) -> None:
    """Put a backup in the place of this branch's store; the head office gives back what came after it."""
    done = put_back(settings_for(options.home), Path(file))
    sentences = ["The store is back as it was."]
    if done.kept is not None:
        was_there = "What was there" if done.was_readable else "What was there could not be read, and"
        sentences.append(f"{was_there} is kept in {done.kept.name}.")
    if not done.was_readable:
        sentences.append("Start running tills again.")
    sentences.append("Next: filial-branch sync run")
    print_result(options, {"file": file, "kept": done.kept and str(done.kept)}, " ".join(sentences))
