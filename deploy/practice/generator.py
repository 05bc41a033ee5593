"""Plans the practice chain: real baskets, invented everything else, truths planted. The same seed, the same plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

from deploy.practice import planting
from deploy.practice.baskets import Basket, fill_baskets
from deploy.practice.contacts import Contacts, plan_contacts
from deploy.practice.days import Day, plan_day
from deploy.practice.goods import Goods
from deploy.practice.letters import Correspondence, plan_letters
from deploy.practice.names import PersonName, invent_name, invent_phones, mistype, swap_digits
from deploy.practice.offers import REGULARS, plan_promotions
from deploy.practice.people import plan_staff
from deploy.practice.plan import Event, HeldBasket, Plan, PlannedBranch, PlannedClient, Sell
from deploy.practice.source import read_baskets

SEED = 2_026
"""What `make demo SERVE=1` uses; `--seed` takes another."""

REGULARS_PERCENT = 15
FOREIGNERS_PERCENT = 5
"""Clients with names of the other language."""

_BRANCHES = (
    ("CENTRE", "Лавка на Садовой", "Garden Street"),
    ("NORTH", "Лавка у парка", "By the Park"),
    ("STATION", "Лавка у вокзала", "At the Station"),
)
_CHAIN = {"ru": "Лавка за углом", "en": "Corner Pantry"}
_RETURN_DAYS_MAX = 4
_RETURN_PERCENT = 2


class Size(NamedTuple):
    """How large a chain is planned: whole weeks before today, branches, and stores of the data set for each."""

    weeks: int = 8
    branches: int = 3
    stores_per_branch: int = 4


USUAL_SIZE = Size()
TINY_SIZE = Size(weeks=1, branches=1, stores_per_branch=1)
"""For tests: a few dozen receipts."""


@dataclass(frozen=True, slots=True)
class _Base:
    """The client base: cards, which card a household's receipt names, and planted pairs."""

    clients: tuple[PlannedClient, ...]
    card_of: dict[int, str]
    second_card_of: dict[int, str]


def make_plan(today: date, seed: int = SEED, language: str = "ru", size: Size = USUAL_SIZE) -> Plan:
    """The plan of a chain whose last day is today. `language` of names and goods is `ru` or `en`."""
    first_day = today - timedelta(weeks=size.weeks)
    branches = tuple(
        PlannedBranch(code, english if language == "en" else russian)
        for code, russian, english in _BRANCHES[: size.branches]
    )
    codes = tuple(branch.code for branch in branches)
    goods = Goods(language, seed)
    source = read_baskets(today, size.weeks * 7 + 1, size.branches, size.stores_per_branch)
    baskets = fill_baskets(source, codes, goods, seed)
    baskets = planting.plant_growth(baskets, goods, first_day, size.weeks, seed)
    baskets = planting.plant_affinity(baskets, goods, seed)
    baskets = planting.plant_rush(baskets, codes[-1], seed)
    staff = plan_staff(seed, language, codes, first_day)
    promotions = plan_promotions(goods, language, first_day, today)
    base = _client_base(baskets, seed, language)
    baskets = planting.plant_lapsed(baskets, _regular_households(baskets), today, seed)
    rules = [promotion.rule() for promotion in promotions]
    groups = {client.external_id: client.group for client in base.clients}
    named = _name_clients(baskets, base)
    events: dict[str, tuple[Event, ...]] = {}
    for number, code in enumerate(codes):
        thief = planting.thief_of(staff, codes) if number == min(1, len(codes) - 1) else ""
        events[code] = _plan_branch(
            code, named, Day(staff, goods, rules, groups, thief, code == codes[-1], seed, language), first_day, today
        )
    contacts = _contacts(events, today, seed, language)
    return Plan(
        seed,
        today,
        first_day,
        language,
        _CHAIN[language],
        branches,
        tuple(goods.products),
        promotions,
        staff.employees,
        base.clients,
        events,
        _held_baskets(goods, staff.cashiers[codes[0]][0], language, seed),
        contacts,
        _letters(contacts, base, today, seed, language),
    )


def _contacts(events: Mapping[str, tuple[Event, ...]], today: date, seed: int, language: str) -> dict[str, Contacts]:
    """What the reps did with the clients who bought in their branch before today."""
    found = {}
    for number, (code, made) in enumerate(events.items(), 1):
        sales = [event for event in made if isinstance(event, Sell) and event.at[:10] < today.isoformat()]
        clients = sorted({sale.client for sale in sales if sale.client is not None})
        found[code] = plan_contacts(number, len(events), clients, today, seed, language)
    return found


def _letters(
    contacts: Mapping[str, Contacts], base: _Base, today: date, seed: int, language: str
) -> dict[str, Correspondence]:
    """Letters to and from the clients who have a rep; of a client with two branches the first one's rep writes."""
    names = {client.external_id: client.name for client in base.clients}
    found: dict[str, Correspondence] = {}
    for number, (code, made) in enumerate(contacts.items(), 1):
        found[code] = plan_letters(number, made.owners, names, today, seed, language)
        for client, _ in made.owners:
            names.pop(client, None)
    return found


def _client_base(baskets: Sequence[Basket], seed: int, language: str) -> _Base:
    """A card for every household, and a second one for some: somebody asked for a card again and was misheard."""
    chance = Random(f"{seed}:clients")
    households = sorted({basket.household for basket in baskets})
    regulars = _regular_households(baskets)
    phones = invent_phones(chance, len(households) + 1)
    other = "ru" if language == "en" else "en"
    clients, names = [], {}
    for household, phone in zip(households, phones, strict=False):
        name = invent_name(chance, other if chance.randrange(100) < FOREIGNERS_PERCENT else language)
        names[household] = name
        group = REGULARS if household in regulars else ""
        clients.append(PlannedClient(f"{700_000 + household}", name.full, phone, group, household))
    doubled = planting.choose_doubled(baskets, households, seed)
    second: dict[int, str] = {}
    by_household = {client.household: client for client in clients}
    for number, household in enumerate(doubled):
        first = by_household[household]
        second[household] = f"{790_000 + number}"
        clients.append(_second_card(chance, first, names[household], second[household], number))
    return _Base(tuple(clients), {client.household: client.external_id for client in by_household.values()}, second)


def _second_card(
    chance: Random, first: PlannedClient, name: PersonName, external_id: str, number: int
) -> PlannedClient:
    """By turns the name mistyped, the phone with two digits swapped, or both."""
    mistyped = mistype(chance, name).full if number % 3 != 1 else first.name
    phone = swap_digits(chance, first.phone) if number % 3 != 0 else first.phone
    return replace(first, external_id=external_id, name=mistyped, phone=phone, group="")


def _regular_households(baskets: Sequence[Basket]) -> set[int]:
    counted = Counter(basket.household for basket in baskets)
    ordered = sorted(counted, key=lambda household: (-counted[household], household))
    return set(ordered[: max(1, len(ordered) * REGULARS_PERCENT // 100)])


def _name_clients(baskets: Sequence[Basket], base: _Base) -> list[Basket]:
    """Every other receipt of a household with two cards names the second one."""
    seen: Counter[int] = Counter()
    named = []
    for basket in baskets:
        household = basket.household
        seen[household] += 1
        card: str | None = base.card_of[household]
        if household in base.second_card_of and seen[household] % 2 == 0:
            card = base.second_card_of[household]
        named.append(replace(basket, client=None if basket.is_anonymous else card))
    return named


def _plan_branch(code: str, baskets: Sequence[Basket], how: Day, first: date, today: date) -> tuple[Event, ...]:
    by_day: dict[date, list[Basket]] = {}
    for basket in baskets:
        if basket.branch == code:
            by_day.setdefault(basket.day, []).append(basket)
    returns: dict[date, list[Sell]] = {}
    events: list[Event] = []
    for number in range((today - first).days + 1):
        day = first + timedelta(days=number)
        made = plan_day(how, code, day, by_day.get(day, []), returns.pop(day, []))
        events += made
        chance = Random(f"{how.seed}:{code}:{day}:returns")
        for event in made:
            if isinstance(event, Sell) and chance.randrange(1_000) < _RETURN_PERCENT * 10:
                returns.setdefault(day + timedelta(days=chance.randint(1, _RETURN_DAYS_MAX)), []).append(event)
    return tuple(events)


def _held_baskets(goods: Goods, cashier: str, language: str, seed: int) -> tuple[HeldBasket, ...]:
    chance = Random(f"{seed}:held")
    titles = ("Went for the wallet", "Phone order") if language == "en" else ("Пошли за кошельком", "Заказ по телефону")
    pieces = [product for product in goods.products if not product.weighed]
    return tuple(
        HeldBasket(title, cashier, tuple(product.barcode for product in chance.sample(pieces, count)))
        for title, count in zip(titles, (3, 6), strict=True)
    )
