"""The clients behind RFM, cohorts and clients at risk, on both databases: they add up, and each sees those whom he may
see."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from hq_server.operations.client_search import seen_names, sees_everybody
from hq_server.operations.listed_clients import as_seen
from shared.domain.identifiers import NIL_ID
from shared.domain.masking import mask_name, mask_phone
from shared.domain.permissions import LOCAL_ADMINISTRATOR, ClientScope, Permission
from shared.errors import NotPermitted
from shared.reports.client_cards import ClientLabels
from shared.reports.client_lists import ListedClient, list_clients
from shared.reports.items import Asked, Beneath, Item, Kind
from shared.reports.parameters import ReportAsk, ReportParameters
from shared.reports.registry import find_report
from tests.support.chain_sales import Shop
from tests.support.drilled import listed, require_adds_up
from tests.support.office import Office

SIGHTLESS = replace(LOCAL_ADMINISTRATOR, permissions=frozenset({Permission.REPORT_CHAIN}))
WITHOUT_CONTACTS = replace(
    LOCAL_ADMINISTRATOR, permissions=frozenset({Permission.REPORT_CHAIN, Permission.CLIENT_VIEW})
)
OWN = replace(LOCAL_ADMINISTRATOR, employee_id=b"e" * 16, client_scope=ClientScope.OWN)


def sell_to_clients(office: Office) -> None:
    """A year of two branches: clients with a card and without, some of whom stay away; some goods come back."""
    chance = random.Random(5)
    first, second = Shop(office, "B1"), Shop(office, "B2")
    cards = [first.put_card("1", name="Anna Petrova"), first.put_card(None, name="Boris"), first.put_card("3")]
    for shop in (first, second):
        for _ in range(60):
            number = chance.choice("123456")
            card = cards[int(number) - 1] if number in "123" else None
            month = chance.randint(1, 6) if number in "15" else chance.randint(1, 11)
            day = f"2026-{month:02d}-{chance.randint(1, 20):02d}"
            shop.sell(day, None if card else number, chance.randint(50, 500), card)
            if chance.random() < 0.2:
                shop.give_back(day, None if card else number, chance.randint(10, 60), card=card)
        shop.send()


def test_the_clients_behind_every_row_add_up_to_it(office: Office) -> None:
    sell_to_clients(office)
    groupings = {
        "rfm": [("segment",), ("client",), ("recency_score", "monetary_score"), ()],
        "cohorts": [("cohort", "month_number"), ("month_number",), ("cohort",), ()],
        "at-risk": [("client",), ()],
    }
    for name, known in groupings.items():
        for by in known:
            for ask in (ReportAsk(by), ReportAsk(by, "2026-02-01", "2026-10-31", branches=("B2",))):
                if name == "cohorts" or ask.date_from is None or by:
                    require_adds_up(office, name, ask)
    assert require_adds_up(office, "at-risk", ReportAsk()) > 0
    assert require_adds_up(office, "rfm", ReportAsk(("segment",), filters=("recency_score=1", "recency_score=2"))) > 0


def test_clients_are_called_by_their_names_and_lead_to_their_cards(office: Office) -> None:
    sell_to_clients(office)
    rows = listed(office, find_report("rfm"), ReportAsk()).rows
    assert {each.name for each in rows} == {"Anna Petrova", "Boris", "3", "4", "5", "6"}
    assert all((each.of_id is None) == (each.name in "456") for each in rows)
    paid = [each.measures[-1] or 0 for each in rows]
    assert paid == sorted(paid, reverse=True)


@pytest.mark.parametrize("name", ["rfm", "cohorts", "at-risk"])
def test_who_may_not_see_clients_sees_none_by_looking_into_a_row(office: Office, name: str) -> None:
    sell_to_clients(office)
    with pytest.raises(NotPermitted):
        listed(office, find_report(name), ReportAsk(), actor=SIGHTLESS)
    known = Item(Kind.CLIENT, "", b"c" * 16, None, "79161234567", "", b"c" * 16, (1,))
    with office.store.read() as connection:
        (hidden,) = as_seen(connection, SIGHTLESS, Beneath([known], 1, (1,)), 0).rows
        (masked,) = as_seen(connection, SIGHTLESS, Beneath([known._replace(of_id=None)], 1, (1,)), 0).rows
    assert (hidden.name, hidden.of_id) == ("", None)
    assert masked.name == mask_phone("79161234567")
    with office.store.read() as connection, pytest.raises(NotPermitted):
        seen_names(connection, SIGHTLESS, [], 0)


def test_who_may_not_see_contacts_sees_a_little_of_a_name_and_of_a_number(office: Office) -> None:
    sell_to_clients(office)
    rows = listed(office, find_report("rfm"), ReportAsk(), actor=WITHOUT_CONTACTS).rows
    assert not {each.name for each in rows} & {"Anna Petrova", "3"}
    assert mask_name("Anna Petrova") in {each.name for each in rows}


def test_clients_whom_somebody_s_lists_do_not_show_are_nameless(office: Office) -> None:
    shop = Shop(office, "B1")
    mine, hers = shop.put_card("901", name="Mine", owner_id=OWN.employee_id), shop.put_card("902", name="Hers")
    for card in (mine, hers):
        shop.sell("2026-11-01", None, 100, card)
    shop.sell("2026-11-01", "79161234567", 50)
    shop.send()

    found = listed(office, find_report("rfm"), ReportAsk(), actor=OWN)
    assert {each.name: each.of_id for each in found.rows} == {"": None, mask_phone("79161234567"): None, "Mine": mine}
    with office.store.read() as connection:
        assert not sees_everybody(connection, OWN, 0)
        assert sees_everybody(connection, LOCAL_ADMINISTRATOR, 0)


def test_what_is_no_client_is_left_as_it_is(office: Office) -> None:
    receipt = Item(Kind.SALE, "B1", NIL_ID, 1, "1-000001", "anna", None, (1,))
    with office.store.read() as connection:
        assert as_seen(connection, OWN, Beneath([receipt], 1, (1,)), 0).rows == [receipt]


def test_a_list_of_clients_is_paged_and_summed_where_that_makes_sense() -> None:
    clients = [ListedClient(str(number), (1, number)) for number in range(7)]
    asked = Asked(find_report("rfm"), ReportParameters(), None, 2, 3)
    found = list_clients(asked, clients, ClientLabels({}), (True, False))
    assert ([each.name for each in found.rows], found.total, found.sums) == (["4", "3", "2"], 7, (7, None))
    assert list_clients(asked, [], ClientLabels({}), (True, False)) == Beneath([], 0, (0, None))
