"""What the whole chain knows, asked of the head office; while it is away, what is here, as of the last contact."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

from sqlalchemy import Connection, select

from branch_node.bootstrap import open_central
from branch_node.operations.budgets import leases_at_hand
from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from branch_node.storage.sync_state import read_sync_state
from shared.domain.budgets import amount_number
from shared.domain.business_time import format_us
from shared.domain.sales import parse_receipt
from shared.errors import HqUnreachable, NotFound
from shared.operations.client_finding import FOUND_MAX
from shared.operations.clients import client_summary, find_clients, resolve_client, summary_of_state
from shared.operations.receipts import SaleKey, read_sale, receipt_document, refunds_of, sale_by_number, sales_to_client
from shared.storage.tables import client
from shared.sync.central import FindClients, Findings, FoundBudget, Question, ShowBudget, ShowClient, ShowReceipt
from shared.wire.cards import decode_state
from shared.wire.payloads import decode_refund, decode_sale

SALES_SHOWN = 20


def find_in_chain(settings: Settings, store: BranchStore, text: str) -> dict[str, Any]:
    """Clients of the whole chain."""
    return _ask(
        settings, store, FindClients(text, FOUND_MAX), lambda connection: {"clients": find_clients(connection, text)}
    )


def show_from_chain(settings: Settings, store: BranchStore, reference: str) -> dict[str, Any]:
    """A client of the chain, and the newest of what was sold to him anywhere."""

    def here(connection: Connection) -> dict[str, Any]:
        client_id = resolve_client(connection, reference)
        row = connection.execute(select(client).where(client.c.id == client_id)).one()
        keys = sales_to_client(connection, client_id, SALES_SHOWN)
        return {"clients": [client_summary(row)], "sales": _documents(store, connection, keys)}

    return _ask(settings, store, ShowClient(reference, SALES_SHOWN), here)


def show_receipt(settings: Settings, store: BranchStore, branch_code: str, receipt: str) -> dict[str, Any]:
    """A receipt of any branch. Raises InvalidInput, NotFound."""
    register, receipt_number = parse_receipt(receipt)

    def here(connection: Connection) -> dict[str, Any]:
        node, _ = store.node()
        key = None
        if node.code == branch_code:
            key = sale_by_number(connection, node.branch_id, register, receipt_number)
        if key is None:
            raise NotFound(f"There is no receipt {receipt} of branch {branch_code} here.", "Ask the head office later.")
        return {"sales": _documents(store, connection, [key])}

    return _ask(settings, store, ShowReceipt(branch_code, register, receipt_number), here)


def show_budget(settings: Settings, store: BranchStore, owner: str) -> dict[str, Any]:
    """What is left of a budget in the chain, and which branches hold it; here only what this branch holds."""

    def here(_connection: Connection) -> dict[str, Any]:
        node, _ = store.node()
        with store.read_cursor() as cursor:
            held = sum(lease.left for lease in leases_at_hand(cursor, store.clock.now_us()) if lease.owner == owner)
        return {"budgets": [_budget_document(FoundBudget(owner, 0, ((node.code, held),))) | {"available": None}]}

    return _ask(settings, store, ShowBudget(owner), here)


def _ask(
    settings: Settings, store: BranchStore, question: Question, here: Callable[[Connection], dict[str, Any]]
) -> dict[str, Any]:
    try:
        with closing(open_central(settings, store)) as central:
            return _from_hq(central.query(question))
    except HqUnreachable as error:
        with store.read() as connection:
            found = here(connection)
        with store.read_cursor() as cursor:
            as_of_us = read_sync_state(cursor).last_sync_at_us
        return {
            "source": "branch",
            "as_of": None if as_of_us is None else format_us(as_of_us),
            "reason": error.message,
            **found,
        }


def _from_hq(findings: Findings) -> dict[str, Any]:
    return {
        "source": "head_office",
        "as_of": format_us(findings.as_of_us),
        "clients": [summary_of_state(found.client_id, decode_state(found.state)) for found in findings.clients],
        "sales": [
            receipt_document(
                found.branch_code, found.sale_id, decode_sale(found.payload), [*map(decode_refund, found.refunds)]
            )
            for found in findings.sales
        ],
        "budgets": [_budget_document(found) for found in findings.budgets],
    }


def _budget_document(found: FoundBudget) -> dict[str, Any]:
    owner = found.owner
    holdings = [{"branch": code, "left": amount_number(owner, left)} for code, left in found.holdings]
    return {"owner": owner, "available": amount_number(owner, found.available), "holdings": holdings}


def _documents(store: BranchStore, connection: Connection, keys: list[SaleKey]) -> list[dict[str, Any]]:
    code = store.node()[0].code
    return [receipt_document(code, key[1], read_sale(connection, key), refunds_of(connection, key[1])) for key in keys]
