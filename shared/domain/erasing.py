"""Who is erased, and by what a person is named: ids, cards that belong to the person, and words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from shared.errors import InvalidInput

TEXT_CHARACTERS_MIN: Final = 6
"""A shorter text is not looked for in what people wrote: it would be found where the person is not meant."""

REASON_CHARACTERS_MAX: Final = 300

NATIONAL_DIGITS: Final = 10
"""How many digits at its end name a phone within a country."""

_LIKE_A_CONTACT = re.compile(r".*@.*|\+?[\d ()-]{7,}")


class Erasing(NamedTuple):
    """Who is erased: clients by id, cards that belong to them by kind and id, and what names them in words."""

    clients: frozenset[bytes]
    cards: frozenset[tuple[int, bytes]] = frozenset()
    texts: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[bytes, ...]:
        """The ids of the clients and of the cards that belong to them."""
        return tuple(sorted({*self.clients, *(card_id for _, card_id in self.cards)}))

    @property
    def needles(self) -> tuple[bytes, ...]:
        """Bytes of which every record that is concerned holds at least one."""
        return (*self.ids, *(text.encode() for text in self.texts))


def texts_to_find(contacts: Iterable[str], names: Iterable[str] = ()) -> tuple[str, ...]:
    """What of a person's phones, addresses and names is looked for; of a phone also its digits without the country.

    A name of one word is not: others have it too. Longer texts come first, so that a phone goes whole.
    """
    wanted: set[str] = {name for name in names if " " in name.strip()}
    for text in contacts:
        digits = re.sub(r"\D", "", text)
        if text.startswith("+") and len(digits) > NATIONAL_DIGITS:
            wanted |= {digits, digits[-NATIONAL_DIGITS:]}
        wanted.add(text)
    found = [text for text in wanted if len(text.strip()) >= TEXT_CHARACTERS_MIN]
    return tuple(sorted(found, key=lambda text: (-len(text), text)))


def is_like_a_contact(text: str) -> bool:
    """Whether a client's number says who it is by itself: a phone or an e-mail address."""
    return _LIKE_A_CONTACT.fullmatch(text) is not None


def strike(text: str, texts: Iterable[str]) -> str:
    """A text without the words that name a person."""
    for each in texts:
        if each in text:
            text = text.replace(each, "")
    return text


def require_reason(reason: str, texts: Iterable[str]) -> str:
    """The reason of an order, which stays when the person has gone. Raises InvalidInput."""
    reason = " ".join(reason.split())
    if not reason:
        raise InvalidInput("An erasure needs a reason.", "Write who asked for it, and when: without a name.")
    if len(reason) > REASON_CHARACTERS_MAX:
        raise InvalidInput(f"A reason has at most {REASON_CHARACTERS_MAX} characters.")
    if strike(reason, texts) != reason:
        raise InvalidInput("The reason names the person.", "It stays for ever: write it without name, phone or e-mail.")
    return reason
