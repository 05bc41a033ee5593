"""The practice chain's promotions: some running, one over, one to come; as the product's command and as its rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from deploy.practice.goods import Goods
from shared.domain.business_time import days_from_date
from shared.domain.identifiers import NIL_ID
from shared.domain.money import format_minor
from shared.domain.promotions import Promotion, PromotionType

CURRENCY = "RUB"
REGULARS = "gold"
"""The group of clients who buy often."""


@dataclass(frozen=True, slots=True)
class PlannedPromotion:
    """One promotion. `percent` or `n` with `m`; the categories as the catalogue names them."""

    code: str
    name: str
    first: date | None
    last: date | None
    percent: int = 0
    n: int = 0
    m: int = 0
    categories: tuple[str, ...] = ()
    group: str = ""
    minimum_minor: int = 0
    exclusive: bool = False

    def rule(self) -> Promotion:
        """As the product reckons with it."""
        return Promotion(
            promotion_id=NIL_ID,
            code=self.code,
            name=self.name,
            type=PromotionType.PERCENT if self.percent else PromotionType.N_FOR_M,
            value=self.percent * 100,
            n=self.n,
            m=self.m,
            categories=frozenset(self.categories),
            client_groups=frozenset({self.group} if self.group else ()),
            valid_from=None if self.first is None else days_from_date(self.first),
            valid_to=None if self.last is None else days_from_date(self.last),
            minimum_minor=self.minimum_minor,
            combinable=not self.exclusive,
        )

    def arguments(self) -> list[str]:
        """What follows `filial-hq promotion add`."""
        effect = ["--percent", str(self.percent)] if self.percent else ["--n", str(self.n), "--m", str(self.m)]
        options = [self.code, "--name", self.name, *effect]
        for category in self.categories:
            options += ["--category", category]
        options += ["--group", self.group] if self.group else []
        options += ["--from", self.first.isoformat()] if self.first else []
        options += ["--to", self.last.isoformat()] if self.last else []
        options += ["--minimum", format_minor(self.minimum_minor, CURRENCY)] if self.minimum_minor else []
        return [*options, *(["--exclusive"] if self.exclusive else [])]


def plan_promotions(goods: Goods, language: str, first: date, today: date) -> tuple[PlannedPromotion, ...]:
    """Four promotions around today."""

    def word(russian: str, english: str) -> str:
        return english if language == "en" else russian

    names = goods.category_names
    day, week = timedelta(days=1), timedelta(weeks=1)
    return (
        PlannedPromotion(
            "autumn",
            word("Неделя фруктов", "Fruit week"),
            first,
            first + 2 * week - day,
            percent=15,
            categories=(names["fruit"],),
        ),
        PlannedPromotion(
            "dairy32",
            word("Молочное: 3 по цене 2", "Dairy: 3 for 2"),
            today - week,
            today + week,
            n=3,
            m=2,
            categories=(names["dairy"],),
            exclusive=True,
        ),
        PlannedPromotion(
            "regulars",
            word("Постоянным – 3 %", "Regulars – 3 %"),
            None,
            None,
            percent=3,
            group=REGULARS,
            minimum_minor=100_000,
        ),
        PlannedPromotion(
            "holiday",
            word("Сладкие праздники", "Sweet holidays"),
            today + week,
            today + 4 * week,
            percent=10,
            categories=(names["sweets"], names["tea"]),
        ),
    )
