"""Who may be here twice, as the store says it; what a merge would do; what an employee looks after; successions."""

from __future__ import annotations

import pytest

from branch_node.operations.clients import add_client, edit_client
from branch_node.storage.store import BranchStore
from hq_server.storage.hand_over_tables import hand_over as hand_over_table
from hq_server.storage.hand_over_tables import hand_over_card
from hq_server.storage.late_work import OWNER_FIELDS, Following
from hq_server.storage.merged_points import budgets_of, settle_groups
from shared.domain.cards import Value
from shared.domain.duplicates import Likeness
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, NotFound, Refused
from shared.operations import duplicates
from shared.operations.client_merging import merge_changes, merges_into, preview_merge, undo_changes
from shared.operations.hand_over import looked_after, owner_of, require_hand_over, still_by
from shared.operations.substitutions import find_substitution, require_substitution, substitutions_from
from tests.support.office import Office

PHONE = "+79123456789"


def add(store: BranchStore, **fields: Value) -> bytes:
    with store.operation() as transaction:
        return add_client(transaction, fields)


def test_a_pair_that_shares_several_things_is_proposed_once(branch_store: BranchStore) -> None:
    for _ in range(2):
        add(branch_store, name="Анна Белова", phones=(PHONE,), emails=("a@example.org",), birthday="1980-01-02")
    with branch_store.read() as connection:
        assert len(duplicates.proposals_after(connection).proposals) == 1
        assert len(list(duplicates.all_proposals(connection))) == 1
        assert len(list(duplicates.certain_pairs(connection))) == 1


def test_of_a_switchboard_only_the_oldest_are_compared(
    branch_store: BranchStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicates, "KEY_CLIENTS_MAX", 3)
    for number in range(5):
        add(branch_store, name=f"Клиент {number}", phones=(PHONE,))
    with branch_store.read() as connection:
        assert len(duplicates.proposals_after(connection).proposals) == 3
        assert duplicates.similar_to(connection, Likeness(b"x" * 16, phones=("+70000000000",))) == []


def test_a_card_that_is_merged_is_not_merged_again(branch_store: BranchStore) -> None:
    one, other, third = (add(branch_store, name=name) for name in ("А", "Б", "В"))
    with branch_store.operation() as transaction:
        edit_client(transaction, other, {"merged_into": one})
    with branch_store.read() as connection:
        with pytest.raises(Refused):
            preview_merge(connection, third, other)
        assert merge_changes(preview_merge(connection, third, one)) == [(one, {"merged_into": third})]
        (held,) = merges_into(connection, one)
        assert undo_changes(connection, other, held.command_id) == [(other, {"merged_into": None})]
        with pytest.raises(NotFound):
            undo_changes(connection, third, held.command_id)


def test_who_looks_after_whom(branch_store: BranchStore) -> None:
    client_id = add(branch_store, name="А", owner_id=b"o" * 16)
    with branch_store.read() as connection:
        assert looked_after(connection, b"o" * 16).clients == 1
        assert owner_of(connection, client_id) == b"o" * 16
        assert set(still_by(connection, RecordKind.CLIENT, [client_id], "owner_id")) == {client_id}
        with pytest.raises(NotFound):
            require_hand_over(connection, b"o" * 16, b"p" * 16, 20_000, "")
        with pytest.raises(InvalidInput):
            require_substitution(connection, b"o" * 16, b"o" * 16, 1, 1, "")
        with pytest.raises(NotFound):
            find_substitution(connection, b"s" * 16)
        assert substitutions_from(connection, 0) == []


def test_late_work_goes_to_whoever_has_it_in_the_end() -> None:
    following = Following({b"a": (b"1", b"b"), b"b": (b"2", b"c")}, 0)
    assert following.final(b"a") == (b"1", b"c")
    assert Following({b"a": (b"1", b"b"), b"b": (b"2", b"a")}, 0).final(b"a")[0] == b"1"
    assert OWNER_FIELDS[RecordKind.TASK] == "assignee_id"


def test_a_head_office_without_points_settles_nothing(office: Office) -> None:
    assert (office.count(hand_over_table), office.count(hand_over_card)) == (0, 0)
    with office.store.write() as connection:
        assert settle_groups(connection, {(b"a" * 16, b"b" * 16)}, office.clock.now_us()) == 0
        assert len(budgets_of(connection, {(b"a" * 16, b"b" * 16)})) == 2
