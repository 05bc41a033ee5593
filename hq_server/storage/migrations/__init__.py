"""The head office's schema over time. A step is named `_pre_` or `_post_`: it runs before or after the new code."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, MetaData

from hq_server.storage import fleet_tables, mail_tables
from hq_server.storage.hand_over_tables import hand_over
from hq_server.storage.kept_report_tables import chain_answer_run, kept_report
from hq_server.storage.report_tables import report_delivery, report_run
from hq_server.storage.review_tables import REVIEW_INDEXES, audit_verdict
from hq_server.storage.tables import hq_metadata
from shared.storage.client_index import index_all_noted
from shared.storage.migrating import current_revision, schema_differences, upgrade_schema
from shared.storage.rollup_tables import rollup_metadata
from shared.storage.session_tables import session_metadata
from shared.storage.tables import record_metadata

HEAD = "0035"
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
        "0012",
        "0013",
        "0014",
        "0016",
        "0017",
        "0018",
        "0019",
        "0020",
        "0021",
        "0022",
        "0023",
        "0024",
        "0029",
        "0030",
        "0031",
        "0032",
        "0033",
        "0034",
        "0035",
    }
)
_ALSO_OF_HQ = (hand_over, report_run, report_delivery, kept_report, chain_answer_run, audit_verdict)
"""Tables in modules of their own, which stand in the same metadata once they are imported."""
METADATA: list[MetaData] = [record_metadata, hq_metadata, rollup_metadata, session_metadata]
assert mail_tables.mail_attempt.metadata is hq_metadata
assert fleet_tables.fleet_sample.metadata is hq_metadata
_LOCATION = Path(__file__).parent


def revision(connection: Connection) -> str | None:
    """The schema's revision; None for an empty database."""
    return current_revision(connection)


def upgrade(connection: Connection) -> None:
    """Brings the schema up to this release, in the caller's transaction. Raises StoreVersionUnknown."""
    upgrade_schema(connection, _LOCATION, KNOWN, HEAD)
    index_all_noted(connection)


def differences(connection: Connection) -> list[object]:
    """What the schema lacks of the tables in code, or has too much."""
    return schema_differences(connection, METADATA, indexes=REVIEW_INDEXES)
