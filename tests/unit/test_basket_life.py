"""Whatever is done to a basket in whatever order: totals add up, a store that is opened anew shows the same, repeated
requests change nothing, and undoing leads back to where it was."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from branch_node.operations import basket
from branch_node.operations.basket import BasketView, DiscountKind, Done
from branch_node.operations.joining import BranchIdentity, write_identity
from branch_node.storage import migrations
from branch_node.storage.store import BranchStore
from shared.domain.barcodes import CodePlan
from shared.domain.check_digits import check_digit
from shared.errors import FilialError
from shared.storage.sqlite_engine import SqliteStore
from tests.support.basket_desk import CASHIER, MANAGER, Till, learn_client, learn_goods
from tests.support.clock import FakeClock, SeededIds
from tests.support.shop import Shop

GOODS = {"tea": 10_000, "cake": 3_333, "cheese": 79_990, "gum": 1}
MARKED = "(01)04601234567893(21)"
CODES = [
    *GOODS,
    *("2100123" + grams + check_digit("2100123" + grams) for grams in ("00333", "01250")),
    MARKED + "a",
    MARKED + "b",
    "CARD-1",
    "nobody knows",
    "flour",
]
PLAN = CodePlan(card_prefixes=("CARD-",))
authorities = st.sampled_from([CASHIER, MANAGER])
_template: list[Path] = []


def template() -> Path:
    """A store with the goods, made once."""
    if not _template:
        folder = Path(tempfile.mkdtemp())
        path, clock = folder / "branch.db", FakeClock()
        ids = SeededIds(clock)
        bare = SqliteStore(path, clock)
        identity = BranchIdentity(ids.new_id(), "Chain", ids.new_id(), "B7", "Shop", "Europe/Moscow", "RUB", "")
        with bare.write() as connection:
            migrations.upgrade(connection)
            write_identity(connection, identity, "127.0.0.1:1", ids, clock.now_us())
        bare.close()
        store = BranchStore(path, clock, ids)
        shop = Shop(store, clock)
        for sku, price in GOODS.items():
            learn_goods(shop, sku, price, barcode="2100123" if sku == "cheese" else None)
        learn_goods(shop, "milk", 9_990, barcode="4601234567893")
        learn_goods(shop, "flour", None)
        learn_client(shop, "Анна", "CARD-1")
        store.close()
        bare = SqliteStore(path, clock)
        bare.checkpoint()
        bare.close()
        _template.append(path)
    return _template[0]


def shown(view: BasketView) -> BasketView:
    """What matters of a view when actions were done and undone."""
    return view._replace(revision=0, undo=())


class BasketLife(RuleBasedStateMachine):
    """One basket in a store of its own."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(template(), self.folder / "branch.db")
        self.clock = FakeClock()
        self.ids = SeededIds(self.clock, 1)
        self.requests: dict[str, tuple[Any, Done]] = {}
        # What the basket looked like before each action that can be undone in turn.
        self.before: list[tuple[int, BasketView]] = []
        self.open()

    def open(self) -> None:
        self.store = BranchStore(self.folder / "branch.db", self.clock, self.ids)
        self.till = Till(Shop(self.store, self.clock))

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.folder)

    def do(self, operation: Any, *arguments: Any, **details: Any) -> None:
        before, request = self.till.view(), f"q{len(self.requests)}"

        def ask() -> Done:
            return self.till.do(operation, *arguments, request=request, **details)

        try:
            done = ask()
        except FilialError:
            assert self.till.view() == before
            return
        self.requests[request] = ask, done
        if operation is not basket.undo:
            self.before.append((done.action, before))

    @rule(code=st.sampled_from(CODES), quantity=st.sampled_from([1_000, 2_000, 333]))
    def scan(self, code: str, quantity: int) -> None:
        self.do(_scan, code, quantity)

    @rule(line=st.integers(1, 8), quantity=st.integers(1, 5_000), authority=authorities)
    def set_quantity(self, line: int, quantity: int, authority: basket.Limits) -> None:
        self.do(basket.set_quantity, line, quantity, authority=authority)

    @rule(line=st.integers(1, 8), price=st.none() | st.integers(0, 20_000), authority=authorities)
    def set_price(self, line: int, price: int | None, authority: basket.Limits) -> None:
        self.do(basket.set_price, line, price, authority, "anna")

    @rule(
        line=st.none() | st.integers(1, 8),
        kind=st.none() | st.sampled_from(DiscountKind),
        value=st.integers(1, 3_000),
        authority=authorities,
    )
    def set_discount(self, line: int | None, kind: DiscountKind | None, value: int, authority: basket.Limits) -> None:
        self.do(basket.set_discount, line, kind, value, authority, "anna")

    @rule(line=st.integers(1, 8), authority=authorities)
    def remove_line(self, line: int, authority: basket.Limits) -> None:
        self.do(basket.remove_line, line, authority=authority)

    @rule()
    def clear(self) -> None:
        self.do(basket.clear)

    @rule()
    def price_unknown(self) -> None:
        self.do(basket.price_unknown, "nobody knows", "Thing", 777)

    @rule()
    def detach(self) -> None:
        self.do(basket.detach_client)

    @precondition(lambda self: self.before)
    @rule()
    def undo_the_last(self) -> None:
        action, before = self.before.pop()
        self.do(basket.undo, action)
        assert shown(self.till.view()) == shown(before)

    @rule(back=st.integers(1, 6))
    def undo_any(self, back: int) -> None:
        action = self.till.view().revision - back
        before = self.till.view()
        self.do(basket.undo, action)
        if shown(self.till.view()) != shown(before):
            self.before.clear()

    @precondition(lambda self: self.requests)
    @rule(number=st.integers(0, 1_000))
    def repeat_a_request(self, number: int) -> None:
        ask, done = list(self.requests.values())[number % len(self.requests)]
        before = self.till.view()
        assert ask() == done
        assert self.till.view() == before

    @rule(seconds=st.integers(1, 20))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule()
    def open_anew(self) -> None:
        before = self.till.view()
        self.store.close()
        self.open()
        assert self.till.view() == before

    @invariant()
    def totals_add_up(self) -> None:
        if not hasattr(self, "till"):
            return
        view = self.till.view()
        assert view.total_minor == sum(line.net_minor for line in view.lines)
        assert view.gross_minor == view.total_minor + view.discount_minor
        for line in view.lines:
            assert line.net_minor == line.gross_minor - sum(part.amount_minor for part in line.discounts)
            assert 0 <= line.net_minor <= line.gross_minor
        positions = [line.line_id for line in view.lines]
        assert positions == sorted(set(positions))


def _scan(store: BranchStore, basket_id: bytes, request: str, code: str, quantity: int) -> Done:
    return basket.scan(store, basket_id, request, code, quantity, PLAN)


TestBasketLife = BasketLife.TestCase
TestBasketLife.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
