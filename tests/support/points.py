"""A programme, a client with points, and what the head office has lent of them, without a head office."""

from __future__ import annotations

from branch_node.operations.branch_facts import record_branch_fact
from branch_node.operations.budgets import store_grants
from shared.domain.business_time import MICROSECONDS, local_moment
from shared.domain.identifiers import derived_id
from shared.domain.loyalty import ADJUSTED, LoyaltyEntry, make_program, owner_of_client
from shared.domain.records import RecordKind
from shared.operations.loyalty import program_fields
from shared.sync.messages import LeaseGrant
from tests.support.basket_desk import learn_client
from tests.support.shop import Shop, change

LEASE_SECONDS = 86_400


def learn_program(shop: Shop, payable_basis_points: int = 5_000) -> None:
    """Clients earn 10 % of what they pay; a point is worth 1.00 and pays at most half of a receipt."""
    program = make_program("main", ["*:*:1000"], payable_basis_points, 0, 100)
    fields = program_fields(program, "Club")
    assert shop.learn(change(RecordKind.LOYALTY_PROGRAM, derived_id("program", b"main"), **fields)) == []


def client_with_points(
    shop: Shop, points: int, lent: int, name: str = "Анна Петрова", external_id: str = "900"
) -> bytes:
    """A client who has so many points, of which so many may be spent here."""
    client_id = learn_client(shop, "Анна Петрова", "900")
    if points:
        with shop.store.operation() as transaction:
            moment = local_moment(transaction.now_us, transaction.node.timezone)
            record_branch_fact(transaction, LoyaltyEntry(client_id, ADJUSTED, points, None, None, None, "gift", moment))
    if lent:
        lend(shop, client_id, lent)
    return client_id


def lend(shop: Shop, client_id: bytes, points: int) -> None:
    """The head office lends more."""
    until = shop.clock.now_us() + LEASE_SECONDS * MICROSECONDS
    lease_id = derived_id("lease", client_id, str(shop.count("lease")).encode())
    grant = LeaseGrant(lease_id, derived_id("budget", client_id), owner_of_client(client_id), points, until)
    with shop.store.operation() as transaction:
        store_grants(transaction.cursor, transaction.ids, transaction.chain.incarnation, (grant,))
