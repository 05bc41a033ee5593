"""Finding clients in a browser, in Russian: typos, the other layout, last digits, the chain offline, a full number."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from branch_node.operations.clients import add_client
from shared.domain.identifiers import derived_id, format_id
from tests.browser.conftest import ServedBranch, Visit, log_in
from tests.support.browsing import screenshot, serious_barriers

PATIENCE_MS = 10_000


def add(branch: ServedBranch, name: str, **fields: Any) -> str:
    with branch.store.operation() as transaction:
        return format_id(add_client(transaction, {"name": name, **fields}))


def look_for(page: Page, text: str) -> Any:
    """The first row, as the list answers while one types."""
    page.fill("#q", "")
    page.focus("#q")
    page.keyboard.type(text)
    return page.locator("#clients [data-row]").first


def test_a_client_is_found_however_the_name_is_typed(branch: ServedBranch, visit: Visit) -> None:
    wanted = add(branch, "Щербакова Анна", phones=("+79123456789",), tags=("vip",), emails=("anna@example.com",))
    add(branch, "Иванов Пётр", phones=("+79120000001",), do_not_contact=True)
    add(branch, "ООО «Ромашка»", kind="company", group="опт")
    visitor = visit(branch.address, "ru")
    log_in(visitor, "maria")
    page = visitor.open("/clients")
    page.wait_for_selector("#q:focus")
    screenshot(page, "clients-ru")
    for text in ("Щербокова", "o'h,frjdf", "shcherbakova", "6789", "анна щерб", "8 912 345-67-89", "anna@ex"):
        expect(look_for(page, text)).to_have_text("Щербакова Анна", timeout=PATIENCE_MS)
    expect(look_for(page, "bdfyjd")).to_have_text("Иванов Пётр", timeout=PATIENCE_MS)
    screenshot(page, "clients-layout-ru")

    # By the keyboard alone: down to the row, Enter opens it.
    expect(look_for(page, "щербокова")).to_have_text("Щербакова Анна", timeout=PATIENCE_MS)
    page.keyboard.press("ArrowDown")
    page.wait_for_selector("[data-row]:focus")
    page.keyboard.press("ArrowUp")
    page.wait_for_selector("#q:focus")
    page.keyboard.press("ArrowDown")
    page.wait_for_selector("[data-row]:focus")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/clients/{wanted}")

    # Nobody here: the chain is asked by itself, and the head office does not answer.
    page = visitor.open("/clients")
    page.fill("#q", "Канарейкина")
    expect(page.locator("#chain")).to_contain_text("Головной офис не отвечает.", timeout=PATIENCE_MS)
    expect(page.locator("#clients")).to_contain_text("Здесь такого клиента нет.")
    screenshot(page, "clients-chain-offline-ru")
    assert serious_barriers(page) == []

    # A filter, and the list without a search.
    page = visitor.open("/clients")
    page.select_option("#field-tag", "vip")
    expect(page.locator("#clients tbody tr")).to_have_count(1, timeout=PATIENCE_MS)


def test_a_client_of_somebody_elses_is_opened_by_a_full_number(branch: ServedBranch, visit: Visit) -> None:
    owner = branch.staff.identity("maria")
    client = add(branch, "Чужая Вера", phones=("+79127777777",), owner_id=owner)
    branch.staff.hire("rita", "sales_rep")
    visitor = visit(branch.address, "ru")
    log_in(visitor, "rita")
    page = visitor.open("/clients")
    page.fill("#q", "Чужая")
    expect(page.locator("#clients")).to_contain_text("Здесь такого клиента нет.", timeout=PATIENCE_MS)
    page = visitor.open(f"/clients/{client}")
    visitor.allow("403")
    expect(page.locator("main")).to_contain_text("Этим клиентом занимается другой сотрудник.")
    screenshot(page, "client-refused-ru")
    page = visitor.open("/clients")
    expect(look_for(page, "8 912 777-77-77")).to_contain_text("Открыть для обслуживания", timeout=PATIENCE_MS)
    screenshot(page, "clients-open-for-service-ru")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/clients/{client}")
    with branch.store.read_cursor() as cursor:
        assert cursor.execute("SELECT action, cashier FROM audit_entry").fetchall() == [("client_opened", "rita")]


@pytest.mark.parametrize(("language", "colours"), [("ru", "light"), pytest.param("en", "dark", marks=pytest.mark.slow)])
def test_the_pages_of_the_list_are_without_barriers(
    branch: ServedBranch, visit: Visit, language: str, colours: str
) -> None:
    visitor = visit(branch.address, language, colours)
    log_in(visitor, "maria")
    screenshot(visitor.open("/clients"), f"clients-empty-{language}-{colours}")
    for number in range(60):
        add(branch, f"Клиент {number:02}", tags=("vip",), group="опт", phones=(f"+7912000{number:04}",))
    for name, path in {
        "list": "/clients", "search": "/clients?q=клиент", "nobody": "/clients?q=щщщщ", "export": "/clients/export",
        "chain": "/clients/chain?q=клиент", "arriving": f"/clients/{format_id(derived_id('client', b'x'))}/arriving",
    }.items():  # fmt: skip
        page = visitor.open(path)
        assert serious_barriers(page) == [], path
        screenshot(page, f"clients-{name}-{language}-{colours}")
    small = visit(branch.address, language, colours, width=390)
    log_in(small, "maria")
    screenshot(small.open("/clients"), f"clients-small-{language}-{colours}")
