"""Letters at a branch: written once, blocked with a reason, taken back; and their pages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from branch_node.cli import commands
from branch_node.operations import letters
from branch_node.web.letters import _shown
from shared.cli.commands import GlobalOptions
from shared.domain.cards import Value
from shared.domain.identifiers import derived_id, format_id
from shared.domain.mail import Detail, MailPurpose, MailState, Refusal, detail_of
from shared.domain.permissions import LOCAL_ADMINISTRATOR, ROLES, Actor, Permission
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, NotFound, NotPermitted, Refused
from tests.support.letters import ADDRESS, AGREED, write
from tests.support.shop import Shop, change
from tests.support.till_pages import Browser, make_pages, staff_of

CLIENT = derived_id("client", b"anna")
LETTER, OTHER = b"l" * 16, b"o" * 16


def actor(role: str, *less: Permission, **changes: object) -> Actor:
    held = ROLES[role]
    return Actor(b"e" * 16, role, role.title(), role, held.permissions - set(less), held.limits, **changes)  # type: ignore[arg-type]


REP, MANAGER = actor("sales_rep"), actor("manager")


@pytest.fixture
def client(shop: Shop) -> bytes:
    assert shop.learn(change(RecordKind.CLIENT, CLIENT, **AGREED)) == []
    return CLIENT


def states(shop: Shop) -> list[str]:
    seen = letters.read_letters(shop.store, LOCAL_ADMINISTRATOR, CLIENT)
    return [letter.state.value for letter in seen.letters]


def test_a_letter_waits_for_the_head_office_and_is_written_once(shop: Shop, client: bytes) -> None:
    assert write(shop.processor.commit, client, LETTER, REP)
    assert not write(shop.processor.commit, client, LETTER, REP, subject="again")
    (letter,) = letters.read_letters(shop.store, REP, client).letters
    assert (letter.state, letter.subject, letter.address) == (MailState.WAITING, "Ваш заказ", ADDRESS)
    assert (letter.created_by, letter.override_reason) == (REP.employee_id, None)
    assert shop.kinds(1) == [RecordKind.MAIL]
    assert shop.entries()[0].header.author == REP.employee_id


@pytest.mark.parametrize(
    ("changes", "draft", "error", "says"),
    [
        ({"consent_advertising": False}, {"purpose": MailPurpose.ADVERTISING}, Refused, "agreed to advertising"),
        ({"consent_data": False}, {}, Refused, "no request of his is running"),
        ({"archived": True}, {}, Refused, "archived"),
        ({"do_not_contact": True}, {}, Refused, "does not want"),
        ({}, {"address": "other@example.org"}, InvalidInput, "not the client"),
        ({}, {"subject": " "}, InvalidInput, "subject"),
    ],
)
def test_a_letter_that_must_not_be_sent_is_not_written(
    shop: Shop, client: bytes, changes: dict[str, bool], draft: dict[str, str], error: type[Exception], says: str
) -> None:
    shop.learn(change(RecordKind.CLIENT, client, **changes))
    with pytest.raises(error, match=says):
        write(shop.processor.commit, client, LETTER, REP, **draft)
    assert states(shop) == []
    assert shop.entries() == []


def test_a_letter_from_the_client_is_a_running_request_for_a_month(shop: Shop, client: bytes) -> None:
    shop.learn(change(RecordKind.CLIENT, client, consent_data=False))
    shop.learn(
        change(
            RecordKind.MAIL, OTHER, client_id=client, direction="in", state="received", created_at=shop.clock.now_us()
        )
    )
    assert write(shop.processor.commit, client, LETTER, REP)
    shop.clock.advance(31 * 86_400)
    with pytest.raises(Refused, match="no request"):
        write(shop.processor.commit, client, b"3" * 16, REP)


def test_who_wants_no_contact_is_written_to_with_permission_and_reason_and_the_auditor_learns(
    shop: Shop, client: bytes
) -> None:
    shop.learn(change(RecordKind.CLIENT, client, do_not_contact=True))
    with pytest.raises(NotPermitted):
        write(shop.processor.commit, client, LETTER, REP, override_reason="он сам просил")
    with pytest.raises(Refused, match="does not want"):
        write(shop.processor.commit, client, LETTER, MANAGER)
    assert write(shop.processor.commit, client, LETTER, MANAGER, override_reason="он сам просил")
    assert sorted(shop.kinds(1)) == [RecordKind.AUDIT_ENTRY, RecordKind.MAIL]
    ((action, cashier, detail),) = shop.rows("SELECT action, cashier, detail FROM audit_entry")
    assert (action, cashier, detail) == ("contact_override", "manager", f"{format_id(client)}: он сам просил")


def test_a_reason_is_not_kept_where_none_was_needed(shop: Shop, client: bytes) -> None:
    assert write(shop.processor.commit, client, LETTER, REP, override_reason="just so")
    (letter,) = letters.read_letters(shop.store, REP, client).letters
    assert letter.override_reason is None
    assert shop.count("audit_entry") == 0


def test_a_letter_is_taken_back_and_sent_after_all_while_it_waits(shop: Shop, client: bytes) -> None:
    do = shop.processor.commit
    write(do, client, LETTER, REP)
    assert letters.take_back(do, REP, client, LETTER)
    assert not letters.take_back(do, REP, client, LETTER)
    assert states(shop) == ["taken_back"]
    assert letters.send_after_all(do, REP, client, LETTER)
    assert states(shop) == ["waiting"]
    for decided in ("sending", "sent", "uncertain", "failed", "taken_back"):
        shop.learn(change(RecordKind.MAIL, LETTER, state=decided))
        for act in (letters.take_back, letters.send_after_all):
            with pytest.raises(Refused, match="decided"):
                act(do, REP, client, LETTER)
    with pytest.raises(NotFound):
        letters.take_back(do, REP, OTHER, LETTER)


def test_letters_are_for_who_may_see_contacts_and_write(shop: Shop, client: bytes) -> None:
    cashier = actor("cashier")
    for refused in (
        lambda: letters.read_letters(shop.store, cashier, client),
        lambda: letters.open_desk(shop.store, cashier, client),
        lambda: write(shop.processor.commit, client, LETTER, cashier),
        lambda: letters.take_back(shop.processor.commit, cashier, client, LETTER),
    ):
        with pytest.raises(NotPermitted):
            refused()
    with pytest.raises(NotFound):
        letters.read_letters(shop.store, REP, OTHER)


def test_a_card_that_turned_out_to_be_anothers_is_followed(shop: Shop, client: bytes) -> None:
    other = derived_id("client", b"anna again")
    shop.learn(change(RecordKind.CLIENT, other, name="Аня", emails=("anya@example.org",), do_not_contact=True))
    shop.learn(change(RecordKind.CLIENT, other, merged_into=client))
    desk = letters.open_desk(shop.store, MANAGER, other)
    assert desk.addresses == (ADDRESS, "anya@example.org")
    assert set(desk.refusals.values()) == {Refusal.DO_NOT_CONTACT}


def test_a_client_is_found_by_indexes_alone(shop: Shop, client: bytes) -> None:
    plans = []
    with shop.store.read_cursor() as cursor:
        for statement in (
            "SELECT * FROM mail WHERE client_id = ? ORDER BY created_at DESC, id DESC LIMIT 51",
            "SELECT 1 FROM interaction WHERE client_id = ? AND at >= 1 AND at <= 2 AND direction = 'in' LIMIT 1",
        ):
            plans += [row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", (client,)).fetchall()]
    assert all("USING INDEX" in plan or "USING COVERING INDEX" in plan for plan in plans if "SCAN" in plan), plans
    assert any("mail_by_client" in plan for plan in plans)
    assert any("interaction_by_client" in plan for plan in plans)


# ---- Pages.


@pytest.fixture
def browser(shop: Shop, client: bytes, tmp_path: Path) -> Browser:
    app = make_pages(shop.store, tmp_path)
    staff = staff_of(shop.store, shop.clock, tmp_path)
    staff.hire("rita", "sales_rep")
    shop.learn(change(RecordKind.CLIENT, client, owner_id=staff.identity("rita")))
    visitor = Browser(app)
    assert visitor.log_in("rita").status_code == 303
    return visitor


PAGE = f"/clients/{format_id(CLIENT)}/letters"


def fields(browser: Browser, page: str = f"{PAGE}/new") -> dict[str, str]:
    """What the form holds when it is opened."""
    text = browser.get(page).text
    letter = re.search(r'name="letter" value="([^"]+)"', text)
    address = re.search(r'<option value="([0-9a-f]{16})"', text)
    assert letter
    assert address
    return {"letter": letter[1], "address": address[1], "purpose": "service", "subject": "Заказ", "body": "Готов."}


def test_a_letter_is_written_on_its_page_and_taken_back_by_the_undo(shop: Shop, browser: Browser) -> None:
    given = fields(browser)
    answer = browser.post(f"{PAGE}/new", f"{PAGE}/new", **given)
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    assert browser.post(f"{PAGE}/new", f"{PAGE}/new", **given).status_code == 303
    assert states(shop) == ["waiting"]
    shown = browser.get(PAGE).text
    assert f'action="{PAGE}/back"' in shown
    assert ADDRESS in shown
    assert "<html" not in browser.get(PAGE, **{"HX-Request": "true"}).text
    assert browser.post(f"{PAGE}/back", PAGE, letter=given["letter"]).status_code == 303
    assert states(shop) == ["taken_back"]
    assert browser.post(f"{PAGE}/send", PAGE, letter=given["letter"]).status_code == 303
    assert states(shop) == ["waiting"]


def test_what_was_typed_stays_when_a_letter_is_refused(shop: Shop, browser: Browser) -> None:
    shop.learn(change(RecordKind.CLIENT, CLIENT, consent_advertising=False))
    answer = browser.post(f"{PAGE}/new", f"{PAGE}/new", **{**fields(browser), "purpose": "advertising"})
    assert answer.status_code == 422
    assert "has not agreed to advertising" in answer.text
    assert ">Готов.</textarea>" in answer.text


def test_a_page_says_why_nobody_writes_to_a_client(shop: Shop, browser: Browser) -> None:
    shop.learn(change(RecordKind.CLIENT, CLIENT, do_not_contact=True))
    shown = browser.get(PAGE).text
    assert "<button disabled" in shown
    assert "does not want to be contacted" in shown
    assert "<textarea" not in browser.get(f"{PAGE}/new").text
    maria = Browser(browser.app)
    maria.log_in("maria")
    assert "override_reason" in maria.get(f"{PAGE}/new").text
    given = fields(maria)
    assert maria.post(f"{PAGE}/new", f"{PAGE}/new", **given).status_code == 422
    assert maria.post(f"{PAGE}/new", f"{PAGE}/new", **given, override_reason="просил").status_code == 303
    assert "просил" in maria.get(PAGE).text


def test_a_ready_text_greets_in_the_clients_language(shop: Shop, browser: Browser) -> None:
    shop.learn(change(RecordKind.CLIENT, CLIENT, language="en"))
    text = browser.get(f"{PAGE}/new?begin=ready", **{"Accept-Language": "ru"}).text
    assert "Dear Анна Петрова," in text


def test_the_page_says_what_became_of_each_letter(shop: Shop, browser: Browser) -> None:
    for number, (state, detail) in enumerate(
        (
            ("sent", ""),
            ("failed", detail_of(Detail.REJECTED, "550 no <such> user")),
            ("uncertain", detail_of(Detail.NO_ANSWER)),
            ("refused", detail_of(Refusal.NO_CONSENT_ADVERTISING)),
            ("of a newer release", "of a newer release"),
        )
    ):
        fields: dict[str, Value] = {"client_id": CLIENT, "direction": "out", "subject": f"s{number}"}
        shop.learn(change(RecordKind.MAIL, b"%016d" % number, **fields, state=state, detail=detail))
    shown = browser.get(PAGE).text
    for said in ("550 no &lt;such&gt; user", "uncertain", "has not agreed to advertising", "sent"):
        assert said in shown


def test_whose_role_hides_addresses_sees_none_and_writes_all_the_same(shop: Shop, client: bytes) -> None:
    hiding = actor("sales_rep", hidden_fields=frozenset({"emails"}))
    write(shop.processor.commit, client, LETTER, hiding)
    (letter,) = letters.read_letters(shop.store, hiding, client).letters
    assert _shown(letter, hiding, {})["address"] == "a…@example.org"


# ---- Commands.


def test_an_administrator_writes_lists_and_takes_back_by_command(shop: Shop, client: bytes, tmp_path: Path) -> None:
    shop.learn(change(RecordKind.CLIENT, client, external_id="C-1"))

    def run(*arguments: str, given: str = "") -> Any:
        options = GlobalOptions(json=True, home=tmp_path, debug=False)
        result = CliRunner().invoke(
            commands, ["letter", *arguments], obj=options, input=given, catch_exceptions=False, standalone_mode=False
        )
        return json.loads(result.output)

    written = run("write", "C-1", "--subject", "Заказ", "--text", "-", given="Готов.")
    (listed,) = run("list", "C-1")["letters"]
    assert (listed["id"], listed["state"], listed["address"]) == (written["id"], "waiting", ADDRESS)
    assert run("take-back", "C-1", written["id"])["changed"]
    assert run("list", "C-1")["letters"][0]["state"] == "taken_back"
