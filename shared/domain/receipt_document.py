"""A receipt, report or slip as a device-independent document, and how each is built from plain values.

Contains no layout: receipt_rows.py turns a document into rows, the devices turn rows into bytes, pages and pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from shared.domain.business_time import LocalMoment
from shared.domain.exchanges import is_exchange
from shared.domain.money import THOUSAND, extend_price
from shared.domain.receipt_identity import ReceiptIdentity, unsigned_qr
from shared.domain.receipt_labels import NOT_FISCAL_LINES, PRACTICE_LINES, RUSSIAN, label, method_label, vat_label
from shared.domain.sales import Payment


class DocumentKind(StrEnum):
    """What a document is; the words are stored."""

    SALE = "sale"
    REFUND = "refund"
    EXCHANGE = "exchange"
    X_REPORT = "x_report"
    Z_REPORT = "z_report"
    CASH_IN = "cash_in"
    CASH_OUT = "cash_out"
    TEST = "test"
    DRAWER = "drawer"


# What the builders are given.


@dataclass(frozen=True, slots=True)
class ReceiptShop:
    """What stands on every paper of a shop. `header_lines` and `footer_lines` are the shop's receipt text."""

    chain: str
    branch: str
    branch_code: str
    language: str = RUSSIAN
    header_lines: tuple[str, ...] = ()
    footer_lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """One line. `amount_minor` is paid for it after the discount, VAT included; a rate of None is “no VAT”.

    Without `unit_price_minor` the price is derived when amount and quantity have an exact one.
    """

    name: str
    quantity_thousandths: int
    amount_minor: int
    discount_minor: int = 0
    reason: str = ""
    vat_basis_points: int | None = None
    vat_minor: int = 0
    unit_price_minor: int | None = None
    sku: str = ""


@dataclass(frozen=True, slots=True)
class ReceiptSale:
    """A committed sale or refund. `rounding_minor` is added to the sum of the lines; refunds have amounts ≥ 0 too."""

    sale_id: bytes
    register: str
    receipt: str
    cashier: str
    sold_at: LocalMoment
    currency: str
    lines: tuple[ReceiptLine, ...]
    payments: tuple[Payment, ...]
    change_minor: int = 0
    rounding_minor: int = 0
    client: str = ""

    @property
    def total_minor(self) -> int:
        """What was to be paid."""
        return sum(line.amount_minor for line in self.lines) + self.rounding_minor


@dataclass(frozen=True, slots=True)
class ReceiptShift:
    """A shift as it stands at `moment`. Amounts are ≥ 0 but the variance and the rounding, which is what the
    ways of payment hold beyond the net. `unresolved` warns, one text a line; `late` are receipts of earlier shifts that
    are counted here."""

    register: str
    cashier: str
    opened_at: LocalMoment
    moment: LocalMoment
    currency: str
    receipts: int
    first_receipt: str
    last_receipt: str
    gross_minor: int
    discounts_minor: int
    net_minor: int
    methods: tuple[Payment, ...]
    float_minor: int
    expected_cash_minor: int
    counted_cash_minor: int | None = None
    refunds_minor: int = 0
    cash_in_minor: int = 0
    cash_out_minor: int = 0
    unresolved: tuple[str, ...] = ()
    rounding_minor: int = 0
    late: tuple[str, ...] = ()


# The document.


@dataclass(frozen=True, slots=True)
class DocumentHeader:
    """Who, where and when. `receipt` is the number as printed, or empty."""

    chain: str
    branch: str
    lines: tuple[str, ...]
    register: str
    receipt: str
    cashier: str
    moment: LocalMoment


@dataclass(frozen=True, slots=True)
class DocumentItem:
    """One thing sold. `amount_minor` is after the discount; no unit price when none multiplies to the amount.

    Of what comes back in an exchange the amounts are below nought. A `heading` stands above it."""

    name: str
    quantity: str
    unit_price_minor: int | None
    gross_minor: int
    amount_minor: int
    discount_minor: int
    reason: str
    vat: str
    vat_minor: int
    heading: str = ""


@dataclass(frozen=True, slots=True)
class DocumentSum:
    """A named amount in minor units."""

    label: str
    amount_minor: int
    strong: bool = False


@dataclass(frozen=True, slots=True)
class ReceiptDocument:
    """What is printed. The QR text may lack its signature until it is printed (receipt_identity.py)."""

    kind: DocumentKind
    language: str
    currency: str
    header: DocumentHeader
    title: str
    notes: tuple[str, ...] = ()
    items: tuple[DocumentItem, ...] = ()
    totals: tuple[DocumentSum, ...] = ()
    payments: tuple[DocumentSum, ...] = ()
    vat: tuple[DocumentSum, ...] = ()
    closing_notes: tuple[str, ...] = ()
    footer: tuple[str, ...] = ()
    fiscal_lines: tuple[str, ...] = field(default=NOT_FISCAL_LINES)
    qr: str = ""
    reprint: bool = False
    opens_drawer: bool = False


_TEST_LINES = (
    ReceiptLine("Съешь ещё этих мягких французских булок, да выпей же чаю «Ёлочка» № 1", 2_000, 140_000, 10_000),
    ReceiptLine("Сыр российский, весовой – 45 %", 133, 18_169),
)


def sale_document(shop: ReceiptShop, sale: ReceiptSale, *, opens_drawer: bool = False) -> ReceiptDocument:
    """The receipt of a sale."""
    return _receipt(DocumentKind.SALE, shop, sale, (), opens_drawer)


def refund_document(
    shop: ReceiptShop,
    refund: ReceiptSale,
    original_receipt: str,
    reason: str = "",
    *,
    opens_drawer: bool = False,
) -> ReceiptDocument:
    """The receipt of a refund; `original_receipt` is the number that the goods were sold under, or empty."""
    notes = [f"{label('to_receipt', shop.language)} {original_receipt}"] if original_receipt else []
    notes += [f"{label('reason', shop.language)}: {reason}"] if reason else []
    return _receipt(DocumentKind.REFUND, shop, refund, tuple(notes), opens_drawer)


def exchange_document(
    shop: ReceiptShop,
    sale: ReceiptSale,
    refund: ReceiptSale,
    original_receipt: str,
    reason: str = "",
    *,
    opens_drawer: bool = False,
) -> ReceiptDocument:
    """The one paper of an exchange: what came back, what was taken, and the difference. Its code names the sale."""

    def word(name: str) -> str:
        return label(name, shop.language)

    notes = [f"{word('to_receipt')} {original_receipt}", f"{word('refund_number')} {refund.receipt}"]
    notes += [f"{word('reason')}: {reason}"] if reason else []
    document = _receipt(DocumentKind.EXCHANGE, shop, sale, tuple(notes), opens_drawer)
    back = [_came_back(_item(line, shop.language)) for line in refund.lines]
    items = (*_headed(back, word("brought_back")), *_headed(list(document.items), word("taken")))
    difference = sale.total_minor - refund.total_minor
    rounding = sale.rounding_minor - refund.rounding_minor
    sums = [
        (word("taken"), sum(line.amount_minor for line in sale.lines)),
        (word("brought_back"), -sum(line.amount_minor for line in refund.lines)),
        *([(word("rounding"), rounding)] if rounding else []),
    ]
    total = DocumentSum(word("to_refund" if difference < 0 else "to_pay_more"), abs(difference), strong=True)
    negated = [replace(line, amount_minor=-line.amount_minor, vat_minor=-line.vat_minor) for line in refund.lines]
    taken = tuple(payment for payment in sale.payments if not is_exchange(payment.method))
    given = [
        DocumentSum(f"{word('paid_out')}: {method_label(payment.method, shop.language)}", payment.amount_minor)
        for payment in refund.payments
        if not is_exchange(payment.method)
    ]
    change = document.payments[len(sale.payments) :]
    return replace(
        document,
        title=word("exchange_paper"),
        items=items,
        totals=(*(DocumentSum(*each) for each in sums), total),
        payments=(*_payments(taken, shop.language), *change, *given),
        vat=_vat_sums((*sale.lines, *negated), shop.language),
    )


def shift_document(shop: ReceiptShop, shift: ReceiptShift, *, closes: bool) -> ReceiptDocument:
    """The X-report of an open shift, or with `closes` the Z-report of one that was closed."""

    def word(name: str) -> str:
        return label(name, shop.language)

    kind = DocumentKind.Z_REPORT if closes else DocumentKind.X_REPORT
    notes = [f"{word('opened_at')} {moment_text(shift.opened_at)}", f"{word('receipts')}: {shift.receipts}"]
    if shift.receipts:
        notes.append(f"{word('receipt_range')}: {shift.first_receipt} – {shift.last_receipt}")
    return ReceiptDocument(
        kind=kind,
        language=shop.language,
        currency=shift.currency,
        header=_header(shop, shift.register, "", shift.cashier, shift.moment),
        title=word(kind),
        notes=tuple(notes),
        totals=_shift_totals(shift, shop.language),
        payments=_payments(shift.methods, shop.language) + _drawer_sums(shift, shop.language),
        closing_notes=_shift_warnings(shift, shop.language, closes),
    )


def cash_movement_document(
    shop: ReceiptShop,
    register: str,
    cashier: str,
    moment: LocalMoment,
    currency: str,
    amount_minor: int,
    reason: str,
    *,
    incoming: bool,
) -> ReceiptDocument:
    """The slip of cash put in or taken out; `amount_minor` is > 0. It opens the drawer."""
    kind = DocumentKind.CASH_IN if incoming else DocumentKind.CASH_OUT
    return ReceiptDocument(
        kind=kind,
        language=shop.language,
        currency=currency,
        header=_header(shop, register, "", cashier, moment),
        title=label(kind, shop.language),
        notes=(f"{label('reason', shop.language)}: {reason}",) if reason else (),
        totals=(DocumentSum(label("amount", shop.language), amount_minor, strong=True),),
        opens_drawer=True,
    )


def drawer_document(shop: ReceiptShop, register: str, cashier: str, moment: LocalMoment) -> ReceiptDocument:
    """Opens the drawer and prints nothing; what it holds is for the queue to show."""
    return ReceiptDocument(
        kind=DocumentKind.DRAWER,
        language=shop.language,
        currency="",
        header=_header(shop, register, "", cashier, moment),
        title=label("drawer", shop.language),
        opens_drawer=True,
    )


def test_page(shop: ReceiptShop, moment: LocalMoment, notes: tuple[str, ...]) -> ReceiptDocument:
    """A page that shows whether and how a printer prints; `notes` say how it is set up."""
    return ReceiptDocument(
        kind=DocumentKind.TEST,
        language=shop.language,
        currency="RUB",
        header=_header(shop, "1", "", "", moment),
        title=label("test", shop.language),
        notes=notes,
        items=tuple(_item(line, shop.language) for line in _TEST_LINES),
        totals=(DocumentSum(label("total", shop.language), 148_169, strong=True),),
        footer=shop.footer_lines,
        qr="https://example.com/filial-test",
    )


def as_reprint(document: ReceiptDocument) -> ReceiptDocument:
    """The same as a copy: marked, and the drawer stays shut."""
    return replace(document, reprint=True, opens_drawer=False)


def as_practice(document: ReceiptDocument) -> ReceiptDocument:
    """The same marked as practice, whoever reads it and in whichever language."""
    if document.fiscal_lines[: len(PRACTICE_LINES)] == PRACTICE_LINES:
        return document
    return replace(document, fiscal_lines=(*PRACTICE_LINES, *document.fiscal_lines))


def moment_text(moment: LocalMoment) -> str:
    """`23.11.2026 19:00`: the branch's local time."""
    minutes = moment.local_seconds // 60
    return f"{moment.business_date:%d.%m.%Y} {minutes // 60 % 24:02d}:{minutes % 60:02d}"


def quantity_text(quantity_thousandths: int) -> str:
    """`2`, `0.333`: digits and a point."""
    whole, part = divmod(quantity_thousandths, THOUSAND)
    return f"{whole}.{part:03d}".rstrip("0") if part else str(whole)


def _receipt(
    kind: DocumentKind, shop: ReceiptShop, sale: ReceiptSale, notes: tuple[str, ...], opens_drawer: bool
) -> ReceiptDocument:
    language = shop.language
    identity = ReceiptIdentity(
        shop.branch_code, sale.receipt, sale.sale_id, sale.total_minor, sale.sold_at.business_date
    )
    change = (DocumentSum(label("change", language), sale.change_minor),) if sale.change_minor else ()
    return ReceiptDocument(
        kind=kind,
        language=language,
        currency=sale.currency,
        header=_header(shop, sale.register, sale.receipt, sale.cashier, sale.sold_at),
        title=label(kind, language),
        notes=(*notes, *((f"{label('client', language)}: {sale.client}",) if sale.client else ())),
        items=tuple(_item(line, language) for line in sale.lines),
        totals=_sale_totals(kind, sale, language),
        payments=_payments(sale.payments, language) + change,
        vat=_vat_sums(sale.lines, language),
        footer=shop.footer_lines,
        qr=unsigned_qr(identity),
        opens_drawer=opens_drawer,
    )


def _header(shop: ReceiptShop, register: str, receipt: str, cashier: str, moment: LocalMoment) -> DocumentHeader:
    return DocumentHeader(shop.chain, shop.branch, shop.header_lines, register, receipt, cashier, moment)


def _item(line: ReceiptLine, language: str) -> DocumentItem:
    gross_minor = line.amount_minor + line.discount_minor
    price = line.unit_price_minor
    if price is None:
        price = _exact_price(gross_minor, line.quantity_thousandths)
    return DocumentItem(
        name=line.name or line.sku,
        quantity=quantity_text(line.quantity_thousandths),
        unit_price_minor=price,
        gross_minor=gross_minor,
        amount_minor=line.amount_minor,
        discount_minor=line.discount_minor,
        reason=line.reason,
        vat=vat_label(line.vat_basis_points, language),
        vat_minor=line.vat_minor,
    )


def _came_back(item: DocumentItem) -> DocumentItem:
    """The same with its amounts below nought."""
    return replace(
        item,
        gross_minor=-item.gross_minor,
        amount_minor=-item.amount_minor,
        discount_minor=-item.discount_minor,
        vat_minor=-item.vat_minor,
    )


def _headed(items: list[DocumentItem], heading: str) -> list[DocumentItem]:
    return [replace(item, heading=heading if not place else "") for place, item in enumerate(items)]


def _exact_price(gross_minor: int, quantity_thousandths: int) -> int | None:
    """The price that multiplies to the amount by our own rounding; None when there is none."""
    if quantity_thousandths <= 0 or gross_minor < 0:
        return None
    price = (gross_minor * THOUSAND * 2 + quantity_thousandths) // (quantity_thousandths * 2)
    return price if extend_price(price, quantity_thousandths) == gross_minor else None


def _sale_totals(kind: DocumentKind, sale: ReceiptSale, language: str) -> tuple[DocumentSum, ...]:
    discounts_minor = sum(line.discount_minor for line in sale.lines)
    gross_minor = sum(line.amount_minor for line in sale.lines) + discounts_minor
    sums = []
    if discounts_minor or sale.rounding_minor:
        sums.append(DocumentSum(label("subtotal", language), gross_minor))
    if discounts_minor:
        sums.append(DocumentSum(label("discounts", language), -discounts_minor))
    if sale.rounding_minor:
        sums.append(DocumentSum(label("rounding", language), sale.rounding_minor))
    name = "to_refund" if kind is DocumentKind.REFUND else "total"
    return (*sums, DocumentSum(label(name, language), sale.total_minor, strong=True))


def _payments(payments: Sequence[Payment], language: str) -> tuple[DocumentSum, ...]:
    return tuple(DocumentSum(method_label(method, language), amount_minor) for method, amount_minor in payments)


def _vat_sums(lines: Sequence[ReceiptLine], language: str) -> tuple[DocumentSum, ...]:
    """What the total holds of each rate, highest first; of “no VAT” the amount itself."""
    sums: dict[int | None, int] = {}
    for line in lines:
        share = line.amount_minor if line.vat_basis_points is None else line.vat_minor
        sums[line.vat_basis_points] = sums.get(line.vat_basis_points, 0) + share
    if set(sums) == {None}:
        return ()
    rates = sorted(sums, key=lambda rate: -1 if rate is None else rate, reverse=True)
    return tuple(DocumentSum(f"{label('in_that', language)} {vat_label(rate, language)}", sums[rate]) for rate in rates)


def _shift_totals(shift: ReceiptShift, language: str) -> tuple[DocumentSum, ...]:
    sums = [DocumentSum(label("gross", language), shift.gross_minor)]
    sums.append(DocumentSum(label("discounts", language), -shift.discounts_minor))
    if shift.refunds_minor:
        sums.append(DocumentSum(label("refunds", language), -shift.refunds_minor))
    sums.append(DocumentSum(label("net", language), shift.net_minor, strong=True))
    return (*sums, *([DocumentSum(label("rounding", language), shift.rounding_minor)] if shift.rounding_minor else []))


def _drawer_sums(shift: ReceiptShift, language: str) -> tuple[DocumentSum, ...]:
    """How much cash there should be and is; the ways of payment stand before it."""
    named: list[tuple[str, int]] = [("float", shift.float_minor)]
    named += [("cash_ins", shift.cash_in_minor)] if shift.cash_in_minor else []
    named += [("cash_outs", -shift.cash_out_minor)] if shift.cash_out_minor else []
    named.append(("expected_cash", shift.expected_cash_minor))
    if shift.counted_cash_minor is not None:
        named.append(("counted_cash", shift.counted_cash_minor))
        named.append(("variance", shift.counted_cash_minor - shift.expected_cash_minor))
    return tuple(DocumentSum(label(name, language), amount_minor) for name, amount_minor in named)


def _shift_warnings(shift: ReceiptShift, language: str, closes: bool) -> tuple[str, ...]:
    uncounted = (label("not_counted", language),) if closes and shift.counted_cash_minor is None else ()
    late = (f"{label('late', language)}: {', '.join(shift.late)}",) if shift.late else ()
    return (*uncounted, *late, *(f"{label('unresolved', language)}: {text}" for text in shift.unresolved))
