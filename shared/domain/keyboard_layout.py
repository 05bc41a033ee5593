"""Text typed with the other keyboard layout on: the same keys, Russian letters for Latin ones, or the reverse."""

from __future__ import annotations

_RUSSIAN = 'ёйцукенгшщзхъфывапролджэячсмитьбю.ЁЙЦУКЕНГШЩЗХЪФЫВАПРОЛДЖЭЯЧСМИТЬБЮ,"№;:?/'
_LATIN = "`qwertyuiop[]asdfghjkl;'zxcvbnm,./~QWERTYUIOP{}ASDFGHJKL:\"ZXCVBNM<>?@#$^&|"

_TO_LATIN = str.maketrans(_RUSSIAN, _LATIN)
_TO_RUSSIAN = str.maketrans(_LATIN, _RUSSIAN)


def as_latin_keys(text: str) -> str:
    """What the same keys give on the Latin layout: `ъв2` is `]d2`."""
    return text.translate(_TO_LATIN)


def as_russian_keys(text: str) -> str:
    """What the same keys give on the Russian layout: `vjkjrj` is `молоко`."""
    return text.translate(_TO_RUSSIAN)


def has_russian_letters(text: str) -> bool:
    """Whether any letter is one that only the Russian layout gives."""
    return any("а" <= letter <= "я" or letter == "ё" for letter in text.lower())


def restore_layout(text: str) -> str:
    """What a scanner meant: it presses the keys of Latin letters, whatever layout the machine has on.

    A text without a Russian letter is left as it is. Where there is one, the whole was typed with that layout.
    """
    return as_latin_keys(text) if has_russian_letters(text) else text
