"""Points of the whole chain, on both databases: earned with sales, spent once, clawed and given back with refunds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from branch_node.operations.loyalty import points_here
from branch_node.operations.refund_request import parse_refund_request
from hq_server.operations.loyalty import client_points, end_program, list_programs, refresh_points, set_program
from hq_server.storage.feed import number_feed
from hq_server.storage.loyalty import read_points, refresh_amounts
from shared.domain.loyalty import make_program, owner_of_client
from shared.errors import HqUnreachable, InvalidInput, Refused
from shared.operations.clients import find_by_external_id
from shared.sync.messages import ProcessingMode, WhenUnreachable
from tests.support.office import Office
from tests.support.pair import CentralWire, Node, Pair
from tests.support.shop import request

CLIENT = "900"
DAY_SECONDS = 86_400
RULES = ["*:*:1000", "gold:*:2000"]


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    """A chain whose clients earn 10 % of what they pay, and pay at most half by points that are worth 1.00."""
    with office.store.write() as connection:
        program = make_program("main", RULES, 5_000, 30, 100)
        assert set_program(connection, office.ids, office.clock.now_us(), program, "Club")
        assert not set_program(connection, office.ids, office.clock.now_us(), program, "Club")
    number_feed(office.store, office.clock.now_us())
    return Pair(office, tmp_path)


@pytest.fixture
def shop(pair: Pair) -> Node:
    """A branch that knows the client."""
    node = pair.join("B1")
    node.sync()
    node.add_client(CLIENT, "Anna")
    node.sync()
    return node


def client_id(node: Node) -> bytes:
    with node.store.read() as connection:
        found = find_by_external_id(connection, CLIENT)
    assert found is not None
    return found


def sell(node: Node, key: str, amount: int, points_minor: int = 0, wire: CentralWire | None = None) -> str:
    payments = [{"method": "cash", "amount_minor": amount - points_minor}]
    if points_minor:
        payments.append({"method": "points", "amount_minor": points_minor})
    lines = [{"sku": "952", "quantity": 4, "amount_minor": amount}]
    asked = request(key, amount, lines=lines, payments=payments, client=CLIENT)
    return node.line(wire).sell(asked).receipt


def give_back(node: Node, key: str, receipt: str, quantity: int, **more: Any) -> int:
    lines = [{"line": 1, "quantity": quantity}]
    document = {"key": key, "register": "1", "cashier": "anna", "receipt": receipt, "lines": lines, **more}
    return node.line().refund(parse_refund_request(document)).total_minor


def points(pair: Pair, node: Node) -> tuple[int, int]:
    """The balance at HQ, and what of it may be spent."""
    with pair.office.store.read() as connection:
        found = client_points(connection, client_id(node), pair.office.clock.now_us())
    return found["points"], found["points_available"]


def entries(pair: Pair, node: Node) -> list[tuple[str, int]]:
    """Oldest first."""
    with pair.office.store.read() as connection:
        found = client_points(connection, client_id(node), pair.office.clock.now_us())["entries"]
    return sorted((each["kind"], each["points"]) for each in found)


def test_a_sale_earns_once_however_often_it_is_told(pair: Pair, shop: Node) -> None:
    sell(shop, "a", 100_00)
    sell(shop, "a", 100_00)
    shop.sync()
    shop.sync()
    assert points(pair, shop) == (10, 10)
    assert entries(pair, shop) == [("earned", 10)]
    assert pair.verify("B1") == () == shop.verify()


def test_a_tier_earns_by_its_own_rule(pair: Pair, shop: Node) -> None:
    shop.line().edit_client(CLIENT, {"tier": "gold"})
    sell(shop, "a", 100_00)
    shop.sync()
    assert points(pair, shop) == (20, 20)


def test_points_are_spent_out_of_a_lease_without_the_head_office_and_earn_nothing(pair: Pair, shop: Node) -> None:
    sell(shop, "a", 500_00)
    shop.sync()
    shop.want(owner_of_client(client_id(shop)), 30)
    sell(shop, "b", 40_00, 20_00, CentralWire(shop, "unreachable"))
    shop.sync()
    assert entries(pair, shop) == [("earned", 2), ("earned", 50), ("spent", -20)]
    assert points(pair, shop)[0] == 32
    with shop.store.read_cursor() as cursor:
        assert points_here(cursor, client_id(shop), shop.clock.now_us(), "Europe/Moscow").balance.points == 32


def test_beyond_the_lease_only_the_head_office_can_allow_it(pair: Pair, shop: Node) -> None:
    sell(shop, "a", 500_00)
    shop.sync()
    with pytest.raises((Refused, HqUnreachable)):
        sell(shop, "b", 40_00, 20_00, CentralWire(shop, "unreachable"))
    shop.clock.advance(60)
    sell(shop, "c", 40_00, 20_00)
    assert points(pair, shop) == (32, 32)
    with pytest.raises(Refused, match="may still be spent"):
        sell(shop, "d", 100_00, 40_00)
    shop.sync()
    assert points(pair, shop) == (32, 32)
    assert pair.verify("B1") == () == shop.verify()


def test_in_centralized_mode_two_branches_never_spend_the_same_points(pair: Pair, shop: Node) -> None:
    sell(shop, "a", 100_00)
    shop.sync()
    other = pair.join("B2")
    other.sync()
    other.sell_to(CLIENT, "known")
    other.sync()
    other.sync()
    for node in (shop, other):
        pair.set_mode(node.code, ProcessingMode.CENTRALIZED, WhenUnreachable.FALL_BACK)
        node.sync()
    sell(shop, "b", 20_00, 10_00)
    with pytest.raises(Refused, match="may still be spent"):
        sell(other, "c", 20_00, 10_00)
    for node in (shop, other):
        node.sync()
    assert points(pair, shop)[0] == 1


def test_a_refund_claws_back_what_was_earned_and_gives_back_what_was_spent(pair: Pair, shop: Node) -> None:
    sell(shop, "a", 500_00)
    shop.sync()
    receipt = sell(shop, "b", 80_00, 40_00)
    shop.sync()
    assert points(pair, shop)[0] == 50 - 40 + 4
    assert give_back(shop, "r1", receipt, 1) == 20_00
    assert give_back(shop, "r2", receipt, 3) == 60_00
    shop.sync()
    found = entries(pair, shop)
    assert sum(value for kind, value in found if kind == "given_back") == 40
    assert sum(value for kind, value in found if kind == "clawed_back") == -4
    assert points(pair, shop) == (50, 50)


def test_points_do_not_come_back_as_money(shop: Node) -> None:
    sell(shop, "a", 500_00)
    shop.sync()
    receipt = sell(shop, "b", 80_00, 40_00)
    in_cash = [{"method": "cash", "amount_minor": 80_00}]
    with pytest.raises(InvalidInput, match="comes back by points"):
        give_back(shop, "r1", receipt, 4, payments=in_cash)


def test_what_was_spent_before_it_was_clawed_back_is_owed_and_repaid_by_later_earnings(pair: Pair, shop: Node) -> None:
    receipt = sell(shop, "a", 400_00)
    shop.sync()
    sell(shop, "b", 80_00, 40_00)
    give_back(shop, "r", receipt, 4)
    shop.sync()
    assert points(pair, shop) == (-36, 0)
    sell(shop, "c", 500_00)
    shop.sync()
    assert points(pair, shop) == (14, 14)


def test_another_branch_s_refund_claws_back_too(pair: Pair, shop: Node) -> None:
    receipt = sell(shop, "a", 400_00)
    shop.sync()
    other = pair.join("B2")
    other.sync()
    give_back(other, "r", receipt, 2, branch="B1")
    assert points(pair, shop) == (20, 20)
    other.sync()
    assert points(pair, shop) == (20, 20)


def test_points_expire_unspent_and_can_be_spent_no_more(pair: Pair, shop: Node) -> None:
    sell(shop, "a", 500_00)
    shop.sync()
    assert refresh_points(pair.office.store, pair.office.clock.now_us()) == 0
    shop.clock.advance(31 * DAY_SECONDS)
    assert points(pair, shop)[0] == 0
    assert refresh_points(pair.office.store, pair.office.clock.now_us()) == 1
    assert points(pair, shop) == (0, 0)
    assert refresh_points(pair.office.store, pair.office.clock.now_us()) == 0


def test_more_than_the_share_or_without_a_programme_is_refused(pair: Pair, shop: Node) -> None:
    with pytest.raises(InvalidInput, match="At most 50 points"):
        sell(shop, "a", 100_00, 60_00)
    with pair.office.store.write() as connection:
        end_program(connection, pair.office.ids, pair.office.clock.now_us(), "main")
        assert list_programs(connection) == []
    number_feed(pair.office.store, pair.office.clock.now_us())
    shop.sync()
    with pytest.raises(InvalidInput, match="no loyalty programme"):
        sell(shop, "b", 100_00, 50_00)
    sell(shop, "c", 100_00)
    shop.sync()
    assert entries(pair, shop) == []


def test_budgets_are_set_by_the_ledger_a_few_clients_at_a_time(pair: Pair, shop: Node) -> None:
    sell(shop, "a", 500_00)
    shop.sync()
    now_us = pair.office.clock.now_us()
    with pair.office.store.write() as connection:
        assert refresh_amounts(connection, 30_000, now_us) == (1, None)
        (found,) = read_points(connection, 30_000, [client_id(shop)])
        assert (found.balance, found.spent) == ((0, 50), 0)
        assert refresh_amounts(connection, 30_000, now_us, after_client_id=client_id(shop)) == (0, None)
    assert points(pair, shop) == (50, 0)
