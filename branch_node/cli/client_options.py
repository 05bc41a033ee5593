"""The fields of a client's card as options of a command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from sqlalchemy import Connection

from shared.domain.clients import ClientKind
from shared.errors import NotFound
from shared.operations.client_history import find_employee_id
from shared.operations.clients import resolve_client

Command = TypeVar("Command", bound=Callable[..., Any])

_KINDS = click.Choice([kind.value for kind in ClientKind])
_TEXTS = (
    ("--birthday", "Birthday: 1984-12-31, 31.12.1984, or 31.12 without the year."),
    ("--preferences", "What the client likes."),
    ("--address", "Address."),
    ("--language", "Language spoken: ru, en, …"),
    ("--tax-number", "Tax number; a Russian one is checked."),
    ("--loyalty-number", "Number of the loyalty card."),
    ("--position", "As what a contact works in the company."),
    ("--consent-data-source", "How the consent to keep personal data was given or withdrawn."),
    ("--consent-advertising-source", "The same of the consent to be sent advertising."),
    ("--do-not-contact-reason", "Why the client is not to be contacted."),
    ("--note", "A note."),
    ("--group", "What promotions are for."),
    ("--tier", "What points are earned by, such as gold."),
)


def details(command: Command) -> Command:
    """The options that `client add` and `client edit` share."""
    options = [
        click.option("--name", help="Full name, or a company's."),
        click.option("--external-id", help="The client's number elsewhere."),
        click.option("--kind", type=_KINDS, help="A person, unless it is a company."),
        click.option("--phone", "phones", multiple=True, help="A phone; may be repeated. All phones from now on."),
        click.option("--email", "emails", multiple=True, help="An e-mail; may be repeated. All e-mails from now on."),
        click.option("--tag", "tags", multiple=True, help="A tag; may be repeated. All tags from now on."),
        *(click.option(name, help=f"{text} Empty to clear.") for name, text in _TEXTS),
        click.option("--company", metavar="ID", help="The company whose contact this is, by id or external id."),
        click.option("--owner", metavar="CODE", help="The employee who looks after the client."),
        click.option("--consent-data/--no-consent-data", default=None, help="The consent to keep personal data."),
        click.option("--consent-advertising/--no-consent-advertising", default=None, help="To be sent advertising."),
        click.option("--do-not-contact/--may-contact", default=None, help="Whether the client wants no contact."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def given_fields(connection: Connection, options: dict[str, Any]) -> dict[str, Any]:
    """The fields that were given, with company and owner looked up. Raises NotFound."""
    given = {name: value for name, value in options.items() if value not in (None, ())}
    if "external_id" in given:
        given["external_id"] = given["external_id"] or None
    if "company" in given:
        company = given.pop("company")
        given["company_id"] = resolve_client(connection, company) if company else None
    if "owner" in given:
        code = given.pop("owner")
        given["owner_id"] = find_employee_id(connection, code) if code else None
        if code and given["owner_id"] is None:
            raise NotFound(f"There is no employee {code} here.", "See: filial-branch employee list")
    return given
