"""Tasks walked as people walk them, in Russian: added, done and put off by keys, taken back, seen by the manager."""

from __future__ import annotations

from pathlib import Path

import pytest

from branch_node.operations import tasks
from shared.domain.identifiers import format_id
from shared.domain.tasks import TaskState
from tests.browser.conftest import ServedBranch, Visit, log_in
from tests.support.browsing import screenshot, serious_barriers
from tests.support.task_desk import TaskDesk, day


@pytest.fixture
def desk(branch: ServedBranch, tmp_path: Path) -> TaskDesk:
    return TaskDesk(branch.staff.shop, tmp_path)


def furnish(desk: TaskDesk) -> bytes:
    """A day's work of Rita's and Roman's; returns the client whose task is overdue."""
    anna = desk.client("Анна Петрова", phones=("+79123456789",))
    desk.client("Борис Ёлкин")
    desk.client("Вера Новикова", owner="roman")
    desk.add("Перезвонить по заказу", client_id=anna, type="call", due=day(20, 600), remind_minutes=15)
    desk.add("Отправить прайс-лист", client_id=anna, type="email", due=day(23), repeat="weekly:1,4")
    desk.add("Обойти витрину", type="visit", due=day(23, 21 * 60), repeat="monthly:31")
    waiting = desk.add("Узнать срок поставки", type="service_request", due=day(26))
    desk.do(tasks.move_task, waiting, TaskState.WAITING)
    desk.add("Поздравить клиентов", "roman", due=day(23))
    return anna


def test_a_rep_works_through_the_day_by_keys(branch: ServedBranch, desk: TaskDesk, visit: Visit) -> None:
    furnish(desk)
    visitor = visit(branch.address, "ru")
    log_in(visitor, "rita")
    page = visitor.open("/tasks")
    assert page.inner_text("h1") == "Мои задачи"
    assert page.inner_text("[data-tab=overdue]").split() == ["Просрочено", "1"]
    assert page.inner_text("#task-chip a").startswith("На сегодня: 3")
    # A new task, about a client by the end of the phone.
    page.keyboard.press("F8")
    page.wait_for_selector("#field-title:focus")
    page.keyboard.type("Спросить про отзыв")
    page.fill("#field-day", "2026-11-23")
    page.fill("#field-client_text", "6789")
    page.keyboard.press("F9")
    page.wait_for_selector("text=Задача добавлена.")
    # Today's list: down to the repeating one, done by D, taken back by Ctrl+Z.
    page.click("[data-tab=today]")
    page.wait_for_selector("html[data-ready] [data-tab=today][aria-current=page]")
    rows = page.locator("[data-task] .row-link")
    titles = rows.all_inner_texts()
    assert sorted(titles) == ["Обойти витрину", "Отправить прайс-лист", "Спросить про отзыв"]
    # The arrows first, from the top: at the end of the list, down stays and up leaves. Which of two tasks of one moment
    # comes last is chance.
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    for _ in range(titles.index("Отправить прайс-лист")):
        visitor.press("KeyJ", "о")
    visitor.press("KeyD", "в")
    page.wait_for_selector("text=Задача выполнена. Следующая запланирована.")
    assert page.inner_text("[data-tab=later]").split() == ["Позже", "2"]
    page.keyboard.press("Control+z")
    page.wait_for_selector("text=Отменено.")
    assert page.inner_text("[data-tab=later]").split() == ["Позже", "1"]
    # Put off until tomorrow: S, then 3.
    assert page.locator("[data-task][data-current] .row-link").inner_text() == titles[0]
    visitor.press("KeyS", "ы")
    page.wait_for_selector("dialog#put-off[open]")
    screenshot(page, "tasks-put-off-ru")
    page.keyboard.press("3")
    page.wait_for_selector("text=Задача отложена.")
    assert page.inner_text("[data-tab=later]").split() == ["Позже", "2"]
    # The keys are in the list of keys.
    page.keyboard.press("F1")
    listed = page.inner_text("[data-hotkey-list]")
    assert all(word in listed for word in ("Следующая задача", "Выполнено", "Отложить", "Новая задача"))
    page.keyboard.press("Escape")
    # Why nothing is to be done for a client.
    page.click("[data-tab=no-step]")
    page.click("summary:has-text('Шагов не нужно')")
    page.keyboard.press("Tab")
    page.keyboard.type("джинсы куплены, жду")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=У каждого клиента есть следующий шаг.")


def test_a_reminder_comes_above_any_page_and_is_answered_there(
    branch: ServedBranch, desk: TaskDesk, visit: Visit
) -> None:
    furnish(desk)
    visitor = visit(branch.address, "ru")
    log_in(visitor, "rita")
    page = visitor.open("/help")
    assert page.locator("[data-reminder]").count() == 0
    desk.shop.clock.set(day(23, 20 * 60).at_us)
    desk.add("Позвонить поставщику", type="call", due=day(23, 20 * 60), remind_minutes=0)
    visitor.open("/help")
    page.wait_for_selector("[data-reminder] >> text=Позвонить поставщику")
    assert serious_barriers(page) == []
    screenshot(page, "tasks-reminder-ru")
    page.click("[data-reminder] >> text=15 минут")
    page.wait_for_selector("text=Задача отложена.")
    assert page.locator("[data-reminder]").count() == 0
    assert page.url.endswith("/help")
    page.keyboard.press("Control+z")
    page.wait_for_url("**/tasks")


def test_a_manager_sees_the_team(branch: ServedBranch, desk: TaskDesk, visit: Visit) -> None:
    furnish(desk)
    visitor = visit(branch.address, "ru")
    log_in(visitor, "maria")
    page = visitor.open("/tasks")
    page.keyboard.press("Alt+g")
    page.wait_for_selector("h1:has-text('Задачи моей команды')")
    page.click("[data-tab=today]")
    page.wait_for_selector("html[data-ready] [data-tab=today][aria-current=page]")
    text = page.inner_text("main")
    assert all(word in text for word in ("Roman", "Поздравить клиентов", "Rita", "Обойти витрину"))
    screenshot(page, "tasks-team-ru")
    page.click("[data-tab=no-step]")
    page.wait_for_selector("text=Борис Ёлкин")
    page.locator("li.task", has_text="Вера Новикова").get_by_text("Следующий шаг").click()
    page.wait_for_selector("#field-title:focus")
    page.keyboard.type("Познакомиться")
    page.select_option("#field-assignee", label="Roman")
    page.keyboard.press("F9")
    page.wait_for_selector("text=Задача добавлена.")
    assert "Вера Новикова" not in page.inner_text("main")


@pytest.mark.parametrize(("language", "colours"), [("ru", "light"), pytest.param("en", "dark", marks=pytest.mark.slow)])
def test_the_pages_of_tasks_are_without_barriers(
    branch: ServedBranch, desk: TaskDesk, visit: Visit, language: str, colours: str
) -> None:
    anna = furnish(desk)
    first = desk.shop.one("SELECT id FROM task WHERE repeat = 'weekly:1,4'")
    done = desk.add("Сверить остатки", client_id=anna, due=day(22))
    desk.do(tasks.finish_task, done, "сошлось")
    paths = {
        "overdue": "/tasks", "today": "/tasks?tab=today", "over": "/tasks?tab=done", "no-step": "/tasks?tab=no-step",
        "undated": "/tasks?tab=undated", "new": f"/tasks/new?client={format_id(anna)}",
        "one": f"/tasks/{format_id(first)}", "done": f"/tasks/{format_id(done)}", "calendar": "/tasks/calendar",
        "client": f"/clients/{format_id(anna)}/tasks",
    }  # fmt: skip
    visitor = visit(branch.address, language, colours)
    log_in(visitor, "rita")
    for name, path in paths.items():
        page = visitor.open(path)
        assert serious_barriers(page) == [], path
        screenshot(page, f"tasks-{name}-{language}-{colours}")
    small = visit(branch.address, language, colours, width=390)
    log_in(small, "rita")
    for name in ("today", "one", "new"):
        page = small.open(paths[name])
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
        screenshot(page, f"tasks-{name}-narrow-{language}-{colours}")
