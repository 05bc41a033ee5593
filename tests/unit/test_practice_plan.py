"""The plan of the practice chain: the same for a seed, nobody's phones, sound codes, truths that can be measured."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from random import Random

import phonenumbers
import pytest

from deploy.practice import planted
from deploy.practice.barcodes import piece_barcode, weighed_barcode
from deploy.practice.contacts import (
    RIVAL,
    TASKS_OVERDUE,
    TASKS_TODAY,
    lazy_rep,
    mentions_by_week,
    reached_by_rep,
)
from deploy.practice.generator import TINY_SIZE, make_plan
from deploy.practice.letters import FAILED, PUT_OFF, REFUSED, SENT, UNCERTAIN, WAITING, unanswered_letters
from deploy.practice.names import PHONE_PREFIX, PersonName, mistype, swap_digits
from deploy.practice.plan import CloseShift, GiveBack, OpenShift, Plan, Sell, event_document, event_from
from deploy.practice.serving import new_password, new_pin
from deploy.practice.sheet import barcode_sheet, choose_labels
from deploy.practice.today import SALES_TODAY_MIN, until_now
from shared.domain.barcodes import PlainCode, WeighedCode, lookup_texts, parse_code
from shared.domain.check_digits import has_check_digit
from shared.domain.clients import normalize_email, normalize_phone
from shared.domain.mail import Draft, MailPurpose, require_draft
from shared.operations.passwords import require_password, require_pin

TODAY = date(2026, 11, 26)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(TODAY)


@pytest.fixture(scope="module")
def tiny() -> Plan:
    return make_plan(TODAY, size=TINY_SIZE)


def test_the_same_seed_makes_the_same_bytes_and_another_one_others(tiny: Plan) -> None:
    assert make_plan(TODAY, size=TINY_SIZE).to_bytes() == tiny.to_bytes()
    assert make_plan(TODAY, seed=1, size=TINY_SIZE).to_bytes() != tiny.to_bytes()
    assert barcode_sheet(tiny) == barcode_sheet(tiny)


def test_phones_are_taken_by_the_product_and_are_nobodys(plan: Plan) -> None:
    for client in plan.clients:
        assert normalize_phone(client.phone, "RU") == client.phone
        assert client.phone.startswith(PHONE_PREFIX)
        assert not phonenumbers.is_valid_number(phonenumbers.parse(client.phone))


def test_every_barcode_is_read_as_its_product(plan: Plan) -> None:
    by_code = {product.barcode: product for product in plan.products}
    assert len(by_code) == len(plan.products)
    for product in plan.products:
        assert has_check_digit(product.barcode)
        scanned = weighed_barcode(product.sku, 1_250) if product.weighed else product.barcode
        code = parse_code(scanned)
        assert isinstance(code, WeighedCode if product.weighed else PlainCode)
        assert product.barcode in lookup_texts(code)
        assert 0 < product.cost_minor < product.price_minor


@pytest.mark.parametrize("item", ["1234", "123456", "1234a", "１２３４５"])
def test_an_item_of_another_length_makes_no_barcode(item: str) -> None:
    with pytest.raises(ValueError, match="item"):
        piece_barcode(item)


def test_the_sheet_has_goods_of_every_category(plan: Plan) -> None:
    labels = choose_labels(plan)
    known = {product.barcode: product.category for product in plan.products}
    found = {known[text] for label in labels for text in lookup_texts(parse_code(label.code)) if text in known}
    assert found == {product.category for product in plan.products}


def test_names_are_mistyped_and_digits_swapped_for_sure() -> None:
    name = PersonName("Анна", "Яблочкина")
    for seed in range(200):
        typed = mistype(Random(seed), name)
        assert typed.first == name.first
        assert typed.last != name.last
        swapped = swap_digits(Random(seed), "+70001234567")
        assert swapped != "+70001234567"
        assert sorted(swapped) == sorted("+70001234567")


def test_one_cashier_refunds_without_receipt_far_more_and_is_short(plan: Plan) -> None:
    cash = planted.cash_by_cashier(plan)
    thief = cash.pop("cashier2b")
    assert thief["refunds_without_receipt"] > 5 * max(each["refunds_without_receipt"] for each in cash.values())
    assert thief["variance_minor"] < -100_000
    assert all(abs(each["variance_minor"]) < 20_000 for each in cash.values())


def test_one_category_alone_grows_every_week(plan: Plan) -> None:
    assert planted.growing_categories(plan) == ["Чай и кофе"]


def test_two_percent_of_the_clients_are_there_twice_and_all_are_found(plan: Plan) -> None:
    by_household: dict[int, list[str]] = {}
    for client in plan.clients:
        by_household.setdefault(client.household, []).append(client.external_id)
    pairs = sorted((cards[0], cards[1]) for cards in by_household.values() if len(cards) == 2)
    assert planted.doubled_clients(plan) == pairs
    assert len(pairs) == len(by_household) * 2 // 100
    used = {sale.client for _, sale in plan.sales()}
    assert {card for pair in pairs for card in pair} <= used


def test_the_planted_pair_leads_all_others(plan: Plan) -> None:
    first, second, *_ = planted.affinities(plan)
    names = {product.sku: product.name for product in plan.products}
    assert {names[first[0]], names[first[1]]} == {"Пельмени «Заречье»", "Сметана 20 % «Заречье»"}
    assert first[3] > second[3] * 1.3


def test_the_last_hour_of_one_branch_is_understaffed(plan: Plan) -> None:
    last = {code: load[21] for code, load in planted.receipts_per_till_hour(plan).items()}
    station = last.pop("STATION")
    assert station > 3 * max(last.values())


def test_some_regulars_stay_away(plan: Plan) -> None:
    assert len(planted.lapsed_clients(plan)) >= 8


def test_tills_are_opened_used_and_closed_in_order_every_day(plan: Plan) -> None:
    for made in plan.events.values():
        open_now: set[str] = set()
        days: Counter[str] = Counter()
        for event in made:
            if isinstance(event, OpenShift):
                assert event.register not in open_now
                open_now.add(event.register)
                days[event.at[:10]] += 1
            else:
                assert event.register in open_now, event
                if isinstance(event, CloseShift):
                    open_now.remove(event.register)
        assert not open_now
        assert len(days) == (plan.today - plan.first_day).days + 1
        assert list(made) == sorted(made, key=lambda event: event.at)


def test_about_two_of_a_hundred_receipts_come_back_and_only_after_they_were_sold(plan: Plan) -> None:
    for made in plan.events.values():
        sold: dict[str, Sell] = {}
        back = 0
        for event in made:
            if isinstance(event, Sell):
                sold[event.key] = event
            elif isinstance(event, GiveBack):
                assert all(0 < line <= len(sold[event.sale_key].lines) for line in event.lines)
                back += 1
        assert len(sold) * 0.01 < back < len(sold) * 0.035


def test_what_is_paid_is_what_the_lines_come_to(plan: Plan) -> None:
    for _, sale in plan.sales():
        due = sale.net_minor + sale.rounding_minor
        paid = sum(amount for _, amount in sale.payments)
        assert paid >= due
        assert -100 < sale.rounding_minor <= 0
        if all(method == "card" for method, _ in sale.payments):
            assert (paid, sale.rounding_minor) == (due, 0)


def test_events_come_back_from_their_json(tiny: Plan) -> None:
    for made in tiny.events.values():
        assert [event_from(event_document(event)) for event in made] == list(made)


@pytest.mark.parametrize("minute", [0, 1, 3, 30, 9 * 60, 12 * 60, 18 * 60, 24 * 60 - 1])
def test_whenever_it_is_started_a_till_is_open_with_sales_and_nothing_is_of_the_future(plan: Plan, minute: int) -> None:
    now = f"{TODAY.isoformat()}T{minute // 60:02d}:{minute % 60:02d}:00"
    for made in plan.events.values():
        events = until_now(made, TODAY, minute * 60)
        of_today = [event for event in events if event.at[:10] == TODAY.isoformat()]
        assert all(event.at <= now for event in events)
        assert [event.at for event in of_today] == sorted(event.at for event in of_today)
        assert isinstance(of_today[0], OpenShift)
        assert not any(isinstance(event, CloseShift) for event in of_today)
        assert sum(isinstance(event, Sell) for event in of_today) >= SALES_TODAY_MIN


def test_each_weekday_has_its_own_weeks_of_the_source() -> None:
    plans = [make_plan(TODAY + timedelta(days=days), size=TINY_SIZE) for days in (0, 3)]
    for made in plans:
        assert {sale.at[:10] for _, sale in made.sales()} <= {
            (made.first_day + timedelta(days=days)).isoformat() for days in range(8)
        }


def test_passwords_and_pins_are_such_as_the_product_takes() -> None:
    assert len({require_password(new_password(), "anna") for _ in range(50)}) == 50
    for _ in range(50):
        require_pin(new_pin("1234"), "1234")


def test_one_rep_calls_at_lunch_and_reaches_half_as_many(plan: Plan) -> None:
    calls = [call for contacts in plan.contacts.values() for call in contacts.calls]
    lazy = lazy_rep(len(plan.branches))
    reached = reached_by_rep(calls)
    others = [percent for rep, percent in reached.items() if rep != lazy]
    assert reached[lazy] < 0.6 * min(others)
    assert all(call.at[11:13] in ("13", "14") for call in calls if call.rep == lazy)


def test_clients_speak_of_one_competitor_more_each_week(plan: Plan) -> None:
    calls = [call for contacts in plan.contacts.values() for call in contacts.calls]
    weeks = mentions_by_week(calls, plan.today)[RIVAL]
    assert weeks[:3] == [0, 0, 0]
    assert 0 < weeks[3] < weeks[4] < weeks[5]


def test_today_has_its_tasks_and_some_are_overdue(plan: Plan) -> None:
    dues = [task.due for contacts in plan.contacts.values() for task in contacts.tasks]
    assert Counter(due < plan.today.isoformat() for due in dues) == {True: TASKS_OVERDUE, False: TASKS_TODAY}
    # A rep sees his own clients: those of his tasks are among them.
    for contacts in plan.contacts.values():
        assert {(task.client, task.rep) for task in contacts.tasks} <= set(contacts.owners)


def test_one_client_alone_complained_twice_by_mail_and_nobody_answered(plan: Plan) -> None:
    made = list(plan.letters.values())
    (client, count), *others = unanswered_letters(made).items()
    assert count == 2
    assert others == []
    told = [mail for each in made for mail in each.mailbox if mail.client == client]
    assert [mail.answers for mail in told] == [-1, -1]
    assert not [letter for each in made for letter in each.letters if letter.client == client]


def test_letters_of_every_state_are_planned_such_as_the_product_takes(plan: Plan) -> None:
    letters = [letter for each in plan.letters.values() for letter in each.letters]
    assert {letter.fate for letter in letters} == {SENT, FAILED, UNCERTAIN, REFUSED, PUT_OFF, WAITING}
    addresses = {client: address for each in plan.letters.values() for client, address in each.addresses}
    for letter in letters:
        assert normalize_email(addresses[letter.client]) == addresses[letter.client]
        require_draft(Draft(MailPurpose(letter.purpose), addresses[letter.client], letter.subject, letter.body))
        assert letter.at < plan.today.isoformat()


def test_an_answer_comes_after_the_letter_that_it_answers(plan: Plan) -> None:
    answers = [
        (mail, each.letters[mail.answers])
        for each in plan.letters.values()
        for mail in each.mailbox
        if mail.answers >= 0
    ]
    assert answers
    assert all(letter.client == mail.client and letter.at < mail.at for mail, letter in answers)
