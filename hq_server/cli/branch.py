"""`filial-hq branch`: the fleet."""

from __future__ import annotations

from typing import Any, BinaryIO

import click

from hq_server.bootstrap import head_office
from hq_server.operations import enrolment, fleet
from hq_server.storage.branches import BranchRow, all_branches, branch_by_code, read_cursor
from hq_server.storage.feed import number_feed
from hq_server.storage.lives import lives_of
from shared.certificates import read_web_request
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_json, print_result, print_rows
from shared.domain.business_time import format_us
from shared.domain.identifiers import format_id
from shared.sync.messages import ProcessingMode, WhenUnreachable
from shared.sync.recognition import LifeState

REQUEST_BYTES_MAX = 65_536


@click.group(cls=Group)
def branch() -> None:
    """Add, list, show, edit, enrol and revoke branches."""


@branch.command("add")
@click.argument("code")
@click.option("--name", help="Its name; the code when left out.")
@click.option("--timezone", help="Its time zone; the chain's when left out.")
@click.option("--zone", "price_zone", default="", help="Its price zone.")
@click.pass_obj
def add_command(options: GlobalOptions, code: str, name: str | None, timezone: str | None, price_zone: str) -> None:
    """Add a branch."""
    with head_office(options.home) as office:
        now_us = office.clock.now_us()
        with office.store.write() as connection:
            row = fleet.add_branch(connection, office.ids, now_us, code, name, timezone, price_zone)
        number_feed(office.store, now_us)
    print_result(options, _document(row), f"Branch {code} is added. Next: filial-hq branch token {code}")


@branch.command("list")
@click.pass_obj
def list_command(options: GlobalOptions) -> None:
    """List the branches."""
    with head_office(options.home) as office, office.store.read() as connection:
        rows = [_document(row) for row in all_branches(connection)]
    columns = ("code", "name", "timezone", "price_zone", "mode", "state")
    print_rows(options, "branches", columns, rows, "There is no branch yet. Add one: filial-hq branch add CODE")


@branch.command("show")
@click.argument("code")
@click.pass_obj
def show_command(options: GlobalOptions, code: str) -> None:
    """Show a branch."""
    with head_office(options.home) as office, office.store.read() as connection:
        row = branch_by_code(connection, code)
    print_result(options, _document(row))


@branch.command("edit")
@click.argument("code")
@click.option("--name", help="A new name.")
@click.option("--timezone", help="A new time zone; what was sold keeps its dates.")
@click.option("--zone", "price_zone", help="A new price zone; empty for none.")
@click.pass_obj
def edit_command(
    options: GlobalOptions, code: str, name: str | None, timezone: str | None, price_zone: str | None
) -> None:
    """Change a branch's settings; they reach it over the feed."""
    with head_office(options.home) as office:
        now_us = office.clock.now_us()
        with office.store.write() as connection:
            row = fleet.change_branch(connection, office.ids, now_us, code, name, timezone, price_zone)
        number_feed(office.store, now_us)
    print_result(options, _document(row), f"Branch {code} is changed; it learns so with its next contact.")


@branch.command("set-mode")
@click.argument("code")
@click.argument("mode", type=click.Choice([mode.value for mode in ProcessingMode]))
@click.option(
    "--when-unreachable",
    type=click.Choice(["refuse", "fall-back"]),
    help="What it does in centralized mode while the head office does not answer; as it was when left out.",
)
@click.pass_obj
def set_mode_command(options: GlobalOptions, code: str, mode: str, when_unreachable: str | None) -> None:
    """Let a branch commit its operations itself, or through the head office at once."""
    policy = None if when_unreachable is None else WhenUnreachable(when_unreachable.replace("-", "_"))
    with head_office(options.home) as office:
        now_us = office.clock.now_us()
        with office.store.write() as connection:
            row = fleet.set_mode(connection, office.ids, now_us, code, ProcessingMode(mode), policy)
        number_feed(office.store, now_us)
    print_result(options, _document(row), f"Branch {code} works in {mode} mode from its next contact on.")


@branch.command("token")
@click.argument("code")
@click.pass_obj
def token_command(options: GlobalOptions, code: str) -> None:
    """Print a one-use enrolment token, alone on standard output."""
    with head_office(options.home) as office:
        hours = office.settings.token_valid_hours
        with office.store.write() as connection:
            token = enrolment.issue_token(
                connection, office.authority(), office.ids, code, office.clock.now_us(), hours
            )
    if options.json:
        print_json({"branch": code, "token": token, "valid_hours": hours})
    else:
        click.echo(token)


@branch.command("web-certificate")
@click.argument("code")
@click.option("--request", type=click.File("rb"), default="-", help="What `filial-branch web-request` wrote.")
@click.pass_obj
def web_certificate_command(options: GlobalOptions, code: str, request: BinaryIO) -> None:
    """Certify the web pages of a branch: its request in, the certificate out, both PEM."""
    key, names = read_web_request(request.read(REQUEST_BYTES_MAX))
    with head_office(options.home) as office:
        with office.store.read() as connection:
            row = branch_by_code(connection, code)
        certificate = office.authority().issue_web(key, names, row.code, office.clock.now_us()).decode()
    if options.json:
        print_json({"branch": row.code, "certificate": certificate})
    else:
        click.echo(certificate, nl=False)


@branch.command("lives")
@click.argument("code")
@click.pass_obj
def lives_command(options: GlobalOptions, code: str) -> None:
    """List a branch's incarnations: each is one life of its store."""
    with head_office(options.home) as office, office.store.read() as connection:
        row = branch_by_code(connection, code)
        current = read_cursor(connection, row.id).incarnation
        rows = [_life_document(life, current) for life in lives_of(connection, row.id)]
    columns = ("incarnation", "state", "current", "parent", "parent_seq", "first_seen_at")
    print_rows(options, "lives", columns, rows, "The branch has never connected.")


@branch.command("heir")
@click.argument("code")
@click.argument("incarnation")
@click.pass_obj
def heir_command(options: GlobalOptions, code: str, incarnation: str) -> None:
    """Name the heir of a quarantined branch; every other copy of its store becomes a new incarnation."""
    with head_office(options.home) as office, office.store.write() as connection:
        row = branch_by_code(connection, code)
        fleet.name_heir(connection, row, incarnation)
    print_result(options, {"branch": code, "heir": incarnation}, f"Branch {code} goes on as {incarnation}.")


@branch.command("revoke")
@click.argument("code")
@click.pass_obj
def revoke_command(options: GlobalOptions, code: str) -> None:
    """Refuse a branch from now on. What it sent stays."""
    with head_office(options.home) as office, office.store.write() as connection:
        row = fleet.revoke_branch(connection, code, office.clock.now_us())
    print_result(options, _document(row), f"Branch {code} is revoked: its certificate is refused from now on.")


def _life_document(life: Any, current: bytes) -> dict[str, Any]:
    return {
        "incarnation": format_id(life.id),
        "state": LifeState(life.state).name.lower(),
        "current": life.id == current,
        "parent": None if life.parent_id is None else format_id(life.parent_id),
        "parent_seq": life.parent_seq,
        "first_seen_at": format_us(life.first_seen_at),
    }


def _document(row: BranchRow) -> dict[str, Any]:
    return {
        "id": format_id(row.id),
        "code": row.code,
        "name": row.name,
        "timezone": row.timezone,
        "price_zone": row.price_zone,
        "mode": row.mode.value,
        "when_unreachable": row.when_unreachable.value,
        "state": "active" if row.revoked_at_us is None else "revoked",
        "created_at": format_us(row.created_at_us),
        "revoked_at": None if row.revoked_at_us is None else format_us(row.revoked_at_us),
    }
