"""The branch store's schema over time. A step is named `_pre_` or `_post_`: it runs before or after the new code."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, MetaData

from branch_node.storage import chain_answers, client_import_tables, file_transfer_tables
from branch_node.storage.basket_tables import SEARCH_TABLE
from branch_node.storage.receipt_indexes import RECEIPT_INDEXES
from branch_node.storage.stock_draft_tables import STOCK_INDEXES
from branch_node.storage.tables import branch_metadata
from branch_node.storage.task_tables import TASK_INDEXES
from shared.storage.client_index import index_all_noted
from shared.storage.migrating import current_revision, schema_differences, upgrade_schema
from shared.storage.session_tables import session_metadata
from shared.storage.tables import record_metadata

HEAD = "0033"
KNOWN = frozenset(
    {
        "0001",
        "0002",
        "0003",
        "0004",
        "0005",
        "0006",
        "0007",
        "0008",
        "0009",
        "0010",
        "0013",
        "0014",
        "0015",
        "0016",
        "0017",
        "0018",
        "0019",
        "0020",
        "0021",
        "0022",
        "0023",
        "0024",
        "0025",
        "0026",
        "0028",
        "0029",
        "0030",
        "0031",
        "0032",
        "0033",
    }
)
METADATA: list[MetaData] = [record_metadata, branch_metadata, session_metadata]
# Named so that their tables are in the metadata.
TABLES_APART = (chain_answers, client_import_tables, file_transfer_tables)
_LOCATION = Path(__file__).parent


def revision(connection: Connection) -> str | None:
    """The schema's revision; None for an empty store."""
    return current_revision(connection)


def upgrade(connection: Connection) -> None:
    """Brings the schema up to this release, in the caller's transaction. Raises StoreVersionUnknown."""
    upgrade_schema(connection, _LOCATION, KNOWN, HEAD)
    index_all_noted(connection)


def differences(connection: Connection) -> list[object]:
    """What the schema lacks of the tables in code, or has too much."""
    return schema_differences(
        connection, METADATA, untold=(SEARCH_TABLE,), indexes=RECEIPT_INDEXES | STOCK_INDEXES | TASK_INDEXES
    )
