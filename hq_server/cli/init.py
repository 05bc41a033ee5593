"""`filial-hq init`."""

from __future__ import annotations

import click

from hq_server.bootstrap import first_log_in, found, settings_for
from hq_server.operations.first_log_in import FIRST_LOG_IN_HOURS
from shared.cli.commands import Command, GlobalOptions
from shared.cli.output import print_result
from shared.domain.identifiers import format_id


@click.command(cls=Command)
@click.option("--database", help="postgresql://USER:PASSWORD@HOST/NAME; a SQLite file in --home when left out.")
@click.option("--name", default="Chain", show_default=True, help="The chain's name.")
@click.option("--currency", default="RUB", show_default=True, help="ISO 4217 code of the chain's currency.")
@click.option("--timezone", default="Europe/Moscow", show_default=True, help="Time zone of branches that name none.")
@click.pass_obj
def init(options: GlobalOptions, database: str | None, name: str, currency: str, timezone: str) -> None:
    """Found a chain: its database and its certificate authority.

    An authority that is in the folder already, authority.key and authority.crt, is kept: so a head office moves to a
    new machine, where a backup is restored next.
    """
    settings = settings_for(options.home)
    is_kept = settings.authority_key_path.exists()
    founded = found(options.home, database, name, currency, timezone)
    next_step = (
        "It signs with the authority that was there.\nNext: filial-hq restore FILE, then filial-hq serve"
        if is_kept
        else "Keep copies of authority.key and authority.crt safe: they sign every branch.\n"
        "Next: filial-hq branch add CODE, filial-hq serve, filial-hq branch token CODE"
    )
    link = first_log_in(options.home)
    print_result(
        options,
        {
            "chain": format_id(founded.chain_id),
            "name": name,
            "currency": currency,
            "timezone": timezone,
            "first_login": link,
        },
        f"{name} has a head office in {settings.home}. {next_step}\n"
        f"First administrator, once, within {FIRST_LOG_IN_HOURS} hours, on the head office's web page: {link}",
    )
