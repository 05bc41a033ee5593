"""Errors of PostgreSQL's driver where SQLAlchemy is passed by."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError


@contextmanager
def sqlalchemy_errors() -> Iterator[None]:
    """What the driver's own cursor raises, as SQLAlchemy would have."""
    try:
        yield
    except psycopg.Error as error:
        raise DBAPIError.instance("", None, error, psycopg.Error) from error
