"""A rep's day with a client in a browser, in Russian: a call by keys alone, its timeline, who is not called."""

from __future__ import annotations

from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page

from shared.domain.cards import Value
from shared.domain.identifiers import derived_id, format_id
from shared.domain.records import RecordKind
from shared.storage.tables import interaction, interaction_point, task
from tests.browser.conftest import TELEPHONY_TOKEN, ServedBranch, Visit, log_in
from tests.support.browsing import screenshot, serious_barriers
from tests.support.clock import FakeClock
from tests.support.shop import change
from tests.unit.test_interaction_pages import teach_words

KEYS_MAX = 8
ANNA = derived_id("client", b"anna")
URL = f"/clients/{format_id(ANNA)}"


def furnish(branch: ServedBranch, name: str = "Анна Иванова", **fields: Value) -> None:
    shop = branch.staff.shop
    branch.staff.hire("rita", "sales_rep")
    teach_words(shop)
    rival: dict[str, Value] = {"dictionary": "competitor", "code": "rival", "name": "Лента", "name_en": "Rival"}
    known: dict[str, Value] = {"name": name, "phones": ("+79123456789",), "emails": ("anna@example.org",)}
    known |= {"owner_id": branch.staff.identity("rita"), **fields}
    shop.learn(
        change(RecordKind.CLIENT, ANNA, **known),
        change(RecordKind.DICTIONARY_TERM, derived_id("term", b"rival"), **rival),
    )


class CountedKeys:
    """Presses keys and counts them; free text is typed beside the count."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.pressed: list[str] = []

    def press(self, *keys: str) -> None:
        for key in keys:
            self.pressed.append(key)
            self.page.keyboard.press(key)

    def text(self, text: str) -> None:
        self.page.keyboard.insert_text(text)


def test_a_call_is_logged_in_eight_keys_besides_free_text(branch: ServedBranch, visit: Visit) -> None:
    furnish(branch)
    visitor = visit(branch.address, "ru")
    log_in(visitor, "rita")
    page = visitor.open(f"{URL}/calls/new")
    keys = CountedKeys(page)
    # The outcome, a theme and how it was spoken of, the next step tomorrow; then the text, and it is logged.
    keys.press("Digit4", "KeyQ", "Minus", "KeyZ")
    keys.press("KeyB")
    keys.text("Считает, что дорого; перезвонить после зарплаты.")
    keys.press("Control+Enter")
    page.wait_for_url(f"**{URL}")
    assert len(keys.pressed) <= KEYS_MAX
    assert "Записано, следующий шаг запланирован." in page.inner_text("body")
    with branch.store.read() as connection:
        (said,) = connection.execute(interaction.select()).all()
        (point,) = connection.execute(interaction_point.select()).all()
        (planned,) = connection.execute(task.select()).all()
    assert (said.outcome, said.reached, said.contact) == ("thinking", True, "+79123456789")
    assert said.body.startswith("Считает, что дорого")
    assert (point.theme, point.sentiment) == ("price", "negative")
    assert (planned.title, planned.state) == ("Перезвонить", "open")
    shown = page.inner_text("#client-timeline")
    assert all(part in shown for part in ("думает", "цена (плохо)", "Считает, что дорого"))
    screenshot(page, "timeline-after-call-ru-light")


def test_the_day_of_a_rep_with_a_client(branch: ServedBranch, visit: Visit) -> None:
    furnish(branch)
    visitor = visit(branch.address, "ru")
    log_in(visitor, "rita")
    page = visitor.open(f"{URL}/timeline")
    assert "ещё ничего не было" in page.inner_text("main")
    page.keyboard.press("Alt+KeyC")
    page.wait_for_url("**/calls/new")
    # A call begins, and the clock runs.
    page.click("button:has-text('Начать звонок')")
    page.wait_for_selector("[data-timer][aria-pressed=true]")
    page.keyboard.press("Digit1")
    page.keyboard.press("KeyA")
    page.wait_for_selector("[data-of=c-rival]:not([hidden])")
    page.select_option("[name=about-c-rival]", "price")
    page.fill("[name=told]", "Скидка 5 % до пятницы")
    page.click("text=Записать >> nth=0")
    page.wait_for_url(f"**{URL}")
    assert "Лента: цена" in page.inner_text("#client-timeline")
    # It was the wrong outcome.
    page.click("text=Исправить")
    page.wait_for_url("**corrects=**")
    page.keyboard.press("Digit2")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**{URL}")
    shown = page.inner_text("#client-timeline")
    assert "заказ" in shown
    assert "исправлено 1 раз" in shown
    # A request, whose state moves on.
    visitor.open(f"{URL}/calls/new?channel=service_request")
    page.fill("[name=subject]", "Заменить фильтр")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**{URL}")
    page.select_option("[name=state]", "in_progress")
    page.click(".state-form button")
    page.wait_for_selector("text=Состояние обращения изменено.")
    assert page.locator("[name=state]").input_value() == "in_progress"
    # What the client has been told, without leaving the page.
    page.click(".kinds >> text=Что сообщили клиенту")
    page.wait_for_selector(".kinds [aria-current] >> text=Что сообщили клиенту")
    shown = page.inner_text("#client-timeline")
    assert "Скидка 5 % до пятницы" in shown
    assert "Заменить фильтр" not in shown


def test_letters_typed_into_a_text_choose_nothing(branch: ServedBranch, visit: Visit) -> None:
    furnish(branch)
    visitor = visit(branch.address, "ru")
    log_in(visitor, "rita")
    page = visitor.open(f"{URL}/calls/new")
    page.focus("[name=body]")
    page.keyboard.type("1qz-=")
    assert page.locator("main input:checked:not([value='']):not([name=direction])").count() == 0
    assert page.locator("[name=body]").input_value() == "1qz-="
    page.keyboard.press("Escape")
    # By the key's place: the layout is Russian.
    visitor.press("KeyQ", "й")
    assert page.locator("[name=theme][value=price]").is_checked()


def test_who_wants_no_contact_is_called_by_a_manager_with_a_reason(branch: ServedBranch, visit: Visit) -> None:
    furnish(branch, do_not_contact=True, do_not_contact_reason="Просила не звонить.")
    visitor = visit(branch.address, "ru")
    log_in(visitor, "rita")
    page = visitor.open(f"{URL}/calls/new")
    assert "Просила не звонить." in page.inner_text("main")
    assert page.locator("button:has-text('Начать звонок')").count() == 0
    screenshot(page, "call-do-not-contact-ru-light")
    manager = visit(branch.address, "ru")
    log_in(manager, "maria")
    page = manager.open(f"{URL}/calls/new")
    page.fill("[name=reason]", "Отзыв товара")
    page.click("button:has-text('Начать звонок')")
    page.wait_for_selector("a[href^='tel:']")


@pytest.mark.parametrize(("language", "colours"), [("ru", "light"), pytest.param("en", "dark", marks=pytest.mark.slow)])
def test_the_pages_of_conversations_are_without_barriers(
    branch: ServedBranch, visit: Visit, language: str, colours: str
) -> None:
    furnish(branch, "Анна Иванова" if language == "ru" else "Anna Smith")
    visitor = visit(branch.address, language, colours)
    log_in(visitor, "rita")
    channels = ("call", "email", "message", "visit", "service_request", "note")
    for channel in channels:
        page = visitor.open(f"{URL}/calls/new?channel={channel}")
        if channel == "call":
            for key in ("Digit4", "KeyQ", "Minus", "KeyA", "KeyZ"):
                page.keyboard.press(key)
        assert serious_barriers(page) == [], channel
        screenshot(page, f"call-{channel}-{language}-{colours}")
        if channel == "service_request":
            page.fill("[name=subject]", "42")
        page.fill("[name=body]", "12 345")
        page.keyboard.press("Control+Enter")
        page.wait_for_url(f"**{URL}")
    assert serious_barriers(page) == []
    screenshot(page, f"timeline-{language}-{colours}")
    small = visit(branch.address, language, colours, width=390)
    log_in(small, "rita")
    for name, path in (("call", f"{URL}/calls/new"), ("timeline", f"{URL}/timeline")):
        page = small.open(path)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
        screenshot(page, f"{name}-narrow-{language}-{colours}")


def report_call(branch: ServedBranch, phone: str) -> None:
    """As a telephone system does."""
    url = f"{branch.address}/calls/incoming?phone={quote(phone)}"
    with urlopen(Request(url, b"", {"Authorization": f"Bearer {TELEPHONY_TOKEN}"})) as answer:
        assert answer.status == 200


def test_a_call_that_comes_in_rings_on_every_page_and_is_opened_by_one_key(
    branch: ServedBranch, visit: Visit, clock: FakeClock
) -> None:
    furnish(branch)
    visitor, manager = visit(branch.address, "ru"), visit(branch.address, "ru", width=390)
    log_in(visitor, "rita")
    log_in(manager, "maria")
    page, other = visitor.open("/clients/new"), manager.open("/tasks")
    page.fill("[name=name]", "Пишется")
    report_call(branch, "+79123456789")
    page.wait_for_selector(".calls-ringing")
    shown = page.inner_text(".calls-ringing")
    assert "Входящий звонок: Анна Иванова · +79123456789" in shown
    # Whoever is typing goes on typing.
    assert page.locator("[name=name]").input_value() == "Пишется"
    assert page.evaluate("document.activeElement.name") == "name"
    assert serious_barriers(page) == []
    screenshot(page, "call-rings-ru-light")
    other.wait_for_selector(".calls-ringing")
    screenshot(other, "call-rings-narrow-ru-light")
    other.click(".calls-ringing button")
    other.wait_for_selector(".calls-ringing", state="detached")
    page.keyboard.press("Alt+KeyI")
    page.wait_for_url("**/calls/new?*direction=in*")
    assert "Анна Иванова" in page.inner_text("main")
    # Nobody of that number: by itself it goes after a minute.
    report_call(branch, "+79120000000")
    page.wait_for_selector(".calls-ringing")
    assert "Завести карточку" in page.inner_text(".calls-ringing")
    clock.advance(60)
    page.wait_for_selector(".calls-ringing", state="detached")


def test_a_call_that_was_logged_by_mistake_is_taken_back_by_one_key(branch: ServedBranch, visit: Visit) -> None:
    furnish(branch)
    visitor = visit(branch.address, "ru")
    log_in(visitor, "rita")
    page = visitor.open(f"{URL}/calls/new")
    for key in ("Digit4", "KeyZ"):
        page.keyboard.press(key)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**{URL}")
    assert "думает" in page.inner_text("#client-timeline")
    screenshot(page, "call-logged-undo-ru-light")
    page.keyboard.press("Control+KeyZ")
    page.wait_for_selector("#notices >> text=Отменено.")
    assert "думает" not in page.inner_text("#client-timeline")
    with branch.store.read() as connection:
        (planned,) = connection.execute(task.select()).all()
        assert len(connection.execute(interaction.select()).all()) == 2
    assert planned.archived
    screenshot(page, "call-taken-back-ru-light")
