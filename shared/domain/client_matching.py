"""What a client is found by: words of names however they are spelt, and numbers from either end. Contains no storage.

A word is indexed by its folded form, its Latin spelling and its *skeleton*: the sounds that all usual ways to write it
in Latin letters have in common. A typo is found by leaving letters out on both sides: two words that differ by two
edits have a form in common when each may drop two letters.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from enum import IntEnum
from functools import lru_cache
from typing import Final, NamedTuple

from shared.domain.keyboard_layout import as_latin_keys, as_russian_keys, has_russian_letters
from shared.domain.text_folding import fold

WORDS_INDEXED_MAX: Final = 16
"""Words of a client's name that are indexed."""

WORD_CHARACTERS_MAX: Final = 40
PART_CHARACTERS_MIN: Final = 2
"""Shorter parts inside a word would find everybody."""

TERMS_MAX: Final = 6
"""Words of a search that count."""

LABEL_END: Final = "\x1f"
"""Stands behind a tag or a group in its key; no folded text holds it."""

PHONE_DIGITS_MIN: Final = 3
PHONE_DIGITS: Final = 10
"""A number without its country and without the 8 that is dialled: what tells phones apart."""

TYPO_CHARACTERS_MIN: Final = 4
TWO_TYPOS_CHARACTERS_MIN: Final = 7
LAYOUT_CHARACTERS_MIN: Final = 3
_TYPO_PREFIX_CHARACTERS: Final = 6

_WORD = re.compile(r"[^\W_]+")
_NOT_IN_CODES = re.compile(r"[\W_]+")
_EMAIL_PIECE = re.compile(r"[.+_@-]")

_LATIN: Final = {
    **dict(zip("абвгдезийклмнопрстуфыэё", "abvgdeziyklmnoprstufyee", strict=True)),
    "ж": "zh",
    "х": "kh",
    "ц": "ts",
    "ч": "ch",
    "ш": "sh",
    "щ": "shch",
    "ю": "yu",
    "я": "ya",
    "ъ": "",
    "ь": "",
    "і": "i",
    "ї": "yi",
    "є": "ye",
    "ґ": "g",
    "ў": "u",
    "’": "",
    "'": "",
}
_TO_LATIN = str.maketrans(_LATIN)
_SOUNDS: Final = (
    (r"shch|sch|shh|sh|š", "w"),
    (r"t?ch|č", "q"),
    (r"zh|ž", "j"),
    (r"kh", "h"),
    (r"ph", "f"),
    (r"t[sz]", "c"),
    (r"x", "ks"),
    (r"ck|[ckq]", "k"),
    (r"w", "v"),
    # й, и, ы, and the soft beginning of ю, я, ё: i, y, j, ia, ya, iya, yo …
    (r"[iyj]+a", "a"),
    (r"[iyj]+u", "u"),
    (r"[iyj]+[eo]", "e"),
    (r"[iyj]+", "i"),
)
_SOUND = re.compile("|".join(f"({pattern})" for pattern, _ in _SOUNDS))
_LETTER_OF: Final = tuple(letter for _, letter in _SOUNDS)
_REPEATED = re.compile(r"([a-z])\1+")


class Match(IntEnum):
    """How well a client fits what was typed; the better first."""

    EXACT = 0
    """The whole word, or the whole number."""

    SOUND = 1
    """The whole word, spelt otherwise."""

    PREFIX = 2
    """The beginning of a word, or the end of a number."""

    PART = 3
    COMPANY = 4
    """A contact of a company that was found."""

    TYPO = 5


class CodeForm(IntEnum):
    """How a number is indexed. The values are stored."""

    PHONE_END = 1
    """The digits of a phone, backwards."""

    PHONE_START = 2
    """The last PHONE_DIGITS of a phone, as they are dialled."""

    CODE = 3
    """An external id, a loyalty card, a tax number; folded, without punctuation."""

    CODE_END = 4
    EMAIL = 5
    """An e-mail from its beginning, and from every piece of it."""

    TAG = 6
    """A tag with the client's place in a list: see `label_key`."""

    GROUP = 7


class CodeKey(NamedTuple):
    form: CodeForm
    code: str


class Term(NamedTuple):
    """One word of a search."""

    word: str
    skeleton: str


def latin(word: str) -> str:
    """A folded word in Latin letters: `щербаков` as `shcherbakov`."""
    return word.translate(_TO_LATIN)


@lru_cache(maxsize=4_096)
def skeleton(word: str) -> str:
    """What all spellings of a folded word have in common: `юрий`, `yury` and `iurii` are all `uri`."""
    sounds = _SOUND.sub(_sound, latin(word))
    return _REPEATED.sub(r"\1", sounds)


def _sound(found: re.Match[str]) -> str:
    return _LETTER_OF[(found.lastindex or 1) - 1]


def words_of(name: str | None) -> list[str]:
    """The words of a name as they are indexed, each once."""
    words = (word[:WORD_CHARACTERS_MAX] for word in _WORD.findall(fold(name or "")))
    return list(dict.fromkeys(words))[:WORDS_INDEXED_MAX]


def beginnings_of(word: str) -> set[str]:
    """What a word begins with, however it is spelt: searched by prefix."""
    return {word, latin(word), skeleton(word)} - {""}


def parts_inside(word: str) -> set[str]:
    """What a word goes on with from any later letter: searched by prefix, which finds every part."""
    forms = {word, skeleton(word)}
    return {form[start:] for form in forms for start in range(1, len(form) - PART_CHARACTERS_MIN + 1)}


def typo_keys(word: str) -> set[int]:
    """Numbers of which two words share one when they are a typo apart, see `is_typo`. They may share one by chance."""
    sound = skeleton(word)
    left = _with_letters_left_out(word, 2 if len(word) >= TWO_TYPOS_CHARACTERS_MIN else 1)
    if sound != word:
        left |= _with_letters_left_out(sound, 1)
    return {zlib.crc32(text.encode()) for text in left}


def _with_letters_left_out(word: str, letters: int) -> set[str]:
    """Of long words the beginning is enough: what was pushed out of it was pushed out by letters that are left out."""
    if len(word) < TYPO_CHARACTERS_MIN:
        return set()
    left = {word[:_TYPO_PREFIX_CHARACTERS]}
    found = set(left)
    for _ in range(letters):
        left = {text[:at] + text[at + 1 :] for text in left for at in range(len(text))}
        found |= left
    return found


def is_typo(typed: Term, word: str) -> bool:
    """Whether somebody meant that word: an edit apart, two of a long word, or an edit apart by sound."""
    allowed = _typos_allowed(typed.word, word)
    if allowed and is_within(typed.word, word, allowed):
        return True
    sound = skeleton(word)
    return min(len(sound), len(typed.skeleton)) >= TYPO_CHARACTERS_MIN and is_within(typed.skeleton, sound, 1)


def _typos_allowed(left: str, right: str) -> int:
    shorter = min(len(left), len(right))
    return 2 if shorter >= TWO_TYPOS_CHARACTERS_MIN else 1 if shorter >= TYPO_CHARACTERS_MIN else 0


def is_within(left: str, right: str, edits: int) -> bool:
    """Whether so many letters changed, added, left out or swapped with the next make one word of the other."""
    same, shorter = 0, min(len(left), len(right))
    while same < shorter and left[same] == right[same]:
        same += 1
    left, right = left[same:], right[same:]
    if not left or not right:
        return len(left) + len(right) <= edits
    if edits == 0 or abs(len(left) - len(right)) > edits:
        return False
    return (
        is_within(left[1:], right[1:], edits - 1)
        or is_within(left[1:], right, edits - 1)
        or is_within(left, right[1:], edits - 1)
        or (left[:2] == right[1::-1] and is_within(left[2:], right[2:], edits - 1))
    )


def code_keys(phones: Iterable[str], codes: Iterable[str | None], emails: Iterable[str]) -> set[CodeKey]:
    """What the numbers of a client are indexed by."""
    keys: set[CodeKey] = set()
    for phone in phones:
        digits = digits_of(phone)
        if digits:
            keys.add(CodeKey(CodeForm.PHONE_END, digits[::-1]))
            keys.add(CodeKey(CodeForm.PHONE_START, digits[-PHONE_DIGITS:]))
    for text in codes:
        code = plain_code(text or "")
        if code:
            keys |= {CodeKey(CodeForm.CODE, code), CodeKey(CodeForm.CODE_END, code[::-1])}
    for email in emails:
        keys |= {CodeKey(CodeForm.EMAIL, piece) for piece in _email_pieces(fold(email))}
    return keys


def label_key(label: str, sort_key: str = "") -> str:
    """A tag or a group, and behind it the client's sort key: clients of one label stand together, in order."""
    return f"{fold(label)}{LABEL_END}{sort_key}"


def _email_pieces(email: str) -> Iterator[str]:
    yield email
    for found in _EMAIL_PIECE.finditer(email):
        if len(email) - found.end() >= PHONE_DIGITS_MIN and "." in email[found.end() :]:
            yield email[found.end() :]


def plain_code(text: str) -> str:
    """A code as it is compared: folded, letters and digits alone."""
    return _NOT_IN_CODES.sub("", fold(text))


def digits_of(text: str) -> str:
    """The digits of what was typed."""
    return "".join(letter for letter in text if letter.isascii() and letter.isdigit())


def is_number(text: str) -> bool:
    """Whether somebody typed a number, or its last digits, and no name."""
    return len(digits_of(text)) >= PHONE_DIGITS_MIN and not any(letter.isalpha() for letter in text)


def code_ranges(text: str) -> dict[Match, set[CodeKey]]:
    """Where a number may be found: keys to look up whole (EXACT), and as beginnings of keys (PREFIX and PART)."""
    folded, code, digits = fold(text), plain_code(text), digits_of(text)
    found: dict[Match, set[CodeKey]] = {Match.EXACT: set(), Match.PREFIX: set(), Match.PART: set()}
    if text.isascii() and not is_number(text):
        found[Match.EXACT].add(CodeKey(CodeForm.EMAIL, folded))
        if len(folded) >= PHONE_DIGITS_MIN:
            found[Match.PART].add(CodeKey(CodeForm.EMAIL, folded))
    if code:
        found[Match.EXACT].add(CodeKey(CodeForm.CODE, code))
        if len(code) >= PHONE_DIGITS_MIN:
            found[Match.PART] |= {CodeKey(CodeForm.CODE, code), CodeKey(CodeForm.CODE_END, code[::-1])}
    if is_number(text):
        end = CodeKey(CodeForm.PHONE_END, digits[-PHONE_DIGITS:][::-1])
        found[Match.PREFIX].add(end)
        # A number is dictated from its beginning, with the 8 or the 7 that stands before it, or without.
        starts = {digits, digits[1:]} if digits[0] in "78" and len(digits) > PHONE_DIGITS_MIN else {digits}
        found[Match.PART] |= {CodeKey(CodeForm.PHONE_START, start[:PHONE_DIGITS]) for start in starts}
        if len(digits) >= PHONE_DIGITS:
            found[Match.EXACT].add(CodeKey(CodeForm.PHONE_START, digits[-PHONE_DIGITS:]))
    return found


def terms_of(text: str) -> list[Term]:
    """The words of a search, each once."""
    words = (word[:WORD_CHARACTERS_MAX] for word in _WORD.findall(fold(text)))
    return [Term(word, skeleton(word)) for word in dict.fromkeys(words)][:TERMS_MAX]


def spellings_of(text: str) -> list[str]:
    """What was typed, and what the same keys give with the other keyboard layout on."""
    if len(text.strip()) < LAYOUT_CHARACTERS_MIN or is_number(text) or "@" in text:
        return [text]
    other = as_latin_keys(text) if has_russian_letters(text) else as_russian_keys(text)
    return [text] if other == text else [text, other]


def match_of(term: Term, word: str) -> Match:
    """How well a word of a name fits one of a search that it begins with, by letters or by sound."""
    if word == term.word:
        return Match.EXACT
    return Match.SOUND if skeleton(word) == term.skeleton else Match.PREFIX
