"""The head office's first page, whole: asked for through the web application by somebody who may see everything on it,
over the store that the reports are measured on; and by itself the counts of what waits for somebody."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Figure, at_most, spread
from hq_server.operations.authority import Authority
from hq_server.operations.kept_reports import work_off
from hq_server.operations.review_counts import review_counts
from hq_server.settings import Settings
from hq_server.web.app import create_app
from hq_server.web.context import make_context
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from tests.support.office import Office
from tests.support.office_pages import OfficePages
from tests.support.staff import CHEAP

PAGE_MS_MAX: Final = 200.0
COUNTS_MS_MAX: Final = 20.0
ASKED: Final = 15
ADMINISTRATOR: Final = "administrator"


def measure_front_page(office: Office, folder: Path, dialect: str) -> list[Figure]:
    """Seen from the application: without a network, with everything behind it."""
    settings = Settings(home=folder)
    Authority.found(office.chain.name).save(settings)
    context = make_context(office.store, settings, office.clock, office.ids, lambda: None, CHEAP)
    with ExitStack() as closing:
        pages = OfficePages(office, create_app(context), closing)
        pages.hire(ADMINISTRATOR, ADMINISTRATOR)
        desk = pages.logged_in(ADMINISTRATOR)
        _page(desk)
        # What is out of stock is counted beside the page, and shown on it from then on.
        work_off(office.store, office.clock, settings.completeness_lag_minutes)
        whole = _times(lambda: _page(desk))
        help_page = _times(lambda: desk.get("/help"))
    counts = _times(lambda: _count(office, context.today()))
    name = f"{dialect}, the first page"
    return [
        at_most(f"{name}, whole", statistics.median(whole), PAGE_MS_MAX, "ms", spread(whole)),
        Figure(f"{name}: a page that reads nothing", statistics.median(help_page), "ms", detail=spread(help_page)),
        at_most(f"{name}: what waits, counted", statistics.median(counts), COUNTS_MS_MAX, "ms", spread(counts)),
    ]


def _page(desk: Any) -> str:
    answer = desk.get("/")
    assert answer.status_code == 200, answer.text[:500]
    return str(answer.text)


def _count(office: Office, today: int) -> None:
    with office.store.read() as connection:
        review_counts(connection, LOCAL_ADMINISTRATOR, today)


def _times(work: Callable[[], object]) -> list[float]:
    """Milliseconds of each, the first left out."""
    work()
    times = []
    for _ in range(ASKED):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1_000)
    return times
