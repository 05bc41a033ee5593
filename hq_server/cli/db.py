"""`filial-hq db`: the database itself."""

from __future__ import annotations

import click

from hq_server.bootstrap import any_schema_store, head_office
from hq_server.operations.erasing import scour_if_due
from hq_server.storage import migrations
from hq_server.storage.branches import branch_names
from hq_server.storage.compaction import compact_feed
from hq_server.storage.rollups import compare_rollups, rebuild_rollups
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_json, print_result
from shared.cli.program import EXIT_FAILED
from shared.storage.raw_rows import raw_texts

DIFFERENCES_SHOWN_MAX = 20


@click.group(cls=Group)
def db() -> None:
    """Upgrade, check and scour the database, compact the feed, rebuild rollups."""


@db.command("upgrade")
@click.pass_obj
def upgrade_command(options: GlobalOptions) -> None:
    """Bring the database's schema up to this release."""
    with any_schema_store(options.home) as store, store.write() as connection:
        before = migrations.revision(connection)
        migrations.upgrade(connection)
        after = migrations.revision(connection)
    print_result(options, {"before": before, "after": after}, f"The schema is {after}.")


@db.command("check")
@click.pass_obj
def check_command(options: GlobalOptions) -> int:
    """Compare the database's schema with what this release expects."""
    with any_schema_store(options.home) as store, store.read() as connection:
        revision = migrations.revision(connection)
        differences = [str(difference) for difference in migrations.differences(connection)]
    sound = revision == migrations.HEAD and not differences
    document = {"revision": revision, "expected": migrations.HEAD, "differences": differences, "sound": sound}
    if options.json:
        print_json(document)
    else:
        click.echo(f"The schema is {revision}, this release expects {migrations.HEAD}; {len(differences)} differences.")
        for difference in differences[:DIFFERENCES_SHOWN_MAX]:
            click.echo(f"  {difference}")
    return 0 if sound else EXIT_FAILED


@db.command("compact-feed")
@click.pass_obj
def compact_command(options: GlobalOptions) -> None:
    """Fold what the feed says of a card into one record; `serve` does so by itself."""
    with head_office(options.home) as office:
        done = compact_feed(office.store)
    sentence = f"{done.rows} rows looked at, {done.folded} folded into later ones."
    print_result(options, done._asdict(), sentence)


@db.command("scour")
@click.pass_obj
def scour_command(options: GlobalOptions) -> int:
    """Write the tables anew, so that no trace of an erased person is left in the database's files."""
    with head_office(options.home) as office:
        done = scour_if_due(office.store, office.clock.now_us(), thoroughly=True)
    sentence = "The files hold no traces any more." if done else "Somebody reads an old state of the store; try again."
    print_result(options, {"scoured": done}, sentence)
    return 0 if done else EXIT_FAILED


@db.command("rebuild-rollups")
@click.option("--compare", is_flag=True, help="Change nothing; say where rollups differ from the facts.")
@click.pass_obj
def rebuild_command(options: GlobalOptions, compare: bool) -> int:
    """Compute every rollup again from the facts."""
    with head_office(options.home) as office:
        if compare:
            with office.store.read() as connection, raw_texts(connection):
                codes = branch_names(connection)
                differences = [difference.sentence(codes) for difference in compare_rollups(connection)]
            if options.json:
                print_json({"equal": not differences, "differences": differences})
            else:
                click.echo("Rollups and facts agree." if not differences else f"{len(differences)} rollup rows differ:")
                for found in differences[:DIFFERENCES_SHOWN_MAX]:
                    click.echo(f"  {found}")
            return EXIT_FAILED if differences else 0
        with office.store.write() as connection:
            counts = rebuild_rollups(connection)
    print_result(options, counts)
    return 0
