"""`filial-branch client import`, `imports`, `import-revert`: clients from spreadsheets."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click

from branch_node.bootstrap import open_processor, open_store, settings_for
from branch_node.operations import client_importing as importing
from branch_node.operations.client_importing import ImportSettings, Progress
from branch_node.operations.client_importing.kept import BAD, IMPORT_ROWS_MAX, OVERWRITE, POLICIES, STOPPED
from branch_node.operations.client_importing.running import Told
from branch_node.storage.store import BranchStore
from shared.cli.clients import print_import
from shared.cli.commands import Command, GlobalOptions
from shared.cli.output import print_result, print_rows
from shared.cli.program import EXIT_FAILED
from shared.domain.business_time import format_us
from shared.domain.client_columns import IGNORED
from shared.domain.identifiers import format_id, is_id, parse_id, shorten
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.errors import InvalidInput, Refused


@click.command("import", cls=Command)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--known", type=click.Choice(POLICIES), default=OVERWRITE, show_default=True, help="Known clients.")
@click.option("--map", "pairs", multiple=True, metavar="COLUMN=FIELD", help="Which field a column is; may be repeated.")
@click.option("--tag", default="", help="A tag for every client of the file.")
@click.option("--dry-run", is_flag=True, help="Say what it would do, and write nothing.")
@click.option("--bad-rows", type=click.Path(dir_okay=False, path_type=Path), help="Write rows that were refused here.")
@click.pass_obj
def import_command(
    options: GlobalOptions,
    /,
    file: Path,
    known: str,
    pairs: tuple[str, ...],
    tag: str,
    dry_run: bool,
    bad_rows: Path | None,
) -> int:
    """Import clients from a CSV, XLSX or JSONL file. Columns are known by their names, in Russian too; clients by
    external id, card number, tax number, phone or e-mail."""
    settings, actor = settings_for(options.home), LOCAL_ADMINISTRATOR
    store, country = open_store(settings), settings.phone_country
    import_id = importing.keep_file(store, actor, file.name, file.read_bytes(), country)
    kept = importing.read_import(store, actor, import_id)
    mapping = {**kept.settings.mapping, **_pairs(pairs, kept.columns)}
    importing.change_settings(store, actor, import_id, ImportSettings(mapping, known, tag))
    ignored = [column for column in kept.columns if mapping.get(column, IGNORED) == IGNORED]
    if dry_run:
        counts = importing.preview_import(store, actor, import_id, country).counts
        importing.discard(store, actor, import_id)
        print_result(options, {**counts, "ignored_columns": ignored}, f"It would: {_sentence(counts)}.")
        return 0
    importing.start_import(store, actor, import_id)
    with closing(open_processor(settings, store)) as processor, _bar(options, kept.row_count) as tell:
        progress = importing.run_import(store, actor, import_id, country, processor.commit, tell)
    if bad_rows is not None:
        _write(bad_rows, importing.bad_rows_file(store, actor, import_id, "error"))
    return _tell(options, store, import_id, progress, ignored)


def _tell(options: GlobalOptions, store: BranchStore, import_id: bytes, progress: Progress, ignored: list[str]) -> int:
    if progress.state == STOPPED:
        raise Refused(progress.trouble, f"Go on with the file on the page /clients/import/{format_id(import_id)}.")
    bad = importing.rows_with_outcome(store, LOCAL_ADMINISTRATOR, import_id, BAD, IMPORT_ROWS_MAX)
    problems = [
        {"row": row.number, "reason": f"{row.column}: {row.reason}" if row.column else row.reason} for row in bad
    ]
    counts = {
        "added": progress.counts["added"],
        "changed": progress.counts["changed"],
        "unchanged": progress.counts["same"] + progress.counts["skipped"],
    }
    if ignored and not options.json:
        click.echo(f"Left out: {', '.join(ignored)}. Say what a column is with --map COLUMN=FIELD.", err=True)
    return print_import(options, counts, problems, {"import": format_id(import_id), "ignored_columns": ignored})


@click.command("imports", cls=Command)
@click.pass_obj
def imports_command(options: GlobalOptions) -> None:
    """List the imports that can still be looked at or taken back."""
    store = open_store(settings_for(options.home))
    rows = [
        {
            "id": format_id(each.import_id),
            "file": each.source,
            "at": format_us(each.created_at),
            "by": each.author_name,
            "rows": each.row_count,
            "state": each.state,
        }
        for each in importing.list_imports(store, LOCAL_ADMINISTRATOR)
    ]
    print_rows(options, "imports", ("id", "file", "at", "by", "rows", "state"), rows, "Nothing was imported yet.")


@click.command("import-revert", cls=Command)
@click.argument("reference", metavar="ID")
@click.pass_obj
def revert_command(options: GlobalOptions, reference: str) -> int:
    """Take a whole import back: clients that it made are put away, what nobody changed since is as it was."""
    if not is_id(reference):
        raise InvalidInput(f"“{shorten(reference)}” is no import.", "See: filial-branch client imports")
    settings, import_id = settings_for(options.home), parse_id(reference)
    store = open_store(settings)
    importing.start_reverting(store, LOCAL_ADMINISTRATOR, import_id)
    row_count = importing.read_import(store, LOCAL_ADMINISTRATOR, import_id).row_count
    with closing(open_processor(settings, store)) as processor, _bar(options, row_count) as tell:
        progress = importing.revert_import(store, LOCAL_ADMINISTRATOR, import_id, processor.commit, tell)
    count = progress.counts["reverted"]
    print_result(options, {"reverted": count, "state": progress.state}, f"Took {count} rows back.")
    return EXIT_FAILED if progress.state == STOPPED else 0


@contextmanager
def _bar(options: GlobalOptions, row_count: int) -> Iterator[Told]:
    """A bar on a terminal; nothing where nobody looks."""
    if options.json or not sys.stderr.isatty():
        yield lambda *_: None
        return
    with click.progressbar(length=row_count, file=sys.stderr) as bar:
        yield lambda done, _rows: bar.update(done - bar.pos)


def _pairs(pairs: tuple[str, ...], columns: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        column, _, field = pair.rpartition("=")
        name = column.strip().lower().replace(" ", "_")
        if name not in columns:
            raise InvalidInput(f"The file has no column “{shorten(column)}”.", f"It has: {', '.join(columns)}.")
        found[name] = field.strip()
    return found


def _sentence(counts: Mapping[str, Any]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count) or "nothing"


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}.") from None
