"""`filial-branch letter`: letters to a client, which the head office sends, and the client's answers."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import Any

import click

from branch_node.bootstrap import open_processor, open_store, settings_for
from branch_node.operations import letters
from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_result, print_rows
from shared.domain.business_time import format_us
from shared.domain.identifiers import format_id, parse_id
from shared.domain.mail import Draft, MailPurpose
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.operations.clients import resolve_client
from shared.operations.letters import Letter


@click.group(cls=Group)
def letter() -> None:
    """Write to a client, take a letter back that waits, list a client's letters."""


@letter.command("write")
@click.argument("client")
@click.option("--subject", required=True, help="What it is about, on one line.")
@click.option("--text", "body", required=True, help="The text; “-” reads it from the standard input.")
@click.option(
    "--purpose",
    type=click.Choice([each.value for each in MailPurpose]),
    default=MailPurpose.SERVICE.value,
    show_default=True,
    help="What it is for: the two need different consents.",
)
@click.option("--to", "address", help="One of the client's addresses; without it, the first.")
@click.option("--override-reason", help="Why you write to a client who wants no contact.")
@click.pass_obj
def write_command(options: GlobalOptions, /, client: str, purpose: str, **given: str | None) -> None:
    """Write to CLIENT, an id or external id. The head office sends the letter if the client's consent allows it."""
    settings, store = _open(options)
    client_id = _client(store, client)
    desk = letters.open_desk(store, LOCAL_ADMINISTRATOR, client_id)
    address = given["address"] or (desk.addresses[0] if desk.addresses else "")
    body = sys.stdin.read() if given["body"] == "-" else given["body"] or ""
    draft = Draft(MailPurpose(purpose), address, given["subject"] or "", body, given["override_reason"])
    letter_id = store.ids.new_id()
    with closing(open_processor(settings, store)) as processor:
        letters.write_letter(processor.commit, LOCAL_ADMINISTRATOR, client_id, letter_id, draft)
    print_result(options, {"id": format_id(letter_id)}, f"The letter {format_id(letter_id)} waits to be sent.")


@letter.command("take-back")
@click.argument("client")
@click.argument("letter_id", metavar="LETTER")
@click.pass_obj
def take_back_command(options: GlobalOptions, client: str, letter_id: str) -> None:
    """Take a letter back that waits, unless the head office has sent it by now."""
    settings, store = _open(options)
    with closing(open_processor(settings, store)) as processor:
        changed = letters.take_back(processor.commit, LOCAL_ADMINISTRATOR, _client(store, client), parse_id(letter_id))
    sentence = "The letter is taken back." if changed else "It was taken back already."
    print_result(options, {"id": letter_id, "changed": changed}, sentence)


@letter.command("list")
@click.argument("client")
@click.pass_obj
def list_command(options: GlobalOptions, client: str) -> None:
    """List a client's letters and what became of them, the newest first."""
    _, store = _open(options)
    seen = letters.read_letters(store, LOCAL_ADMINISTRATOR, _client(store, client))
    columns = ("id", "written_at", "direction", "address", "subject", "state", "detail")
    print_rows(options, "letters", columns, [_row(each) for each in seen.letters], "There is none.")


def _row(each: Letter) -> dict[str, Any]:
    return {
        "id": format_id(each.letter_id),
        "written_at": format_us(each.created_at_us),
        "direction": each.direction.value,
        "address": each.address,
        "subject": each.subject,
        "state": each.state.value,
        "detail": each.detail,
    }


def _open(options: GlobalOptions) -> tuple[Settings, BranchStore]:
    settings = settings_for(options.home)
    return settings, open_store(settings)


def _client(store: BranchStore, reference: str) -> bytes:
    with store.read() as connection:
        return resolve_client(connection, reference)
