"""Merging clients at the head office, which alone has all cards: pairs of the whole chain, by hand or by a rule."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import Connection

from hq_server.operations.editing import HqEdit
from shared.clock import Ids
from shared.domain.identifiers import derived_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor, Permission, require
from shared.domain.records import RecordKind
from shared.errors import FilialError
from shared.operations import client_merging, duplicates
from shared.operations.client_merging import Changes, MergeDone, MergePreview
from shared.operations.duplicates import Proposal, ProposalPage
from shared.storage.card_rows import lock_cards
from shared.storage.client_keys import mend_marks

BY_RULE: Final = derived_id("author", b"merged by rule")
"""The author of merges that nobody decided: the same phone and the same name."""

NEEDED: Final = (Permission.CLIENT_MERGE, Permission.CLIENT_CONTACTS, Permission.REPORT_CHAIN)
"""What somebody must be allowed to do who decides about the chain's clients."""


class ClientMerging:
    """What the head office does about duplicates, in the caller's transaction. Every method raises NotPermitted."""

    def __init__(self, connection: Connection, ids: Ids, now_us: int, actor: Actor = LOCAL_ADMINISTRATOR) -> None:
        _require(actor)
        self._connection, self._ids, self._now_us, self._actor = connection, ids, now_us, actor

    def merge(
        self, survivor_id: bytes, loser_id: bytes, chosen: Collection[str] = (), seen: str | None = None
    ) -> bytes:
        """Merges; returns the command. Raises NotFound, InvalidInput, Refused, StaleEdit."""
        return self._merge(self._actor.employee_id, survivor_id, loser_id, chosen, seen)

    def merge_by_rule(self, pair: Proposal) -> MergePreview | None:
        """Merges the younger card of a certain pair into the older; None when that cannot be any more."""
        try:
            found = client_merging.preview_merge(self._connection, pair.one.client_id, pair.other.client_id)
        except FilialError:
            return None
        self._merge(BY_RULE, pair.one.client_id, pair.other.client_id)
        return found

    def unmerge(self, loser_id: bytes, command_id: bytes | None = None) -> bytes:
        """Takes a merge back; returns the undoing command. Raises NotFound, Refused."""
        command = command_id or client_merging.command_of_merge(self._connection, loser_id)
        return self._apply(self._actor.employee_id, client_merging.undo_changes(self._connection, loser_id, command))

    def say_different(self, one: bytes, other: bytes) -> None:
        """The two are never proposed again. Raises NotFound."""
        self._apply(self._actor.employee_id, client_merging.say_different(self._connection, one, other))

    def unsay_different(self, one: bytes, other: bytes) -> None:
        """They are proposed again. Raises NotFound."""
        self._apply(self._actor.employee_id, client_merging.unsay_different(self._connection, one, other))

    def _merge(
        self,
        author: bytes,
        survivor_id: bytes,
        loser_id: bytes,
        chosen: Collection[str] = (),
        seen: str | None = None,
    ) -> bytes:
        # Both at once and in one order: two that merge in opposite directions wait for each other's end, not for ever.
        lock_cards(self._connection, [(int(RecordKind.CLIENT), each) for each in (survivor_id, loser_id)])
        found = client_merging.preview_merge(self._connection, survivor_id, loser_id, chosen)
        return self._apply(author, client_merging.merge_changes(found, seen))

    def _apply(self, author: bytes, changes: Changes) -> bytes:
        edit = HqEdit(self._connection, self._ids, self._now_us, author)
        prepared = [edit.prepare(RecordKind.CLIENT, client_id, fields) for client_id, fields in sorted(changes)]
        edit.apply([each for each in prepared if each is not None])
        return edit.stamp.command_id


def proposals(connection: Connection, actor: Actor, after: str = "") -> ProposalPage:
    """Clients of the chain who may be one. Raises NotPermitted."""
    _require(actor)
    return duplicates.proposals_after(connection, after)


def preview(
    connection: Connection, actor: Actor, survivor_id: bytes, loser_id: bytes, chosen: Collection[str] = ()
) -> MergePreview:
    """What merging would keep. Raises NotPermitted, NotFound, InvalidInput, Refused."""
    _require(actor)
    return client_merging.preview_merge(connection, survivor_id, loser_id, chosen)


def merges_that_hold(connection: Connection, actor: Actor) -> list[MergeDone]:
    """Merges that can be taken back. Raises NotPermitted."""
    _require(actor)
    return client_merging.merges_that_hold(connection)


def _require(actor: Actor) -> None:
    """Whoever merges sees both cards, and here they are of the whole chain. Raises NotPermitted."""
    for permission in NEEDED:
        require(actor, permission)


def merge_certain(merging: ClientMerging, connection: Connection) -> list[MergePreview]:
    """Merges every certain pair by the rule; returns what was merged. A client of several goes one by one."""
    mend_marks(connection)
    found = [merging.merge_by_rule(pair) for pair in list(duplicates.certain_pairs(connection))]
    return [each for each in found if each is not None]


def list_proposals(connection: Connection) -> Sequence[Proposal]:
    """Every pair of the chain, after the marks of what is shared were mended."""
    mend_marks(connection)
    return list(duplicates.all_proposals(connection))
