"""The server's own look at its people: what days have changed is told, and a busy store is asked again later."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from hq_server.bootstrap import serving
from hq_server.operations.people import Personnel, Placement
from hq_server.storage.feed import number_feed
from shared.domain.records import RecordKind
from shared.errors import StoreBusy
from shared.sync.messages import CardForgotten
from tests.support.office import Office
from tests.support.staff import TODAY


class FakeGateway:
    """Does the work at once; the store is busy the first times."""

    def __init__(self, busy: int) -> None:
        self.busy = busy

    async def run(self, work: Callable[[], Any]) -> Any:
        if self.busy:
            self.busy -= 1
            raise StoreBusy("Busy.")
        return work()


def test_it_looks_at_intervals_and_tells_what_has_changed(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    branch = office.add_branch("B1")
    with office.store.write() as connection:
        people = Personnel(connection, office.ids, office.clock.now_us())
        people.hire("anna", "Anna", Placement("cashier", ("B1",), None, None, TODAY))
    serving._refresh_people(_as_office(office))
    number_feed(office.store, office.clock.now_us())
    before = len(office.feed_of(branch.id))
    office.clock.advance(86_400)
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise asyncio.CancelledError

    monkeypatch.setattr(asyncio, "sleep", sleep)
    looking = serving._refresh_people_at_intervals(_as_office(office), FakeGateway(1))  # type: ignore[arg-type]
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(looking)
    assert pauses == [serving.PEOPLE_REFRESH_SECONDS] * 3
    told = office.feed_of(branch.id)[before:]
    assert [(type(each), each.kind) for each in told] == [(CardForgotten, RecordKind.CREDENTIAL)]


def _as_office(office: Office) -> Any:
    return SimpleNamespace(store=office.store, clock=office.clock, ids=office.ids)
