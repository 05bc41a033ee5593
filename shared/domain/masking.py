"""Names, phones and e-mails of clients as those see them who may not see contacts: enough to tell two people apart."""

from __future__ import annotations

from typing import Final

LETTERS_SHOWN = 4
DIGITS_SHOWN = 4
HIDDEN: Final = "…"


def mask_name(name: str) -> str:
    """`Анна Петрова` as `А. Петр…`; of a single word its first letters."""
    words = name.split()
    if not words:
        return ""
    first, last = words[0], words[-1]
    shown = last[:LETTERS_SHOWN] + (HIDDEN if len(last) > LETTERS_SHOWN else "")
    return shown if len(words) == 1 else f"{first[0]}. {shown}"


def mask_phone(phone: str) -> str:
    """`+79123454567` as `•••4567`."""
    return f"•••{phone[-DIGITS_SHOWN:]}" if phone else ""


def mask_email(email: str) -> str:
    """`anna.petrova@example.org` as `a…@example.org`."""
    local, at, domain = email.partition("@")
    return f"{local[:1]}{HIDDEN}{at}{domain}" if email else ""
