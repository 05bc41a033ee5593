"""What the practice chain's reps did with clients: 90 days of calls, tasks for today. Plain values, no store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import Final, NamedTuple

DAYS: Final = 90
CALLS_A_DAY: Final = 5
TASKS_TODAY: Final = 17
TASKS_OVERDUE: Final = 3
REPS_PER_BRANCH: Final = 2

RIVAL, OTHER_RIVAL = "bridge", "daisy"
RIVALS: Final = (
    (RIVAL, "Рынок у моста", "Market by the bridge"),
    (OTHER_RIVAL, "Сеть «Ромашка»", "Daisy stores"),
)
"""Competitors: code, and the names in both languages."""

RIVAL_WEEKS: Final = 3
"""For so long clients have spoken of the first one, more each week."""

REACHED_PERCENT, LAZY_PERCENT = 64, 30
_HOURS, _LUNCH = (10, 11, 12, 15, 16, 17), (13, 14)
_TOLD = {
    "ru": ("Доставка теперь и в субботу.", "Скидка на чай до конца месяца.", "Заказ можно забрать после шести."),
    "en": ("Delivery on Saturdays too.", "Tea is cheaper until the end of the month.", "Orders wait after six."),
}
_TITLES = {
    "ru": ("Перезвонить о заказе", "Уточнить адрес", "Предложить новый чай", "Узнать, всё ли понравилось"),
    "en": ("Call back about the order", "Ask for the address", "Offer the new tea", "Ask whether all was well"),
}
_QUOTES = {"ru": "Там дешевле и ближе", "en": "It is cheaper there, and nearer"}


class PlannedCall(NamedTuple):
    """A call. `at` is the branch's local time; `client` an external id; codes of the chain's words, may be empty."""

    at: str
    rep: str
    client: str
    reached: bool
    outcome: str
    seconds: int
    theme: str
    competitor: str
    quote: str
    told: str


class PlannedTask(NamedTuple):
    """A task that is due on a day."""

    title: str
    rep: str
    client: str
    due: str


class Contacts(NamedTuple):
    """What one branch's reps did and have to do, and whose clients are whose (external id, code)."""

    calls: tuple[PlannedCall, ...]
    tasks: tuple[PlannedTask, ...]
    owners: tuple[tuple[str, str], ...]


def rep_codes(number: int) -> tuple[str, ...]:
    """The reps of the branch with that number, from 1."""
    return tuple(f"rep{number}{letter}" for letter in "ab"[:REPS_PER_BRANCH])


def lazy_rep(branches: int) -> str:
    """Who calls at lunch, and reaches half as many as the others."""
    return rep_codes(min(2, branches))[0]


def plan_contacts(
    number: int, branches: int, clients: Sequence[str], today: date, seed: int, language: str, days: int = DAYS
) -> Contacts:
    """Those of the branch with that number, whose clients these are, by external id."""
    chance = Random(f"{seed}:contacts:{number}")
    reps = rep_codes(number)
    known = sorted(clients)
    owners = tuple((client, reps[place % len(reps)]) for place, client in enumerate(known[:: max(1, len(known) // 80)]))
    calls = [
        _call(
            chance, rep, chance.choice(known), today - timedelta(days=ago), today, rep == lazy_rep(branches), language
        )
        for ago in range(days, -1, -1)
        for rep in reps
        for _ in range(CALLS_A_DAY if known else 0)
        if (today - timedelta(days=ago)).isoweekday() < 7
    ]
    tasks: list[PlannedTask] = []
    if number == 1 and known:
        # A rep sees whose clients they are: his own.
        own = [client for client, rep in owners if rep == reps[0]]
        for place in range(TASKS_OVERDUE + TASKS_TODAY):
            due = today - timedelta(days=place + 1) if place < TASKS_OVERDUE else today
            title = chance.choice(_TITLES[language])
            tasks.append(PlannedTask(title, reps[0], chance.choice(own), due.isoformat()))
    return Contacts(tuple(sorted(calls)), tuple(tasks), owners)


def _call(chance: Random, rep: str, client: str, day: date, today: date, is_lazy: bool, language: str) -> PlannedCall:
    hour = chance.choice(_LUNCH if is_lazy else _HOURS)
    at = f"{day.isoformat()}T{hour:02d}:{chance.randrange(60):02d}:{chance.randrange(60):02d}"
    if chance.randrange(100) >= (LAZY_PERCENT if is_lazy else REACHED_PERCENT):
        return PlannedCall(at, rep, client, False, "not_reached", 0, "", "", "", "")
    weeks_ago = (today - day).days // 7
    speaks_of_rival = weeks_ago < RIVAL_WEEKS and chance.randrange(100) < 12 * (RIVAL_WEEKS - weeks_ago)
    competitor = RIVAL if speaks_of_rival else OTHER_RIVAL if chance.randrange(100) < 4 else ""
    outcome = chance.choices(("agreed", "order", "thinking", "refused"), (30, 25, 25, 20))[0]
    theme = "price" if competitor else chance.choice(("delivery", "quality", "range", "service", ""))
    told = chance.choice(_TOLD[language]) if chance.randrange(100) < 60 else ""
    quote = _QUOTES[language] if competitor else ""
    return PlannedCall(at, rep, client, True, outcome, chance.randint(40, 420), theme, competitor, quote, told)


def reached_by_rep(calls: Sequence[PlannedCall]) -> dict[str, int]:
    """Of a hundred calls, in how many somebody was spoken with."""
    made, reached = Counter(call.rep for call in calls), Counter(call.rep for call in calls if call.reached)
    return {rep: round(100 * reached[rep] / made[rep]) for rep in sorted(made)}


def mentions_by_week(calls: Sequence[PlannedCall], today: date) -> dict[str, list[int]]:
    """By competitor: mentions in each of the last six weeks, the oldest first."""
    found: dict[str, list[int]] = {}
    for call in calls:
        week = (today - date.fromisoformat(call.at[:10])).days // 7
        if call.competitor and week < 6:
            found.setdefault(call.competitor, [0] * 6)[5 - week] += 1
    return dict(sorted(found.items()))
