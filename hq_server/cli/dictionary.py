"""`filial-hq dictionary`: the words that people choose from when they log what took place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from sqlalchemy import Connection

from hq_server.bootstrap import HeadOffice, head_office
from hq_server.operations.dictionaries import add_default_terms, add_term, change_term, list_terms, move_term
from hq_server.storage.feed import number_feed
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_result, print_rows
from shared.domain.dictionaries import Dictionary, Term
from shared.errors import InvalidInput

ResultT = TypeVar("ResultT")
_DICTIONARY = click.Choice([str(each) for each in Dictionary])


@click.group(cls=Group)
def dictionary() -> None:
    """Outcomes of calls, themes and competitors: list, add, rename, order and put away."""


@dictionary.command("list")
@click.argument("name", metavar="[DICTIONARY]", required=False, type=_DICTIONARY)
@click.option("--all", "everything", is_flag=True, help="With the words that were put away.")
@click.pass_obj
def list_command(options: GlobalOptions, name: str | None, everything: bool) -> None:
    """List the words of all dictionaries, or of one: outcome, theme or competitor."""
    with head_office(options.home) as office, office.store.read() as connection:
        known = list_terms(connection)
    rows = [
        term._asdict()
        for each, terms in known.items()
        if name in (None, each)
        for term in terms
        if everything or not term.archived
    ]
    columns = ("dictionary", "code", "name", "name_en", "is_target", "archived")
    print_rows(options, "terms", columns, rows, "There is none. Begin with: filial-hq dictionary default")


@dictionary.command("default")
@click.pass_obj
def default_command(options: GlobalOptions) -> None:
    """Add the words that a chain may begin with; those that are there already stay as they are."""
    added = _change(options, lambda office, connection, now_us: add_default_terms(connection, office.ids, now_us))
    sentence = f"Added words: {added}." if added else "They were there already."
    print_result(options, {"added": added}, sentence)


@dictionary.command("add")
@click.argument("name", metavar="DICTIONARY", type=_DICTIONARY)
@click.argument("word")
@click.option("--english", default="", help="The word in English.")
@click.option("--code", default="", help="Its code; without one it is made from the word.")
@click.option("--target", is_flag=True, help="An outcome that a call is made for.")
@click.pass_obj
def add_command(options: GlobalOptions, name: str, word: str, english: str, code: str, target: bool) -> None:
    """Add a word at the end of a dictionary."""
    wanted = Term(name, code, word, english, target)
    added = _change(options, lambda office, connection, now_us: add_term(connection, office.ids, now_us, wanted))
    print_result(options, {"dictionary": name, "code": added.code}, f"Added {added.code}: {added.name}.")


@dictionary.command("edit")
@click.argument("name", metavar="DICTIONARY", type=_DICTIONARY)
@click.argument("code")
@click.option("--russian", "name_ru", help="The word in Russian.")
@click.option("--english", "name_en", help="The word in English.")
@click.option("--target/--no-target", "is_target", default=None, help="Whether a call is made for that outcome.")
@click.option("--archive/--restore", "archived", default=None, help="Put the word away, or offer it again.")
@click.option("--move", metavar="PLACES", type=int, help="Places down; up where that is negative.")
@click.pass_obj
def edit_command(options: GlobalOptions, /, name: str, code: str, move: int | None, **given: Any) -> None:
    """Rename a word, move it, put it away or bring it back. What was logged with it keeps it."""
    names = {"name_ru": "name"}
    changes = {names.get(key, key): value for key, value in given.items() if value is not None}
    if not changes and move is None:
        raise InvalidInput("Nothing was given to change.", "See: filial-hq dictionary edit --help")

    def work(office: HeadOffice, connection: Connection, now_us: int) -> bool:
        changed = bool(changes) and change_term(connection, office.ids, now_us, name, code, changes)
        moved = move is not None and move_term(connection, office.ids, now_us, name, code, move)
        return changed or moved

    changed = _change(options, work)
    sentence = f"Changed {code}." if changed else f"Nothing to change: {code} is so already."
    print_result(options, {"dictionary": name, "code": code, "changed": changed}, sentence)


def _change(options: GlobalOptions, work: Callable[[HeadOffice, Connection, int], ResultT]) -> ResultT:
    with head_office(options.home) as office:
        now_us = office.clock.now_us()
        with office.store.write() as connection:
            result = work(office, connection, now_us)
        number_feed(office.store, now_us)
    return result
