"""Who is told of an employee, on both databases: card and positions for good, the password only where he works."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from hq_server.operations.explaining import explain
from hq_server.operations.fleet import revoke_branch
from hq_server.operations.people import (
    Personnel,
    Placement,
    earliest_today,
    is_hired,
    make_password_hash,
    refresh_audiences,
    require_employee,
)
from hq_server.storage.branches import BranchRow, all_branches
from hq_server.storage.feed import number_feed
from hq_server.storage.people import told_branches
from shared.domain.business_time import SECONDS_PER_DAY
from shared.domain.identifiers import format_id
from shared.domain.permissions import ROLES, Limits, Permission, Role
from shared.domain.positions import position_on
from shared.domain.records import RecordKind
from shared.errors import AlreadyExists, InvalidInput, NotFound, NotPermitted, Refused
from shared.operations.cards import shown_fields
from shared.operations.people import actor_on, credential_id, employee_id, find_credential, find_role, positions_of
from shared.sync.messages import CardChange, CardForgotten, CardFull
from shared.wire.cards import decode_state
from tests.support.office import Office
from tests.support.staff import CHEAP, PASSWORD, TODAY

NAMES = {int(kind): kind.name.lower() for kind in RecordKind}


@pytest.fixture
def branches(office: Office) -> dict[str, BranchRow]:
    return {code: office.add_branch(code) for code in ("B1", "B2", "B3")}


def change(office: Office, act: Callable[[Personnel], object]) -> None:
    """One change at the head office, and the feed numbered."""
    office.clock.advance(1)
    now_us = office.clock.now_us()
    with office.store.write() as connection:
        act(Personnel(connection, office.ids, now_us))
    number_feed(office.store, now_us)


def hire(office: Office, code: str = "anna", *branch_codes: str, **placed: int | str | None) -> bytes:
    """A cashier with a password; returns the id."""
    hashed = make_password_hash(office.ids, code, PASSWORD, CHEAP)
    placement = Placement("cashier", branch_codes or ("B1",), **placed)  # type: ignore[arg-type]
    change(office, lambda people: people.hire(code, code.title(), placement, "ru", hashed))
    return employee_id(office.chain.chain_id, code)


def place(office: Office, code: str, *branch_codes: str, since: int | None = TODAY, until: int | None = None) -> None:
    change(office, lambda people: people.place(code, Placement("cashier", branch_codes, None, since, until)))


def told(office: Office, branch: BranchRow) -> list[str]:
    """What a branch is told of people, one word a record."""
    words = []
    for record in office.feed_of(branch.id):
        if record.kind in (RecordKind.EMPLOYEE, RecordKind.POSITION, RecordKind.CREDENTIAL):
            sign = {CardFull: "", CardChange: "~", CardForgotten: "-"}[type(record)]
            words.append(f"{sign}{NAMES[record.kind]}")
    return words


WHOLE = ["employee", "position", "credential"]


def test_only_the_branches_where_an_employee_works_are_told(office: Office, branches: dict[str, BranchRow]) -> None:
    hire(office, "anna", "B1", "B2")
    assert {code: told(office, row) for code, row in branches.items()} == {"B1": WHOLE, "B2": WHOLE, "B3": []}


def test_a_branch_that_loses_an_employee_forgets_the_password_and_learns_of_the_move(
    office: Office, branches: dict[str, BranchRow]
) -> None:
    identity = hire(office, "anna", "B1")
    place(office, "anna", "B2")
    assert told(office, branches["B1"]) == [*WHOLE, "position", "-credential"]
    assert sorted(told(office, branches["B2"])) == sorted([*WHOLE, "position"])
    change(office, lambda people: people.set_password("anna", "$argon2id$other"))
    assert told(office, branches["B1"])[5:] == []
    assert told(office, branches["B2"])[4:] == ["~credential"]
    with office.store.read() as connection:
        assert told_branches(connection, identity) == {branches["B1"].id: False, branches["B2"].id: True}


def test_a_branch_that_gets_an_employee_back_is_given_the_password_again(
    office: Office, branches: dict[str, BranchRow]
) -> None:
    hire(office, "anna", "B1")
    place(office, "anna", "B2")
    place(office, "anna", "B1", "B2")
    assert told(office, branches["B1"]) == [*WHOLE, "position", "-credential", "position", "credential"]


def test_a_position_to_come_brings_the_password_ahead(office: Office, branches: dict[str, BranchRow]) -> None:
    hire(office, "anna", "B1")
    place(office, "anna", "B2", since=TODAY + 30)
    assert told(office, branches["B1"]) == [*WHOLE, "position"]
    assert "credential" in told(office, branches["B2"])


def test_a_substitution_takes_nothing_from_the_branch_that_it_ends_at(
    office: Office, branches: dict[str, BranchRow]
) -> None:
    hire(office, "anna", "B1")
    place(office, "anna", "B2", since=TODAY, until=TODAY + 13)
    assert "-credential" not in told(office, branches["B1"])
    office.clock.advance(14 * SECONDS_PER_DAY)
    sweep(office)
    assert told(office, branches["B2"])[-1] == "-credential"
    assert "-credential" not in told(office, branches["B1"])


def sweep(office: Office) -> int:
    with office.store.write() as connection:
        count = refresh_audiences(connection, office.ids, office.clock.now_us())
    number_feed(office.store, office.clock.now_us())
    return count


def test_a_position_that_ends_by_itself_takes_the_password_away(office: Office, branches: dict[str, BranchRow]) -> None:
    hire(office, "anna", "B1", valid_to=TODAY)
    office.clock.advance(5 * 3_600 - 2)  # hiring took a second; then it is midnight in Moscow
    assert sweep(office) == 0
    office.clock.advance(1)
    assert sweep(office) == 1
    assert told(office, branches["B1"]) == [*WHOLE, "-credential"]
    assert sweep(office) == 0


def test_dismissal_reaches_every_branch_that_was_told_and_takes_the_password(
    office: Office, branches: dict[str, BranchRow]
) -> None:
    hire(office, "anna", "B1")
    place(office, "anna", "B2")
    change(office, lambda people: people.dismiss("anna"))
    assert told(office, branches["B1"])[5:] == ["~employee"]
    assert told(office, branches["B2"])[-2:] == ["~employee", "-credential"]


def test_a_dismissal_to_come_leaves_the_password_until_then(office: Office, branches: dict[str, BranchRow]) -> None:
    hire(office, "anna", "B1")
    change(office, lambda people: people.dismiss("anna", TODAY + 2))
    assert told(office, branches["B1"]) == [*WHOLE, "~employee"]
    office.clock.advance(2 * SECONDS_PER_DAY)
    assert sweep(office) == 1


def test_a_dismissal_at_once_holds_in_every_zone(office: Office, branches: dict[str, BranchRow]) -> None:
    hire(office, "anna", "B1")
    office.clock.advance(6 * 3_600)  # 22:00 UTC: tomorrow in Moscow, today in Greenwich
    with office.store.write() as connection:
        connection.exec_driver_sql("UPDATE branch SET timezone = 'UTC' WHERE code = 'B1'")
    change(office, lambda people: people.dismiss("anna"))
    assert told(office, branches["B1"])[-1] == "-credential"
    with office.store.read() as connection:
        assert earliest_today(connection, office.clock.now_us()) == TODAY


def test_a_branch_that_joins_later_receives_whoever_works_everywhere(office: Office) -> None:
    office.add_branch("B1")
    hire(office, "owner", "*")
    hire(office, "anna", "B1")
    hire(office, "gone", "*")
    change(office, lambda people: people.dismiss("gone"))
    later = office.add_branch("B9")
    number_feed(office.store, office.clock.now_us())
    assert told(office, later) == WHOLE
    whole = [record for record in office.feed_of(later.id) if isinstance(record, CardFull)]
    (card,) = [record for record in whole if record.kind == RecordKind.EMPLOYEE]
    assert shown_fields(card.kind, decode_state(card.state))["code"] == "owner"


def test_a_revoked_branch_is_told_of_nobody_new(office: Office, branches: dict[str, BranchRow]) -> None:
    with office.store.write() as connection:
        revoke_branch(connection, "B2", office.clock.now_us())
    hire(office, "owner", "*")
    assert (told(office, branches["B1"]), told(office, branches["B2"])) == (WHOLE, [])


def test_a_changed_name_goes_to_the_branches_as_an_edit(office: Office, branches: dict[str, BranchRow]) -> None:
    hire(office, "anna", "B1")
    change(office, lambda people: people.rename("anna", "Anna Petrova", "en"))
    assert told(office, branches["B1"]) == [*WHOLE, "~employee"]
    change(office, lambda people: people.rename("anna", "Anna Petrova"))
    assert told(office, branches["B1"]) == [*WHOLE, "~employee"]


def test_a_role_goes_to_everyone(office: Office, branches: dict[str, BranchRow]) -> None:
    helper = Role("helper", "Помощник", "Помощник", frozenset({Permission.SALE_MAKE}), Limits(100, 0))
    change(office, lambda people: people.set_role(helper, "Помощник"))
    for row in branches.values():
        (record,) = [each for each in office.feed_of(row.id) if each.kind == RecordKind.ROLE]
        assert isinstance(record, CardFull)
    with office.store.read() as connection:
        assert find_role(connection, "helper") == helper
        assert find_role(connection, "manager") == ROLES["manager"]
    change(office, lambda people: people.set_role(helper, archived=True))
    with office.store.read() as connection:
        assert find_role(connection, "helper") is None


def test_a_code_of_a_till_becomes_an_employee_and_its_branch_hears_nothing(office: Office) -> None:
    journal = office.journal("B1")
    office.add_branch("B2")
    identity = employee_id(office.chain.chain_id, "anna")
    journal.add_edit(RecordKind.EMPLOYEE, identity, {}, code="anna")
    office.merge(journal, journal.batch())
    with pytest.raises(NotFound), office.store.read() as connection:
        require_employee(connection, "anna")
    hire(office, "anna", "B2")
    with office.store.read() as connection:
        assert is_hired(connection, require_employee(connection, "anna"))
    assert [record for record in office.feed_of(journal.branch_id) if record.kind == RecordKind.EMPLOYEE] == []


def test_who_was_dismissed_can_come_back(office: Office, branches: dict[str, BranchRow]) -> None:
    identity = hire(office, "anna", "B1")
    with pytest.raises(AlreadyExists):
        hire(office, "anna", "B1")
    change(office, lambda people: people.dismiss("anna"))
    for refused in (lambda people: people.dismiss("anna"), lambda people: people.place("anna", Placement("cashier"))):
        with pytest.raises(Refused):
            change(office, refused)
    hire(office, "anna", "B2", valid_from=TODAY)
    with office.store.read() as connection:
        person = require_employee(connection, "anna")
        assert person.dismissed_on is None
        standing = position_on(positions_of(connection, identity), TODAY)
        assert standing is not None
        assert standing.branches == ("B2",)
    assert told(office, branches["B1"])[-2:] == ["~employee", "position"]


def test_what_cannot_be_is_refused_in_one_sentence(office: Office, branches: dict[str, BranchRow]) -> None:
    hire(office, "boss", "*")
    hire(office, "anna", "B1", reports_to="boss")
    for placement, error in (
        (Placement("king"), NotFound),
        (Placement("cashier", ("B7",)), NotFound),
        (Placement("cashier", ("B1",), "nobody"), NotFound),
        (Placement("cashier", ("B1",), None, TODAY, TODAY - 1), InvalidInput),
        (Placement("cashier", ("B1",), "anna"), InvalidInput),
    ):
        with pytest.raises(error):
            change(office, lambda people, placement=placement: people.place("boss", placement))  # type: ignore[misc]
    for name in ("", " ", "x" * 201, "a\nb"):
        with pytest.raises(InvalidInput):
            change(office, lambda people, name=name: people.rename("anna", name))  # type: ignore[misc]
    with pytest.raises(InvalidInput):
        change(office, lambda people: people.rename("anna", language="fr"))
    with pytest.raises(InvalidInput):
        make_password_hash(office.ids, "anna", "short", CHEAP)


def test_only_who_may_edit_employees_does(office: Office, branches: dict[str, BranchRow]) -> None:
    identity = hire(office, "anna", "B1")
    with office.store.write() as connection:
        actor = actor_on(connection, require_employee(connection, "anna"), TODAY, None)
        assert actor is not None
        assert find_credential(connection, identity) is not None
        with pytest.raises(NotPermitted):
            Personnel(connection, office.ids, office.clock.now_us(), actor)


def test_a_branch_cannot_say_more_of_an_employee_than_the_code(office: Office) -> None:
    journal = office.journal("B1")
    hire(office, "anna", "B1")
    identity = employee_id(office.chain.chain_id, "anna")
    change(office, lambda people: people.dismiss("anna"))
    journal.add_edit(RecordKind.EMPLOYEE, identity, {}, dismissed_on=None, name="Rogue")
    journal.add_edit(RecordKind.POSITION, office.ids.new_id(), {}, employee_id=identity, branches=("*",))
    office.merge(journal, journal.batch())
    with office.store.read() as connection:
        person = require_employee(connection, "anna")
    assert (person.name, person.dismissed_on) == ("Anna", TODAY)


def test_it_can_be_explained_who_was_told_of_an_employee(office: Office, branches: dict[str, BranchRow]) -> None:
    identity = hire(office, "anna", "B1")
    place(office, "anna", "B2")
    with office.store.read() as connection:
        position = positions_of(connection, identity)[0]
        records = (identity, position.position_id, credential_id(identity))
        receives = [
            [explain(connection, format_id(record), branches[code])["receives"] for code in ("B1", "B2", "B3")]
            for record in records
        ]
        reason = explain(connection, format_id(identity), branches["B3"])["reason"]
    assert receives == [[True, True, False], [True, True, False], [False, True, False]]
    assert reason == "The employee has never worked at the branch."


def test_two_who_hire_and_add_a_branch_at_once_do_not_miss_each_other(office: Office) -> None:
    """Each commits after the other has begun; whoever is later in the chain's clock sees what the other did."""
    begun = threading.Barrier(2)

    def add() -> None:
        begun.wait()
        office.add_branch("B9")

    def employ() -> None:
        begun.wait()
        hire(office, "owner", "*")

    threads = [threading.Thread(target=each) for each in (add, employ)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    number_feed(office.store, office.clock.now_us())
    with office.store.read() as connection:
        (row,) = all_branches(connection)
    assert told(office, row) == WHOLE
