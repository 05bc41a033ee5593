"""The language of the request at hand: gettext catalogs, compiled in memory from the .po files when first needed.

English texts are the message ids, so English needs no catalog. Every `.po` file of a language's folder is read: each
room of the product may keep one of its own.
"""

from __future__ import annotations

import gettext as machinery
import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES: Final = ("ru", "en")
SOURCE_LANGUAGE: Final = "en"
FOLDER = Path(__file__).with_name("translations")

UNTRANSLATED_MARKS: Final = ("⟦", "⟧")
"""What stands around a text without a translation while `marking_untranslated` is on."""

_language: ContextVar[str] = ContextVar("language", default=SOURCE_LANGUAGE)
_marks = False


@dataclass(frozen=True, slots=True)
class LazyText:
    """A text that is translated when it is shown. `values` fill its `%(name)s` places."""

    singular: str
    plural: str = ""
    count: int = 0
    values: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        text = ngettext(self.singular, self.plural, self.count) if self.plural else gettext(self.singular)
        # A text given as a value is translated with it.
        return text % self.values if self.values else text


def lazy_text(text: str, **values: Any) -> LazyText:
    """`_("%(name)s is open", name=…)`: modules import it as `_`."""
    return LazyText(text, values=values)


def lazy_plural(singular: str, plural: str, count: int, **values: Any) -> LazyText:
    """`plural("%(count)s sale", "%(count)s sales", count)`: `count` is among the values."""
    return LazyText(singular, plural, count, {"count": count, **values})


def gettext(text: str) -> str:
    """The text in the current language."""
    return _translated(text, text, current_catalog().gettext(text))


def ngettext(singular: str, plural: str, count: int) -> str:
    """The form for so many, in the current language."""
    source = singular if count == 1 else plural
    return _translated(singular, source, current_catalog().ngettext(singular, plural, count))


def current_language() -> str:
    """One of LANGUAGES."""
    return _language.get()


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Everything inside is translated into that language."""
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


def current_catalog() -> machinery.NullTranslations:
    """The catalog of the current language."""
    return catalog_of(_language.get())


@lru_cache(maxsize=len(LANGUAGES))
def catalog_of(language: str) -> machinery.NullTranslations:
    """All `.po` files of a language as one catalog; an empty one for English."""
    catalog = read_catalog(language)
    if not len(catalog):
        return machinery.NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return machinery.GNUTranslations(compiled)


def read_catalog(language: str) -> Catalog:
    """The messages of a language's `.po` files. Two files may not translate one text differently: ValueError."""
    merged = Catalog(locale=language)
    for path in sorted((FOLDER / language / "LC_MESSAGES").glob("*.po")):
        with path.open("rb") as file:
            # babel takes a file without a header for one in the locale it is told.
            for message in read_po(file, locale=language):
                held = merged.get(message.id) if message.id else None
                if held is not None and held.string != message.string:
                    raise ValueError(f"{path.name} translates “{message.id}” differently from another file.")
                if message.id:
                    merged.add(message.id, message.string)
    return merged


def marks_untranslated() -> bool:
    """Whether `marking_untranslated` is on."""
    return _marks


@contextmanager
def marking_untranslated() -> Iterator[None]:
    """For tests: texts that lack a translation show it, in every request of this process."""
    global _marks
    _marks = True
    try:
        yield
    finally:
        _marks = False


def _translated(key: str, source: str, translated: str) -> str:
    if _marks and _language.get() != SOURCE_LANGUAGE and translated == source and not _is_known(key):
        return f"{UNTRANSLATED_MARKS[0]}{translated}{UNTRANSLATED_MARKS[1]}"
    return translated


def _is_known(key: str) -> bool:
    return key in message_ids(_language.get())


@lru_cache(maxsize=len(LANGUAGES))
def message_ids(language: str) -> frozenset[str]:
    """The English texts that a language's catalogs translate; of a plural, the singular."""
    ids = (message.id for message in read_catalog(language) if message.id and message.string)
    return frozenset(known if isinstance(known, str) else known[0] for known in ids)
