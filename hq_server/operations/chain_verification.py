"""Whether what belongs to no single branch is whole, and its repair: rows of no branch, and what cards show."""

from __future__ import annotations

from sqlalchemy import Connection

from hq_server.storage.branches import all_branches
from hq_server.storage.tables import branch_cursor, journal_entry, record_counter
from shared.operations.card_check import card_sentences, repair_cards
from shared.operations.record_check import Repair
from shared.operations.stranger_rows import Stranger, find_strangers, remove_strangers
from shared.storage.fact_rows import FACT_TABLES
from shared.storage.rollup_tables import ROLLUPS

_COUNTED = (*FACT_TABLES, *ROLLUPS, record_counter)
_ENTRIES = (journal_entry, branch_cursor)


def verify_chain(connection: Connection) -> list[str]:
    """The differences, in sentences."""
    strangers = [*_strangers(connection), *_with_entries(connection)]
    return [*(stranger.sentence for stranger in strangers), *card_sentences(connection)]


def repair_chain(connection: Connection, is_whole: bool) -> Repair:
    """Puts right what `verify_chain` finds. Unless all is whole, nothing is removed.

    Neither is anything of an id that has entries: its branch may be what is missing.
    """
    strangers, with_entries = _strangers(connection), _with_entries(connection)
    repair = repair_cards(connection)
    repair.problems.extend(stranger.sentence for stranger in with_entries)
    if not is_whole or with_entries:
        repair.problems.extend(f"{stranger.sentence} They were left as they are." for stranger in strangers)
        return repair
    remove_strangers(connection, strangers)
    repair.done.extend(f"{stranger.sentence} They were removed." for stranger in strangers)
    return repair


def _strangers(connection: Connection) -> list[Stranger]:
    return find_strangers(connection, _COUNTED, {row.id for row in all_branches(connection)})


def _with_entries(connection: Connection) -> list[Stranger]:
    return find_strangers(connection, _ENTRIES, {row.id for row in all_branches(connection)})
