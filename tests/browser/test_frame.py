"""What every page does by itself: keys, forms sent once, dialogs, undo, language, theme, the chip."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import ServedBranch, Visit
from tests.support.gallery import Gallery


def test_the_chip_follows_the_branch_without_loading_the_page(branch: ServedBranch, visit: Visit) -> None:
    visitor = visit(branch.address)
    visitor.page.clock.install()
    page = visitor.open("/help")
    expect(page.locator("#chip")).to_have_text("working locally")
    page.evaluate("window.sameDocument = true")
    branch.standing |= {"waiting": 12, "oldest_waiting_seconds": 250.0}
    page.clock.run_for(5_000)
    expect(page.locator("#chip")).to_have_text("working locally, 12 waiting, oldest 4 min")
    branch.standing |= {"waiting": 0, "oldest_waiting_seconds": None, "online": True}
    page.clock.run_for(5_000)
    expect(page.locator("#chip")).to_have_text("online")
    page.clock.run_for(1_000)
    expect(page.locator("#announcements")).to_have_text("online")
    assert page.evaluate("window.sameDocument") is True


def test_another_language_keeps_what_was_typed_but_no_pin(gallery_address: str, visit: Visit) -> None:
    page = visit(gallery_address).open("/")
    page.fill("#field-client", "Анна")
    page.fill("#field-pin", "1234")
    page.select_option("#field-method", "cash")
    page.click("button[value=ru]")
    page.wait_for_selector("html[lang=ru][data-ready]")
    assert page.input_value("#field-client") == "Анна"
    assert page.input_value("#field-method") == "cash"
    assert page.input_value("#field-pin") == ""
    assert page.evaluate("sessionStorage.getItem('kept fields')") is None


def test_a_chosen_theme_stays_and_wins_over_the_device(branch: ServedBranch, visit: Visit) -> None:
    page = visit(branch.address, colours="dark").open("/help")
    dark = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    page.click("button[value=light]")
    page.wait_for_selector("html[data-theme=light][data-ready]")
    page.goto("/status")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert dark != "rgb(255, 255, 255)"


def test_keys_go_by_their_place_under_a_russian_layout(gallery_address: str, visit: Visit) -> None:
    visitor = visit(gallery_address)
    page = visitor.open("/")
    visitor.press("KeyK", "л", control=True)
    expect(page.locator("#field-client")).to_be_focused()


def test_f1_lists_the_keys_of_the_page_and_gives_the_focus_back(gallery_address: str, visit: Visit) -> None:
    page = visit(gallery_address).open("/")
    page.focus("#field-client")
    page.keyboard.press("F1")
    expect(page.locator("#hotkeys")).to_be_visible()
    listed = page.locator("#hotkeys dl").inner_text()
    assert "F2" in listed
    assert "Greet" in listed
    assert "Ctrl+K\nClient\n" in listed
    page.keyboard.press("F2")
    expect(page.locator("#greeting")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator("#hotkeys")).to_be_hidden()
    expect(page.locator("#field-client")).to_be_focused()


def test_a_dialog_gives_the_focus_back_to_what_opened_it(gallery_address: str, visit: Visit) -> None:
    page = visit(gallery_address).open("/")
    page.keyboard.press("F2")
    expect(page.locator("#greeting")).to_be_visible()
    page.click("#greeting [data-closes-dialog]")
    expect(page.locator("[data-opens=greeting]")).to_be_focused()


def test_two_clicks_pay_once(gallery: Gallery, gallery_address: str, visit: Visit) -> None:
    page = visit(gallery_address).open("/")
    sent = page.evaluate(
        "() => { const form = document.getElementById('pay'); let sent = 0;"
        " form.addEventListener('submit', () => { sent += 1; });"
        " form.querySelector('button').click(); form.querySelector('button').click(); form.requestSubmit();"
        " return sent; }"
    )
    assert sent == 1
    page.wait_for_selector(".notice")
    assert len(gallery.sold) == 1


def test_a_form_works_again_when_the_browser_brings_its_page_back(gallery_address: str, visit: Visit) -> None:
    page = visit(gallery_address).open("/")
    page.evaluate("document.getElementById('pay').addEventListener('submit', event => event.preventDefault())")
    page.click("#pay button")
    expect(page.locator("#pay button")).to_be_disabled()
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    expect(page.locator("#pay button")).to_be_enabled()


def test_what_was_done_can_be_undone_by_a_key(gallery: Gallery, gallery_address: str, visit: Visit) -> None:
    visitor = visit(gallery_address)
    page = visitor.open("/")
    page.fill("#field-client", "<i>Anna</i>")
    page.click("#pay button")
    expect(page.locator(".notice")).to_contain_text("Sold to <i>Anna</i>")
    expect(page.locator(".undo-seconds")).to_have_text("10")
    page.wait_for_selector("html[data-ready]")
    visitor.press("KeyZ", "я", control=True)
    expect(page.locator(".notice")).to_have_count(0)
    assert gallery.undone == ["1"]


def test_the_undo_bar_goes_after_ten_seconds(gallery_address: str, visit: Visit) -> None:
    page = visit(gallery_address).page
    page.clock.install()
    page.goto("/")
    page.click("#pay button")
    expect(page.locator(".notice")).to_be_visible()
    page.clock.run_for(9_500)
    expect(page.locator(".undo-seconds")).to_have_text("1")
    page.clock.run_for(2_000)
    expect(page.locator(".notice")).to_have_count(0)


def test_a_refusal_is_said_above_a_page_that_stays_as_it_was(gallery_address: str, visit: Visit) -> None:
    visitor = visit(gallery_address)
    page = visitor.open("/")
    page.click("text=Refuse")
    expect(page.locator("[role=alert]")).to_have_text("The till is closed. Open it first. ×", use_inner_text=False)
    expect(page.locator("#rows table")).to_be_visible()
    visitor.allow("409")


def test_nothing_inline_runs_on_a_page(gallery_address: str, visit: Visit) -> None:
    visitor = visit(gallery_address)
    page = visitor.open("/")
    page.evaluate(
        "() => { const script = document.createElement('script'); script.textContent = 'window.ran = true';"
        " document.body.append(script); }"
    )
    assert page.evaluate("window.ran") is None
    visitor.allow("Content Security Policy")
