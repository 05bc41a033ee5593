"""What a day's tills must come to, from a plain list of what happened. Shares no code with the product, on purpose."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from typing import Any

Happening = dict[str, Any]


def vat_in(amount: int, percent: int) -> int:
    """The tax that an amount contains, half a kopek to the even one."""
    return round(Fraction(amount * percent, 100 + percent))


def reckon(happenings: list[Happening]) -> dict[str, dict[str, Any]]:
    """By till: net, returns, rounding, VAT sold less VAT given back, cash there should be, and by method."""
    tills: dict[str, dict[str, Any]] = defaultdict(
        lambda: {"net": 0, "returns": 0, "rounding": 0, "vat": 0, "cash": 0, "methods": defaultdict(int), "receipts": 0}
    )
    for each in happenings:
        till = tills[each["till"]]
        what = each["what"]
        if what in ("float", "in"):
            till["cash"] += each["amount"]
        elif what == "out":
            till["cash"] -= each["amount"]
        elif what == "sale":
            due = sum(amount for amount, _ in each["lines"]) + each["rounding"]
            change = sum(each["paid"].values()) - due
            till["receipts"] += 1
            till["net"] += due - each["rounding"]
            till["rounding"] += each["rounding"]
            till["vat"] += sum(vat_in(amount, percent) for amount, percent in each["lines"])
            for method, amount in each["paid"].items():
                kept = amount - (change if method == "cash" else 0)
                till["methods"][method] += kept
                till["cash"] += kept if method == "cash" else 0
        elif what == "refund":
            till["receipts"] += 1
            till["returns"] += sum(amount for amount, _ in each["lines"])
            till["vat"] -= sum(vat_in(amount, percent) for amount, percent in each["lines"])
            till["methods"][each["method"]] -= sum(amount for amount, _ in each["lines"])
            till["cash"] -= sum(amount for amount, _ in each["lines"]) if each["method"] == "cash" else 0
        elif what == "exchange":
            back, taken = (sum(amount for amount, _ in each[side]) for side in ("back", "lines"))
            till["receipts"] += 2
            till["net"] += taken
            till["returns"] += back
            # Goods for goods: the method is there, and nothing is in it.
            till["methods"][f"exchange:{each['method']}"] += 0
            till["methods"][each["method"]] += taken - back
    return {name: {**till, "methods": dict(till["methods"])} for name, till in tills.items()}
