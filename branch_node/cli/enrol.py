"""`filial-branch enrol`."""

from __future__ import annotations

import sys

import click

from branch_node.bootstrap import settings_for
from branch_node.bootstrap.joining import join_chain
from shared.cli.commands import Command, GlobalOptions
from shared.cli.output import print_result
from shared.domain.identifiers import format_id
from shared.errors import TokenRefused
from shared.wire.enrolment import TOKEN_CHARACTERS_MAX


@click.command(cls=Command)
@click.option("--hq", "hq_address", required=True, help="HOST:PORT of the head office.")
@click.option("--token", required=True, help="What `filial-hq branch token CODE` printed; - reads standard input.")
@click.option("--replace", is_flag=True, help="The branch's store is lost: bring it back from the head office.")
@click.pass_obj
def enrol(options: GlobalOptions, hq_address: str, token: str, replace: bool) -> None:
    """Join a chain with a one-use token from the head office."""
    if token == "-":  # noqa: S105 - the usual sign for standard input
        token = sys.stdin.read(TOKEN_CHARACTERS_MAX + 1)
    if not token.strip():
        raise TokenRefused("No token was given.", "Pipe it in, or name it with --token.")
    settings = settings_for(options.home)
    identity = join_chain(settings, hq_address, token, replace)
    next_step = "filial-branch sync run" if replace else "filial-branch serve, filial-branch sell -"
    print_result(
        options,
        {"branch": identity.code, "branch_id": format_id(identity.branch_id), "chain": identity.chain_name},
        f"This is now branch {identity.code} of {identity.chain_name}. Next: {next_step}",
    )
