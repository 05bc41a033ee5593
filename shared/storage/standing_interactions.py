"""Which interactions stand: those that nobody withdrew, and of those that were corrected the corrections. Alike in both
programs. Contains no queries of its own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, literal, select

from shared.storage.crm_tables import interaction


def stands() -> ColumnElement[bool]:
    """An interaction is no withdrawal, and nobody withdrew it. It may have been corrected."""
    return and_(interaction.c.withdrawn.is_(None), ~_is_withdrawn(interaction))


def is_newest() -> ColumnElement[bool]:
    """It is no withdrawal, and nothing that stands takes its place or takes it back."""
    later = interaction.alias("later")
    replaced = exists(select(literal(1)).where(later.c.corrects_id == interaction.c.id, ~_is_withdrawn(later)))
    return and_(interaction.c.withdrawn.is_(None), ~replaced)


def _is_withdrawn(table: Any) -> ColumnElement[bool]:
    withdrawal = interaction.alias("withdrawal")
    return exists(select(literal(1)).where(withdrawal.c.corrects_id == table.c.id, withdrawal.c.withdrawn.is_not(None)))
