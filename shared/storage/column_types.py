"""Column types whose Python values are the domain's own: 16-byte ids and microseconds of UTC, on both dialects."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, LargeBinary, Uuid
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from shared.domain.business_time import from_us, to_us


class Id(TypeDecorator[bytes]):
    """16 bytes. A BLOB on SQLite, a uuid on PostgreSQL, where people read it."""

    impl = LargeBinary(16)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return Uuid(as_uuid=True) if dialect.name == "postgresql" else LargeBinary(16)

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "postgresql":
            return value
        return uuid.UUID(bytes=value)

    def process_result_value(self, value: Any, dialect: Dialect) -> bytes | None:
        return value.bytes if isinstance(value, uuid.UUID) else value


class UtcTime(TypeDecorator[int]):
    """Microseconds since 1970 in UTC. An INTEGER on SQLite (which would drop the zone), a timestamptz on PostgreSQL."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return DateTime(timezone=True) if dialect.name == "postgresql" else BigInteger()

    def process_bind_param(self, value: int | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "postgresql":
            return value
        return from_us(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> int | None:
        return to_us(value) if isinstance(value, datetime) else value
