"""After the faults: all must come to be even, with what an administrator would decide and nothing else."""

from __future__ import annotations

from hq_server.operations.parked import retry_parked
from hq_server.operations.proposals import accept_proposals
from hq_server.storage.branches import all_branches, branch_by_code, read_cursor
from hq_server.storage.feed import number_feed
from hq_server.storage.lives import expect_replacement, lives_of, name_heir
from tests.simulation import central
from tests.simulation.checkers import check_no_future
from tests.simulation.places import Place
from tests.simulation.world import Broken, World

PASSES_TO_HEAL_MAX = 16
QUIET_ROUNDS = 3
STREAM_STEPS_MAX = 20_000


def heal(world: World) -> None:
    """No more faults; clocks are set, an administrator decides what is his to decide; then all must be even."""
    world.faults = False
    world.note("heal")
    for place in world.places:
        world.abandon(place)
        place.reopen()
        place.clock.skew_us = 0
    world.hq.restart()
    check_no_future(world)
    _bring_late_questions(world)
    world.clock.advance(600)
    quiet_rounds = 0
    uneven = list(world.places)
    for _ in range(PASSES_TO_HEAL_MAX):
        _decide(world)
        _settle_doubts(world)
        # What one brings may concern another that was even already, and a copy shows only when both have spoken.
        uneven = [place for place in world.places if not _pass(world, place)]
        quiet_rounds = 0 if uneven else quiet_rounds + 1
        if quiet_rounds == QUIET_ROUNDS:
            _bring_late_questions(world)
            return
    raise Broken(f"not even after {PASSES_TO_HEAL_MAX} passes: {[place.name for place in uneven]}")


def _bring_late_questions(world: World) -> None:
    for place, question in world.late:
        central.deliver_commit(world, place, question)


def _settle_doubts(world: World) -> None:
    """Whoever looks after operations without an answer finds out what became of them."""
    for place in world.places:
        central.resolve(world, place)


def _pass(world: World, place: Place) -> bool:
    """One stream to its end; whether the store was even."""
    link = place.link = world.new_link(place)
    for _ in range(STREAM_STEPS_MAX):
        steps = link.ready()
        if not steps:
            if link.passes_done and link.finish is None:
                link.branch.record_goodbye()
                continue
            break
        world.do(place, link, world.random.choice(steps))
        if link.is_over and place.link is not link:
            return False
    else:
        raise Broken(f"a stream of {place.name} never comes to rest")
    even = link.passes_done > 0 and place.worker.wanted() == (None, False)
    world.end(place)
    return even


def _decide(world: World) -> None:
    """What an administrator does when he looks: names heirs, lets a store in, takes proposals, retries."""
    _decide_heirs(world)
    for code in sorted(world.strangers):
        with world.hq.store.write() as connection:
            row = branch_by_code(connection, code)
            expect_replacement(connection, row.id)
        world.replaced.add(row.id)
    world.strangers.clear()
    with world.hq.store.write() as connection:
        accept_proposals(connection, world.hq.ids, world.clock.now_us())
    _retry_parked(world)


def _decide_heirs(world: World) -> None:
    with world.hq.store.write() as connection:
        for row in all_branches(connection):
            if read_cursor(connection, row.id).quarantine is None:
                continue
            mine = [place for place in world.places if place.row.id == row.id]
            heir = world.random.choice(mine).store.node()[1].incarnation
            known = [life.id for life in lives_of(connection, row.id)]
            # A store that waits at the door since it was re-homed is not known yet: its parent's line goes on.
            name_heir(connection, row.id, heir if heir in known else known[-1])
            world.heirs_named.add(row.id)
            world.note(f"heir {row.code}")


def _retry_parked(world: World) -> None:
    with world.hq.store.write() as connection:
        for row in all_branches(connection):
            retry_parked(world.hq.store, connection, row.id, world.clock.now_us())
    number_feed(world.hq.store, world.clock.now_us())
