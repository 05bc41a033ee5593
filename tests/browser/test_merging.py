"""Duplicates merged and clients handed over, as a manager does it in a browser, in Russian; each page is looked at."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from branch_node.operations.clients import add_client
from shared.domain.cards import Value
from shared.domain.identifiers import format_id
from shared.storage.tables import client
from tests.browser.conftest import ServedBranch, Visit, log_in
from tests.support.browsing import screenshot, serious_barriers


def add(branch: ServedBranch, **fields: Value) -> str:
    with branch.store.operation() as transaction:
        return format_id(add_client(transaction, fields))


def furnish(branch: ServedBranch) -> tuple[str, str]:
    """Two cards of Anna, two people of one phone, and clients of an employee who leaves."""
    oleg = branch.staff.hire("oleg", "sales_rep")
    branch.staff.hire("irina", "sales_rep")
    one = add(branch, name="Белова Анна", phones=("+79123456789",), owner_id=oleg, birthday="1985-03-08")
    other = add(
        branch, name="Анна Белова", phones=("+79123456789", "+79031112233"), emails=("anna@example.org",),
        note="любит чай с бергамотом", tags=("опт", "чай"), birthday="1985-03-08",
    )  # fmt: skip
    for name in ("Пётр Смирнов", "Ольга Смирнова"):
        add(branch, name=name, phones=("+79260000001",), owner_id=oleg)
    return one, other


def values(branch: ServedBranch, column: Any) -> dict[str, Any]:
    with branch.store.read() as connection:
        return {row[0]: row[1] for row in connection.execute(select(client.c.name, column))}


def test_a_manager_merges_two_cards_and_takes_it_back(branch: ServedBranch, visit: Visit) -> None:
    one, other = furnish(branch)
    visitor = visit(branch.address, "ru")
    log_in(visitor)
    page = visitor.open("/clients/duplicates")
    assert "тот же телефон" in page.inner_text("main")
    screenshot(page, "merge-duplicates-ru")
    page.click(f".pair:has(a[href='/clients/{other}']) .pair-acts a")
    page.wait_for_url("**/merge?with=*")
    assert serious_barriers(page) == []
    screenshot(page, "merge-preview-ru")
    assert "любит чай с бергамотом" in page.inner_text("tr:has-text('Заметка') td:nth-child(4)")
    page.check("input[name=take][value=name]")
    page.keyboard.press("F9")
    page.wait_for_selector(".notice:has-text('Теперь это один клиент.')")
    assert len(set(values(branch, client.c.merged_into).values()) - {None}) == 1
    screenshot(page, "merge-done-ru")
    page.keyboard.press("Control+z")
    page.wait_for_selector(".notice:has-text('Это снова два клиента.')")
    assert set(values(branch, client.c.merged_into).values()) == {None}
    assert f"/clients/{one}" in page.content()


def test_a_leaver_is_handed_over_in_five_clicks_and_it_is_taken_back(branch: ServedBranch, visit: Visit) -> None:
    furnish(branch)
    oleg, irina = (branch.staff.identity(code) for code in ("oleg", "irina"))
    visitor = visit(branch.address, "ru")
    log_in(visitor)
    page = visitor.open("/hand-over")
    assert "Сейчас и дальше никого не замещают." in page.inner_text("main")
    page.select_option("#field-from", format_id(oleg))
    page.select_option("#field-to", format_id(irina))
    page.keyboard.press("F8")
    page.wait_for_selector("text=Передать: Oleg → Irina")
    assert serious_barriers(page) == []
    screenshot(page, "hand-over-preview-ru")
    page.keyboard.press("F9")
    page.wait_for_selector(".notice:has-text('Передано')")
    assert values(branch, client.c.owner_id)["Пётр Смирнов"] == irina
    page.keyboard.press("Control+z")
    page.wait_for_selector(".notice:has-text('Возвращено')")
    assert values(branch, client.c.owner_id)["Пётр Смирнов"] == oleg
    page.select_option("#field-employee", format_id(oleg))
    page.select_option("#field-substitute", format_id(irina))
    page.click("button:has-text('Записать')")
    page.wait_for_selector("text=Irina вместо Oleg")
    screenshot(page, "hand-over-substitutes-ru")


@pytest.mark.parametrize(("language", "colours"), [("ru", "dark"), pytest.param("en", "light", marks=pytest.mark.slow)])
def test_the_pages_are_without_barriers_and_fit_a_phone(
    branch: ServedBranch, visit: Visit, language: str, colours: str
) -> None:
    one, other = furnish(branch)
    paths = {
        "duplicates": "/clients/duplicates",
        "compare": f"/clients/{one}/merge?with={other}",
        "hand-over": f"/hand-over?from={format_id(branch.staff.identity('oleg'))}",
    }
    for width in (None, 390):
        visitor = visit(branch.address, language, colours, **({"width": width} if width else {}))
        log_in(visitor)
        for name, path in paths.items():
            page = visitor.open(path)
            assert serious_barriers(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
            screenshot(page, f"merge-{name}-{language}-{colours}-{width or 'wide'}")
