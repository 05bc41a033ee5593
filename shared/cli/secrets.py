"""Reading a password or a PIN: asked for at a terminal, else one line of standard input. Never from the command line,
where the list of processes shows it."""

from __future__ import annotations

import sys

import click

from shared.errors import InvalidInput

SECRET_CHARACTERS_MAX = 1_000


def read_secret(what: str) -> str:
    """The secret as it was typed or piped in. Raises InvalidInput when there is none."""
    if sys.stdin.isatty():
        return str(click.prompt(what, hide_input=True, confirmation_prompt=True))
    try:
        line = sys.stdin.readline(SECRET_CHARACTERS_MAX)
    except UnicodeDecodeError:
        raise InvalidInput(f"The {what.lower()} on standard input is no text.", "Send it as UTF-8.") from None
    secret = line.rstrip("\r\n")
    if not secret:
        raise InvalidInput(f"There is no {what.lower()} on standard input.", "Pipe it in, or run this at a terminal.")
    return secret
