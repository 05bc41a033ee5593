"""Plays what a branch's reps did with clients, in its store, by the product's own operations.

Run as `python -m deploy.practice.contact_player HOME < contacts.json`; prints how many calls, tasks and letters were
entered.
Clients whom the branch does not know are passed over: nobody there could have called them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from branch_node.bootstrap import open_processor, settings_for
from branch_node.operations.committing import Commit, Wanted, WantedEdit
from branch_node.operations.interactions import Talk, log_interaction
from branch_node.operations.letters import write_letter
from branch_node.operations.tasks import add_task
from branch_node.storage.store import BranchStore
from branch_node.sync_client.processor import Processor
from deploy.practice.contacts import PlannedCall, PlannedTask
from deploy.practice.letters import REFUSED, PlannedLetter, letter_id
from deploy.practice.player import PlannedClock
from shared.clock import SystemClock, SystemIds
from shared.domain.business_time import parse_local
from shared.domain.cards import Value
from shared.domain.clients import CONSENTS
from shared.domain.interactions import Channel, Direction, KeyPoint
from shared.domain.mail import Draft, MailPurpose
from shared.domain.permissions import ROLES, Actor
from shared.domain.records import RecordKind
from shared.domain.tasks import due_on
from shared.operations.clients import find_by_external_id
from shared.operations.people import employee_id


class ContactPlayer:
    """One branch's store."""

    def __init__(self, store: BranchStore, processor: Processor, clock: PlannedClock) -> None:
        self._store, self._processor, self._clock = store, processor, clock
        self._node = store.node()[0]
        self._clients: dict[str, bytes | None] = {}
        self._addresses: dict[str, str] = {}
        self.calls = self.tasks = self.letters = 0

    def play(self, document: dict[str, Any]) -> None:
        """Owners and e-mails first, then the calls in their order, then the tasks, then the letters on their days."""
        self._give_owners(document["owners"])
        self._addresses = dict(document["addresses"])
        self._give_addresses(document["addresses"], document["consent_source"])
        now_us = self._store.clock.now_us()
        for call in (PlannedCall(*row) for row in document["calls"]):
            client_id, at_us = self._client(call.client), parse_local(call.at, self._node.timezone, "at").at_us
            if client_id is not None and at_us < now_us:
                self._log(call, client_id, at_us)
        for task in (PlannedTask(*row) for row in document["tasks"]):
            self._give(task)
        letters = [PlannedLetter(*row) for row in document["letters"]]
        for number, letter in enumerate(letters):
            self._write(letter, letter_id(self._node.code, number))
        self._clock.set(SystemClock().now_us())
        self._withdraw_consents([letter.client for letter in letters if letter.fate == REFUSED])

    def _give_owners(self, owners: Sequence[tuple[str, str]]) -> None:
        edits = tuple(
            WantedEdit(RecordKind.CLIENT, client_id, {"owner_id": self._actor(rep).employee_id})
            for external_id, rep in owners
            if (client_id := self._client(external_id)) is not None
        )
        commit: Commit = self._processor.commit
        commit(lambda _: Wanted(edits=edits))

    def _give_addresses(self, addresses: Sequence[tuple[str, str]], source: str) -> None:
        now_us = self._clock.now_us()
        agreed: dict[str, Value] = {}
        for consent in CONSENTS:
            agreed |= {consent.given: True, consent.source: source, consent.at: now_us}
        edits = tuple(
            WantedEdit(RecordKind.CLIENT, client_id, {"emails": (address,), **agreed})
            for external_id, address in addresses
            if (client_id := self._client(external_id)) is not None
        )
        self._processor.commit(lambda _: Wanted(edits=edits))

    def _withdraw_consents(self, external_ids: Sequence[str]) -> None:
        changes: dict[str, Value] = {"consent_advertising": False, "consent_advertising_at": self._clock.now_us()}
        edits = tuple(
            WantedEdit(RecordKind.CLIENT, client_id, changes)
            for external_id in external_ids
            if (client_id := self._client(external_id)) is not None
        )
        self._processor.commit(lambda _: Wanted(edits=edits))

    def _write(self, letter: PlannedLetter, card_id: bytes) -> None:
        client_id = self._client(letter.client)
        if client_id is None:
            return
        self._clock.set(parse_local(letter.at, self._node.timezone, "at").at_us)
        address = self._addresses[letter.client]
        draft = Draft(MailPurpose(letter.purpose), address, letter.subject, letter.body)
        write_letter(self._processor.commit, self._actor(letter.rep), client_id, card_id, draft)
        self.letters += 1

    def _log(self, call: PlannedCall, client_id: bytes, at_us: int) -> None:
        points = (KeyPoint(call.theme, call.competitor, "negative" if call.competitor else "", call.quote),)
        talk = Talk(
            client_id,
            Channel.CALL,
            Direction.OUT,
            reached=call.reached,
            outcome=call.outcome,
            duration_seconds=call.seconds,
            told=call.told,
            points=points if any(points[0]) else (),
            at_us=at_us,
        )
        log_interaction(self._store, self._processor.commit, self._actor(call.rep), talk)
        self.calls += 1

    def _give(self, task: PlannedTask) -> None:
        given = {
            "type": "call",
            "title": task.title,
            "due": due_on(date.fromisoformat(task.due), self._node.timezone),
            "client_id": self._client(task.client),
        }
        add_task(self._processor.commit, self._actor(task.rep), given)
        self.tasks += 1

    def _actor(self, code: str) -> Actor:
        role = ROLES["sales_rep"]
        return Actor(
            employee_id(self._node.chain_id, code),
            code,
            "",
            role.code,
            role.permissions,
            role.limits,
            role.client_scope,
        )

    def _client(self, external_id: str) -> bytes | None:
        if external_id not in self._clients:
            with self._store.read() as connection:
                self._clients[external_id] = find_by_external_id(connection, external_id)
        return self._clients[external_id]


def main(arguments: Sequence[str]) -> int:
    """Plays standard input; 0 when everything was done."""
    settings = settings_for(Path(arguments[0]))
    clock = PlannedClock()
    store = BranchStore(settings.store_path, clock, SystemIds())
    with closing(store), closing(open_processor(settings, store)) as processor:
        player = ContactPlayer(store, processor, clock)
        player.play(json.load(sys.stdin))
    print(json.dumps({"calls": player.calls, "tasks": player.tasks, "letters": player.letters}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
