"""Answering what a branch asks about the whole chain: its clients with what they bought, receipts of other branches,
what budgets hold."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from hq_server.operations.budgeting import find_budget
from hq_server.storage.branches import branch_by_code, branch_names
from shared.domain.records import RecordKind
from shared.errors import NotFound
from shared.operations.client_finding import FOUND_MAX, find_hits
from shared.operations.clients import resolve_client
from shared.operations.loyalty import points_of_sale
from shared.operations.receipts import SaleKey, read_sale, refunds_of, sale_by_number, sales_to_client
from shared.storage.card_rows import load_states
from shared.sync.central import (
    POINTS_OF_SALE_MAX,
    REFUNDS_OF_SALE_MAX,
    FindClients,
    Findings,
    FoundClient,
    FoundSale,
    Question,
    ShowBudget,
    ShowClient,
    ShowReceipt,
)
from shared.wire.payloads import encode_branch_fact, encode_refund, encode_sale

SALES_MAX = 100


def answer(connection: Connection, question: Question, now_us: int) -> Findings:
    """What HQ knows. Raises InvalidInput, NotFound."""
    match question:
        case FindClients(text, limit):
            most = min(limit or FOUND_MAX, FOUND_MAX)
            return Findings(now_us, _cards(connection, [hit.client_id for hit in find_hits(connection, text, most)]))
        case ShowClient(reference, sales):
            client_id = resolve_client(connection, reference)
            keys = sales_to_client(connection, client_id, min(sales, SALES_MAX))
            return Findings(now_us, _cards(connection, [client_id]), _sales(connection, keys))
        case ShowReceipt(branch_code, register, receipt_number):
            branch_id = branch_by_code(connection, branch_code).id
            key = sale_by_number(connection, branch_id, register, receipt_number)
            if key is None:
                raise NotFound(f"Branch {branch_code} has no receipt {register}-{receipt_number:06}.")
            (receipt,) = _sales(connection, [key])
            refunds = refunds_of(connection, key[1])[:REFUNDS_OF_SALE_MAX]
            points = [encode_branch_fact(entry) for entry in points_of_sale(connection, key[1])[:POINTS_OF_SALE_MAX]]
            found_sale = replace(receipt, refunds=tuple(map(encode_refund, refunds)), points=tuple(points))
            return Findings(now_us, sales=(found_sale,))
        case ShowBudget(owner):
            return Findings(now_us, budgets=(find_budget(connection, owner),))


def _cards(connection: Connection, ids: list[bytes]) -> tuple[FoundClient, ...]:
    states = load_states(connection, [(int(RecordKind.CLIENT), client_id) for client_id in ids])
    return tuple(FoundClient(client_id, states[RecordKind.CLIENT, client_id]) for client_id in ids)


def _sales(connection: Connection, keys: list[SaleKey]) -> tuple[FoundSale, ...]:
    codes = branch_names(connection)
    return tuple(
        FoundSale(codes[branch_id], sale_id, encode_sale(read_sale(connection, (branch_id, sale_id))), branch_id)
        for branch_id, sale_id in keys
    )
