"""SQL functions that the databases spell differently."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import Date, literal, select

from hq_server.storage.store import HqStore
from shared.storage.dialect_functions import month_of
from shared.storage.tables import sale


@pytest.mark.parametrize(
    ("day", "month"), [(date(2026, 11, 23), "2026-11"), (date(1970, 1, 1), "1970-01"), (date(2099, 12, 31), "2099-12")]
)
def test_a_date_s_month_is_the_same_text_on_both(either_store: HqStore, day: date, month: str) -> None:
    with either_store.read() as connection:
        assert connection.execute(select(month_of(literal(day, Date())))).scalar_one() == month


def test_no_month_is_no_text_on_both(either_store: HqStore) -> None:
    with either_store.read() as connection:
        assert connection.execute(select(month_of(sale.c.business_date))).all() == []
        assert connection.execute(select(month_of(literal(None, Date())))).scalar_one() is None
