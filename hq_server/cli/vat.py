"""`filial-hq vat`: the rates that products are taxed at, and from when on."""

from __future__ import annotations

import click

from hq_server.bootstrap import head_office
from hq_server.operations.founding import read_chain
from hq_server.operations.vat_rates import list_vat_rates, set_vat_rate
from hq_server.storage.feed import number_feed
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_result, print_rows
from shared.cli.parameters import parse_day
from shared.domain.percentages import format_percent, parse_percent
from shared.domain.vat import DatedVatRate

WITHOUT_VAT = "none"


@click.group(cls=Group)
def vat() -> None:
    """Set and list VAT rates."""


@vat.command("set")
@click.argument("code")
@click.argument("rate")
@click.option("--from", "valid_from", metavar="DAY", help="The first day, as 2026-01-01; without one, always.")
@click.option("--to", "valid_to", metavar="DAY", help="The last day; without one, until another begins.")
@click.pass_obj
def set_command(options: GlobalOptions, code: str, rate: str, valid_from: str | None, valid_to: str | None) -> None:
    """Set what the VAT code CODE means: RATE per cent, or “none” for goods without VAT, which is not 0 per cent."""
    basis_points = None if rate == WITHOUT_VAT else parse_percent(rate)
    wanted = DatedVatRate(code, basis_points, parse_day(valid_from, "--from"), parse_day(valid_to, "--to"))
    with head_office(options.home) as office:
        now_us = office.clock.now_us()
        with office.store.write() as connection:
            chain_id = read_chain(connection).chain_id
            changed = set_vat_rate(connection, office.ids, now_us, chain_id, wanted)
        number_feed(office.store, now_us)
    meaning = "without VAT" if basis_points is None else format_percent(basis_points)
    sentence = f"{code} is {meaning}." if changed else f"{code} was {meaning} already."
    print_result(options, {"code": code, "rate_basis_points": basis_points, "changed": changed}, sentence)


@vat.command("list")
@click.pass_obj
def list_command(options: GlobalOptions) -> None:
    """List the VAT rates."""
    with head_office(options.home) as office, office.store.read() as connection:
        rows = list_vat_rates(connection)
    if not options.json:
        for row in rows:
            basis_points = row["rate_basis_points"]
            row["rate"] = "without VAT" if basis_points is None else format_percent(basis_points)
    columns = ("code", "rate", "valid_from", "valid_to")
    print_rows(options, "rates", columns, rows, "There is none. Set one: filial-hq vat set standard 20")
