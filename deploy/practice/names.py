"""Invented people: names in Russian and English, typing errors in them, and phones that nobody has."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

PHONE_PREFIX = "+7000"
"""Country code 7 and the area code 000. Russia's numbering plan gives subscribers area codes that begin with 3, 4, 8
and 9 (6 and 7 are Kazakhstan's); none begins with 0, which was the prefix of services. So nobody can be reached there,
and the numbers still have the ten digits that the product asks of a Russian phone."""

_PHONE_DIGITS = 7


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_RUSSIAN_WOMEN = _words(
    """
    Агата Алёна Алина Алла Альбина Анна Арина Варвара Василиса Вера Вероника Галина Дарья Диана Ева Евгения Елена Жанна
    Зинаида Зоя Инна Ирина Кира Клара Ксения Лада Лариса Лидия Любовь Майя Марина Мила Надежда Нина Оксана Ольга Полина
    Раиса Римма Светлана Софья Тамара Татьяна Ульяна Элина Юлия Яна
    """
)
_RUSSIAN_MEN = _words(
    """
    Антон Аркадий Артём Богдан Борис Вадим Валерий Василий Виктор Виталий Вячеслав Геннадий Георгий Глеб Григорий Денис
    Егор Захар Игнат Игорь Илья Кирилл Константин Лев Леонид Макар Матвей Михаил Назар Никита Олег Остап Павел Пётр
    Платон Роман Савелий Семён Степан Тарас Тимур Фёдор Филипп Юрий Яков Ярослав
    """
)
# Of places, birds, plants and trades, as such names are made; «+» takes the ending of women and men.
_RUSSIAN_FAMILIES = _words(
    """
    Аистов+ Берестов+ Боровиков+ Брусникин+ Вересков+ Ветлугин+ Воробейчиков+ Гречишкин+ Грибанов+ Дубравин+ Ежевикин+
    Ельников+ Журавушкин+ Заречнев+ Зимородков+ Ивушкин+ Калиновцев+ Камышин+ Клюквин+ Колокольцев+ Кузовков+
    Ладейников+ Липатников+ Луговцев+ Малинников+ Мельничков+ Морошкин+ Мостовиков+ Овражин+ Огородов+ Ольшанин+
    Опёнышев+ Осинников+ Островков+ Пасечников+ Перелескин+ Полянкин+ Просекин+ Пряничников+ Ракитин+ Родничков+
    Ромашин+ Рябинкин+ Самоваров+ Сенокосов+ Синичкин+ Скворушкин+ Снегирин+ Сосенкин+ Стрижов+ Тропинин+ Хвощов+
    Черничкин+ Чибисов+ Шиповников+ Щеглов+ Яблочкин+ Ягодин+
    """
)

_ENGLISH_WOMEN = _words(
    """
    Abigail Ada Agnes Alice Amber Beatrice Bella Bridget Cecily Clara Daisy Delia Edith Eleanor Elsie Fern Flora Georgia
    Grace Hazel Heather Ivy Jasmine Juliet Lily Lucy Mabel Maud Molly Nell Olive Pearl Penny Rose Ruby Stella Tess
    Violet Willa Winifred
    """
)
_ENGLISH_MEN = _words(
    """
    Albert Alfred Archie Arthur Basil Bernard Cecil Clement Cyril Edgar Edmund Ernest Felix Frank George Gilbert Harold
    Harvey Hugo Jasper Leonard Lewis Miles Neville Oliver Oscar Owen Percy Ralph Reuben Rupert Silas Stanley Theo Tobias
    Victor Walter Wilfred
    """
)
_ENGLISH_FAMILIES = _words(
    """
    Alderbrook Appleyard Ashcombe Barleywood Beechfield Birchall Bramblewick Brookside Clovelly Cobblestone Copperfern
    Cornflower Dovecot Elderfield Fairweather Fennimore Foxglove Gooseberry Greengate Hawthornby Hazelmere Hollyoak
    Honeycomb Juniperley Kingfisher Larkspur Linnet Maplethorpe Meadowcroft Millbrook Mistlethwaite Nettlefold Oakhanger
    Orchardson Partridgeway Pebbleton Quillfeather Rosemarin Rowanhurst Saffronby Skylarking Sorrell Tamarind
    Thistlewood Underhill Wagtail Willowdene Wrenfield Yarrowby
    """
)


class PersonName(NamedTuple):
    """A first and a last name, both as they are written."""

    first: str
    last: str

    @property
    def full(self) -> str:
        """`Anna Petrova`."""
        return f"{self.first} {self.last}"


def invent_name(chance: Random, language: str) -> PersonName:
    """Somebody who does not exist."""
    is_woman = chance.random() < 0.6
    if language == "en":
        return PersonName(chance.choice(_ENGLISH_WOMEN if is_woman else _ENGLISH_MEN), chance.choice(_ENGLISH_FAMILIES))
    first = chance.choice(_RUSSIAN_WOMEN if is_woman else _RUSSIAN_MEN)
    return PersonName(first, chance.choice(_RUSSIAN_FAMILIES).replace("+", "а" if is_woman else ""))


def invent_names(chance: Random, language: str, count: int) -> list[PersonName]:
    """So many different people. `count` is far below the number of combinations."""
    found: dict[str, PersonName] = {}
    while len(found) < count:
        name = invent_name(chance, language)
        found.setdefault(name.full, name)
    return list(found.values())


def invent_phones(chance: Random, count: int) -> list[str]:
    """So many different phones in E.164 that nobody has."""
    numbers = chance.sample(range(10**_PHONE_DIGITS), count)
    return [f"{PHONE_PREFIX}{number:0{_PHONE_DIGITS}d}" for number in numbers]


def mistype(chance: Random, name: PersonName) -> PersonName:
    """The last name with one typing error: two letters swapped, one left out, or one doubled. Never the same name."""
    letters = name.last
    place = chance.randrange(1, len(letters) - 2)
    swapped = letters[:place] + letters[place + 1] + letters[place] + letters[place + 2 :]
    missing = letters[:place] + letters[place + 1 :]
    doubled = letters[:place] + letters[place] * 2 + letters[place + 1 :]
    options = [last for last in (swapped, missing, doubled) if last != letters]
    return PersonName(name.first, chance.choice(options))


def swap_digits(chance: Random, phone: str) -> str:
    """The phone with two neighbouring digits swapped, when it has two that differ behind the prefix."""
    start = len(PHONE_PREFIX)
    places = [place for place in range(start, len(phone) - 1) if phone[place] != phone[place + 1]]
    if not places:
        return phone
    place = chance.choice(places)
    return phone[:place] + phone[place + 1] + phone[place] + phone[place + 2 :]
