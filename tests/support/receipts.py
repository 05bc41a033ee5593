"""Receipts that tests print: a plain one, and any that Hypothesis thinks of."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from branch_node.devices.escpos import encode_document, require_profile
from branch_node.devices.escpos_simulator import EscposSimulator
from shared.domain.business_time import LocalMoment, local_moment
from shared.domain.receipt_document import ReceiptDocument, ReceiptLine, ReceiptSale, ReceiptShop, sale_document
from shared.domain.receipt_labels import LANGUAGES
from shared.domain.sales import Payment
from tests.support.clock import START_US

MOMENT: LocalMoment = local_moment(START_US, "Europe/Moscow")
SALE_ID = bytes(range(16))
SHOP = ReceiptShop(
    chain="Сеть «Ёлочка»",
    branch="Магазин № 7",
    branch_code="B7",
    header_lines=("СПб, Невский пр., 7",),
    footer_lines=("Спасибо за покупку!",),
)
TEA = ReceiptLine("Чай чёрный байховый «Принцесса Нури» крупнолистовой", 2_000, 23_000, 1_000, "акция", 2_000, 3_833)
BANANAS = ReceiptLine("Бананы", 333, 3_996, vat_basis_points=1_000, vat_minor=363)

CYRILLIC_WORDS = st.text("абвгдеёжзийклмнопрстуфхцчшщъыьэюяАБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ", min_size=1, max_size=70)
CYRILLIC_NAMES = st.lists(CYRILLIC_WORDS, min_size=1, max_size=12).map(" ".join)
AMOUNTS = st.integers(0, 10**9)


def sale_of(*lines: ReceiptLine, **changes: Any) -> ReceiptSale:
    """A sale of these lines, paid in cash to the kopeck."""
    values: dict[str, Any] = {
        "sale_id": SALE_ID,
        "register": "1",
        "receipt": "1-000001",
        "cashier": "anna",
        "sold_at": MOMENT,
        "currency": "RUB",
        "lines": lines,
        "payments": (Payment("cash", sum(line.amount_minor for line in lines)),),
        **changes,
    }
    return ReceiptSale(**values)


def plain_document(receipt: str = "1-000001", **changes: Any) -> ReceiptDocument:
    """Tea and bananas."""
    return sale_document(SHOP, sale_of(TEA, BANANAS, receipt=receipt, **changes))


def paper_of(
    document: ReceiptDocument, columns: int = 48, code_page: str = "cp866", qr: str = "native"
) -> EscposSimulator:
    """What a printer shows of it."""
    paper = EscposSimulator(columns)
    paper.feed(encode_document(document, require_profile(columns, code_page, qr)))
    return paper


@st.composite
def documents(draw: st.DrawFn, names: st.SearchStrategy[str] = CYRILLIC_NAMES) -> ReceiptDocument:
    """Receipts of any content whose names come from `names`."""
    lines = st.builds(
        ReceiptLine,
        name=names,
        quantity_thousandths=st.integers(0, 10**7),
        amount_minor=AMOUNTS,
        discount_minor=st.one_of(st.just(0), AMOUNTS),
        reason=st.one_of(st.just(""), names),
        vat_basis_points=st.sampled_from([None, 0, 750, 1_000, 2_000]),
        vat_minor=AMOUNTS,
    )
    sale = sale_of(
        *draw(st.lists(lines, max_size=5)),
        cashier=draw(names),
        client=draw(st.one_of(st.just(""), names)),
        rounding_minor=draw(st.integers(-99, 0)),
        payments=tuple(draw(st.lists(st.builds(Payment, st.sampled_from(["cash", "card", "зачёт"]), AMOUNTS)))),
        change_minor=draw(AMOUNTS),
    )
    shop = ReceiptShop(draw(names), draw(names), "B7", draw(st.sampled_from(LANGUAGES)), (draw(names),), (draw(names),))
    return sale_document(shop, sale, opens_drawer=draw(st.booleans()))
