"""`filial-hq promotion`: what is taken off prices, when, where and for whom."""

from __future__ import annotations

from typing import Any

import click

from hq_server.bootstrap import head_office
from hq_server.operations.founding import read_chain
from hq_server.operations.promotions import add_promotion, end_promotion, list_promotions, show_promotion
from hq_server.storage.feed import number_feed
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_result, print_rows
from shared.cli.parameters import parse_day, parse_hours
from shared.domain.identifiers import NIL_ID
from shared.domain.money import parse_major, require_minor
from shared.domain.percentages import parse_percent
from shared.domain.promotion_rules import Promotion, PromotionType
from shared.errors import InvalidInput

_COLUMNS = ("code", "name", "type", "value", "n", "m", "valid_from", "valid_to", "combinable", "priority")


@click.group(cls=Group)
def promotion() -> None:
    """Make, list, show and end promotions."""


@promotion.command("add")
@click.argument("code")
@click.option("--name", required=True, help="What is printed on the receipt as the reason.")
@click.option("--percent", metavar="PERCENT", help="So much off, such as 12.5.")
@click.option("--amount-off", metavar="AMOUNT", help="So much off every unit, such as 50.00.")
@click.option("--fixed-price", metavar="AMOUNT", help="What a unit costs.")
@click.option("--n", type=int, help="Of N units --m are paid; the cheapest are free.")
@click.option("--m", type=int, help="How many of --n are paid.")
@click.option("--sku", "skus", multiple=True, help="For this product; may be given again.")
@click.option("--category", "categories", multiple=True, help="For this category; may be given again.")
@click.option("--group", "client_groups", multiple=True, help="For clients of this group; may be given again.")
@click.option("--zone", "zones", multiple=True, help="In this price zone; may be given again.")
@click.option("--from", "valid_from", metavar="DAY", help="The first day, as 2026-12-01.")
@click.option("--to", "valid_to", metavar="DAY", help="The last day.")
@click.option("--weekdays", default="", help="Digits of weekdays, Monday is 1: 67 is the weekend.")
@click.option("--hours", metavar="HH:MM-HH:MM", help="Hours of the day.")
@click.option("--minimum", metavar="AMOUNT", help="What the basket must come to at list prices.")
@click.option("--priority", type=int, default=0, help="The smaller counts first.")
@click.option("--exclusive", is_flag=True, help="Not together with others on the same goods: the better one counts.")
@click.option("--per-basket", is_flag=True, help="Off all the goods together instead of every unit.")
@click.pass_obj
def add_command(options: GlobalOptions, /, **given: Any) -> None:
    """Make a promotion under CODE: by exactly one of --percent, --amount-off, --fixed-price and --n with --m."""
    with head_office(options.home) as office:
        now_us = office.clock.now_us()
        with office.store.write() as connection:
            wanted = _promotion(given, read_chain(connection).currency)
            add_promotion(connection, office.ids, now_us, wanted)
        number_feed(office.store, now_us)
    print_result(options, {"code": wanted.code}, f"Promotion {wanted.code} goes to every branch.")


def _promotion(given: dict[str, Any], currency: str) -> Promotion:
    minute_from, minute_to = parse_hours(given["hours"])
    minimum = given["minimum"]
    return Promotion(
        promotion_id=NIL_ID,
        code=given["code"],
        name=given["name"],
        **_effect(given, currency),
        skus=frozenset(given["skus"]),
        categories=frozenset(given["categories"]),
        client_groups=frozenset(given["client_groups"]),
        zones=frozenset(given["zones"]),
        valid_from=parse_day(given["valid_from"], "--from"),
        valid_to=parse_day(given["valid_to"], "--to"),
        weekdays=given["weekdays"],
        minute_from=minute_from,
        minute_to=minute_to,
        minimum_minor=0 if minimum is None else require_minor(parse_major(minimum, currency), "--minimum"),
        combinable=not given["exclusive"],
        priority=given["priority"],
        per_basket=given["per_basket"],
    )


def _effect(given: dict[str, Any], currency: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    if given["percent"] is not None:
        found.append({"type": PromotionType.PERCENT, "value": parse_percent(given["percent"])})
    for name, kind in (("amount_off", PromotionType.AMOUNT_OFF), ("fixed_price", PromotionType.FIXED_PRICE)):
        if given[name] is not None:
            found.append({"type": kind, "value": require_minor(parse_major(given[name], currency), "The amount")})
    if given["n"] is not None or given["m"] is not None:
        found.append({"type": PromotionType.N_FOR_M, "n": given["n"] or 0, "m": given["m"] or 0})
    if len(found) != 1:
        raise InvalidInput("Say what the promotion does.", "Give one: --percent, --amount-off, --fixed-price, --n --m.")
    return found[0]


@promotion.command("list")
@click.option("--archived", is_flag=True, help="Also those that were ended at once.")
@click.pass_obj
def list_command(options: GlobalOptions, archived: bool) -> None:
    """List the promotions in the order in which they count."""
    with head_office(options.home) as office, office.store.read() as connection:
        rows = list_promotions(connection, archived)
    print_rows(options, "promotions", _COLUMNS, rows, "There is none. Make one: filial-hq promotion add CODE …")


@promotion.command("show")
@click.argument("code")
@click.pass_obj
def show_command(options: GlobalOptions, code: str) -> None:
    """Show the promotion CODE."""
    with head_office(options.home) as office, office.store.read() as connection:
        print_result(options, show_promotion(connection, code))


@promotion.command("end")
@click.argument("code")
@click.option("--on", "last_day", metavar="DAY", help="Its last day; without one it ends at once.")
@click.pass_obj
def end_command(options: GlobalOptions, code: str, last_day: str | None) -> None:
    """End the promotion CODE."""
    with head_office(options.home) as office:
        now_us = office.clock.now_us()
        with office.store.write() as connection:
            end_promotion(connection, office.ids, now_us, code, parse_day(last_day, "--on"))
        number_feed(office.store, now_us)
    ends = "at once" if last_day is None else f"after {last_day}"
    print_result(options, {"code": code, "last_day": last_day}, f"Promotion {code} ends {ends}, wherever it is known.")
