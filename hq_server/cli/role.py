"""`filial-hq role`: what the positions of the chain allow."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import click

from hq_server.bootstrap import head_office
from hq_server.operations.founding import read_chain
from hq_server.operations.people import Personnel
from hq_server.operations.people_lists import role_document
from hq_server.storage.feed import number_feed
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_result, print_rows
from shared.domain.money import format_minor, parse_major, scale_exactly
from shared.domain.permissions import (
    BASIS_POINTS_WHOLE,
    HIDEABLE_FIELDS,
    NO_LIMITS,
    ClientScope,
    Permission,
    Role,
)
from shared.errors import InvalidInput
from shared.operations.people import all_roles, find_role


@click.group(cls=Group)
def role() -> None:
    """List and change the roles: their permissions and limits."""


@role.command("list")
@click.pass_obj
def list_command(options: GlobalOptions) -> None:
    """List the roles."""
    with head_office(options.home) as office, office.store.read() as connection:
        currency = read_chain(connection).currency
        rows = [role_document(each) for each in all_roles(connection)]
    shown = rows
    if not options.json:
        shown = [
            {
                **row,
                "discount": f"{row['discount_basis_points_max'] / 100:g} %",
                "refund_without_receipt": _amount(row["refund_without_receipt_minor_max"], currency),
            }
            for row in rows
        ]
    columns = ("code", "name", "name_ru", "discount", "refund_without_receipt", "client_scope", "permissions")
    print_rows(options, "roles", columns, shown, "There is no role.")


@role.command("set")
@click.argument("code")
@click.option("--name", help="Its name in every language; as it was when left out, for a new role the code.")
@click.option(
    "--permission",
    "permissions",
    multiple=True,
    type=click.Choice([str(each) for each in Permission]),
    help="All permissions from now on; may be repeated; as they were when left out.",
)
@click.option("--allow", multiple=True, type=click.Choice([str(each) for each in Permission]), help="One more.")
@click.option("--deny", multiple=True, type=click.Choice([str(each) for each in Permission]), help="One less.")
@click.option("--discount-max", help="The largest discount in per cent, as 7.5.")
@click.option("--refund-max", help="The largest refund without a receipt, as 5000.00.")
@click.option(
    "--client-scope",
    type=click.Choice([str(each) for each in ClientScope]),
    help="Whose clients the lists show; as it was when left out, for a new role branch.",
)
@click.option(
    "--hide",
    "hidden",
    multiple=True,
    type=click.Choice([*sorted(HIDEABLE_FIELDS), "nothing"]),
    help="All fields of clients that are never shown from now on; may be repeated; as they were when left out.",
)
@click.option("--archive/--restore", "archived", default=False, help="Put the role away, or bring it back.")
@click.pass_obj
def set_command(
    options: GlobalOptions,
    code: str,
    name: str | None,
    permissions: tuple[str, ...],
    allow: tuple[str, ...],
    deny: tuple[str, ...],
    discount_max: str | None,
    refund_max: str | None,
    client_scope: str | None,
    hidden: tuple[str, ...],
    archived: bool,
) -> None:
    """Make a role or change one; what is left out stays as it was. It reaches the branches over the feed."""
    with head_office(options.home) as office:
        now_us = office.clock.now_us()
        with office.store.write() as connection:
            known = find_role(connection, code, with_archived=True) or Role(code, code, code, frozenset())
            currency = read_chain(connection).currency
            limits = known.limits
            if discount_max is not None:
                limits = limits._replace(discount_basis_points_max=_basis_points(discount_max))
            if refund_max is not None:
                limits = limits._replace(refund_without_receipt_minor_max=parse_major(refund_max, currency))
            wanted = _wanted(known, permissions, allow, deny)
            names = (name or known.name_ru, name or known.name_en)
            scope = known.client_scope if client_scope is None else ClientScope(client_scope)
            hides = frozenset(hidden) & HIDEABLE_FIELDS if hidden else known.hidden_fields
            changed = Role(code, *names, wanted, limits, scope, hides)
            Personnel(connection, office.ids, now_us).set_role(changed, name, archived)
        number_feed(office.store, now_us)
    sentence = (
        f"Role {code} is put away." if archived else f"Role {code} is set; branches learn it at their next contact."
    )
    print_result(options, {**role_document(changed), "archived": archived}, sentence)


def _wanted(
    known: Role, permissions: tuple[str, ...], allow: tuple[str, ...], deny: tuple[str, ...]
) -> frozenset[Permission]:
    kept = frozenset(map(Permission, permissions)) if permissions else known.permissions
    return (kept | frozenset(map(Permission, allow))) - frozenset(map(Permission, deny))


def _basis_points(text: str) -> int:
    """Per cent with up to two places."""
    try:
        basis_points = scale_exactly(Decimal(text.replace(",", ".").removesuffix("%").strip()), 2)
    except InvalidOperation:
        basis_points = None
    if basis_points is None or not 0 <= basis_points <= BASIS_POINTS_WHOLE:
        raise InvalidInput("The largest discount is 0 to 100 per cent, with at most two places.", "Write it as 7.5.")
    return basis_points


def _amount(amount_minor: int, currency: str) -> str:
    return (
        "no limit"
        if amount_minor >= NO_LIMITS.refund_without_receipt_minor_max
        else format_minor(amount_minor, currency)
    )
