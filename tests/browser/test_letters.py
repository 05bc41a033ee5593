"""A letter from the client's card to the answer, in Russian: written, taken back, refused, sent, answered, assigned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hq_server.operations.mail_receiving import take_in
from hq_server.operations.mail_sending import Answer, Outcome, Sender, begin_sending, conclude
from shared.domain.cards import Value
from shared.domain.identifiers import derived_id, format_id
from shared.domain.mail import Detail, Refusal, detail_of
from shared.domain.mail_text import Envelope, compose
from shared.domain.records import RecordKind
from shared.web.translations import UNTRANSLATED_MARKS, marking_untranslated
from tests.browser.conftest import ServedBranch, Visit, log_in
from tests.support.browsing import Visitor, screenshot, serious_barriers, serving
from tests.support.letters import ADDRESS, AGREED
from tests.support.office_pages import OfficePages, office_pages
from tests.support.shop import change
from tests.support.staff import PASSWORD

CLIENT = derived_id("client", b"anna")
PAGE = f"/clients/{format_id(CLIENT)}/letters"


@pytest.fixture
def marked() -> Iterator[None]:
    with marking_untranslated():
        yield


def look(visitor: Visitor, name: str) -> None:
    """Nothing is untranslated, nothing bars anybody; and a picture."""
    content = visitor.page.content()
    assert not set(UNTRANSLATED_MARKS) & set(content)
    assert serious_barriers(visitor.page) == []
    screenshot(visitor.page, f"letters-{name}")


def test_a_letter_is_written_taken_back_and_followed(branch: ServedBranch, visit: Visit, marked: None) -> None:
    shop = branch.staff.shop
    branch.staff.hire("rita", "sales_rep")
    shop.learn(change(RecordKind.CLIENT, CLIENT, **AGREED, owner_id=branch.staff.identity("rita")))
    visitor = visit(branch.address, "ru")
    log_in(visitor, "rita")
    page = visitor.open(PAGE)
    look(visitor, "none-ru")
    page.get_by_role("button", name="Написать письмо").click()
    page.wait_for_url("**/letters/new")
    page.select_option("[name=begin]", label="Заказ готов")
    page.click("text=Подставить")
    page.wait_for_url("**begin=ready")
    assert page.input_value("[name=subject]") == "Ваш заказ готов"
    assert page.input_value("[name=body]").startswith("Здравствуйте, Анна Петрова!")
    look(visitor, "new-ru")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**{PAGE}")
    assert page.locator(".letter-state").inner_text() == "ждёт отправки"
    # The undo takes it back; the undo of that sends it after all.
    page.get_by_role("button", name="Отменить").click()
    page.wait_for_selector("text=отозвано, если главный офис ещё не отправил")
    page.get_by_role("button", name="Всё-таки отправить").click()
    page.wait_for_selector(".letter-state:has-text('ждёт отправки')")
    for number, (state, detail) in enumerate(
        (
            ("sent", None),
            ("failed", detail_of(Detail.REJECTED, "550 no such user")),
            ("uncertain", detail_of(Detail.NO_ANSWER)),
            ("refused", detail_of(Refusal.NO_CONSENT_ADVERTISING)),
            ("received", detail_of(Detail.FILES, "чек.pdf")),
        )
    ):
        fields: dict[str, Value] = {
            "subject": f"Письмо {number}",
            "body": "Текст",
            "address": ADDRESS,
            "created_at": shop.clock.now_us(),
        }
        direction = "in" if state == "received" else "out"
        letter = change(
            RecordKind.MAIL, b"%016d" % number, client_id=CLIENT, state=state, detail=detail, direction=direction,
            purpose="service", **fields,
        )  # fmt: skip
        shop.learn(letter)
    visitor.open(PAGE)
    page.locator("summary").first.click()
    look(visitor, "all-ru")
    page.click("text=Ответить")
    page.wait_for_selector("blockquote")
    assert page.input_value("[name=subject]") == "Re: Письмо 4"
    shop.learn(change(RecordKind.CLIENT, CLIENT, do_not_contact=True))
    visitor.open(PAGE)
    assert page.get_by_role("button", name="Написать письмо").is_disabled()
    look(visitor, "blocked-ru")
    dark = visit(branch.address, "ru", "dark", 390)
    log_in(dark, "maria")
    dark.open(f"{PAGE}/new")
    dark.page.fill("[name=override_reason]", "он сам просил")
    look(dark, "override-ru-dark")
    dark.open(PAGE)
    look(dark, "all-ru-dark")
    english = visit(branch.address, "en")
    log_in(english, "maria")
    english.open(PAGE)
    look(english, "all-en")


@pytest.fixture
def pages(tmp_path: Path, sqlite_template: Path) -> Iterator[OfficePages]:
    with office_pages(tmp_path, sqlite_template, name="Chain") as served:
        yield served


def furnish(pages: OfficePages) -> None:
    """A letter in each list."""
    office = pages.office
    pages.hire("olga", "owner")
    journal = office.journal("B1")
    journal.add_edit(RecordKind.CLIENT, CLIENT, {}, **AGREED)
    journal.add_edit(RecordKind.CLIENT, office.ids.new_id(), {}, name="Муж Анны", emails=(ADDRESS,))
    for number in range(4):
        journal.add_edit(
            RecordKind.MAIL, b"%016d" % number, {}, client_id=CLIENT, direction="out", subject=f"Письмо {number}",
            body="Готов.", address=ADDRESS, purpose="service", created_at=office.clock.now_us() + number,
        )  # fmt: skip
    office.merge(journal, journal.batch())
    outcomes = (
        Outcome(Answer.NONE),
        Outcome(Answer.REJECTED, "550 no such user"),
        Outcome(Answer.PUT_OFF, "451 later"),
    )
    with office.store.write() as connection:
        for number, outcome in enumerate(outcomes):
            now_us, letter_id = office.clock.now_us(), b"%016d" % number
            begin_sending(connection, office.ids, now_us, letter_id, Sender("shop@shop.example", "", "UTC"))
            conclude(connection, office.ids, now_us, letter_id, outcome)
        arrived = Envelope("<1@x>", ADDRESS, "Анна", "shop@shop.example", "", "Вопрос", "Когда привезут?", 10**15)
        take_in(connection, office.ids, office.clock.now_us(), office.chain.chain_id, compose(arrived), "")
        take_in(
            connection, office.ids, office.clock.now_us(), office.chain.chain_id,
            compose(arrived._replace(message_id="<2@x>", sender="spam@spam.example", subject="Выигрыш")), "",
        )  # fmt: skip


def test_the_head_office_decides_about_letters(pages: OfficePages, visit: Visit, marked: None) -> None:
    furnish(pages)
    with serving(pages.app) as address:
        visitor = visit(address, "ru")
        page = visitor.open("/login")
        page.fill("[name=code]", "olga")
        page.fill("[name=password]", PASSWORD)
        page.click("main button")
        page.wait_for_url(f"{address}/")
        page.get_by_role("link", name="Письма").first.click()
        page.wait_for_selector("text=Когда привезут?", state="attached")
        look(visitor, "office-unmatched-ru")
        page.get_by_role("button", name="Это от клиента Анна Петрова").click()
        page.wait_for_selector("text=Письмо отнесено к клиенту")
        page.get_by_role("button", name="Ничьё, убрать").click()
        page.wait_for_selector("text=В этом списке писем нет.")
        page.get_by_role("button", name="Отменить").click()
        page.wait_for_selector("text=Выигрыш")
        page.click("text=Неясно, дошли ли")
        page.wait_for_url("**show=uncertain")
        look(visitor, "office-uncertain-ru")
        page.get_by_role("button", name="Дошло", exact=True).click()
        page.wait_for_selector("text=Письмо считается отправленным.")
        for show in ("failed", "waiting", "refused", "sending"):
            visitor.open(f"/letters?show={show}")
            look(visitor, f"office-{show}-ru")
        visitor.open("/letters?show=failed")
        page.get_by_role("button", name="Отправить снова").click()
        page.wait_for_selector("text=Письмо снова ждёт")
        dark = visitor
        dark.page.emulate_media(color_scheme="dark")
        dark.open("/letters")
        look(dark, "office-dark")
