"""A fleet for tests: branches with journals, and how a test lets them stand."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from hq_server.operations.fleet_overview import Judged, fleet_overview
from hq_server.storage.tables import branch_cursor
from shared.domain.business_time import MICROSECONDS
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from tests.support.journal import JournalWriter, sale
from tests.support.office import Office

MINUTE_US = 60 * MICROSECONDS
HOUR_US = 60 * MINUTE_US


def heard(office: Office, code: str, sales: int = 2) -> JournalWriter:
    """A branch that has sent a few sales, and is connected."""
    journal = office.journal(code)
    for number in range(1, sales + 1):
        journal.add_sale(sale(number))
    office.merge(journal, journal.batch())
    now_us = office.clock.now_us()
    stand(office, journal.branch_id, connected=True, watermark=now_us, last_seen_at=now_us, skew_ms=0)
    return journal


def stand(office: Office, branch_id: bytes, **cursor: Any) -> None:
    """Lets a branch stand as its session would have left it."""
    with office.store.write() as connection:
        connection.execute(update(branch_cursor).where(branch_cursor.c.branch_id == branch_id).values(cursor))


def overview(office: Office) -> list[Judged]:
    """What the page of the fleet reads."""
    with office.store.read() as connection:
        return fleet_overview(connection, office.clock.now_us(), LOCAL_ADMINISTRATOR)


def pass_time(office: Office, microseconds: int) -> None:
    """The clock goes on."""
    office.clock.advance(microseconds / MICROSECONDS)
