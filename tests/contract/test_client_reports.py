"""RFM, cohorts and clients at risk at the head office, on both databases: who counts, and as whom."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from shared.domain.records import RecordKind
from shared.errors import InvalidInput
from shared.reports.client_cards import ClientCards
from shared.reports.parameters import ReportParameters
from shared.reports.purchases import group_clients
from shared.storage.tables import erased_card
from tests.support.chain_sales import Shop, ask, told, total
from tests.support.office import Office


@pytest.fixture
def shop(office: Office) -> Shop:
    return Shop(office, "B1")


def erase_card(office: Office, card: bytes) -> None:
    """What is left of a client who was erased."""
    with office.store.write() as connection:
        connection.execute(insert(erased_card).values(id=card, kind=int(RecordKind.CLIENT), client_id=card))


# Who is one client.


def test_merged_cards_and_the_numbers_of_both_are_one_client(office: Office, shop: Shop) -> None:
    kept = shop.put_card("900")
    lost = shop.put_card("901", merged_into=kept)
    shop.sell("2026-11-01", "900", card=kept)
    shop.sell("2026-11-02", None, card=lost)
    shop.sell("2026-11-03", "900")
    shop.sell("2026-11-04", "901")
    shop.sell("2026-11-05", "902")
    shop.sell("2026-11-06", None)
    shop.send()
    assert told(ask(office, "rfm", "client"), "receipts") == {"900": 4, "902": 1}
    assert total(ask(office, "rfm", "segment"), "clients") == 2


def test_a_number_of_two_cards_is_the_older_one_s_and_one_put_away_comes_last(office: Office, shop: Shop) -> None:
    away = shop.put_card("900", archived=True)
    older, younger = shop.put_card("900"), shop.put_card("900")
    shop.sell("2026-11-01", "900")
    for card in (away, older, younger):
        shop.sell("2026-11-01", None, card=card)
    shop.send()
    assert sorted(told(ask(office, "rfm", "client"), "receipts").values()) == [1, 1, 2]
    assert told(ask(office, "rfm", "client"), "receipts")["900"] == 2


def test_an_erased_person_is_nobody_any_more_and_whoever_was_merged_into_him(office: Office, shop: Shop) -> None:
    gone = shop.put_card("900")
    twin = shop.put_card("901", merged_into=gone)
    shop.sell("2026-11-01", None, card=gone)
    shop.sell("2026-11-01", "901", card=twin)
    shop.sell("2026-11-01", "902")
    shop.send()
    erase_card(office, gone)
    for report in ("rfm", "at-risk"):
        assert set(told(ask(office, report, "client"), "clients")) <= {"902"}
    assert total(ask(office, "rfm", "segment"), "clients") == 1
    assert total(ask(office, "cohorts"), "clients") == 1


def test_a_card_without_a_number_is_called_by_its_id(office: Office, shop: Shop) -> None:
    card = shop.put_card(None, name="Anna")
    shop.sell("2026-11-01", None, card=card)
    shop.send()
    (label,) = told(ask(office, "rfm", "client"), "clients")
    assert label.replace("-", "") == card.hex()


def test_a_purchase_that_names_nobody_is_nobody_s(office: Office, shop: Shop) -> None:
    card = shop.put_card("900")
    shop.send()
    with office.store.read() as connection:
        cards = ClientCards(connection)
    assert cards.client_of(None, None) is None
    assert cards.client_of(None, "") is None
    assert cards.client_of(card, None) == card
    assert cards.client_of(b"u" * 16, "900") == b"u" * 16


def test_clients_are_grouped_after_they_were_filtered() -> None:
    rows = [{"kind": "a", "size": 1}, {"kind": "b", "size": 2}, {"kind": "a", "size": 3}]
    asked = ReportParameters(("kind",), filters=(("size", ("1", "2")),))
    assert group_clients(rows, asked, lambda kept: (len(kept),)) == ([("a", 1), ("b", 1)], (2,))


# RFM.


def test_rfm_scores_by_recency_receipts_and_net_in_fifths(office: Office, shop: Shop) -> None:
    for number in range(1, 6):
        for receipt in range(number):
            shop.sell(f"2026-11-{number * 2:02d}", str(number), amount=100 * number + receipt)
    shop.give_back("2026-11-20", "5", 2_000)
    shop.give_back("2026-11-20", "77", 50)
    shop.send()
    result = ask(office, "rfm", "client", "recency_score", "frequency_score", "monetary_score", "segment")
    assert told(result, "receipts", "net", "days_since") == {
        ("1", 1, 1, 1, "lost"): (1, 100, 20),
        ("2", 2, 2, 2, "hibernating"): (2, 401, 18),
        ("3", 3, 3, 4, "loyal"): (3, 903, 16),
        ("4", 4, 4, 5, "champions"): (4, 1_606, 14),
        ("5", 5, 5, 3, "champions"): (5, 510, 12),
    }
    assert result.totals == (5, 15, 3_520, 16, 704)


def test_rfm_looks_at_the_period_else_at_so_many_days_up_to_yesterday(office: Office, shop: Shop) -> None:
    for day in ("2025-11-22", "2025-11-23", "2026-11-13", "2026-11-22", "2026-11-23"):
        shop.sell(day, "900")
    shop.send()
    assert told(ask(office, "rfm", "client"), "receipts", "days_since") == {"900": (3, 0)}
    assert told(ask(office, "rfm", "client", options=["days=10"]), "receipts") == {"900": 2}
    assert told(ask(office, "rfm", "client", date_to="2026-11-20"), "receipts", "days_since") == {"900": (3, 7)}
    whole = ask(office, "rfm", "client", date_from="2025-11-01", date_to="2026-11-23")
    assert told(whole, "receipts", "days_since") == {"900": (5, 0)}


def test_rfm_can_be_filtered_by_segment_and_restricted_to_branches_and_to_what_was_known(office: Office) -> None:
    first, second = Shop(office, "B1"), Shop(office, "B2")
    for shop in (first, second):
        for number in range(1, 6):
            for _ in range(number):
                shop.sell(f"2026-11-{number:02d}", str(number))
        shop.send()
        office.clock.advance(60)
    champions = ask(office, "rfm", "client", filters=["segment=champions"])
    assert told(champions, "receipts") == {"4": 8, "5": 10}
    assert total(champions, "clients") == 2
    assert total(ask(office, "rfm", branches=["B2"]), "receipts") == 15
    assert total(ask(office, "rfm", as_of="2026-11-23T19:00:30+03:00"), "receipts") == 15


# Cohorts.


def test_cohorts_count_who_bought_again_in_each_month(office: Office, shop: Shop) -> None:
    bought = {
        "1": ("08-05", "09-01", "11-01"),
        "2": ("08-20", "08-21", "10-10"),
        "3": ("09-30", "10-01"),
        "4": ("11-05",),
    }
    for client, days in bought.items():
        for day in days:
            shop.sell(f"2026-{day}", client)
    shop.give_back("2026-10-11", "2", 30)
    shop.give_back("2026-10-11", "1", 5)
    shop.send()
    triangle = told(ask(office, "cohorts", "cohort", "month_number"), "clients", "buyers", "net", "retention")
    assert triangle == {
        ("2026-08", 0): (2, 2, 300, 10_000),
        ("2026-08", 1): (2, 1, 100, 5_000),
        ("2026-08", 2): (2, 1, 65, 5_000),
        ("2026-08", 3): (2, 1, 100, 5_000),
        ("2026-09", 0): (1, 1, 100, 10_000),
        ("2026-09", 1): (1, 1, 100, 10_000),
        ("2026-09", 2): (1, 0, 0, 0),
        ("2026-11", 0): (1, 1, 100, 10_000),
    }
    by_month = told(ask(office, "cohorts", "month_number"), "clients", "buyers")
    assert by_month == {0: (4, 4), 1: (3, 2), 2: (3, 1), 3: (2, 1)}
    assert told(ask(office, "cohorts", "cohort"), "clients", "buyers", "net")["2026-08"] == (2, 2, 565)
    assert ask(office, "cohorts").totals == (4, 4, 865, 10_000)
    assert told(ask(office, "cohorts", "cohort", "month_number", options=["months=1"]), "net")["2026-08", 1] == 100


def test_the_period_restricts_cohorts_and_first_purchases_are_those_of_all_time_everywhere(office: Office) -> None:
    first, second = Shop(office, "B1"), Shop(office, "B2")
    first.sell("2026-08-01", "1")
    second.sell("2026-10-01", "1")
    second.sell("2026-10-02", "2")
    second.sell("2026-11-02", "2")
    for shop in (first, second):
        shop.send()
    later = ask(office, "cohorts", "cohort", "month_number", date_from="2026-10-15", date_to="2026-11-23")
    assert told(later, "clients", "buyers") == {("2026-10", 0): (1, 1), ("2026-10", 1): (1, 1)}
    here = ask(office, "cohorts", "cohort", "month_number", branches=["B2"])
    assert told(here, "buyers")["2026-08", 2] == 1
    assert told(here, "buyers")["2026-08", 0] == 0
    assert ask(office, "cohorts", branches=["B1"]).totals[:2] == (1, 1)


# At risk.


def test_clients_who_stay_away_for_more_than_twice_their_own_interval_are_at_risk(office: Office, shop: Shop) -> None:
    every_ten = ("2026-10-01", "2026-10-11", "2026-10-21", "2026-10-31")
    for day in every_ten:
        shop.sell(day, "1")
        shop.sell(day, "1", amount=7)
    for day in ("2026-10-01", "2026-10-02", "2026-10-13"):
        shop.sell(day, "2")
    for day in ("2026-10-01", "2026-10-02"):
        shop.sell(day, "3")
    shop.give_back("2026-11-02", "1", 50)
    shop.sell("2025-01-01", "1")
    shop.send()
    on_time = ask(office, "at-risk", "client", date_to="2026-11-20")
    assert set(told(on_time, "clients")) == {"2"}
    late = told(
        ask(office, "at-risk", "client", date_to="2026-11-21"), "visits", "median_interval", "days_since", "net"
    )
    assert late == {"1": (5, 10_000, 21, 378), "2": (3, 6_000, 39, 300)}
    assert ask(office, "at-risk", date_to="2026-11-21").rows == ((2, 8, None, None, 678),)
    assert set(told(ask(office, "at-risk", "client", options=["visits=2"]), "clients")) == {"1", "2", "3"}


def test_a_client_who_came_today_is_not_at_risk(office: Office, shop: Shop) -> None:
    for day in ("2026-10-01", "2026-10-02", "2026-10-03"):
        shop.sell(day, "1")
    shop.send()
    assert total(ask(office, "at-risk"), "clients") == 1
    shop.sell("2026-11-23", "1")
    shop.send()
    assert total(ask(office, "at-risk"), "clients") == 0


def test_an_empty_chain_has_nobody(office: Office) -> None:
    assert ask(office, "rfm", "segment").rows == ()
    assert ask(office, "rfm").rows == ((0, 0, 0, None, None),)
    assert ask(office, "cohorts", "cohort", "month_number").rows == ()
    assert ask(office, "cohorts").rows == ((0, 0, 0, None),)
    assert ask(office, "at-risk", "client").rows == ()


def test_filters_that_a_report_does_not_know_are_refused(office: Office) -> None:
    with pytest.raises(InvalidInput):
        ask(office, "cohorts", filters=["cohort=2026-08"])
    with pytest.raises(InvalidInput):
        ask(office, "rfm", team="anna")
