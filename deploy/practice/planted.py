"""Measures what was planted, from the plan alone, and writes it down for whoever wants to check a report against it.

Each measure could be made on the chain's own data as well; none looks at how the truth was planted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from difflib import SequenceMatcher
from itertools import combinations, pairwise
from typing import Any

from deploy.practice.contacts import mentions_by_week, reached_by_rep
from deploy.practice.letters import unanswered_letters
from deploy.practice.plan import CloseShift, GiveBackLoose, OpenShift, Plan, PlannedClient, Sell, Truth
from deploy.practice.source import CLOSING_HOUR, OPENING_HOUR

ALIKE_MIN = 0.75
"""How alike two last names must be to be one, mistyped."""

LAPSED_DAYS = 21
LAPSED_PURCHASES_MIN = 4
AFFINITY_BASKETS_MIN = 20


def cash_by_cashier(plan: Plan) -> dict[str, dict[str, int]]:
    """By code: receipts, refunds without a receipt and their sum, closed shifts, and what they were short in all."""
    found: dict[str, Counter[str]] = {}
    for made in plan.events.values():
        for event in made:
            counted = found.setdefault(event.cashier, Counter())
            if isinstance(event, Sell):
                counted["receipts"] += 1
            elif isinstance(event, GiveBackLoose):
                counted["refunds_without_receipt"] += 1
                counted["refunds_without_receipt_minor"] += event.amount_minor
            elif isinstance(event, CloseShift):
                counted["shifts"] += 1
                counted["variance_minor"] += event.variance_minor
    names = ("receipts", "refunds_without_receipt", "refunds_without_receipt_minor", "shifts", "variance_minor")
    return {code: {name: counted[name] for name in names} for code, counted in sorted(found.items())}


def weekly_pieces(plan: Plan) -> dict[str, list[int]]:
    """Pieces (or kilograms) sold by category in each whole week before today."""
    weeks = (plan.today - plan.first_day).days // 7
    categories = {product.sku: product.category for product in plan.products}
    found: dict[str, list[int]] = {category: [0] * weeks for category in categories.values()}
    for _, sale in plan.sales():
        week = (date.fromisoformat(sale.at[:10]) - plan.first_day).days // 7
        if week < weeks:
            for line in sale.lines:
                found[categories[line.sku]][week] += line.quantity_thousandths
    return {category: [total // 1_000 for total in totals] for category, totals in found.items()}


def growing_categories(plan: Plan) -> list[str]:
    """Categories that sold more in every week than in the week before."""
    return [
        category
        for category, totals in weekly_pieces(plan).items()
        if len(totals) > 1 and all(earlier < later for earlier, later in pairwise(totals))
    ]


def doubled_clients(plan: Plan) -> list[tuple[str, str]]:
    """Pairs of cards that are probably one person: the same first name, last names alike, phones of the same digits."""
    by_key: dict[tuple[str, str], list[PlannedClient]] = {}
    for client in plan.clients:
        first = client.name.partition(" ")[0]
        by_key.setdefault((first, "".join(sorted(client.phone))), []).append(client)
    return sorted(
        (one.external_id, other.external_id)
        for alike in by_key.values()
        for one, other in combinations(alike, 2)
        if SequenceMatcher(None, one.name, other.name).ratio() >= ALIKE_MIN
    )


def affinities(plan: Plan) -> list[tuple[str, str, int, float]]:
    """SKUs often bought together, the strongest first: of two, how many baskets had both, and the lift."""
    together: Counter[tuple[str, str]] = Counter()
    alone: Counter[str] = Counter()
    baskets = 0
    for _, sale in plan.sales():
        skus = sorted({line.sku for line in sale.lines})
        baskets += 1
        alone.update(skus)
        together.update(combinations(skus, 2))
    found = [
        (one, other, count, count * baskets / (alone[one] * alone[other]))
        for (one, other), count in together.items()
        if count >= min(AFFINITY_BASKETS_MIN, max(2, baskets // 100))
    ]
    return sorted(found, key=lambda pair: (-pair[3], pair))


def receipts_per_till_hour(plan: Plan) -> dict[str, dict[int, float]]:
    """By branch and hour of the day: receipts in that hour for each hour that a till was open."""
    found: dict[str, dict[int, float]] = {}
    for code, made in plan.events.items():
        receipts: Counter[int] = Counter()
        open_seconds: Counter[int] = Counter()
        opened: dict[str, int] = {}
        for event in made:
            second = _second(event.at)
            if isinstance(event, Sell):
                receipts[second // 3_600] += 1
            elif isinstance(event, OpenShift):
                opened[event.register] = second
            elif isinstance(event, CloseShift):
                _add_hours(open_seconds, opened.pop(event.register), second)
        hours = range(OPENING_HOUR, CLOSING_HOUR)
        found[code] = {hour: round(receipts[hour] * 3_600 / max(1, open_seconds[hour]), 2) for hour in hours}
    return found


def lapsed_clients(plan: Plan) -> list[str]:
    """Regular clients who have not shown their card for three weeks, and often did before."""
    counted: Counter[str] = Counter()
    latest: dict[str, str] = {}
    for _, sale in plan.sales():
        if sale.client is not None:
            counted[sale.client] += 1
            latest[sale.client] = max(latest.get(sale.client, ""), sale.at)
    limit = (plan.today - timedelta(days=LAPSED_DAYS)).isoformat()
    regulars = {client.external_id for client in plan.clients if client.group}
    return sorted(
        client
        for client in regulars & latest.keys()
        if latest[client] < limit and counted[client] >= LAPSED_PURCHASES_MIN
    )


def truths_of(plan: Plan) -> tuple[Truth, ...]:
    """What was planted, with what the measures give."""
    cash = cash_by_cashier(plan)
    cashiers = [code for code in cash if code.startswith("cashier")]
    thief = min(cashiers, key=lambda code: cash[code]["variance_minor"])
    category = growing_categories(plan)
    pairs = doubled_clients(plan)
    last = plan.branches[-1].code
    hour = CLOSING_HOUR - 1
    loads = receipts_per_till_hour(plan)
    return (
        Truth(
            "thieving_cashier",
            f"{thief} refunds without a receipt into their own pocket, and their drawer is short by small sums.",
            "Refunds without a receipt, and cash variance, by cashier.",
            {"cashier": thief, "by_cashier": cash},
        ),
        Truth(
            "growing_category",
            "One category sells more in every week than in the week before.",
            "Sales by category and week, whole weeks before today.",
            {"categories": category, "pieces_by_week": {name: weekly_pieces(plan)[name] for name in category}},
        ),
        Truth(
            "doubled_clients",
            "2 % of the clients have two cards: the name mistyped, two digits of the phone swapped, or both.",
            "Cards with the same first name, last names alike, and phones of the same digits.",
            {"pairs": pairs, "share_percent": round(100 * len(pairs) / len(plan.clients), 1)},
        ),
        Truth(
            "bought_together",
            "Two products are often in one basket.",
            "Support and lift of pairs of products.",
            {"pairs": [_pair_document(plan, pair) for pair in affinities(plan)[:1]]},
        ),
        Truth(
            "understaffed_hour",
            f"In {last} the last hour has one till, and many receipts.",
            "Receipts by hour, for each hour that a till was open.",
            {
                "branch": last,
                "hour": hour,
                "receipts_per_till_hour": {code: load[hour] for code, load in loads.items()},
            },
        ),
        *_truths_of_contacts(plan),
        Truth(
            "lapsed_clients",
            "Some who bought often have not shown their card for three weeks.",
            "Days since the last receipt, of clients of the group “gold”.",
            {"clients": lapsed_clients(plan)},
        ),
    )


def _truths_of_contacts(plan: Plan) -> tuple[Truth, ...]:
    """Of calls and letters."""
    calls = [call for contacts in plan.contacts.values() for call in contacts.calls]
    reached = reached_by_rep(calls)
    return (
        Truth(
            "lazy_rep",
            "One rep calls at lunch, and reaches half as many clients as the others.",
            "Calls reached by employee: report run calls --by employee, and by hour.",
            {"rep": min(reached, key=lambda rep: reached[rep]), "reached_percent": reached},
        ),
        Truth(
            "rising_rival",
            "Clients speak of one competitor since three weeks, more each week.",
            "Key points of calls by competitor and week.",
            {"mentions_by_week": mentions_by_week(calls, plan.today)},
        ),
        Truth(
            "unanswered_client",
            "One client complained twice by mail, and nobody answered.",
            "Letters from a client since the last one to him, without answers to ours: the client’s timeline.",
            {"letters_by_client": unanswered_letters(list(plan.letters.values()))},
        ),
    )


def truths_document(truths: Sequence[Truth]) -> str:
    """What `planted.json` holds."""
    document: list[dict[str, Any]] = [truth._asdict() for truth in truths]
    return json.dumps({"planted": document}, ensure_ascii=False, indent=2) + "\n"


def _pair_document(plan: Plan, pair: tuple[str, str, int, float]) -> dict[str, Any]:
    one, other, count, lift = pair
    names = {product.sku: product.name for product in plan.products}
    return {"skus": [one, other], "names": [names[one], names[other]], "baskets": count, "lift": round(lift, 1)}


def _second(at: str) -> int:
    hours, minutes, seconds = at[11:].split(":")
    return int(hours) * 3_600 + int(minutes) * 60 + int(seconds)


def _add_hours(open_seconds: Counter[int], begin: int, end: int) -> None:
    for hour in range(begin // 3_600, end // 3_600 + 1):
        open_seconds[hour] += max(0, min(end, (hour + 1) * 3_600) - max(begin, hour * 3_600))
