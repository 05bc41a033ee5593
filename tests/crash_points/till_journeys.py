"""The journeys of a till: a basket, refunds, the drawer, stock, points, a card, papers; each step is one request."""

from __future__ import annotations

from typing import Any

from branch_node.devices.payment_terminal import Script
from branch_node.operations import basket, drawer_actions, sale_payments, stock
from branch_node.operations.basket import NO_LIMITS, DiscountKind
from branch_node.operations.refund_request import parse_refund_request
from branch_node.operations.stock import Goods, MovementAnswer
from branch_node.sync_client.processor import Processor
from hq_server.operations.importing import import_catalog
from hq_server.operations.loyalty import set_program
from hq_server.storage.feed import number_feed
from shared.domain.card_payments import AttemptState
from shared.domain.loyalty import make_program, owner_of_client
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.sales import Payment
from shared.domain.shifts import Denomination
from shared.errors import FilialError, NotFound, Refused
from shared.operations.clients import find_by_external_id
from shared.operations.tabular_files import FileRow
from tests.crash_points.till import CODE, REGISTER, Step, Till, TillJourney, terminal_of
from tests.support.pair import Node, Pair
from tests.support.shop import request

CLIENT, POINTS_LEASED = "900", 30
PART_BY_CARD, ASKED_MAX = 5_000, 6


def fill(pair: Pair) -> Node:
    """A branch that knows three products, a client with points, and holds some of them on lease."""
    office = pair.office
    rows = [
        FileRow(number, {"sku": sku, "name": sku, "category": "Food", "price": price})
        for number, (sku, price) in enumerate([("tea", "250.00"), ("cake", "899.99"), ("milk", "89.90")], 2)
    ]
    with office.store.write() as connection:
        import_catalog(connection, office.ids, office.clock.now_us(), office.chain.chain_id, "RUB", rows)
        program = make_program("main", ["*:*:1000"], 5_000, 0, 100)
        set_program(connection, office.ids, office.clock.now_us(), program, "Club")
    number_feed(office.store, office.clock.now_us())
    node = pair.join(CODE)
    node.sync()
    node.add_client(CLIENT, "Anna")
    node.sync()
    _sell_to_client(node.line(), "before", 500_00)
    node.sync()
    node.want(owner_of_client(_client_id(node)), POINTS_LEASED)
    node.sync()
    return node


def _client_id(node: Node) -> bytes:
    with node.store.read() as connection:
        found = find_by_external_id(connection, CLIENT)
    assert found is not None
    return found


def _require(expected: str, error: FilialError) -> None:
    """Nothing else may be refused."""
    if expected not in error.message:
        raise error


# Baskets.


def _pay(till: Till) -> Any:
    outcome = basket.pay(till.store, till.processor.sell, till.basket_id, [Payment("cash", 500_000)])
    assert outcome.sold is not None
    return [outcome.sold.receipt, outcome.sold.total_minor, outcome.sold.change_minor]


def _open(till: Till) -> str:
    return basket.open_basket(till.store, REGISTER, "anna").hex()


def _recall(till: Till) -> None:
    basket.recall(till.store, till.basket_id, REGISTER, "vera")


BASKET = TillJourney(
    "till-basket",
    (
        Step("open", _open, repeats=False),
        Step("tea", lambda till: basket.add_product(till.store, till.basket_id, "r1", "tea")),
        Step("cake", lambda till: basket.scan(till.store, till.basket_id, "r2", "cake", 2_000)),
        Step("price", lambda till: basket.set_price(till.store, till.basket_id, "r3", 1, 20_001, NO_LIMITS, "boss")),
        Step(
            "discount",
            lambda till: basket.set_discount(
                till.store, till.basket_id, "r4", 2, DiscountKind.PERCENT, 500, NO_LIMITS, "boss", "torn"
            ),
        ),
        Step("undo", lambda till: basket.undo(till.store, till.basket_id, "r5", till.told["discount"][1])),
        Step("hold", lambda till: basket.hold(till.store, till.basket_id, "for later"), repeats=False),
        Step("recall", _recall, repeats=False),
        Step("client", lambda till: basket.attach_client(till.store, till.basket_id, "r6", CLIENT)),
        Step("three", lambda till: basket.set_quantity(till.store, till.basket_id, "r7", 2, 3_000)),
        Step("remove", lambda till: basket.remove_line(till.store, till.basket_id, "r8", 1)),
        Step("pay", _pay),
        Step("next", _open, repeats=False),
        Step("milk", lambda till: basket.add_product(till.store, bytes.fromhex(till.told["next"]), "r1", "milk")),
        Step("give up", lambda till: basket.abandon(till.store, bytes.fromhex(till.told["next"]))),
    ),
)


# Receipts that go and come back.


def _sell(till: Till, key: str, lines: list[tuple[str, int, int]]) -> str:
    asked = [{"sku": sku, "quantity": quantity, "amount_minor": amount} for sku, quantity, amount in lines]
    paid = [{"method": "card", "amount_minor": 100}, {"method": "cash", "amount_minor": 1_000_000}]
    return till.processor.sell(request(key, 1, lines=asked, payments=paid)).receipt


def _give_back(till: Till, key: str, sold: str, lines: list[dict[str, int]] | None = None) -> Any:
    asked = {"key": key, "register": REGISTER, "cashier": "anna", "receipt": till.told[sold]}
    wanted = {} if lines is None else {"lines": lines}
    answer = till.processor.refund(parse_refund_request({**asked, **wanted}))
    return [answer.receipt, answer.total_minor]


REFUND = TillJourney(
    "till-refund",
    (
        Step("sell", lambda till: _sell(till, "s1", [("tea", 3, 75_000), ("cake", 1, 89_999), ("milk", 2, 17_980)])),
        Step("part", lambda till: _give_back(till, "b1", "sell", [{"line": 1, "quantity": 1}, {"line": 3}])),
        Step("rest", lambda till: _give_back(till, "b2", "sell")),
        Step("sell again", lambda till: _sell(till, "s2", [("tea", 1, 25_000)])),
    ),
)


# The drawer.


def _open_till(till: Till) -> None:
    try:
        drawer_actions.open_till(till.store, LOCAL_ADMINISTRATOR, REGISTER, 100_000)
    except Refused as error:
        # A life that died before the answer has opened it.
        _require("open already", error)


def _close_till(till: Till) -> None:
    counted = [Denomination(100_000, 1), Denomination(5_000, 3), Denomination(100, 7)]
    try:
        drawer_actions.close_till(till.store, LOCAL_ADMINISTRATOR, REGISTER, counted, lambda statement: statement[:64])
    except NotFound as error:
        _require("no open shift", error)


def _move(till: Till, key: str, direction: str, amount_minor: int) -> Any:
    moved = drawer_actions.move_cash(
        till.store, LOCAL_ADMINISTRATOR, REGISTER, direction, amount_minor, "change", None, key
    )
    return [moved.direction, moved.amount_minor, moved.at.at_us]


DRAWER = TillJourney(
    "till-drawer",
    (
        Step("open shift", _open_till, repeats=False),
        Step("in", lambda till: _move(till, "c1", "in", 20_000)),
        Step("sell", lambda till: _sell(till, "s1", [("tea", 1, 25_000)])),
        Step("out", lambda till: _move(till, "c2", "out", 3_000)),
        Step("bank", lambda till: _move(till, "c3", "pickup", 20_000)),
        Step("back", lambda till: _give_back(till, "b1", "sell")),
        Step("close", _close_till, repeats=False),
    ),
)


# Goods.


def _moved(answer: MovementAnswer) -> Any:
    """What a repeated key is told; what is on hand now is another by then."""
    lines = [[line.sku, line.quantity_thousandths, line.expected_thousandths] for line in answer.lines]
    return [answer.movement_id.hex(), answer.reason, answer.document, answer.entry, lines]


def _stock(till: Till, operation: Any, key: str, document: str, *goods: Goods) -> Any:
    with till.store.operation() as transaction:
        return _moved(operation(transaction, LOCAL_ADMINISTRATOR, "anna", goods, document, REGISTER, key))


STOCK = TillJourney(
    "till-stock",
    (
        Step("come", lambda till: _stock(till, stock.receive, "m1", "N1", Goods("tea", 40_000), Goods("milk", 9_000))),
        Step("sell", lambda till: _sell(till, "s1", [("tea", 2, 50_000), ("milk", 1, 8_990)])),
        Step("write off", lambda till: _stock(till, stock.write_off, "m2", "W1", Goods("milk", 500))),
        Step("count", lambda till: _stock(till, stock.count, "m3", "C1", Goods("tea", 37_000), Goods("milk", 8_000))),
        Step("back", lambda till: _give_back(till, "b1", "sell", [{"line": 1, "quantity": 1}])),
        Step("count again", lambda till: _stock(till, stock.count, "m4", "C2", Goods("tea", 38_000))),
    ),
)


# Points.


def _sell_to_client(processor: Processor, key: str, amount: int, by_points: int = 0) -> str:
    paid = [{"method": "cash", "amount_minor": amount - by_points}]
    if by_points:
        paid.append({"method": "points", "amount_minor": by_points})
    lines = [{"sku": "cake", "quantity": 4, "amount_minor": amount}]
    return processor.sell(request(key, 1, lines=lines, payments=paid, client=CLIENT)).receipt


POINTS = TillJourney(
    "till-points",
    (
        Step("earn", lambda till: _sell_to_client(till.processor, "s1", 200_00)),
        Step("spend", lambda till: _sell_to_client(till.processor, "s2", 40_00, 20_00)),
        Step("part back", lambda till: _give_back(till, "b1", "spend", [{"line": 1, "quantity": 1}])),
        Step("claw back", lambda till: _give_back(till, "b2", "earn")),
        Step("rest back", lambda till: _give_back(till, "b3", "spend")),
        Step("spend more", lambda till: _sell_to_client(till.processor, "s3", 20_00, 10_00)),
    ),
)


# Cards.


def _charge(till: Till) -> str:
    """What a cashier does: pays a part by card, and asks again while nobody knows; a card is never charged twice."""
    for _ in range(ASKED_MAX):
        attempts = sale_payments.attempts_of(till.standing, till.basket_id)
        if any(each.state is AttemptState.APPROVED for each in attempts):
            return "approved"
        doubtful = [each for each in attempts if each.state is not AttemptState.BEGUN]
        try:
            if doubtful:
                reference = doubtful[0].reference
                sale_payments.ask_terminal_again(
                    till.standing, till.processor.sell, till.terminal, till.basket_id, reference
                )
            else:
                sale_payments.pay_by_card(
                    till.standing, till.processor.sell, till.terminal, till.basket_id, PART_BY_CARD
                )
        except Refused as error:
            _require("declined", error)
    raise AssertionError("not even after asking often")


def _pay_rest(till: Till) -> Any:
    outcome = sale_payments.pay_cash(till.standing, till.processor.sell, till.basket_id, None)
    assert outcome.sold is not None
    return outcome.sold.receipt


def _pay_back(till: Till) -> Any:
    document = {"key": "b1", "register": REGISTER, "receipt": till.told["rest"]}
    for _ in range(ASKED_MAX):
        try:
            answer = drawer_actions.give_back(
                till.store, till.processor.refund, LOCAL_ADMINISTRATOR, document, None, till.terminal
            )
        except Refused as error:
            _require("paid back" if "not known" in error.message else "did not pay back", error)
        else:
            return [answer.receipt, answer.total_minor]
    raise AssertionError("not even after asking often")


def _judge_card(till: Till) -> None:
    """One charge, one payment back, each with its record; what the terminal never heard of is cancelled there."""
    assert sorted(till.terminal.charges().values()) == [-PART_BY_CARD, PART_BY_CARD]
    with till.store.read_cursor() as cursor:
        rows = cursor.execute(
            "SELECT reference, state FROM card_attempt WHERE state NOT IN ('declined', 'reversed')"
        ).fetchall()
    charges = dict.fromkeys(till.terminal.charges(), "used")
    assert charges == dict(rows), (charges, rows)


CARD = TillJourney(
    "till-card",
    (
        Step("open", _open, repeats=False),
        Step("tea", lambda till: basket.add_product(till.store, till.basket_id, "r1", "tea")),
        Step("charge", _charge, repeats=False),
        Step("rest", _pay_rest),
        Step("back", _pay_back),
    ),
    lambda folder: terminal_of(folder).set_script(
        [Script.TIME_OUT_AFTER_APPROVAL, Script.APPROVE, Script.TIME_OUT_BEFORE_APPROVAL]
    ),
    _judge_card,
)


# Papers.


def _print(till: Till) -> None:
    assert till.print_queue().print_waiting().problem is None


def _judge_papers(till: Till) -> None:
    """Every receipt is on paper, in its order, and at most once as what it is: then as a copy, without the drawer."""
    with till.store.read_cursor() as cursor:
        assert cursor.execute("SELECT COUNT(*) FROM print_job WHERE state <> 'printed'").fetchone() == (0,)
    papers = (till.folder / "paper").read_text().split("✂")[:-1]
    numbers = [paper.partition("Чек № ")[2].split()[0] for paper in papers]
    assert sorted(set(numbers)) == sorted((till.told["sell"], till.told["sell more"], till.told["back"][0]))
    assert numbers == sorted(numbers)
    originals = [number for number, paper in zip(numbers, papers, strict=True) if "КОПИЯ" not in paper]
    assert len(originals) == len(set(originals))
    assert sum("[drawer opens]" in paper for paper in papers) <= len(originals)


PRINTING = TillJourney(
    "till-printing",
    (
        Step("sell", lambda till: _sell(till, "s1", [("tea", 1, 25_000)])),
        Step("print", _print, repeats=False),
        Step("sell more", lambda till: _sell(till, "s2", [("milk", 1, 8_990)])),
        Step("back", lambda till: _give_back(till, "b1", "sell")),
        Step("print more", _print, repeats=False),
    ),
    judge=_judge_papers,
)

TILL_JOURNEYS = {journey.name: journey for journey in (BASKET, REFUND, DRAWER, STOCK, POINTS, CARD, PRINTING)}
