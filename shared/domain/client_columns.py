"""Columns of a spreadsheet of clients: which field each is by its name and contents, and rows turned into fields.

People's files have their own headings, phones as they were typed, dates in three ways. What can be read is repaired,
what cannot is named in one sentence. Contains no storage.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from shared.domain.cards import Value
from shared.domain.clients import normalize_email, normalize_phone
from shared.domain.identifiers import shorten
from shared.errors import InvalidInput

COLUMNS_MAX: Final = 100
SAMPLES_MAX: Final = 50
"""Rows by which a column is guessed."""

SURE_SHARE: Final = 0.6
"""Of the filled cells of a column so many must look like a field for it to be taken for that by contents."""

IGNORED: Final = ""
"""What a column is that is left out."""

FIELD_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "external_id": ("external id", "id", "код", "код клиента", "номер клиента", "client id", "client number", "№"),
    "name": ("name", "full name", "client", "customer", "contact", "фио", "ф.и.о.", "имя", "клиент", "покупатель",
             "наименование", "контакт", "название"),
    "last_name": ("last name", "surname", "фамилия"),
    "first_name": ("first name", "given name", "имя клиента"),
    "middle_name": ("middle name", "patronymic", "отчество"),
    "phones": ("phone", "phones", "phone number", "mobile", "cell", "tel", "telephone", "телефон", "телефоны", "тел",
               "тел.", "мобильный", "моб", "моб.", "сотовый", "номер телефона", "контактный телефон"),
    "emails": ("email", "e-mail", "emails", "mail", "почта", "эл. почта", "электронная почта", "имейл", "емейл"),
    "birthday": ("birthday", "date of birth", "birth date", "dob", "дата рождения", "день рождения", "др", "д.р.",
                 "родился"),
    "note": ("note", "notes", "comment", "comments", "remark", "примечание", "комментарий", "заметка", "заметки"),
    "preferences": ("preferences", "предпочтения", "пожелания"),
    "address": ("address", "адрес", "адрес доставки", "город"),
    "tags": ("tags", "tag", "метки", "метка", "теги", "тег"),
    "group": ("group", "segment", "группа", "сегмент", "категория"),
    "tier": ("tier", "level", "уровень", "статус"),
    "tax_number": ("tax number", "inn", "vat id", "инн"),
    "loyalty_number": ("loyalty number", "card", "card number", "loyalty card", "карта", "номер карты",
                       "карта лояльности", "дисконтная карта", "бонусная карта"),
    "kind": ("kind", "type", "тип", "вид"),
    "do_not_contact": ("do not contact", "не беспокоить", "не звонить", "чёрный список", "черный список"),
    "consent_data": ("consent", "data consent", "согласие", "согласие на обработку", "обработка пд"),
    "consent_advertising": ("marketing", "advertising consent", "newsletter", "согласие на рекламу", "рассылка",
                            "реклама"),
}  # fmt: skip
"""Headings under which people keep a field, in both languages."""

_NAME_PARTS: Final = ("last_name", "first_name", "middle_name")
_SEPARATORS = re.compile(r"[,;/|\n]+")
_BRACKETS = re.compile(r"\([^()]*[^\d()\s+-][^()]*\)")
_EXTENSION = re.compile(r"(?:доб\.?|ext\.?|x)\s*\d+\s*$", re.IGNORECASE)
_HEADING = re.compile(r"[\s_]+")
_ISO_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T]\d{2}:\d{2}(?::\d{2})?)?")
_LOCAL_DAY = re.compile(r"(\d{1,2})[./](\d{1,2})(?:[./](\d{4}|\d{2}))?\.?")
_YES = frozenset({"1", "true", "yes", "y", "+", "да", "истина", "согласен", "согласна"})
_NO = frozenset({"0", "false", "no", "n", "-", "нет", "ложь", ""})
_COMPANY = frozenset({"company", "organization", "legal", "компания", "организация", "юр", "юр. лицо", "юрлицо", "ооо"})


def guess_mapping(columns: Sequence[str], samples: Iterable[Mapping[str, str]], country: str) -> dict[str, str]:
    """Which field each column is: by its heading, else by what is in it; IGNORED where neither says.

    `samples` are rows by column; only the first SAMPLES_MAX are looked at. No field is given to two columns but phones
    and e-mails, of which people have several columns.
    """
    rows = [row for row, _ in zip(samples, range(SAMPLES_MAX), strict=False)]
    mapping: dict[str, str] = {}
    taken: set[str] = set()
    for column in columns[:COLUMNS_MAX]:
        found = _by_heading(column)
        if found in taken and found not in ("phones", "emails"):
            found = IGNORED
        mapping[column] = found
        taken.add(found)
    for column in columns[:COLUMNS_MAX]:
        if mapping[column] == IGNORED:
            cells = [row[column] for row in rows if row.get(column)]
            found = _by_contents(cells, country)
            if found and (found not in taken or found in ("phones", "emails")):
                mapping[column] = found
                taken.add(found)
    return mapping


def _by_heading(column: str) -> str:
    heading = _HEADING.sub(" ", column.strip().lower().replace("ё", "е"))
    for name, words in FIELD_WORDS.items():
        if heading == name.replace("_", " ") or heading in {word.replace("ё", "е") for word in words}:
            return name
    bare = heading.rstrip(" 0123456789:.№#")
    if bare and bare != heading:
        return _by_heading(bare)
    return IGNORED


def _by_contents(cells: Sequence[str], country: str) -> str:
    if not cells:
        return IGNORED
    for name, read in (("emails", lambda cell: normalize_email(cell)), ("phones", lambda cell: _phone(cell, country))):
        if sum(_can(read, cell) for cell in cells) >= SURE_SHARE * len(cells):
            return name
    return IGNORED


def _can(read: object, cell: str) -> bool:
    try:
        read(cell)  # type: ignore[operator]
    except InvalidInput:
        return False
    return True


@dataclass(slots=True)
class ReadRow:
    """The fields of a client that a row gives, and the phones that were written otherwise (before, after)."""

    fields: dict[str, Value] = field(default_factory=dict)
    repaired: list[tuple[str, str]] = field(default_factory=list)


def read_row(values: Mapping[str, str], mapping: Mapping[str, str], country: str, century: int = 2000) -> ReadRow:
    """A row by its mapping. Raises InvalidInput with one sentence that names the column.

    `century` is that of years of two digits which do not lie in the future of its year 30.
    """
    read = ReadRow()
    parts: dict[str, str] = {}
    texts: dict[str, list[str]] = {}
    for column, text in values.items():
        name = mapping.get(column, IGNORED)
        if name == IGNORED or not text.strip():
            continue
        if name in _NAME_PARTS:
            parts[name] = text.strip()
        else:
            texts.setdefault(name, []).append(text.strip())
    for name, given in texts.items():
        try:
            read.fields[name] = _read_field(name, given, country, century, read)
        except InvalidInput as error:
            column = next(known for known, meant in mapping.items() if meant == name and values.get(known))
            raise InvalidInput(f"{column}: {error.message}", error.hint) from None
    if parts and "name" not in read.fields:
        read.fields["name"] = " ".join(parts[part] for part in _NAME_PARTS if part in parts)
    if not read.fields.get("name") and not read.fields.get("external_id"):
        if not read.fields.get("phones") and not read.fields.get("emails"):
            raise InvalidInput("The row names nobody.", "Give a name, a phone or an e-mail.")
        read.fields["name"] = next(iter(_texts(read.fields.get("phones")) or _texts(read.fields.get("emails"))))
    return read


def _read_field(name: str, given: list[str], country: str, century: int, read: ReadRow) -> Value:
    match name:
        case "phones":
            return _read_phones(given, country, read)
        case "emails":
            return tuple(sorted({normalize_email(part) for text in given for part in _parts(text)}))
        case "tags":
            return tuple(sorted({part for text in given for part in _parts(text)}))
        case "birthday":
            return read_birthday(given[0], century)
        case "do_not_contact" | "consent_data" | "consent_advertising":
            return _read_flag(given[0])
        case "kind":
            return "company" if given[0].lower() in _COMPANY else "person"
        case "tax_number":
            return "".join(character for character in given[0] if character.isalnum())
        case _:
            return " ".join(given[0].split()) if name != "note" else given[0]


def _read_phones(given: list[str], country: str, read: ReadRow) -> tuple[str, ...]:
    phones = set()
    for text in given:
        for part in _phone_parts(text):
            phone = _phone(part, country)
            if phone != part:
                read.repaired.append((part, phone))
            phones.add(phone)
    return tuple(sorted(phones))


def _phone_parts(text: str) -> list[str]:
    """Several phones in one cell; what is said in brackets or after "доб." belongs to none of them."""
    return [part for each in _SEPARATORS.split(text) if (part := _EXTENSION.sub("", _BRACKETS.sub("", each)).strip())]


def _phone(text: str, country: str) -> str:
    """A phone however it was kept: with an apostrophe, as a number, with the national prefix. Raises InvalidInput."""
    cleaned = text.strip().lstrip("'").removesuffix(".0").replace("\u00a0", " ")
    digits = "".join(character for character in cleaned if character.isdigit())
    if len(digits) < 5:
        raise InvalidInput(f"“{shorten(text)}” is not a phone number.", "Write it as +7 912 345-67-89.")
    if country == "RU" and len(digits) == 11 and digits[0] in "78":
        return normalize_phone(f"+7{digits[1:]}", country)
    return normalize_phone(cleaned, country)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in _SEPARATORS.split(text) if part.strip()]


def read_birthday(text: str, century: int = 2000) -> str:
    """`31.12.1985`, `1985-12-31`, `31/12/85` or `31.12` as YYYY-MM-DD or --MM-DD. Raises InvalidInput."""
    iso, local = _ISO_DAY.fullmatch(text.strip()), _LOCAL_DAY.fullmatch(text.strip())
    if iso:
        year, month, day = (int(part) for part in iso.groups())
    elif local:
        day, month = int(local[1]), int(local[2])
        year = _year_of(local[3], century)
    else:
        raise InvalidInput(f"“{shorten(text)}” is not a date.", "Write it as 31.12.1985.")
    try:
        checked = date(year or 2000, month, day)
    except ValueError:
        raise InvalidInput(f"There is no day {shorten(text)}.", "Write it as 31.12.1985.") from None
    return f"{checked.year:04}-{month:02}-{day:02}" if year else f"--{month:02}-{day:02}"


def _year_of(text: str | None, century: int) -> int:
    if text is None:
        return 0
    return int(text) if len(text) == 4 else century - 100 + int(text) if int(text) > 30 else century + int(text)


def _read_flag(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered in _YES:
        return True
    if lowered in _NO:
        return False
    raise InvalidInput(f"“{shorten(text)}” is neither yes nor no.")


def _texts(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()
