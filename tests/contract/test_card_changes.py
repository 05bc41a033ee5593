"""What the head office changed and taking it back, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, delete

from hq_server.operations.arrival import arrival_of
from hq_server.operations.card_changes import (
    ChangedSince,
    Noun,
    OfficeEdit,
    Standing,
    Subject,
    edit_made_now,
    read_changes,
    take_back,
)
from hq_server.operations.dictionaries import add_term, list_terms, move_term
from hq_server.operations.fleet import change_branch, set_mode
from hq_server.operations.loyalty import current_program, set_program
from hq_server.operations.people import Personnel, Placement
from hq_server.operations.products import Assortment, ProductFields, WantedPrice, prices_of, require_product
from hq_server.operations.promotions import add_promotion, change_promotion, end_promotion, read_promotions
from hq_server.operations.restored_cards import require_restorable
from hq_server.operations.vat_rates import list_vat_rates, set_vat_rate
from hq_server.storage.branches import branch_by_code
from hq_server.storage.feed import number_feed, read_head
from hq_server.storage.office_history import edits_of_cards
from hq_server.storage.tables import branch_cursor
from shared.domain.dictionaries import Term
from shared.domain.identifiers import NIL_ID
from shared.domain.loyalty import make_program
from shared.domain.permissions import LOCAL_ADMINISTRATOR, ROLES, Actor, Permission, Role
from shared.domain.promotion_rules import Promotion, PromotionType
from shared.domain.records import RecordKind
from shared.domain.vat import DatedVatRate
from shared.errors import AlreadyExists, InvalidInput, NotFound, NotPermitted, Refused
from shared.operations.people import find_employee, find_role, positions_of, role_id
from shared.storage.tables import card_edit
from shared.sync.messages import CardChange, ProcessingMode, WhenUnreachable
from tests.support.office import Office

ADMIN = LOCAL_ADMINISTRATOR


def do(office: Office, act: Callable[[Connection, int], Any]) -> Any:
    office.clock.advance(1)
    now_us = office.clock.now_us()
    with office.store.write() as connection:
        result = act(connection, now_us)
    number_feed(office.store, now_us)
    return result


def goods(office: Office, act: Callable[[Assortment], Any]) -> Any:
    return do(office, lambda connection, now_us: act(Assortment(connection, office.ids, now_us, ADMIN)))


def changes(office: Office, subject: Subject) -> list[OfficeEdit]:
    with office.store.read() as connection:
        return read_changes(connection, ADMIN, subject)


def undo(office: Office, subject: Subject, edit: OfficeEdit | bytes | None = None, actor: Actor = ADMIN) -> bytes:
    wanted = changes(office, subject)[0] if edit is None else edit
    command_id = wanted if isinstance(wanted, bytes) else wanted.command_id
    return bytes(
        do(office, lambda connection, now_us: take_back(connection, office.ids, now_us, actor, subject, command_id))
    )


def told(edit: OfficeEdit) -> list[tuple[str, Any, Any]]:
    return [(each.field, each.before, each.after) for part in edit.parts for each in part.changes]


@pytest.fixture
def tea(office: Office) -> Subject:
    product_id = goods(office, lambda stock: stock.add(ProductFields("tea", "Tea", barcode="4600"), WantedPrice(100)))
    return Subject(Noun.PRODUCT, product_id)


def rename(office: Office, subject: Subject, name: str, barcode: str = "4600") -> None:
    fields = ProductFields("tea", name, barcode=barcode)
    assert goods(office, lambda stock: stock.change(subject.card_id, fields))


def name_of(office: Office, subject: Subject) -> str:
    with office.store.read() as connection:
        return str(require_product(connection, ADMIN, subject.card_id).name)


def test_every_edit_is_shown_with_what_was_before(office: Office, tea: Subject) -> None:
    rename(office, tea, "Green tea")
    rename(office, tea, "Black tea", "4601")
    newest, middle, first = changes(office, tea)
    assert sorted(told(newest)) == [("barcode", "4600", "4601"), ("name", "Green tea", "Black tea")]
    assert told(middle) == [("name", "Tea", "Green tea")]
    assert [part.is_new for part in first.parts] == [True, True]
    assert newest.at_us > middle.at_us > first.at_us


def test_an_edit_is_taken_back_field_by_field_and_that_is_an_edit_too(office: Office, tea: Subject) -> None:
    rename(office, tea, "Green tea")
    undo(office, tea)
    assert name_of(office, tea) == "Tea"
    newest = changes(office, tea)[0]
    assert told(newest) == [("name", "Green tea", "Tea")]
    undo(office, tea, newest)
    assert name_of(office, tea) == "Green tea"


def test_an_earlier_edit_of_other_fields_is_taken_back_alone(office: Office, tea: Subject) -> None:
    rename(office, tea, "Green tea")
    goods(office, lambda stock: stock.give_barcode(tea.card_id, "4777", replace=True))
    barcode, name, _ = changes(office, tea)
    assert (barcode.standing, name.standing) == (Standing.STANDS, Standing.STANDS)
    undo(office, tea, name)
    with office.store.read() as connection:
        row = require_product(connection, ADMIN, tea.card_id)
    assert (row.name, row.barcode) == ("Tea", "4777")


def test_what_was_changed_again_is_refused_by_the_fields_name(office: Office, tea: Subject) -> None:
    rename(office, tea, "Green tea")
    first = changes(office, tea)[0]
    rename(office, tea, "Black tea")
    assert changes(office, tea)[1].standing is Standing.CHANGED_SINCE
    with pytest.raises(ChangedSince, match="“name” was changed again") as refused:
        undo(office, tea, first)
    assert (refused.value.kind, refused.value.field) == (RecordKind.PRODUCT, "name")
    assert name_of(office, tea) == "Black tea"


def test_an_edit_is_taken_back_once(office: Office, tea: Subject) -> None:
    rename(office, tea, "Green tea")
    edit = changes(office, tea)[0]
    undo(office, tea, edit)
    with pytest.raises(ChangedSince):
        undo(office, tea, edit)


def test_a_new_price_is_taken_back_by_archiving_it_and_comes_again(office: Office, tea: Subject) -> None:
    goods(office, lambda stock: stock.set_price(tea.card_id, WantedPrice(120, "", 30_000)))
    undo(office, tea)
    with office.store.read() as connection:
        assert [each.amount_minor for each in prices_of(connection, tea.card_id)] == [100]
    undo(office, tea)
    with office.store.read() as connection:
        assert sorted(each.amount_minor for each in prices_of(connection, tea.card_id)) == [100, 120]


def test_the_branches_hear_of_what_is_taken_back(office: Office, tea: Subject) -> None:
    branch_id = office.add_branch("B1").id
    rename(office, tea, "Green tea")
    undo(office, tea)
    last = office.feed_of(branch_id)[-1]
    assert isinstance(last, CardChange)
    assert {patch.field: patch.value for patch in last.patches} == {"name": "Tea"}


def test_a_barcode_that_another_product_has_meanwhile_is_not_taken_from_it(office: Office, tea: Subject) -> None:
    rename(office, tea, "Tea", "4601")
    edit = changes(office, tea)[0]
    goods(office, lambda stock: stock.add(ProductFields("mug", "Mug", barcode="4600")))
    with pytest.raises(AlreadyExists, match="Mug"):
        undo(office, tea, edit)


def test_what_was_edited_before_history_was_kept_can_be_restored(office: Office, tea: Subject) -> None:
    """A head office that was upgraded: its cards have values, and no edits."""
    with office.store.write() as connection:
        connection.execute(delete(card_edit))
    rename(office, tea, "Green tea")
    assert told(changes(office, tea)[0]) == [("name", "Tea", "Green tea")]
    undo(office, tea)
    assert name_of(office, tea) == "Tea"


def test_a_value_that_nobody_kept_is_not_made_up(office: Office, tea: Subject) -> None:
    rename(office, tea, "Green tea")
    with office.store.write() as connection:
        connection.execute(delete(card_edit))
    goods(office, lambda stock: stock.give_barcode(tea.card_id, "4777", replace=True))
    renamed = next(edit for edit in changes(office, tea) if told(edit) == [("name", None, "Green tea")])
    assert renamed.standing is Standing.PERMANENT
    with pytest.raises(Refused, match="cannot be taken back"):
        undo(office, tea, renamed)


def test_a_promotion_that_was_ended_comes_back_unless_its_code_is_taken(office: Office) -> None:
    wanted = Promotion(b"", "autumn", "Autumn", PromotionType.PERCENT, 1_000)
    promotion_id = do(office, lambda connection, now_us: add_promotion(connection, office.ids, now_us, wanted))
    subject = Subject(Noun.PROMOTION, promotion_id)
    do(office, lambda connection, now_us: end_promotion(connection, office.ids, now_us, "autumn", None))
    ended = changes(office, subject)[0]
    second = do(office, lambda connection, now_us: add_promotion(connection, office.ids, now_us, wanted))
    with pytest.raises(AlreadyExists):
        undo(office, subject, ended)
    undo(office, Subject(Noun.PROMOTION, second))
    undo(office, subject, ended)
    with office.store.read() as connection:
        assert [each.promotion_id for each in read_promotions(connection, ADMIN)] == [promotion_id]


def test_a_promotion_does_not_come_back_as_one_that_means_nothing(office: Office) -> None:
    wanted = Promotion(b"", "p", "P", PromotionType.PERCENT, 1_000, valid_from=10, valid_to=20)
    promotion_id = do(office, lambda connection, now_us: add_promotion(connection, office.ids, now_us, wanted))
    for first, last in ((10, 40), (30, 40)):
        other = Promotion(b"", "p", "P", PromotionType.PERCENT, 1_000, valid_from=first, valid_to=last)
        do(office, lambda connection, now_us: change_promotion(connection, office.ids, now_us, "p", other))  # noqa: B023 - run at once.
    subject = Subject(Noun.PROMOTION, promotion_id)
    with pytest.raises(InvalidInput):
        undo(office, subject, changes(office, subject)[1])


def test_a_branch_gets_its_mode_and_zone_back(office: Office) -> None:
    row = office.add_branch("B1", "north")
    subject = Subject(Noun.BRANCH, row.id)

    def switch(connection: Connection, now_us: int) -> None:
        set_mode(connection, office.ids, now_us, "B1", ProcessingMode.CENTRALIZED, WhenUnreachable.FALL_BACK, ADMIN)

    do(office, switch)
    do(office, lambda connection, now_us: change_branch(connection, office.ids, now_us, "B1", price_zone="south"))
    zone, mode, made = changes(office, subject)
    assert told(zone) == [("price_zone", "north", "south")]
    assert sorted(told(mode)) == [("mode", "distributed", "centralized"), ("when_unreachable", "refuse", "fall_back")]
    assert made.standing is Standing.PERMANENT
    undo(office, subject, mode)
    undo(office, subject, zone)
    with office.store.read() as connection:
        now = branch_by_code(connection, "B1")
    assert (now.mode, now.when_unreachable, now.price_zone) == (
        ProcessingMode.DISTRIBUTED,
        WhenUnreachable.REFUSE,
        "north",
    )


def test_a_hire_and_a_dismissal_are_taken_back(office: Office) -> None:
    office.add_branch("B1")

    def hire(connection: Connection, now_us: int) -> bytes:
        return Personnel(connection, office.ids, now_us).hire("anna", "Anna", Placement("cashier", ("B1",)))

    identity = do(office, hire)
    subject = Subject(Noun.EMPLOYEE, identity)
    do(office, lambda connection, now_us: Personnel(connection, office.ids, now_us).dismiss("anna"))
    undo(office, subject)
    with office.store.read() as connection:
        person = find_employee(connection, identity)
        assert person is not None
        assert person.dismissed_on is None
        placed = positions_of(connection, identity)[0]
    do(
        office,
        lambda connection, now_us: Personnel(connection, office.ids, now_us).place("anna", Placement("manager")),
    )
    undo(office, subject)
    with office.store.read() as connection:
        standing = [each for each in positions_of(connection, identity) if not each.archived]
    assert standing == [placed]


def test_a_position_does_not_come_back_into_a_circle(office: Office) -> None:
    def work(connection: Connection, now_us: int, code: str, superior: str | None) -> bytes:
        placement = Placement("cashier", reports_to=superior)
        return Personnel(connection, office.ids, now_us).hire(code, code.title(), placement)

    anna = do(office, lambda connection, now_us: work(connection, now_us, "anna", None))
    boris = do(office, lambda connection, now_us: work(connection, now_us, "boris", None))

    def place(code: str, superior: str) -> None:
        placement = Placement("manager", reports_to=superior, valid_from=20_000)
        do(office, lambda connection, now_us: Personnel(connection, office.ids, now_us).place(code, placement))

    place("anna", "boris")
    undo(office, Subject(Noun.EMPLOYEE, anna))
    place("boris", "anna")
    with pytest.raises(InvalidInput, match="below himself"):
        undo(office, Subject(Noun.EMPLOYEE, anna))
    undo(office, Subject(Noun.EMPLOYEE, boris))
    undo(office, Subject(Noun.EMPLOYEE, anna))


@pytest.mark.parametrize(
    ("kind", "fields", "refused"),
    [
        (RecordKind.DICTIONARY_TERM, {"dictionary": "theme", "code": "x", "name": None}, InvalidInput),
        (RecordKind.LOYALTY_PROGRAM, {"code": "main", "earn_basis_points": ("nonsense",)}, InvalidInput),
        (RecordKind.PRICE, {"valid_from": 5, "valid_to": 4}, InvalidInput),
        (RecordKind.PRODUCT, {"sku": "tea", "vat_code": "gone"}, InvalidInput),
        (RecordKind.POSITION, {"employee_id": NIL_ID, "role_code": "gone"}, NotFound),
    ],
)
def test_what_would_mean_nothing_does_not_come_back(
    office: Office, kind: RecordKind, fields: dict[str, Any], refused: type[Exception]
) -> None:
    with office.store.read() as connection, pytest.raises(refused):
        require_restorable(connection, kind, b"c" * 16, fields)


def test_a_role_gets_its_permissions_back(office: Office) -> None:
    cashier = ROLES["cashier"]
    less = Role("cashier", "x", "x", frozenset(), cashier.limits)
    for role in (cashier, less):
        do(office, lambda connection, now_us: Personnel(connection, office.ids, now_us).set_role(role))  # noqa: B023 - run at once.
    subject = Subject(Noun.ROLE, role_id(office.chain.chain_id, "cashier"))
    undo(office, subject)
    with office.store.read() as connection:
        found = find_role(connection, "cashier")
    assert found is not None
    assert found.permissions == cashier.permissions


def test_the_first_change_of_a_predefined_role_gives_it_back_and_does_not_archive_it(office: Office) -> None:
    more = Role("cashier", "Cash", "Cash", frozenset({Permission.CLIENT_EXPORT}))
    do(office, lambda connection, now_us: Personnel(connection, office.ids, now_us).set_role(more, "Cash"))
    undo(office, Subject(Noun.ROLE, role_id(office.chain.chain_id, "cashier")))
    with office.store.read() as connection:
        assert find_role(connection, "cashier") == ROLES["cashier"]


def test_a_move_of_words_is_one_edit_of_several_cards(office: Office) -> None:
    for name in ("one", "two"):
        term = Term("theme", "", name)
        do(office, lambda connection, now_us: add_term(connection, office.ids, now_us, term))  # noqa: B023 - run at once.
    do(office, lambda connection, now_us: move_term(connection, office.ids, now_us, "theme", "two", -1))
    subject = Subject(Noun.DICTIONARIES, NIL_ID)
    moved = changes(office, subject)[0]
    assert len(moved.parts) == 2
    undo(office, subject, moved)
    with office.store.read() as connection:
        assert [term.code for term in list_terms(connection)["theme"]] == ["one", "two"]


def test_a_vat_rate_that_products_have_stays(office: Office) -> None:
    rate = DatedVatRate("20", 2_000, None, None)
    chain_id = office.chain.chain_id
    do(office, lambda connection, now_us: set_vat_rate(connection, office.ids, now_us, chain_id, rate))
    subject = Subject(Noun.VAT, NIL_ID)
    made = changes(office, subject)[0]
    goods(office, lambda stock: stock.add(ProductFields("tea", "Tea", vat_code="20")))
    with pytest.raises(Refused, match="Products have"):
        undo(office, subject, made)
    other = DatedVatRate("20", 2_200, None, None)
    do(office, lambda connection, now_us: set_vat_rate(connection, office.ids, now_us, chain_id, other))
    undo(office, subject)
    with office.store.read() as connection:
        assert [each["rate_basis_points"] for each in list_vat_rates(connection)] == [2_000]


def test_a_programme_gets_its_rules_back(office: Office) -> None:
    for rate in (500, 700):
        program = make_program("main", [f"*:*:{rate}"], 3_000, 365, 100)
        do(
            office,
            lambda connection, now_us: set_program(connection, office.ids, now_us, program, "Main"),  # noqa: B023 - run at once.
        )
    undo(office, Subject(Noun.LOYALTY, NIL_ID))
    with office.store.read() as connection:
        known = current_program(connection, ADMIN)
    assert known is not None
    assert [rule.rate_basis_points for rule in known.program.rules] == [500]


def test_only_who_may_edit_sees_and_takes_back(office: Office, tea: Subject) -> None:
    auditor = Actor(b"e" * 16, "a", "A", "auditor", ROLES["auditor"].permissions, ROLES["auditor"].limits)
    edit = changes(office, tea)[0]
    with office.store.read() as connection, pytest.raises(NotPermitted):
        read_changes(connection, auditor, tea)
    with pytest.raises(NotPermitted):
        undo(office, tea, edit, auditor)


def test_a_change_of_something_else_is_not_found(office: Office, tea: Subject) -> None:
    other = goods(office, lambda stock: stock.add(ProductFields("mug", "Mug")))
    foreign = changes(office, Subject(Noun.PRODUCT, other))[0]
    with pytest.raises(NotFound):
        undo(office, tea, foreign)


def test_undo_right_after_is_of_what_this_moment_changed(office: Office, tea: Subject) -> None:
    rename(office, tea, "Green tea")
    with office.store.read() as connection:
        now_us = office.clock.now_us()
        assert edit_made_now(connection, tea, now_us) == changes(office, tea)[0].command_id
        assert edit_made_now(connection, tea, now_us + 1) is None
        assert len(edits_of_cards(connection, [(int(RecordKind.PRODUCT), tea.card_id)], 10)) == 2


def test_a_change_has_arrived_where_the_feed_was_read_so_far(office: Office, tea: Subject) -> None:
    first, second = office.add_branch("B1"), office.add_branch("B2")
    rename(office, tea, "Green tea")

    def arrived() -> Any:
        with office.store.read() as connection:
            return arrival_of(connection, ADMIN, tea)

    assert arrived() == (0, 2, ("B1", "B2"))
    with office.store.write() as connection:
        head = read_head(connection)
        read = {"feed_epoch": head.epoch, "feed_position": head.position}
        connection.execute(branch_cursor.update().where(branch_cursor.c.branch_id == first.id).values(read))
    assert arrived() == (1, 2, ("B2",))
    with office.store.read() as connection:
        assert arrival_of(connection, ADMIN, Subject(Noun.BRANCH, second.id)) == (0, 1, ("B2",))
    rename(office, tea, "Black tea")
    assert arrived() == (0, 2, ("B1", "B2"))
