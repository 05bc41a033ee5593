"""`filial-branch client attach`, `files`, `fetch`, `put-away`: the documents and recordings of clients."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from branch_node.bootstrap import open_processor, open_store, settings_for
from branch_node.operations.files import FileShown, archive_file, attach_file, list_files, open_file, read_bytes
from shared.cli.commands import Command, GlobalOptions
from shared.cli.output import print_result, print_rows
from shared.domain.business_time import format_us
from shared.domain.identifiers import format_id, is_id, parse_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.errors import AlreadyExists, InvalidInput
from shared.operations.clients import resolve_client

_COLUMNS = ("id", "name", "media_type", "size", "parts", "parts_here", "attached_at", "by", "problem")


@click.command("attach", cls=Command)
@click.argument("reference", metavar="ID")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--name", help="What it is called; by default as the file.")
@click.option("--call", "interaction", help="The id of the call that it is a recording of.")
@click.pass_obj
def attach(options: GlobalOptions, reference: str, file: Path, name: str | None, interaction: str | None) -> None:
    """Attach a FILE to a client, named by id or external id."""
    settings = settings_for(options.home)
    store = open_store(settings)
    with store.read() as connection:
        client_id = resolve_client(connection, reference)
    interaction_id = None if interaction is None else _parse(interaction)
    try:
        stream = file.open("rb")
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.", "Name a file.") from None
    with stream, closing(open_processor(settings, store)) as processor:
        file_id = attach_file(
            store, processor.commit, LOCAL_ADMINISTRATOR, client_id, stream, name or file.name, interaction_id
        )
    sentence = f"Attached as {format_id(file_id)}; it goes to the head office with the next synchronisation."
    print_result(options, {"id": format_id(file_id)}, sentence)


@click.command("files", cls=Command)
@click.argument("reference", metavar="ID")
@click.option("--all", "with_archived", is_flag=True, help="Those that were put away too.")
@click.pass_obj
def files(options: GlobalOptions, reference: str, with_archived: bool) -> None:
    """List the files of a client, named by id or external id."""
    store = open_store(settings_for(options.home))
    with store.read() as connection:
        client_id = resolve_client(connection, reference)
    shown = list_files(store, LOCAL_ADMINISTRATOR, client_id, with_archived)
    rows = [_row(each) for each in shown]
    print_rows(
        options, "files", _COLUMNS, rows, "The client has no files. Attach one: filial-branch client attach ID FILE"
    )


@click.command("fetch", cls=Command)
@click.argument("file_id", metavar="FILE_ID")
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def fetch(options: GlobalOptions, file_id: str, path: Path) -> None:
    """Write a client's file to PATH, once all its parts are here."""
    store = open_store(settings_for(options.home))
    opened = open_file(store, LOCAL_ADMINISTRATOR, _parse(file_id))
    if path.exists():
        raise AlreadyExists(f"{path} exists already.", "Name another file.")
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        with unfinished.open("wb") as stream:
            stream.writelines(read_bytes(store, opened))
        unfinished.rename(path)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}.", "Name another place.") from None
    finally:
        unfinished.unlink(missing_ok=True)
    print_result(options, {"file": str(path), "size": opened.described.size}, f"{path} is {opened.described.name}.")


@click.command("put-away", cls=Command)
@click.argument("file_id", metavar="FILE_ID")
@click.option("--back", is_flag=True, help="Bring it back instead.")
@click.pass_obj
def put_away(options: GlobalOptions, file_id: str, back: bool) -> None:
    """Put a client's file away: it is listed no more, and can be brought back."""
    settings = settings_for(options.home)
    store = open_store(settings)
    with closing(open_processor(settings, store)) as processor:
        changed = archive_file(store, processor.commit, LOCAL_ADMINISTRATOR, _parse(file_id), not back)
    sentence = "It is so already." if not changed else "It is back." if back else "It is put away."
    print_result(options, {"id": file_id, "changed": changed}, sentence)


def _parse(text: str) -> bytes:
    if not is_id(text):
        raise InvalidInput(f"“{text}” is no id.", "See: filial-branch client files ID")
    return parse_id(text)


def _row(shown: FileShown) -> dict[str, Any]:
    return {
        "id": format_id(shown.file_id),
        "name": shown.name,
        "media_type": shown.media_type,
        "size": shown.size,
        "parts": shown.chunks,
        "parts_here": shown.chunks_here,
        "attached_at": format_us(shown.attached_at_us),
        "by": shown.author,
        "problem": shown.problem,
        "archived": shown.is_archived,
    }
