"""Two languages: every text is translated, plurals and formats are right, errors keep their values."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel import Locale
from babel.dates import format_date, format_datetime
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.translations import as_po, error_texts, texts_of_errors, texts_of_pages, untranslated, unused
from shared.domain.business_time import MICROSECONDS
from shared.web import formats
from shared.web.error_texts import translate_error
from shared.web.translations import (
    FOLDER,
    LANGUAGES,
    catalog_of,
    gettext,
    lazy_plural,
    lazy_text,
    marking_untranslated,
    read_catalog,
    speaking,
)

PLACE = re.compile(r"%\((\w+)\)s")
SPACE = "\u00a0"


def test_every_text_of_the_pages_and_their_errors_has_a_russian_translation() -> None:
    missing = [as_po(found) for found in untranslated("ru")]
    assert missing == [], "Run: python -m deploy.translations"


def test_no_translation_is_left_over() -> None:
    assert unused("ru") == []


def test_texts_are_found_in_templates_modules_and_errors() -> None:
    pages = {found.text for found in texts_of_pages()}
    assert {"To the content", "Status", "%(count)s entry waits"} <= pages
    assert "At most %(1)s KiB are taken." in {found.text for found in texts_of_errors()}


def test_texts_of_errors_are_found_where_they_are_made() -> None:
    source = 'def f(x):\n    if x:\n        raise Refused(f"{x} is 5% off.", "Go.")\n    return NotFound("Gone.")\n'
    assert sorted(error_texts(source)) == [(3, "%(1)s is 5%% off."), (3, "Go."), (4, "Gone.")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_places_of_its_text(language: str) -> None:
    for message in read_catalog(language):
        if message.id:
            ids = message.id if isinstance(message.id, tuple) else (message.id,)
            strings = message.string if isinstance(message.string, tuple) else (message.string,)
            for string in strings:
                assert set(PLACE.findall(str(string))) == set(PLACE.findall(str(ids[-1]))), ids


def test_two_files_may_not_translate_one_text_differently(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "ru" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    for name, word in (("a", "да"), ("b", "нет")):
        (folder / f"{name}.po").write_text(f'msgid "Yes"\nmsgstr "{word}"\n')
    monkeypatch.setattr("shared.web.translations.FOLDER", tmp_path)
    with pytest.raises(ValueError, match="differently"):
        read_catalog("ru")
    assert tmp_path != FOLDER


@pytest.mark.parametrize(
    ("count", "russian"),
    [
        (1, "1 запись ждёт отправки"),
        (3, "3 записи ждут отправки"),
        (5, "5 записей ждут отправки"),
        (21, "21 запись ждёт отправки"),
    ],
)
def test_russian_has_three_plural_forms(count: int, russian: str) -> None:
    text = lazy_plural("%(count)s entry waits", "%(count)s entries wait", count)
    with speaking("ru"):
        assert str(text) == russian
    assert str(text) == f"{count} {'entry waits' if count == 1 else 'entries wait'}"


def test_a_lazy_text_speaks_the_language_of_the_moment() -> None:
    text = lazy_text("The clock is %(span)s off", span=lazy_text("light"))
    assert str(text) == "The clock is light off"
    with speaking("ru"):
        assert str(text) == "Часы расходятся на светлые"


def test_an_untranslated_text_is_marked_on_demand() -> None:
    with marking_untranslated(), speaking("ru"):
        assert gettext("Nobody says this") == "⟦Nobody says this⟧"
        assert gettext("Status") == "Состояние"
    with marking_untranslated(), speaking("en"):
        assert gettext("Nobody says this") == "Nobody says this"


def test_an_errors_values_survive_translation() -> None:
    with speaking("ru"):
        assert translate_error("At most 1024 KiB are taken.") == "Принимается не больше 1024 КиБ."
        assert translate_error("Cannot listen on 127.0.0.1:80: 100% in use.").endswith("127.0.0.1:80: 100% in use.")
        assert translate_error("Said by nobody %s.") == "Said by nobody %s."
        assert translate_error("") == ""
        assert translate_error("“x” is not an amount in RUB.") == "«x» – не сумма в валюте RUB."
        assert translate_error("Status is negative.") == "Состояние: меньше нуля."
        assert translate_error("x" * 100_000) == "x" * 100_000
    assert translate_error("At most 1024 KiB are taken.") == "At most 1024 KiB are taken."


def test_catalogs_are_compiled_once() -> None:
    assert catalog_of("ru") is catalog_of("ru")


@pytest.mark.parametrize(
    ("amount_minor", "currency", "russian", "english"),
    [
        (148_169, "RUB", f"1{SPACE}481,69{SPACE}₽", f"RUB{SPACE}1,481.69"),
        (-50, "RUB", f"-0,50{SPACE}₽", f"-RUB{SPACE}0.50"),
        (5, "JPY", f"5{SPACE}¥", "¥5"),
        (5_123, "KWD", f"5,123{SPACE}KWD", f"KWD{SPACE}5.123"),
        (2**53 - 1, "USD", f"90{SPACE}071{SPACE}992{SPACE}547{SPACE}409,91{SPACE}$", "$90,071,992,547,409.91"),
    ],
)
def test_money_is_written_as_the_language_does(amount_minor: int, currency: str, russian: str, english: str) -> None:
    assert formats.format_money(amount_minor, currency) == english
    with speaking("ru"):
        assert formats.format_money(amount_minor, currency) == russian


def test_quantities_rates_dates_and_spans_are_written_as_the_language_does() -> None:
    at_us = 1_795_449_600 * MICROSECONDS
    written = {}
    for language in LANGUAGES:
        with speaking(language):
            written[language] = [
                formats.format_quantity(1_250),
                formats.format_quantity(3_000),
                formats.format_number(12_000),
                formats.format_rate(2_000),
                formats.format_date(date(2026, 11, 23)),
                formats.format_moment(at_us, "Europe/Moscow"),
                *(formats.format_span(seconds) for seconds in (-1, 40, 250, 7_300, 200_000)),
            ]
    assert written["en"] == [
        "1.25", "3", "12,000", "20%", "23 Nov 2026", "23 Nov 2026, 19:00", "0 s", "40 s", "4 min", "2 h", "2 d",
    ]  # fmt: skip
    assert written["ru"] == [
        "1,25", "3", f"12{SPACE}000", f"20{SPACE}%", "23.11.2026", "23.11.2026 19:00",
        "0 с", "40 с", "4 мин", "2 ч", "2 дн.",
    ]  # fmt: skip


@settings(deadline=None)
@given(st.integers(0, 10**16), st.sampled_from(["Europe/Moscow", "UTC", "America/New_York", "Asia/Kathmandu"]))
def test_days_and_moments_are_written_as_the_locale_data_says(at_us: int, zone: str) -> None:
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)).astimezone(ZoneInfo(zone))
    patterns = {"ru": ("dd.MM.y", "dd.MM.y HH:mm"), "en": ("d MMM y", "d MMM y, HH:mm")}
    for language, (of_day, of_moment) in patterns.items():
        with speaking(language):
            locale = Locale.parse(language)
            assert formats.format_date(local.date()) == format_date(local.date(), of_day, locale=locale)
            assert formats.format_moment(at_us, zone) == format_datetime(local, of_moment, locale=locale)
