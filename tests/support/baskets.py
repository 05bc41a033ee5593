"""Hypothesis strategies for baskets, promotions and discounts given by hand, and short makers for named cases."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from shared.domain.promotions import BasketContext, BasketLine, ManualDiscount, Promotion, PromotionType

SKUS, CATEGORIES, GROUPS, ZONES = ("a", "b", "c", "d"), ("food", "tools"), ("gold", "staff"), ("north", "")
DAY = 20_000
"""A day like others: 2024-10-04, a Friday."""

quantities = st.one_of(st.integers(0, 12).map(lambda units: units * 1_000), st.integers(0, 9_999))
rates = st.sampled_from([None, 0, 500, 1_000, 2_000, 2_200])
manual_discounts = st.one_of(
    st.none(),
    st.integers(0, 10_000).map(lambda rate: ManualDiscount(rate, None, "ann", "torn")),
    st.integers(0, 30_000).map(lambda amount: ManualDiscount(None, amount, "ann", "torn")),
)
lines = st.builds(
    BasketLine,
    line_id=st.just("1"),
    sku=st.sampled_from(SKUS),
    category=st.sampled_from([None, *CATEGORIES]),
    quantity_thousandths=quantities,
    unit_price_minor=st.one_of(st.integers(0, 20), st.integers(0, 100_000)),
    manual_price_minor=st.one_of(st.none(), st.none(), st.integers(0, 100_000)),
    manual_discount=manual_discounts,
    vat_rate_basis_points=rates,
)
baskets = st.lists(lines, max_size=8)
types = st.sampled_from(list(PromotionType))


def _subsets(of: tuple[str, ...]) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(of), max_size=len(of))


@st.composite
def promotion_lists(draw: st.DrawFn, max_size: int = 6, combinable: bool | None = None) -> list[Promotion]:
    """Promotions with ids of their own; priorities and codes are drawn from few, so that ties are frequent."""
    found = []
    for number in range(draw(st.integers(0, max_size))):
        kind = draw(types)
        n = draw(st.integers(2, 4))
        found.append(
            Promotion(
                promotion_id=bytes([number]) * 16,
                code=draw(st.sampled_from("pqr")),
                name=f"promotion {number}",
                type=kind,
                value=draw(st.integers(0, 10_000 if kind is PromotionType.PERCENT else 20_000)),
                n=n,
                m=draw(st.integers(1, n - 1)),
                skus=draw(_subsets(SKUS)),
                categories=draw(_subsets(CATEGORIES)),
                client_groups=draw(st.sampled_from([frozenset[str](), frozenset(["gold"])])),
                minimum_minor=draw(st.sampled_from([0, 0, 5_000])),
                combinable=draw(st.booleans()) if combinable is None else combinable,
                priority=draw(st.integers(0, 2)),
                per_basket=draw(st.booleans()),
            )
        )
    return found


contexts = st.builds(
    BasketContext,
    day=st.just(DAY),
    minute=st.just(720),
    client_group=st.sampled_from([None, *GROUPS]),
    price_zone=st.sampled_from(ZONES),
    manual_discount=manual_discounts,
)


def line(sku: str, units: float, price: int, **more: Any) -> BasketLine:
    """A line of so many units, at a price in minor units."""
    return BasketLine(sku, sku, more.pop("category", None), round(units * 1_000), price, **more)


def promotion(code: str, kind: PromotionType, value: int = 0, **more: Any) -> Promotion:
    """A promotion whose id follows from its code."""
    return Promotion(code.encode().ljust(16, b"\0"), code, code.title(), kind, value, **more)
