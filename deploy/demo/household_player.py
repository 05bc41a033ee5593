"""Plays what a store did with households in its branch's store, by the product's own operations.

Run as `python -m deploy.demo.household_player HOME < WORK`; prints how much was played. What was played before
changes nothing: a card is known by its external id, a receipt by its key, a redemption by its id.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

from branch_node.bootstrap import open_processor, open_store, settings_for
from branch_node.operations.client_editing import create_client
from branch_node.operations.interactions import Talk, log_interaction
from branch_node.operations.sale_request import parse_object, parse_sale_request
from branch_node.storage.store import BranchStore
from branch_node.sync_client.processor import Processor
from deploy.demo.households import HouseholdCard, Redemption, Work, decode_work
from deploy.demo.receipts import CASHIERS
from shared.domain.business_time import parse_local
from shared.domain.identifiers import derived_id
from shared.domain.interactions import Channel, Direction, KeyPoint
from shared.domain.permissions import ROLES, Actor
from shared.errors import NotFound
from shared.operations.clients import find_by_external_id
from shared.operations.people import employee_id

COUNTRY = "US"
THEME = "promotion"
"""The chain's word for what a redemption is about, of those that a chain begins with."""


class HouseholdPlayer:
    """One branch's store, and how much was played in it."""

    def __init__(self, store: BranchStore, processor: Processor) -> None:
        self._store, self._processor = store, processor
        self._node = store.node()[0]
        self.sums: Counter[str] = Counter(cards=0, receipts=0, redemptions=0)

    def add_cards(self, cards: Iterable[HouseholdCard]) -> None:
        """Cards of households that are new to the chain, as its cashiers make them."""
        actor = self._cashier(CASHIERS[0])
        for card in cards:
            if self._find(card.external_id) is None:
                create_client(self._store, self._processor.commit, actor, card._asdict(), COUNTRY)
                self.sums["cards"] += 1

    def sell(self, lines: Iterable[str]) -> None:
        """Receipts as `sell -` takes them. The branch knows a household from the first one on: once it has synchronised
        it has the card, wherever that was made."""
        for line in lines:
            self._processor.sell(parse_sale_request(parse_object(line)))
            self.sums["receipts"] += 1

    def redeem(self, redemptions: Iterable[Redemption]) -> None:
        """Coupons that households handed in, as visits with a key point. Raises NotFound while a card is not here."""
        for redemption in redemptions:
            client_id = self._find(redemption.client)
            if client_id is None:
                raise NotFound(f"Household {redemption.client} is not known here.", "Sell to it and synchronise first.")
            log_interaction(
                self._store,
                self._processor.commit,
                self._cashier(redemption.cashier),
                talk_of(redemption, client_id, self._node.timezone),
                redemption_id(self._node.chain_id, redemption),
            )
            self.sums["redemptions"] += 1

    def _cashier(self, code: str) -> Actor:
        role = ROLES["cashier"]
        return Actor(
            employee_id(self._node.chain_id, code),
            code,
            "",
            role.code,
            role.permissions,
            role.limits,
            role.client_scope,
        )

    def _find(self, external_id: str) -> bytes | None:
        with self._store.read() as connection:
            return find_by_external_id(connection, external_id)


def talk_of(redemption: Redemption, client_id: bytes, zone: str) -> Talk:
    """A redemption as the timeline tells it: somebody of the household came by, and what the coupon was of."""
    return Talk(
        client_id,
        Channel.VISIT,
        Direction.IN,
        subject=f"Coupon {redemption.coupon}",
        body=f"Redeemed in campaign {redemption.campaign} ({redemption.campaign_type}).",
        points=(KeyPoint(THEME, quote=f"campaign {redemption.campaign}, coupon {redemption.coupon}"),),
        at_us=parse_local(redemption.at, zone, "at").at_us,
    )


def redemption_id(chain_id: bytes, redemption: Redemption) -> bytes:
    """The id of the fact: no household redeems a coupon of a campaign twice at one moment."""
    parts = (redemption.client, str(redemption.campaign), str(redemption.coupon), redemption.at)
    return derived_id("redemption", chain_id, *(part.encode() for part in parts))


def play(store: BranchStore, processor: Processor, work: Work) -> Counter[str]:
    """Plays it all; returns how much was played."""
    player = HouseholdPlayer(store, processor)
    player.add_cards(work.cards)
    player.sell(work.receipts)
    player.redeem(work.redemptions)
    return player.sums


def main(arguments: Sequence[str]) -> int:
    """Plays standard input, as `encode_work` wrote it; 0 when everything was done."""
    settings = settings_for(Path(arguments[0]))
    store = open_store(settings)
    with closing(store), closing(open_processor(settings, store)) as processor:
        print(json.dumps(play(store, processor, decode_work(sys.stdin.read()))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
