"""The promise, as checks over a healed world. Each raises Broken with one sentence."""

from __future__ import annotations

import collections
from collections.abc import Callable, Mapping

from sqlalchemy import func, select

from branch_node.storage.counters import count_acknowledged
from branch_node.storage.counters import read_counters as branch_counters
from branch_node.storage.intents import count_intents
from hq_server.operations.budgeting import list_budgets
from hq_server.operations.refund_checks import find_over_refunds
from hq_server.operations.shift_audit import audit_shifts
from hq_server.operations.verification import verify_branch
from hq_server.storage.branches import all_branches
from hq_server.storage.central import commits_waiting
from hq_server.storage.counters import read_counters
from hq_server.storage.rollups import compare_rollups
from hq_server.storage.tables import feed_outbox, parked_entry
from shared.domain.budgets import budget_id
from shared.domain.cards import MergeRule, rule_of
from shared.domain.records import RecordKind
from shared.storage.tables import budget_spend, card, conflict, price, product, refund, sale
from shared.sync.counting import Counter, CounterKey
from shared.sync.hlc import is_plausible
from shared.wire.cards import decode_state
from shared.wire.entries import open_entry
from tests.simulation.answer_checkers import disagreeing
from tests.simulation.central import BUDGET, BUDGET_AMOUNT
from tests.simulation.client_checkers import CLIENT_CHECKS
from tests.simulation.erasure_checkers import ERASURE_CHECKS
from tests.simulation.ledger_checkers import LEDGER_CHECKS, is_shared
from tests.simulation.person_checkers import PERSON_CHECKS
from tests.simulation.world import POISON_KIND, Broken, World


def check_sales(world: World) -> None:
    """Every sale that HQ acknowledged, or that is committed on a store that survives, is at HQ exactly once."""
    held = world.hq.sales()
    lost = world.acknowledged - held.keys()
    if lost:
        raise Broken(f"{len(lost)} acknowledged sales are not at HQ")
    for place in world.places:
        here = place.sales()
        if place.committed - here:
            raise Broken(f"{len(place.committed - here)} sales vanished from {place.name}")
        if here - held.keys():
            raise Broken(f"{len(here - held.keys())} sales of {place.name} are not at HQ")


def check_keys(world: World) -> None:
    """What a store was asked for under one key is at HQ once, also when somebody was told that it is not sold.

    Not what was given up before HQ was restored: it may have lost the tombstone, and an older question still come.
    """
    explained = {world.asked[command_id] for command_id, n in world.given_up.items() if n < world.hq_restores}
    sold = collections.Counter(world.sold_as[sale_id] for sale_id in world.hq.sales() if sale_id in world.sold_as)
    for (store, key), times in sold.items():
        if times > 1 and (store, key) not in explained:
            raise Broken(f"{store} has sold {key} {times} times")


def check_money(world: World) -> None:
    """Derived values equal their folds, and no receipt counts twice."""
    with world.hq.store.read() as connection:
        differences = compare_rollups(connection)
        if differences:
            raise Broken(f"rollups differ from their folds: {differences[0]}")
        for table in (sale, refund):
            commands = connection.execute(select(func.count(), func.count(table.c.command_id.distinct()))).one()
            if commands[0] != commands[1]:
                raise Broken(f"{commands[0] - commands[1]} of table {table.name} came twice")


def check_counters(world: World) -> None:
    """What HQ counted is what the branches counted, where only one store speaks for a branch."""
    with world.hq.store.read() as connection:
        for place in world.places:
            if is_shared(world, place.row.id):
                continue
            with place.store.write() as local:
                cursor = local.connection.cursor()
                while count_acknowledged(cursor):
                    pass
                mine = {key: value for key, value in branch_counters(cursor).items() if value.records}
            theirs = {key: value for key, value in read_counters(connection, place.row.id).items() if value.records}
            if mine != theirs:
                raise Broken(f"counters of {place.name} differ: {_first_difference(mine, theirs)}")


def check_intents(world: World) -> None:
    """No operation is undecided, and what HQ committed at once is in the journal of a branch."""
    for place in world.places:
        with place.store.read_cursor() as cursor:
            undecided = count_intents(cursor)
        if undecided:
            raise Broken(f"{undecided} operations of {place.name} are undecided")
    with world.hq.store.read() as connection:
        for row in all_branches(connection):
            unlinked = len(list(commits_waiting(connection, row.id)))
            if unlinked:
                raise Broken(f"{unlinked} commits of {row.code} are in no journal")


def check_budgets(world: World) -> None:
    """What was spent is counted once, and is no more than there was, but for what copies and losses of HQ explain."""
    with world.hq.store.read() as connection:
        (found,) = (each for each in list_budgets(connection) if each["owner"] == BUDGET)
        spends = select(func.coalesce(func.sum(budget_spend.c.amount), 0))
        mine = budget_spend.c.budget_id == budget_id(world.hq.chain.chain_id, BUDGET)
        spent = connection.execute(spends.where(mine)).scalar_one()
    if found["spent"] != spent:
        raise Broken(f"the books say {found['spent']} of the budget are spent, the facts {spent}")
    explained = world.was_copied or bool(world.hq_restores or world.replaced)
    if found["overdraft"] and not explained:
        raise Broken(f"{found['overdraft']} more were spent than there were")
    if found["overdraft"] != max(0, int(spent) - BUDGET_AMOUNT):
        raise Broken(f"an overdraft of {found['overdraft']} for {spent} spent")


def check_tills(world: World) -> None:
    """Nothing comes back twice, and every Z-report is what its receipts make, where one store alone spoke for a branch.

    A store that was copied, restored or replaced by an empty one does not know what the other gave back, and sells on
    in a shift that the other closes.
    """
    with world.hq.store.read() as connection:
        doubled, audits = find_over_refunds(connection), audit_shifts(connection, None, None, None)
    if world.was_copied or world.replaced:
        return
    if doubled:
        raise Broken(f"{len(doubled)} lines were given back more than once")
    differing = [each.differences[0] for each in audits if each.differences]
    if differing:
        raise Broken(f"{len(differing)} Z-reports are not what the receipts make: {differing[0]}")


def check_chains(world: World) -> None:
    """HQ holds unbroken chains."""
    with world.hq.store.read() as connection:
        for row in all_branches(connection):
            problems = [text for text in verify_branch(connection, row).differences if "parked" not in text]
            if problems:
                raise Broken(f"{row.code}: {problems[0]}")


def check_queues(world: World) -> None:
    """Nothing waits, and only what HQ cannot know is parked."""
    with world.hq.store.read() as connection:
        waiting = connection.execute(select(func.count()).select_from(feed_outbox)).scalar_one()
        if waiting:
            raise Broken(f"{waiting} records wait to be numbered")
        rows = connection.execute(select(parked_entry).where(parked_entry.c.resolved_at.is_(None))).all()
        unexpected = [row for row in rows if str(POISON_KIND) not in row.evidence]
        if unexpected:
            raise Broken(f"{len(unexpected)} entries are parked: {unexpected[0].reason}: {unexpected[0].evidence}")
        if len(rows) > world.poisoned:
            raise Broken("more entries are parked than were poisoned")
        parked = {row.command_id for row in rows}
    for place in world.places:
        with place.store.read_cursor() as cursor:
            entries = [open_entry(row[0]) for row in cursor.execute("SELECT data FROM journal").fetchall()]
        poisonous = {e.header.command_id for e in entries if any(r.kind == POISON_KIND for r in e.records)}
        if poisonous - parked:
            raise Broken(f"{len(poisonous - parked)} entries of {place.name} that HQ cannot know are not kept")


def check_convergence(world: World) -> None:
    """A branch shows what HQ shows: its sales, every card it has, and the prices of its zone."""
    with world.hq.store.read() as connection:
        states = {(row[0], row[1]): row[2] for row in connection.execute(select(card.c.kind, card.c.id, card.c.state))}
        zones = {row.id: row.price_zone for row in all_branches(connection)}
        prices = {row[0]: row[1] for row in connection.execute(select(price.c.id, price.c.zone))}
        products = set(connection.execute(select(product.c.id)).scalars())
        owners = connection.execute(select(sale.c.branch_id, sale.c.id)).all()
    for place in world.places:
        if is_shared(world, place.row.id):
            continue
        here = place.sales()
        missing = {sale_id for branch_id, sale_id in owners if branch_id == place.row.id} - here
        if missing:
            raise Broken(f"{len(missing)} sales of its own did not come back to {place.name}")
        with place.store.read() as local:
            for kind, card_id, state in local.execute(select(card.c.kind, card.c.id, card.c.state)):
                if kind == RecordKind.EMPLOYEE:
                    continue  # they stay where they are made, and at HQ
                theirs = states.get((kind, card_id))
                if theirs is None:
                    raise Broken(f"{place.name} holds a card {RecordKind(kind).name} that HQ does not know")
                if _shown(kind, theirs) != _shown(kind, state):
                    raise Broken(f"{place.name} shows another {RecordKind(kind).name} than HQ")
            mine = {row[0] for row in local.execute(select(price.c.id))}
            lacking = products - set(local.execute(select(product.c.id)).scalars())
        if lacking:
            raise Broken(f"{place.name} lacks {len(lacking)} products")
        wanted = {price_id for price_id, zone in prices.items() if zone in ("", zones[place.row.id])}
        if mine != wanted:
            raise Broken(f"{place.name} lacks {len(wanted - mine)} prices and has {len(mine - wanted)} too many")


def check_conflicts(world: World) -> None:
    """Every value that is not shown is in the conflict log, and no edit from the future is shown."""
    with world.hq.store.read() as connection:
        open_rows = connection.execute(
            select(conflict.c.kind, conflict.c.card_id, conflict.c.field).where(conflict.c.closed_at.is_(None))
        ).all()
        logged = {(row[0], row[1], row[2]) for row in open_rows}
        for kind, card_id, encoded in connection.execute(select(card.c.kind, card.c.id, card.c.state)):
            for name, field in decode_state(encoded).fields.items():
                differ = len({version.value for version in field.live}) > 1
                if differ and rule_of(kind, name) is not MergeRule.UNION and (kind, card_id, name) not in logged:
                    raise Broken(f"a value of {RecordKind(kind).name}.{name} that is not shown is in no conflict")
    check_no_future(world)


def check_no_future(world: World) -> None:
    """No card at HQ holds an edit from a clock that is far ahead."""
    with world.hq.store.read() as connection:
        for kind, encoded in connection.execute(select(card.c.kind, card.c.state)):
            for name, field in decode_state(encoded).fields.items():
                if any(not is_plausible(version.stamp.hlc, world.clock.now_us()) for version in field.live):
                    raise Broken(f"{RecordKind(kind).name}.{name} holds an edit from the future")


def check_clones(world: World) -> None:
    """Two stores that live under one identity and both speak to HQ are found out: an administrator had to decide."""
    for one, other in world.clones:
        both_live = one in world.places and other in world.places
        decided = one.row.id in world.heirs_named or one.row.id in world.replaced
        if both_live and not decided:
            raise Broken(f"nobody noticed that {other.name} is a copy of {one.name}")


def check_ledgers(world: World) -> None:
    """Goods and points, where the world has any."""
    for check in LEDGER_CHECKS if world.kinds.has_ledgers else ():
        check(world)


def check_clients(world: World) -> None:
    """The client base, where people work with it."""
    for check in CLIENT_CHECKS if world.kinds.has_clients else ():
        check(world)
    for promise in PERSON_CHECKS if world.kinds.has_persons else ():
        promise(world)


def check_erasures(world: World) -> None:
    """Erased persons, where the world has any."""
    for check in ERASURE_CHECKS if world.kinds.has_erasures else ():
        check(world)


def check_answers(world: World) -> None:
    """What HQ computed over the chain, where it tells it."""
    if world.kinds.has_answers and (problem := disagreeing(world)) is not None:
        raise Broken(problem)


def _shown(kind: int, encoded: bytes) -> dict[str, tuple[object, ...]]:
    return {name: tuple(v.value for v in field.live) for name, field in decode_state(encoded).fields.items()}


def _first_difference(mine: Mapping[CounterKey, Counter], theirs: Mapping[CounterKey, Counter]) -> str:
    key = next(key for key in sorted({*mine, *theirs}, key=str) if mine.get(key) != theirs.get(key))
    return f"{key}: here {mine.get(key)}, at HQ {theirs.get(key)}"


CHECKS: tuple[Callable[[World], None], ...] = (
    check_sales,
    check_keys,
    check_money,
    check_chains,
    check_intents,
    check_budgets,
    check_tills,
    check_ledgers,
    check_clients,
    check_erasures,
    check_queues,
    check_counters,
    check_convergence,
    check_conflicts,
    check_clones,
    check_answers,
)
