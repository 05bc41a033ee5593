"""What a day's tills must come to, from a plain list of what happened. Shares no code with the product, on purpose.

Goods, offers and rates are the plain data that the head office was given; all else is reckoned here, the slow way.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction
from typing import Any

Plain = dict[str, Any]
Till = dict[Any, int]


def part(amount: int, some: int, whole: int) -> int:
    """The share of an amount, half a kopek to the even one."""
    return round(Fraction(amount * some, whole))


def spread(total: int, weights: list[int]) -> list[int]:
    """By largest remainder, the earlier one first."""
    exact = [Fraction(total * weight, sum(weights)) for weight in weights]
    parts = [int(each) for each in exact]
    for place in sorted(range(len(parts)), key=lambda place: parts[place] - exact[place])[: total - sum(parts)]:
        parts[place] += 1
    return parts


def taken(offer: Plain, about: list[int], free: list[int], left: list[int]) -> dict[int, tuple[int, int]]:
    """What an offer takes off, by line: the thousandths that it uses, and the discount."""
    lines, value, kind = [line for line in about if left[line] > 0], offer.get("value", 0), offer["type"]
    if kind == "n_for_m":
        dear_first = sorted(lines, key=lambda line: -(left[line] * 1_000 // free[line]))
        units = [line for line in dear_first for _ in range(free[line] // 1_000)]
        units = units[: len(units) - len(units) % offer["n"]]
        given = Counter(line for place, line in enumerate(units) if place % offer["n"] >= offer["m"])
        used = Counter(units)
        return {line: (used[line] * 1_000, part(left[line], given[line] * 1_000, free[line])) for line in used}
    if offer.get("per_basket"):
        weights = [left[line] for line in lines]
        shares = spread(min(value, sum(weights)), weights) if lines else []
    elif kind == "percent":
        shares = [part(left[line], value, 10_000) for line in lines]
    elif kind == "amount_off":
        shares = [min(left[line], part(value, free[line], 1_000)) for line in lines]
    else:
        shares = [max(0, left[line] - part(value, free[line], 1_000)) for line in lines]
    return {line: (free[line], share) for line, share in zip(lines, shares, strict=True)}


def combine(offers: list[tuple[Plain, list[int]]], free: list[int], left: list[int]) -> list[int]:
    """What combinable offers take off each line, one after the other."""
    rest = left[:]
    for offer, about in offers:
        for line, (_, amount) in taken(offer, about, free, rest).items():
            rest[line] -= amount
    return [before - after for before, after in zip(left, rest, strict=True)]


def discounts(gross: list[int], categories: list[str], quantity: list[int], offers: list[Plain]) -> list[int]:
    """What offers take off each line: exclusive ones their units, the largest gain first, the others of the rest."""
    scoped = [
        (offer, [n for n, category in enumerate(categories) if category in offer.get("categories", categories)])
        for offer in sorted(offers, key=lambda offer: (offer["priority"], offer["code"]))
        if sum(gross) >= offer.get("minimum_minor", 0)
    ]
    combinable = [each for each in scoped if each[0]["combinable"]]
    alone, free, left, off = combine(combinable, quantity, gross), quantity[:], gross[:], [0] * len(gross)
    while True:
        best: tuple[int, dict[int, tuple[int, int]]] = (0, {})
        for offer, about in scoped:
            if not offer["combinable"]:
                found = taken(offer, about, free, left)
                gains = {n: amount - part(alone[n], used, quantity[n]) for n, (used, amount) in found.items()}
                worth = {n: each for n, each in found.items() if gains[n] > 0 or offer["type"] == "n_for_m"}
                best = max(best, (sum(gains[n] for n in worth), worth), key=lambda each: each[0])
        if not best[1]:
            break
        for n, (used, amount) in best[1].items():
            off[n], left[n] = off[n] + amount, left[n] - part(left[n], used, free[n])
            free[n] -= used
    together = [one + other for one, other in zip(off, combine(combinable, free, left), strict=True)]
    return together if sum(together) > sum(alone) else alone


def sell(till: Till, sale: Plain, goods: Plain, offers: list[Plain], rates: list[tuple[str, int, int]]) -> Plain:
    """Enters a sale; returns what a refund of it asks."""
    quantity = [thousandths for _, thousandths in sale["lines"]]
    gross = [part(goods[sku]["price"], thousandths, 1_000) for sku, thousandths in sale["lines"]]
    off = discounts(gross, [goods[sku]["category"] for sku, _ in sale["lines"]], quantity, offers)
    lines = []
    for (sku, of), at_list_price, discount in zip(sale["lines"], gross, off, strict=True):
        # Of the rates of a code, in the order of their days, the last that has begun.
        begun = [rate for code, since, rate in rates if code == goods[sku]["vat"] and since <= sale["day"]]
        rate, amount = begun[-1] if begun else None, at_list_price - discount
        lines.append({"of": of, "rate": rate, "amount": amount, "vat": part(amount, rate or 0, 10_000 + (rate or 0))})
        till["sold", rate] += amount
        till["vat", rate] += lines[-1]["vat"]
    paid: Counter[str] = Counter(sale["paid"])
    net = sum(gross) - sum(off)
    rounding = -((net - paid.total() + paid["cash"]) % 100) if "cash" in paid else 0
    paid["cash"] -= paid.total() - net - rounding
    more = {"receipts": 1, "gross": sum(gross), "discounts": sum(off), "net": net, "rounding": rounding}
    for name, amount in [*more.items(), *((("method", method), amount) for method, amount in paid.items())]:
        till[name] += amount
    return {"lines": lines, "paid": paid, "net": net, "back": Counter(), "returned": Counter()}


def give_back(till: Till, sale: Plain, wanted: list[tuple[int, int]]) -> None:
    """Enters a refund of so much of some lines: at the sale's prices and rates, by its methods, cash last."""
    before = sale["back"]["net"]
    for number, thousandths in wanted:
        line, back = sale["lines"][number - 1], sale["back"]
        back[number] += thousandths
        for name, entered in (("amount", "sold"), ("vat", "vat")):
            share = part(line[name], back[number], line["of"]) - back[number, name]
            back[number, name] += share
            back["net"] += share if name == "amount" else 0
            till[entered, line["rate"]] -= share
    rest = due = part(sale["paid"].total(), sale["back"]["net"], sale["net"]) - sale["returned"].total()
    for method in sorted(sale["paid"], key="cash".__eq__):
        amount = rest if method == "cash" else min(rest, sale["paid"][method] - sale["returned"][method])
        sale["returned"][method] += amount
        till["method", method] -= amount
        rest -= amount
    total = sale["back"]["net"] - before
    for name, amount in {"receipts": 1, "returns": total, "rounding": total - due}.items():
        till[name] += amount


def reckon(
    goods: Plain, offers: list[Plain], rates: list[tuple[str, int, int]], happened: list[Plain]
) -> dict[tuple[int, str], Till]:
    """By day and till what its receipts come to, how much cash there should be, and what is VAT at which rate."""
    tills: dict[tuple[int, str], Till] = defaultdict(lambda: defaultdict(int))
    sales: dict[str, Plain] = {}
    for each in happened:
        till = tills[each["day"], each["till"]]
        if each["what"] == "sale":
            sales[each["receipt"]] = sell(till, each, goods, offers, rates)
        elif each["what"] == "refund":
            give_back(till, sales[each["receipt"]], each["lines"])
        else:
            till["moved"] += -each["amount"] if each["what"] == "out" else each["amount"]
    for till in tills.values():
        till["cash"] = till["moved"] + till["method", "cash"]
    return dict(tills)
