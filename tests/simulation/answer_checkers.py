"""What branches were told of the whole chain, once everything has healed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from branch_node.storage.chain_answers import chain_answer
from hq_server.storage.feed import EVERYONE, audience_of_branch
from hq_server.storage.tables import feed
from shared.sync.messages import CHAIN_ANSWER_KIND, ChainAnswer
from shared.wire.exchange import decode_feed_record
from tests.simulation.ledger_checkers import is_shared

if TYPE_CHECKING:
    from tests.simulation.world import World


def disagreeing(world: World) -> str | None:
    """Every branch holds the last answer that HQ's feed has for it; one sentence where it does not."""
    for place in world.places:
        if is_shared(world, place.row.id):
            continue
        told = _told(world, place.row.id)
        with place.store.read() as local:
            held = {row.question: (row.computed_at, row.data) for row in local.execute(select(chain_answer))}
        for question, answer in told.items():
            if held.get(question) != (answer.computed_at_us, answer.data):
                return f"{place.name} holds another answer to {question} than HQ told it last"
    return None


def _told(world: World, branch_id: bytes) -> dict[str, ChainAnswer]:
    audiences = (EVERYONE, audience_of_branch(branch_id))
    rows = select(feed.c.data).where(feed.c.kind == CHAIN_ANSWER_KIND, feed.c.audience.in_(audiences))
    found = {}
    with world.hq.store.read() as connection:
        for data in connection.execute(rows.order_by(feed.c.position)).scalars():
            answer = decode_feed_record(data)
            assert isinstance(answer, ChainAnswer)
            found[answer.question] = answer
    return found
