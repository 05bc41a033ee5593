"""Schema 0020: the client base – details of clients, tasks, dictionaries, files, letters, erasures, interactions,
transfers, every edit of a card, and what other branches did with a client."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime


def create_client_base() -> None:
    """Creates the tables of the client base, empty, and the new columns of clients and roles."""
    _widen_clients()
    _index_clients_of("sale", "sold_at")
    _index_clients_of("refund", "refunded_at")
    _create_task()
    _create_dictionary_term()
    _create_attachment()
    _create_erasure()
    _create_mail()
    _create_substitution()
    _create_interaction()
    _create_interaction_point()
    _create_client_transfer()
    _create_card_edit()
    _create_neighbour_fact()


def _widen_clients() -> None:
    op.add_column("client", sa.Column("kind", sa.Text()))
    op.add_column("client", sa.Column("birthday", sa.Text()))
    op.add_column("client", sa.Column("preferences", sa.Text()))
    op.add_column("client", sa.Column("tags", sa.Text()))
    op.add_column("client", sa.Column("address", sa.Text()))
    op.add_column("client", sa.Column("language", sa.Text()))
    op.add_column("client", sa.Column("tax_number", sa.Text()))
    op.add_column("client", sa.Column("loyalty_number", sa.Text()))
    op.add_column("client", sa.Column("company_id", Id()))
    op.add_column("client", sa.Column("position", sa.Text()))
    op.add_column("client", sa.Column("owner_id", Id()))
    op.add_column("client", sa.Column("consent_data", sa.Boolean(), nullable=False, server_default="0"))
    op.add_column("client", sa.Column("consent_data_source", sa.Text()))
    op.add_column("client", sa.Column("consent_data_at", sa.BigInteger()))
    op.add_column("client", sa.Column("consent_advertising", sa.Boolean(), nullable=False, server_default="0"))
    op.add_column("client", sa.Column("consent_advertising_source", sa.Text()))
    op.add_column("client", sa.Column("consent_advertising_at", sa.BigInteger()))
    op.add_column("client", sa.Column("do_not_contact_reason", sa.Text()))
    op.add_column("client", sa.Column("no_next_step", sa.Text()))
    op.add_column("client", sa.Column("merged_into", Id()))
    op.create_index("client_by_company", "client", ["company_id"])
    op.create_index("client_by_loyalty_number", "client", ["loyalty_number"])
    op.create_index("client_by_merged_into", "client", ["merged_into"])
    op.create_index("client_by_owner", "client", ["owner_id", "sort_key"])
    op.add_column("role", sa.Column("client_scope", sa.Text()))
    op.add_column("role", sa.Column("hidden_fields", sa.Text()))


def _index_clients_of(table: str, moment: str) -> None:
    for name, column, condition in (
        (f"{table}_by_client_id", "client_id", "client_id IS NOT NULL"),
        (f"{table}_by_client", "client", "client IS NOT NULL AND client_id IS NULL"),
    ):
        where = sa.text(condition)
        op.create_index(name, table, [column, moment], sqlite_where=where, postgresql_where=where)


def _create_task() -> None:
    op.create_table(
        "task",
        sa.Column("id", Id(), nullable=False),
        sa.Column("client_id", Id()),
        sa.Column("type", sa.Text()),
        sa.Column("title", sa.Text()),
        sa.Column("note", sa.Text()),
        sa.Column("assignee_id", Id()),
        sa.Column("branch_id", Id()),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("due_has_time", sa.Boolean(), nullable=False),
        sa.Column("repeat", sa.Text()),
        sa.Column("snoozed_until", sa.BigInteger()),
        sa.Column("remind_minutes", sa.BigInteger()),
        sa.Column("state", sa.Text()),
        sa.Column("outcome", sa.Text()),
        sa.Column("done_at", sa.BigInteger()),
        sa.Column("done_by", Id()),
        sa.Column("previous_id", Id()),
        sa.Column("created_by", Id()),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("received_at", UtcTime()),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("task_by_assignee", "task", ["assignee_id", "state", "due_at"])
    done = sa.text("done_at IS NOT NULL")
    op.create_index("task_by_done", "task", ["done_at"], sqlite_where=done, postgresql_where=done)
    op.create_index("task_by_client", "task", ["client_id", "state", "due_at"])
    op.create_index("task_by_state", "task", ["state", "due_at"])


def _create_dictionary_term() -> None:
    op.create_table(
        "dictionary_term",
        sa.Column("id", Id(), nullable=False),
        sa.Column("dictionary", sa.Text()),
        sa.Column("code", sa.Text()),
        sa.Column("name", sa.Text()),
        sa.Column("name_en", sa.Text()),
        sa.Column("is_target", sa.Boolean(), nullable=False),
        sa.Column("place", sa.BigInteger()),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("received_at", UtcTime()),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )


def _create_attachment() -> None:
    op.create_table(
        "attachment",
        sa.Column("id", Id(), nullable=False),
        sa.Column("client_id", Id()),
        sa.Column("interaction_id", Id()),
        sa.Column("name", sa.Text()),
        sa.Column("media_type", sa.Text()),
        sa.Column("size", sa.BigInteger()),
        sa.Column("sha256", sa.Text()),
        sa.Column("chunks", sa.Text()),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("received_at", UtcTime()),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("attachment_by_client", "attachment", ["client_id"])
    op.create_index("attachment_by_interaction", "attachment", ["interaction_id"])


def _create_erasure() -> None:
    op.create_table(
        "erasure",
        sa.Column("id", Id(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("ordered_at", sa.BigInteger()),
        sa.Column("ordered_by", Id()),
        sa.Column("received_at", UtcTime()),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )


def _create_mail() -> None:
    op.create_table(
        "mail",
        sa.Column("id", Id(), nullable=False),
        sa.Column("client_id", Id()),
        sa.Column("direction", sa.Text()),
        sa.Column("purpose", sa.Text()),
        sa.Column("address", sa.Text()),
        sa.Column("subject", sa.Text()),
        sa.Column("body", sa.Text()),
        sa.Column("created_at", sa.BigInteger()),
        sa.Column("created_by", Id()),
        sa.Column("in_reply_to", Id()),
        sa.Column("override_reason", sa.Text()),
        sa.Column("state", sa.Text()),
        sa.Column("detail", sa.Text()),
        sa.Column("decided_at", sa.BigInteger()),
        sa.Column("message_id", sa.Text()),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("received_at", UtcTime()),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("mail_by_client", "mail", ["client_id", "created_at"])
    op.create_index("mail_by_message_id", "mail", ["message_id"])
    op.create_index("mail_by_state", "mail", ["state", "created_at"])


def _create_substitution() -> None:
    op.create_table(
        "substitution",
        sa.Column("id", Id(), nullable=False),
        sa.Column("employee_id", Id()),
        sa.Column("substitute_id", Id()),
        sa.Column("valid_from", sa.BigInteger()),
        sa.Column("valid_to", sa.BigInteger()),
        sa.Column("reason", sa.Text()),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("received_at", UtcTime()),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("substitution_by_employee", "substitution", ["employee_id"])


def _create_interaction() -> None:
    op.create_table(
        "interaction",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("command_id", Id(), nullable=False),
        sa.Column("client_id", Id(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("employee", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("reached", sa.Boolean()),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("duration_seconds", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("task_id", Id()),
        sa.Column("next_task_id", Id()),
        sa.Column("corrects_id", Id()),
        sa.Column("hour", sa.SmallInteger(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("utc_offset_seconds", sa.Integer(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("received_at", UtcTime()),
        sa.PrimaryKeyConstraint("branch_id", "id"),
        sqlite_with_rowid=False,
    )
    where = sa.text("corrects_id IS NOT NULL")
    op.create_index(
        "interaction_by_corrected", "interaction", ["corrects_id"], sqlite_where=where, postgresql_where=where
    )
    op.create_index("interaction_by_client", "interaction", ["client_id", "at"])
    op.create_index("interaction_by_day", "interaction", ["business_date", "employee"])


def _create_interaction_point() -> None:
    op.create_table(
        "interaction_point",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("interaction_id", Id(), nullable=False),
        sa.Column("point_number", sa.Integer(), nullable=False),
        sa.Column("theme", sa.Text(), nullable=False),
        sa.Column("competitor", sa.Text(), nullable=False),
        sa.Column("sentiment", sa.Text(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("received_at", UtcTime()),
        sa.PrimaryKeyConstraint("branch_id", "interaction_id", "point_number"),
        sqlite_with_rowid=False,
    )


def _create_client_transfer() -> None:
    op.create_table(
        "client_transfer",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("command_id", Id(), nullable=False),
        sa.Column("client_id", Id(), nullable=False),
        sa.Column("from_employee_id", Id()),
        sa.Column("to_employee_id", Id()),
        sa.Column("hand_over_id", Id(), nullable=False),
        sa.Column("undoes_id", Id()),
        sa.Column("employee", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("utc_offset_seconds", sa.Integer(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("received_at", UtcTime()),
        sa.PrimaryKeyConstraint("branch_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index("client_transfer_by_client", "client_transfer", ["client_id", "at"])
    op.create_index("client_transfer_by_hand_over", "client_transfer", ["hand_over_id"])


def _create_card_edit() -> None:
    op.create_table(
        "card_edit",
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("card_id", Id(), nullable=False),
        sa.Column("command_id", Id(), nullable=False),
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("hlc_epoch", sa.BigInteger(), nullable=False),
        sa.Column("hlc", sa.BigInteger(), nullable=False),
        sa.Column("author", Id(), nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "card_id", "command_id", "branch_id"),
        sqlite_with_rowid=False,
    )


def _create_neighbour_fact() -> None:
    op.create_table(
        "neighbour_fact",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("client_id", Id(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("branch_code", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("branch_id", "kind", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index("neighbour_fact_by_client", "neighbour_fact", ["client_id", "at"])
