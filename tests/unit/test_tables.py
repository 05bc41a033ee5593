"""The tables of records have one place from which they are imported, and facts are told from cards by their keys."""

from __future__ import annotations

from shared.domain.records import CLIENT_KINDS, RecordKind
from shared.storage import card_tables, crm_tables, fact_tables, tables
from shared.storage.fact_rows import FACT_TABLES


def test_every_table_of_records_is_where_all_look_for_it() -> None:
    for table in tables.record_metadata.tables.values():
        assert getattr(tables, table.name) is table
        assert table.name in tables.__all__


def test_facts_are_kept_by_branch_and_cards_by_their_ids() -> None:
    assert {table.name for table in FACT_TABLES} <= set(vars(fact_tables)) | set(vars(crm_tables))
    assert all(next(iter(table.primary_key)).name == "branch_id" for table in FACT_TABLES)
    cards = {table.name for table in tables.record_metadata.tables.values()} & set(vars(card_tables))
    assert {"card", "client", "credential", "promotion", "vat_rate"} <= cards


def test_whatever_belongs_to_a_client_is_found_by_the_client() -> None:
    for table in (crm_tables.task, crm_tables.attachment, crm_tables.mail, crm_tables.interaction):
        assert any(next(iter(index.columns)).name == "client_id" for index in table.indexes), table.name
    assert {int(RecordKind[name]) for name in ("TASK", "ATTACHMENT", "MAIL")} == CLIENT_KINDS
