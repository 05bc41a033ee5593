"""How alike two clients are, with the reasons: what people decide by whether two cards are of one client.

Every reason has a weight that is named here; a score is their sum between 0 and 100. Contains no storage: which clients
are compared at all – those that share a key – is said by `keys_of`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from shared.domain.cards import Value
from shared.domain.identifiers import format_id
from shared.domain.text_folding import fold

SCORE_MAX: Final = 100
PROPOSED_FROM: Final = 40
"""Two clients with this score are proposed for review."""
WARNED_FROM: Final = 30
"""Whoever types a new client is told of a card with this score: the same name is enough."""

TYPO_LETTERS_MIN: Final = 5
"""A word must have as many letters for one wrong letter to be a slip."""
WORD_LETTERS_MIN: Final = 3
"""Two names are alike only when they share a word as long as this."""
KEY_CHARACTERS_MAX: Final = 200


class Reason(StrEnum):
    """Why two clients may be one, or may not."""

    SAME_TAX_NUMBER = "same_tax_number"
    SAME_LOYALTY_NUMBER = "same_loyalty_number"
    SAME_PHONE = "same_phone"
    SAME_EMAIL = "same_email"
    SAME_NAME = "same_name"
    ALIKE_NAME = "alike_name"
    SAME_BIRTHDAY = "same_birthday"
    SAME_COMPANY = "same_company"
    OTHER_NAME = "other_name"
    OTHER_BIRTHDAY = "other_birthday"
    OTHER_TAX_NUMBER = "other_tax_number"
    OTHER_KIND = "other_kind"


WEIGHTS: Final[Mapping[Reason, int]] = {
    Reason.SAME_TAX_NUMBER: 70,
    Reason.SAME_LOYALTY_NUMBER: 70,
    Reason.SAME_PHONE: 50,
    Reason.SAME_EMAIL: 50,
    Reason.SAME_NAME: 30,
    Reason.ALIKE_NAME: 20,
    Reason.SAME_BIRTHDAY: 20,
    Reason.SAME_COMPANY: 5,
    # Two people of one household share a phone.
    Reason.OTHER_NAME: -10,
    Reason.OTHER_BIRTHDAY: -20,
    Reason.OTHER_TAX_NUMBER: -50,
    Reason.OTHER_KIND: -30,
}

PERSON: Final = "person"


class Likeness(NamedTuple):
    """What of a client is compared. Sets of texts are sorted; what is not known is empty."""

    client_id: bytes
    name: str = ""
    kind: str = PERSON
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    tax_number: str = ""
    loyalty_number: str = ""
    birthday: str = ""
    company_id: bytes | None = None
    # Ids, as texts, of clients that somebody said are others.
    not_same_as: tuple[str, ...] = ()


class Score(NamedTuple):
    """How alike two clients are, from 0 to SCORE_MAX, and why."""

    points: int
    reasons: tuple[Reason, ...]


def likeness_of(client_id: bytes, fields: Mapping[str, Value]) -> Likeness:
    """What is compared of a card with these fields."""
    company = fields.get("company_id")
    return Likeness(
        client_id,
        _text(fields, "name"),
        _text(fields, "kind") or PERSON,
        _texts(fields, "phones"),
        _texts(fields, "emails"),
        _text(fields, "tax_number"),
        _text(fields, "loyalty_number"),
        _text(fields, "birthday"),
        company if isinstance(company, bytes) else None,
        _texts(fields, "not_same_as"),
    )


def are_different(one: Likeness, other: Likeness) -> bool:
    """Whether somebody said that these are two clients."""
    return format_id(other.client_id) in one.not_same_as or format_id(one.client_id) in other.not_same_as


def compare(one: Likeness, other: Likeness) -> Score:
    """How alike two clients are; the order of the two does not matter. Nothing when somebody said they are others."""
    if are_different(one, other):
        return Score(0, ())
    reasons = tuple(_reasons(one, other))
    return Score(max(0, min(SCORE_MAX, sum(WEIGHTS[each] for each in reasons))), reasons)


def is_proposed(score: Score) -> bool:
    """Whether two clients are shown to somebody who decides."""
    return score.points >= PROPOSED_FROM


def is_certain(one: Likeness, other: Likeness) -> bool:
    """Whether the rule for merging without asking holds: the same phone and the same name, and nothing against it."""
    score = compare(one, other)
    against = any(WEIGHTS[each] < 0 for each in score.reasons)
    return {Reason.SAME_PHONE, Reason.SAME_NAME} <= set(score.reasons) and not against


def keys_of(client: Likeness) -> tuple[str, ...]:
    """What a client is compared by: only clients that share one of these can be proposed."""
    keys = [phone_key(each) for each in client.phones] + [f"email:{each}" for each in client.emails]
    keys += [f"tax:{client.tax_number}"] if client.tax_number else []
    keys += [f"loyalty:{fold(client.loyalty_number)}"] if client.loyalty_number else []
    name = name_key(client.name)
    keys += [f"born:{client.birthday[-5:]}:{name}"] if name and client.birthday else []
    keys += [f"name:{name}"] if name else []
    return tuple(sorted({key[:KEY_CHARACTERS_MAX] for key in keys}))


def phone_key(phone: str) -> str:
    """The key of whoever has a phone."""
    return f"phone:{phone}"[:KEY_CHARACTERS_MAX]


def proposes(key: str) -> bool:
    """Whether two clients that share a key are compared of themselves; a name is looked for only when it is typed."""
    return not key.startswith("name:")


def _reasons(one: Likeness, other: Likeness) -> Iterable[Reason]:
    if one.tax_number and other.tax_number:
        yield Reason.SAME_TAX_NUMBER if one.tax_number == other.tax_number else Reason.OTHER_TAX_NUMBER
    if one.loyalty_number and fold(one.loyalty_number) == fold(other.loyalty_number):
        yield Reason.SAME_LOYALTY_NUMBER
    if set(one.phones) & set(other.phones):
        yield Reason.SAME_PHONE
    if set(one.emails) & set(other.emails):
        yield Reason.SAME_EMAIL
    if one.name and other.name:
        yield _name_reason(one.name, other.name)
    if one.birthday and other.birthday:
        yield Reason.SAME_BIRTHDAY if _same_birthday(one.birthday, other.birthday) else Reason.OTHER_BIRTHDAY
    if one.company_id is not None and one.company_id == other.company_id:
        yield Reason.SAME_COMPANY
    if one.kind != other.kind:
        yield Reason.OTHER_KIND


def _same_birthday(one: str, other: str) -> bool:
    """`--MM-DD` is of whoever does not say the year."""
    if one.startswith("--") or other.startswith("--"):
        return one[-5:] == other[-5:]
    return one == other


def _name_reason(one: str, other: str) -> Reason:
    ours, theirs = name_words(one), name_words(other)
    if not ours or not theirs:
        return Reason.OTHER_NAME
    if ours == theirs:
        return Reason.SAME_NAME
    shorter, longer = sorted((ours, theirs), key=lambda words: (len(words), words))
    return Reason.ALIKE_NAME if _all_found(shorter, longer) else Reason.OTHER_NAME


def _all_found(words: tuple[str, ...], among: tuple[str, ...]) -> bool:
    """Whether each word is one of the others – written out, as its initial, or with a slip – and one is not short."""
    left = list(among)
    shares_a_word = False
    # Long words first: an initial must not take the place of the word that it does not stand for.
    for word in sorted(words, key=lambda each: (-len(each), each)):
        found = next((each for each in left if each == word), None)
        found = found or next((each for each in left if is_slip(word, each)), None)
        if found is not None:
            shares_a_word = shares_a_word or min(len(word), len(found)) >= WORD_LETTERS_MIN
        else:
            found = next((each for each in left if 1 in (len(each), len(word)) and each[0] == word[0]), None)
        if found is None:
            return False
        left.remove(found)
    return shares_a_word


def is_slip(one: str, other: str) -> bool:
    """Whether two long words differ by one letter: changed, left out, or two that stand next to each other swapped."""
    if min(len(one), len(other)) < TYPO_LETTERS_MIN or abs(len(one) - len(other)) > 1:
        return False
    same = 0
    while same < min(len(one), len(other)) and one[same] == other[same]:
        same += 1
    rest, other_rest = one[same:], other[same:]
    if len(one) != len(other):
        longer, shorter = (rest, other_rest) if len(one) > len(other) else (other_rest, rest)
        return longer[1:] == shorter
    swapped = rest[:2] == other_rest[:2][::-1] and rest[2:] == other_rest[2:]
    return rest[1:] == other_rest[1:] or swapped


@lru_cache(maxsize=1024)
def name_words(name: str) -> tuple[str, ...]:
    """The words of a name in Latin letters as one would hear them, sorted: Иванов Юрий is Yuriy Ivanov."""
    latin = "".join(_LETTERS.get(letter, letter) for letter in fold(name))
    for pattern, sound in _SOUNDS:
        latin = pattern.sub(sound, latin)
    return tuple(sorted({word for word in re.split(r"[\W_]+", latin) if word}))


def name_key(name: str) -> str:
    """The same as one text."""
    return " ".join(name_words(name))


_LETTERS: Final = dict(
    zip(
        "абвгдежзийклмнопрстуфхцчшщъыьэюя",
        ("a b v g d e zh z i i k l m n o p r s t u f h c ch sh sch - y - e iu ia").replace("-", "").split(" "),
        strict=True,
    )
)
_SOUNDS: Final = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        ("shch", "sch"),
        ("kh", "h"),
        ("t[sz]", "c"),
        ("[yj]u", "iu"),
        ("[yj]a", "ia"),
        ("[yj][oe]", "e"),
        ("x", "ks"),
        ("w", "v"),
        ("[yj]", "i"),
        ("['’`]", ""),
        # A letter said once is heard once: Alla and Ala, Юрий and Yury.
        (r"([a-z])\1+", r"\1"),
    )
)


def _text(fields: Mapping[str, Value], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _texts(fields: Mapping[str, Value], name: str) -> tuple[str, ...]:
    value = fields.get(name)
    return value if isinstance(value, tuple) else ()
