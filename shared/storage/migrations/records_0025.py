"""Schema 0025: what clients are compared by, and which of them somebody said are different."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from shared.domain.identifiers import NIL_ID
from shared.storage.client_keys import keep_keys
from shared.storage.column_types import Id

_CLIENTS_PER_STEP = 1_000
_TEXTS = ("phones", "emails", "not_same_as")


def add_duplicates() -> None:
    """Adds the column, empty, and the table, filled from the clients that are there."""
    op.add_column("client", sa.Column("not_same_as", sa.Text()))
    op.create_table(
        "client_key",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("client_id", Id(), nullable=False),
        sa.Column("shared_key", sa.Text()),
        sa.PrimaryKeyConstraint("key", "client_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("client_key_by_client", "client_key", ["client_id"])
    where = sa.text("shared_key IS NOT NULL")
    op.create_index("client_key_shared", "client_key", ["shared_key"], sqlite_where=where, postgresql_where=where)
    _fill()


def _fill() -> None:
    connection = op.get_bind()
    names = ("id", "name", "kind", *_TEXTS, "tax_number", "loyalty_number", "birthday", "archived", "merged_into")
    client = sa.table("client", *(sa.column(name, Id() if name in ("id", "merged_into") else None) for name in names))
    after = NIL_ID
    while True:
        statement = sa.select(client).where(client.c.id > after).order_by(client.c.id).limit(_CLIENTS_PER_STEP)
        rows = connection.execute(statement).mappings().all()
        if not rows:
            return
        after = rows[-1]["id"]
        keep_keys(connection, {row["id"]: _fields(row) for row in rows})


def _fields(row: Any) -> dict[str, Any]:
    return {**row, **{name: tuple(row[name].split("\n")) if row[name] else () for name in _TEXTS}}
