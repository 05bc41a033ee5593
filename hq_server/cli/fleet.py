"""`filial-hq fleet`: what the pages of the fleet do, for whoever runs no server or writes scripts."""

from __future__ import annotations

import os

import click

from hq_server.bootstrap import head_office
from hq_server.bootstrap.fleet_watching import run_checks, watch_room
from hq_server.mail.alert_passes import tell_waiting, watch_fleet
from hq_server.operations.fleet_alerts import list_alerts
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_result, print_rows
from shared.domain.business_time import format_us
from shared.domain.permissions import LOCAL_ADMINISTRATOR

NICENESS = 10
"""Of a process of checks: merges come first."""


@click.group(cls=Group)
def fleet() -> None:
    """Look at the fleet, tell of alerts, run checks that wait."""


@fleet.command("alerts")
@click.pass_obj
def alerts_command(options: GlobalOptions) -> None:
    """List alerts, the open ones first."""
    with head_office(options.home) as office, office.store.read() as connection:
        rows = [
            {
                "branch": each.branch_code,
                "kind": each.alert.kind.value,
                "figure": each.alert.figure,
                "raised_at": format_us(each.alert.raised_at_us),
                "told_at": _moment(each.alert.told_at_us),
                "delivered_at": _moment(each.alert.delivered_at_us),
                "cleared_at": _moment(each.alert.cleared_at_us),
                "error": each.alert.error,
            }
            for each in list_alerts(connection, LOCAL_ADMINISTRATOR)
        ]
    columns = ("branch", "kind", "figure", "raised_at", "told_at", "delivered_at", "cleared_at", "error")
    print_rows(options, "alerts", columns, rows, "There was no alert yet.")


@fleet.command("watch")
@click.pass_obj
def watch_command(options: GlobalOptions) -> None:
    """Look at the fleet once and tell what is to be told, as `serve` does at intervals."""
    with head_office(options.home) as office:
        room = watch_room(office)
        looked, told = watch_fleet(room), tell_waiting(room)
    document = {**looked, "delivered": told.get("delivered", 0), "failed": told.get("failed", 0)}
    sentence = (
        f"{document['sampled']} branches were looked at, {document['events']} events are to be told; "
        f"{document['delivered']} messages were delivered, {document['failed']} were not."
    )
    print_result(options, document, sentence)


@fleet.command("check")
@click.pass_obj
def check_command(options: GlobalOptions) -> None:
    """Run the checks that were asked for on the pages, as `serve` does by itself."""
    os.nice(NICENESS)
    with head_office(options.home) as office:
        done = run_checks(office)
    print_result(options, {"checks": done}, f"{done} checks were run.")


def _moment(at_us: int | None) -> str | None:
    return None if at_us is None else format_us(at_us)
