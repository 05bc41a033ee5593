"""A client's card on the branch's pages: making, changing, archiving, taking back, and who sees what of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from branch_node.operations.client_glance import glance_at
from branch_node.operations.clients import add_client
from branch_node.storage.store import BranchStore
from shared.domain.cards import Value
from shared.domain.identifiers import derived_id, format_id, parse_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.records import RecordKind
from shared.operations.people import role_id
from tests.support.clock import FakeClock
from tests.support.shop import Shop, change
from tests.support.staff import Staff
from tests.support.till_pages import Browser, make_pages, staff_of

VERSIONS = re.compile(r'name="versions" value="([^"]*)"')
REVISION = re.compile(r'data-revision="([^"]*)"')


class People:
    """A shop with Rita, who sells, and others; each with a browser."""

    def __init__(self, store: BranchStore, clock: FakeClock, home: Path) -> None:
        self.shop = Shop(store, clock)
        self.app = make_pages(store, home)
        self.staff: Staff = staff_of(store, clock, home)
        self.staff.hire("rita", "sales_rep")

    def browser(self, code: str) -> Browser:
        browser = Browser(self.app)
        assert browser.log_in(code).status_code == 303
        return browser

    def new(self, browser: Browser, **fields: Any) -> str:
        """Makes a client; returns the card's address."""
        answer = browser.post("/clients/new", **{"kind": "person", "name": "Анна Петрова", **fields})
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def form(self, browser: Browser, url: str) -> dict[str, str]:
        """What the form of a card would send unchanged, as far as the tests need it."""
        page = browser.get(f"{url}/edit").text
        found = VERSIONS.search(page)
        assert found
        return {"versions": found[1]}

    def shown(self, url: str) -> dict[str, Any]:
        """The client's row."""
        rows = self.shop.rows("SELECT * FROM client WHERE id = ?", parse_id(url.rpartition("/")[2]))
        names = [row[1] for row in self.shop.rows("PRAGMA table_info(client)")]
        return dict(zip(names, rows[0], strict=True))


@pytest.fixture
def people(branch_store: BranchStore, clock: FakeClock, tmp_path: Path) -> People:
    return People(branch_store, clock, tmp_path)


def test_a_rep_makes_a_client_who_is_the_reps_own(people: People) -> None:
    rita = people.browser("rita")
    url = people.new(
        rita, phones="8 912 345-67-89\n+7 495 123 45 67", birthday="31.12.1984", tags="vip, чай", consent_data="yes",
        consent_data_source="анкета", tax_number="500100732259",
    )  # fmt: skip
    shown = people.shown(url)
    assert shown["phones"] == "+74951234567\n+79123456789"
    assert (shown["birthday"], shown["tags"], shown["kind"]) == ("1984-12-31", "vip\nчай", "person")
    assert shown["owner_id"] == people.staff.identity("rita")
    assert (shown["consent_data"], shown["consent_data_at"]) == (1, people.shop.clock.now_us())
    page = rita.get(url).text
    for text in ("Анна Петрова", "+79123456789", "31 Dec 1984", "vip", "анкета", "looked after by Rita"):
        assert text in page


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"phones": "12"}, "digits for a phone"),
        ({"tax_number": "7707083894"}, "wrong digit"),
        ({"birthday": "30.02"}, "no such day"),
        ({"birthday": "24.11.2026"}, "yet to come"),
        ({"consent_advertising": "yes"}, "How was the consent given"),
        ({"do_not_contact": "yes", "do_not_contact_reason": ""}, "Why is there to be no contact"),
        ({"name": ""}, "needs a name"),
        ({"company_id": "nobody"}, "no company of that name"),
    ],
)
def test_what_is_unsound_is_said_and_what_was_typed_stays(people: People, fields: dict[str, str], why: str) -> None:
    answer = people.browser("rita").post(
        "/clients/new", **{"kind": "person", "name": "Анна", "do_not_contact_reason": "", "note": "tall", **fields}
    )
    assert answer.status_code == 422
    assert why in answer.text
    assert ">tall</textarea>" in answer.text
    assert people.shop.count("client") == 0


def test_a_form_that_is_sent_twice_makes_one_client(people: People) -> None:
    rita = people.browser("rita")
    found = re.search(r'name="new_id" value="([^"]+)"', rita.get("/clients/new").text)
    assert found
    urls = {people.new(rita, new_id=found[1]) for _ in range(2)}
    assert urls == {f"/clients/{found[1]}"}
    assert (people.shop.count("client"), people.shop.count("card_edit")) == (1, 1)


def test_a_field_that_a_colleague_changed_is_asked_about_and_all_others_are_taken(people: People) -> None:
    rita, maria = people.browser("rita"), people.browser("maria")
    url = people.new(rita, phones="+79123456789", note="first")
    seen = people.form(rita, url)
    assert maria.post(f"{url}/edit", **people.form(maria, url), note="Maria's", name="Анна Петрова").status_code == 303
    asked = rita.post(f"{url}/edit", **seen, note="Rita's", name="Анна Иванова", phones="+79123456789")
    assert asked.status_code == 422
    assert "Maria changed it to “Maria&#39;s” meanwhile." in asked.text
    assert ">Rita&#39;s</textarea>" in asked.text
    assert people.shown(url)["note"] == "Maria's"
    again = VERSIONS.search(asked.text)
    assert again
    saved = rita.post(f"{url}/edit", versions=again[1], note="Rita's", name="Анна Иванова", phones="+79123456789")
    assert saved.status_code == 303
    assert (people.shown(url)["note"], people.shown(url)["name"]) == ("Rita's", "Анна Иванова")
    assert people.shop.count("conflict") == 0


def test_what_one_left_as_it_was_does_not_undo_a_colleagues_change(people: People) -> None:
    rita, maria = people.browser("rita"), people.browser("maria")
    url = people.new(rita, note="first")
    seen = people.form(rita, url)
    maria.post(f"{url}/edit", **people.form(maria, url), note="Maria's", name="Анна Петрова")
    assert rita.post(f"{url}/edit", **seen, note="first", name="Анна Иванова").status_code == 303
    assert (people.shown(url)["note"], people.shown(url)["name"]) == ("Maria's", "Анна Иванова")


def test_an_edit_is_by_whoever_made_it_and_is_taken_back(people: People) -> None:
    rita = people.browser("rita")
    url = people.new(rita, note="first")
    people.shop.clock.advance(1)
    rita.post(f"{url}/edit", **people.form(rita, url), note="second", name="Анна Петрова", tags="vip")
    (edit, author) = people.shop.rows("SELECT command_id, author FROM card_edit ORDER BY hlc DESC LIMIT 1")[0]
    assert author == people.staff.identity("rita")
    people.shop.clock.advance(1)
    assert rita.post(f"{url}/undo", edit=format_id(edit)).status_code == 303
    assert (people.shown(url)["note"], people.shown(url)["tags"]) == ("first", None)
    # Once more is too late: the fields are of another edit by now.
    assert rita.post(f"{url}/undo", edit=format_id(edit)).status_code == 422


def test_a_card_is_put_away_and_taken_back(people: People) -> None:
    rita = people.browser("rita")
    url = people.new(rita)
    assert rita.post(f"{url}/archive", archived="1").status_code == 303
    assert people.shown(url)["archived"]
    assert "This card is put away" in rita.get(url).text
    rita.post(f"{url}/archive", archived="")
    assert not people.shown(url)["archived"]


def test_a_company_has_contacts(people: People) -> None:
    rita = people.browser("rita")
    company = people.new(rita, kind="company", name="Ромашка")
    assert "Nobody of this company is known yet" in rita.get(company).text
    person = people.new(rita, name="Пётр", company=company.rpartition("/")[2], position="директор")
    page = rita.get(company).text
    assert "Пётр" in page
    assert "директор" in page
    assert company in rita.get(person).text
    # By its name as well.
    other = people.new(rita, name="Ольга", company_id="ромашка")
    assert people.shown(other)["company_id"] == people.shown(company)["id"]
    # A person has no contacts.
    refused = rita.post("/clients/new", name="x", kind="person", company=person.rpartition("/")[2])
    assert refused.status_code == 422


def test_who_may_not_see_contacts_sees_little_and_changes_nothing_unseen(people: People) -> None:
    url = people.new(
        people.browser("rita"), phones="+79123456789", note="тайна", emails="anna@example.org", address="Лесная 1"
    )
    anna = people.browser("anna")
    for page in (anna.get(url).text, anna.get(f"{url}/changes").text, anna.get(f"{url}/edit").text):
        for secret in ("Петрова", "+7912345", "тайна", "anna@example.org", "Лесная"):
            assert secret not in page
    assert "А. Петр…" in anna.get(url).text
    assert "•••6789" in anna.get(url).text
    form = people.form(anna, url)
    assert anna.post(f"{url}/edit", **form, name="Другая").status_code == 403
    assert anna.post(f"{url}/edit", **form, phones="+7 495 123-45-67", tags="vip").status_code == 303
    shown = people.shown(url)
    assert (shown["phones"], shown["name"]) == ("+74951234567\n+79123456789", "Анна Петрова")


def test_what_a_role_hides_is_nowhere(people: People) -> None:
    shop = people.shop
    role: dict[str, Value] = {"permissions": ("client.view", "client.edit", "client.contacts")}
    role |= {"code": "blind", "hidden_fields": ("note", "phones")}
    assert shop.learn(change(RecordKind.ROLE, role_id(shop.store.node()[0].chain_id, "blind"), **role)) == []
    people.staff.hire("boris", "blind")
    url = people.new(people.browser("rita"), phones="+79123456789", note="тайна")
    boris = people.browser("boris")
    seen = REVISION.search(boris.get(url).text)
    assert seen
    for path in (url, f"{url}/changes", f"{url}/edit", f"{url}/revision?seen=x", f"{url}/revision?seen=x&as=form"):
        page = boris.get(path).text
        assert "тайна" not in page, path
        assert "6789" not in page, path
    assert "Hidden from your role" in boris.get(url).text


def test_an_open_card_is_asked_cheaply_and_told_what_a_colleague_changed(people: People) -> None:
    rita, maria = people.browser("rita"), people.browser("maria")
    url = people.new(rita, note="first")
    found = REVISION.search(rita.get(url).text)
    assert found
    assert rita.get(f"{url}/revision?seen={found[1]}").status_code == 204
    people.shop.clock.advance(1)
    maria.post(f"{url}/edit", **people.form(maria, url), note="second", name="Анна Петрова")
    fresh = rita.get(f"{url}/revision?seen={found[1]}", **{"HX-Request": "true"})
    assert fresh.status_code == 200
    assert "second" in fresh.text
    assert "Maria has just changed:" in fresh.text
    assert "<html" not in fresh.text
    news = rita.get(f"{url}/revision?seen={found[1]}&as=form").json()
    assert news["fields"]["note"]["value"] == "second"
    assert news["fields"]["note"]["by"] == "Maria"


def test_an_open_card_keeps_no_session_from_ending(people: People) -> None:
    rita, minute = people.browser("rita"), 60
    url = people.new(rita)
    people.shop.clock.advance(700 * minute)
    assert rita.get(f"{url}/revision?seen=x", **{"HX-Request": "true"}).status_code == 200
    people.shop.clock.advance(30 * minute)
    ended = rita.get(f"{url}/revision?seen=x", **{"HX-Request": "true"})
    assert ended.headers["hx-redirect"].startswith("/login")


def test_since_one_last_looked_others_changed_this(people: People) -> None:
    rita, maria = people.browser("rita"), people.browser("maria")
    url = people.new(rita, note="first")
    for each in (rita, maria):
        assert "Changed since you last looked" not in each.get(url).text
    people.shop.clock.advance(1)
    maria.post(f"{url}/edit", **people.form(maria, url), note="second", name="Анна Петрова")
    assert "Changed since you last looked" not in maria.get(url).text  # her own
    page = rita.get(url).text
    assert "Changed since you last looked" in page
    assert "<del>first</del> → second" in page
    assert "Changed since you last looked" not in rita.get(url).text
    rows = rita.get(f"{url}/changes").text.partition("<tbody>")[2]
    assert rows.index("Maria") < rows.index("Rita")


def test_a_conflict_shows_both_values_until_somebody_decides(people: People) -> None:
    rita = people.browser("rita")
    url = people.new(rita, note="ours")
    client_id = parse_id(url.rpartition("/")[2])
    assert people.shop.learn(change(RecordKind.CLIENT, client_id, note="theirs")) == []
    page = rita.get(url).text
    assert "Two people changed this at once" in page
    assert "in conflict" in rita.get(f"{url}/changes").text
    version = re.search(
        r'name="version" value="([^"]+)"><button class="quiet">Keep this<span class="unseen">: ours<', page
    )
    assert version
    people.shop.clock.advance(1)
    assert rita.post(f"{url}/decide", field="note", version=version[1]).status_code == 303
    assert people.shown(url)["note"] == "ours"
    assert "Two people changed this at once" not in rita.get(url).text
    assert "was in conflict, decided" in rita.get(f"{url}/changes").text
    assert rita.post(f"{url}/decide", field="note", version=version[1]).status_code == 422


def test_a_merged_card_leads_to_the_survivor_and_is_not_changed(people: People) -> None:
    rita = people.browser("rita")
    old, kept = people.new(rita, name="Старая"), people.new(rita, name="Живая")
    merged = change(RecordKind.CLIENT, parse_id(old.rpartition("/")[2]), merged_into=parse_id(kept.rpartition("/")[2]))
    assert people.shop.learn(merged) == []
    page = rita.get(old).text
    assert f'href="{kept}"' in page
    assert "Живая" in page
    assert rita.post(f"{old}/edit", name="Другая").status_code == 422


def test_the_glance_adds_up_what_was_bought_by_card_and_by_number(people: People) -> None:
    shop = people.shop
    with shop.store.operation() as transaction:
        client_id = add_client(transaction, {"external_id": "K-1", "name": "Анна"})
    shop.sell("a", 100, client="K-1")
    shop.clock.advance(10)
    shop.sell("b", 50, client="K-1")
    shop.sell("c", 70)
    found = glance_at(shop.store, LOCAL_ADMINISTRATOR, client_id)
    assert (found.receipts, found.average_minor, found.net_minor) == (2, 75, 150)
    assert found.last_at_us == shop.clock.now_us()
    assert [each.receipts for each in found.favourites] == [2]


@pytest.mark.parametrize("table", ["sale", "refund"])
def test_the_glance_goes_by_indexes(people: People, table: str) -> None:
    from branch_node.operations import client_glance as module

    statement = module._SALES if table == "sale" else module._REFUNDS
    for condition, index in ((module._BY_CARD, f"{table}_by_client_id"), (module._BY_NUMBER, f"{table}_by_client ")):
        plan = people.shop.rows(f"EXPLAIN QUERY PLAN {statement.format(condition)}", b"c" * 16, 10)
        assert any(index in f"{row[3]} " for row in plan), plan
        assert not any("SCAN" in row[3] or "TEMP B-TREE" in row[3] for row in plan), plan
    for text, count in ((module._NEIGHBOURS, 4), (module._NUMBER, 1)):
        plan = people.shop.rows(f"EXPLAIN QUERY PLAN {text}", *[b"c" * 16] * count)
        assert not any(row[3].startswith("SCAN") and "client" in row[3] for row in plan), plan


def test_nobody_is_shown_a_client_who_is_not_here(people: People) -> None:
    rita = people.browser("rita")
    for path in (format_id(derived_id("client", b"none")), "nothing"):
        assert rita.get(f"/clients/{path}").status_code == 404
        assert rita.get(f"/clients/{path}/changes").status_code == 404
