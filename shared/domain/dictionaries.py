"""The words that people choose from when they log what took place: outcomes, themes, competitors of the whole chain."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

from shared.domain.identifiers import derived_id, is_encodable, shorten
from shared.errors import InvalidInput

TERM_NAME_CHARACTERS_MAX: Final = 60
TERM_CODE_CHARACTERS_MAX: Final = 40
TERMS_PER_DICTIONARY_MAX: Final = 100

_CODE = re.compile(r"[a-z0-9][a-z0-9_-]*", re.ASCII)
_LATIN: Final = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        "a b v g d e e zh z i y k l m n o p r s t u f kh ts ch sh sch _ y _ e yu ya".replace("_", "").split(" "),
        strict=True,
    )
)


class Dictionary(StrEnum):
    """What a word is for. The value is what a card holds; it never changes."""

    OUTCOME = "outcome"
    THEME = "theme"
    COMPETITOR = "competitor"


class Term(NamedTuple):
    """A word. `name` is Russian, `name_en` English; `is_target` is an outcome that the call was made for."""

    dictionary: str
    code: str
    name: str
    name_en: str = ""
    is_target: bool = False
    place: int = 0
    archived: bool = False

    def shown(self, language: str) -> str:
        """The word for people who read that language; the other one's where there is none."""
        first, second = (self.name, self.name_en) if language == "ru" else (self.name_en, self.name)
        return first or second or self.code


Dictionaries = dict[str, list[Term]]
"""The words of each dictionary in their order; every dictionary is there."""

_OUTCOMES: Final = (
    ("agreed", "договорились", "agreed", True),
    ("order", "заказ", "order", True),
    ("visit_planned", "придёт в магазин", "will visit the shop", True),
    ("thinking", "думает", "thinking it over", False),
    ("call_back", "просил перезвонить", "asked to call back", False),
    ("informed", "проинформирован", "informed", False),
    ("refused", "отказ", "refused", False),
    ("complaint", "жалоба", "complaint", False),
    ("not_reached", "не дозвонились", "not reached", False),
    ("wrong_number", "неверный номер", "wrong number", False),
)
_THEMES: Final = (
    ("price", "цена", "price"),
    ("quality", "качество", "quality"),
    ("range", "ассортимент", "range"),
    ("delivery", "доставка", "delivery"),
    ("service", "обслуживание", "service"),
    ("promotion", "акции", "promotions"),
)

DEFAULT_TERMS: Final = (
    *(
        Term(Dictionary.OUTCOME, code, name, name_en, is_target, place)
        for place, (code, name, name_en, is_target) in enumerate(_OUTCOMES, 1)
    ),
    *(
        Term(Dictionary.THEME, code, name, name_en, False, place)
        for place, (code, name, name_en) in enumerate(_THEMES, 1)
    ),
)
"""What a chain may begin with. Its competitors it must know itself."""


UNREACHED_CODES: Final = frozenset({"not_reached", "wrong_number"})
"""Outcomes that say that nobody was spoken with."""


def term_id(chain_id: bytes, dictionary: str, code: str) -> bytes:
    """The id of a word: the same on every node."""
    return derived_id("dictionary_term", chain_id, dictionary.encode(), code.encode())


def require_term(term: Term) -> Term:
    """The word, checked, without white space around its names. Raises InvalidInput."""
    if term.dictionary not in frozenset(map(str, Dictionary)):
        raise InvalidInput(
            f"There is no dictionary “{shorten(term.dictionary)}”.", f"There are: {', '.join(Dictionary)}."
        )
    if len(term.code) > TERM_CODE_CHARACTERS_MAX or not _CODE.fullmatch(term.code):
        raise InvalidInput(
            f"“{shorten(term.code)}” is no code of a word.", "A code is of small Latin letters, digits, - and _."
        )
    name, name_en = (" ".join(text.split()) for text in (term.name, term.name_en))
    if not name and not name_en:
        raise InvalidInput("A word needs a name.", "Write it in Russian, in English, or both.")
    for text in (name, name_en):
        if len(text) > TERM_NAME_CHARACTERS_MAX:
            raise InvalidInput(f"A word has at most {TERM_NAME_CHARACTERS_MAX} characters.")
        if not text.isprintable() or not is_encodable(text):
            raise InvalidInput("A word holds a character that cannot be kept.")
    if term.is_target and term.dictionary != Dictionary.OUTCOME:
        raise InvalidInput("Only an outcome can be what a call was for.")
    return term._replace(name=name, name_en=name_en)


def code_from_name(name: str, taken: Iterable[str]) -> str:
    """A code for a word that somebody wrote: its letters in Latin, with a number where that is taken."""
    latin = "".join(_LATIN.get(letter, letter) for letter in name.lower())
    stem = re.sub(r"[^a-z0-9]+", "_", latin, flags=re.ASCII).strip("_")[: TERM_CODE_CHARACTERS_MAX - 4].strip("_")
    stem = stem or "word"
    known, code, number = frozenset(taken), stem, 1
    while code in known:
        number += 1
        code = f"{stem}_{number}"
    return code


def in_order(terms: Iterable[Term]) -> list[Term]:
    """Words as they are offered: by place, and where that is the same by code."""
    return sorted(terms, key=lambda term: (term.place, term.code))


def names_of_terms(dictionaries: Dictionaries, language: str) -> dict[str, dict[str, str]]:
    """By dictionary and code, how people of a language read it."""
    return {
        dictionary: {term.code: term.shown(language) for term in terms} for dictionary, terms in dictionaries.items()
    }
