"""Clients' cards edited by people of two branches: what meets, what is asked, and what both see in the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from branch_node.operations import client_editing
from branch_node.operations.client_editing import format_versions, parse_versions
from branch_node.operations.client_looking import ClientView, changed_since_looked, look_at_client, past_edits
from shared.domain.identifiers import NIL_ID, derived_id
from shared.domain.permissions import EVERYTHING, NO_LIMITS, Actor
from shared.domain.records import RecordKind
from shared.errors import StaleEdit
from shared.operations.client_history import Dispute, history_of
from shared.sync.messages import ProcessingMode, WhenUnreachable
from tests.support.office import Office
from tests.support.pair import Node, Pair

RITA = Actor(derived_id("employee", b"rita"), "rita", "Rita", "owner", EVERYTHING, NO_LIMITS)
BORIS = Actor(derived_id("employee", b"boris"), "boris", "Boris", "owner", EVERYTHING, NO_LIMITS)


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    return Pair(office, tmp_path)


def two_branches(pair: Pair, mode: ProcessingMode) -> tuple[Node, Node]:
    first, second = pair.join("B1"), pair.join("B2")
    for code in ("B1", "B2"):
        pair.set_mode(code, mode, WhenUnreachable.REFUSE)
    for node in (first, second):
        node.sync()
    return first, second


def create(node: Node, **given: Any) -> bytes:
    return client_editing.create_client(node.store, node.line().commit, RITA, given, "RU")


def edit(node: Node, client_id: bytes, actor: Actor, seen: ClientView | None = None, **given: Any) -> bool:
    node.clock.advance(1)
    versions = None if seen is None else parse_versions(format_versions(seen.versions))
    return client_editing.edit_client(node.line().commit, actor, client_id, given, "RU", versions)


def look(node: Node, client_id: bytes) -> ClientView:
    return look_at_client(node.store, RITA, client_id)


def known_at_both(pair: Pair, first: Node, second: Node) -> bytes:
    """A client of the first branch to whom the second has sold."""
    client_id = create(first, name="Anna", external_id="K-1", phones=["+79123456789"])
    first.sync()
    second.sell_to("K-1", "one")
    second.sync()
    second.sync()
    assert look(second, client_id).name == "Anna"
    return client_id


def test_two_branches_that_did_not_see_each_other_make_a_conflict_that_one_decides_for_both(pair: Pair) -> None:
    first, second = two_branches(pair, ProcessingMode.DISTRIBUTED)
    client_id = known_at_both(pair, first, second)
    edit(first, client_id, RITA, look(first, client_id), note="in the morning")
    edit(second, client_id, BORIS, look(second, client_id), note="in the evening")
    for node in (first, second, first):
        node.sync()
    (at_first,), (at_second,) = look(first, client_id).disputed, look(second, client_id).disputed
    assert [each.value for each in at_first.values] == ["in the morning", "in the evening"]
    assert [each.value for each in at_second.values] == [each.value for each in at_first.values]
    assert {each.place.branch for each in at_first.values} == {"B1", "B2"}
    chosen = at_second.values[0].version_id
    second.clock.advance(1)
    assert client_editing.decide_field(second.line().commit, BORIS, client_id, "note", chosen)
    for node in (second, first):
        node.sync()
    for node in (first, second):
        seen = look(node, client_id)
        assert (seen.fields["note"], seen.disputed) == ("in the morning", ())
    told = {change.dispute for each in past_edits(first.store, RITA, client_id) for change in each.changes}
    assert told == {Dispute.NONE, Dispute.SETTLED}


def test_both_branches_and_the_head_office_tell_the_same_history(pair: Pair) -> None:
    first, second = two_branches(pair, ProcessingMode.DISTRIBUTED)
    client_id = known_at_both(pair, first, second)
    edit(first, client_id, RITA, tags=["vip"])
    edit(second, client_id, BORIS, birthday="31.12")
    for node in (first, second, first):
        node.sync()
    with pair.office.store.read() as connection:
        at_hq = history_of(connection, RecordKind.CLIENT, client_id)
    told = [(each.author, [(one.field, one.before, one.after) for one in each.changes]) for each in at_hq]
    assert told[1:] == [
        (RITA.employee_id, [("tags", None, ("vip",))]),
        (BORIS.employee_id, [("birthday", None, "--12-31")]),
    ]
    for node in (first, second):
        here = [each.edit for each in reversed(past_edits(node.store, RITA, client_id))]
        assert [(each.author, [tuple(one[:3]) for one in each.changes]) for each in here] == told
    assert at_hq[0].author != NIL_ID


def test_what_came_late_from_another_branch_is_new_to_who_looked_before(pair: Pair) -> None:
    first, second = two_branches(pair, ProcessingMode.DISTRIBUTED)
    client_id = known_at_both(pair, first, second)
    edit(second, client_id, BORIS, tags=["vip"])  # offline, before what follows
    edit(first, client_id, RITA, note="later")
    assert changed_since_looked(first.store, RITA, client_id) == []
    assert changed_since_looked(first.store, RITA, client_id) == []
    for node in (second, first):
        node.sync()
    (new,) = changed_since_looked(first.store, RITA, client_id)
    assert ([change.field for change in new.changes], new.place.branch) == (["tags"], "B2")
    assert changed_since_looked(first.store, RITA, client_id) == []


def test_a_branch_that_asks_first_hears_of_the_others_edit_and_then_overwrites_knowingly(pair: Pair) -> None:
    first, second = two_branches(pair, ProcessingMode.CENTRALIZED)
    client_id = known_at_both(pair, first, second)
    seen = look(second, client_id)
    edit(first, client_id, RITA, note="in the morning")
    # The second has not heard yet: the head office says it.
    with pytest.raises(StaleEdit):
        edit(second, client_id, BORIS, seen, note="in the evening")
    assert look(second, client_id).fields["note"] == "in the morning"
    # With the form as it was, the branch itself asks; with what is there now, it is done.
    with pytest.raises(client_editing.ChangedMeanwhile) as refused:
        edit(second, client_id, BORIS, seen, note="in the evening")
    assert refused.value.fields == ("note",)
    assert edit(second, client_id, BORIS, look(second, client_id), note="in the evening")
    first.sync()
    assert (look(first, client_id).fields["note"], look(first, client_id).disputed) == ("in the evening", ())


@pytest.mark.parametrize("mode", list(ProcessingMode))
def test_archiving_and_undoing_work_in_both_modes(pair: Pair, mode: ProcessingMode) -> None:
    first, second = two_branches(pair, mode)
    client_id = known_at_both(pair, first, second)
    commit = second.line().commit
    second.clock.advance(1)
    assert client_editing.archive_client(commit, BORIS, client_id)
    made = client_editing.last_edit(second.store, BORIS, client_id)
    assert made is not None
    second.clock.advance(1)
    assert client_editing.undo_edit(commit, BORIS, client_id, made)
    for node in (second, first):
        node.sync()
    assert not look(first, client_id).is_archived
    assert second.verify() == () == pair.verify("B2")
