"""The words on a receipt, in Russian and English."""

from __future__ import annotations

from typing import Final

from shared.domain.exchanges import EXCHANGE
from shared.domain.money import format_minor

RUSSIAN: Final = "ru"
ENGLISH: Final = "en"
LANGUAGES: Final = (RUSSIAN, ENGLISH)

NOT_FISCAL_LINES: Final = ("НЕ ФИСКАЛЬНЫЙ ДОКУМЕНТ", "NOT CERTIFIED")
"""Printed on everything that no certified fiscal device has signed, in both languages whatever the receipt's."""

PRACTICE_LINES: Final = ("УЧЕБНЫЙ РЕЖИМ", "PRACTICE")
"""Printed on everything that a practice chain prints, in both languages: it is worth nothing."""

_LABELS: Final[dict[str, tuple[str, str]]] = {
    "sale": ("Чек продажи", "Receipt"),
    "refund": ("Чек возврата", "Refund"),
    "x_report": ("X-отчёт (без гашения)", "X-report"),
    "z_report": ("Z-отчёт (закрытие смены)", "Z-report (shift closed)"),
    "cash_in": ("Внесение наличных", "Cash in"),
    "cash_out": ("Изъятие наличных", "Cash out"),
    "test": ("Проверка печати", "Test page"),
    "drawer": ("Открытие ящика", "Drawer opened"),
    "reprint": ("ПОВТОРНАЯ ПЕЧАТЬ – КОПИЯ", "REPRINT – COPY"),
    "branch": ("Магазин", "Shop"),
    "register": ("Касса", "Register"),
    "receipt": ("Чек №", "Receipt No."),
    "cashier": ("Кассир", "Cashier"),
    "client": ("Клиент", "Client"),
    "subtotal": ("Сумма", "Subtotal"),
    "discount": ("Скидка", "Discount"),
    "discounts": ("Скидки", "Discounts"),
    "rounding": ("Округление", "Rounding"),
    "total": ("ИТОГ", "TOTAL"),
    "to_refund": ("К ВОЗВРАТУ", "TO REFUND"),
    "change": ("Сдача", "Change"),
    "vat": ("НДС", "VAT"),
    "no_vat": ("Без НДС", "No VAT"),
    "in_that": ("в т.ч.", "incl."),
    "to_receipt": ("К чеку", "For receipt"),
    "reason": ("Причина", "Reason"),
    "amount": ("СУММА", "AMOUNT"),
    "opened_at": ("Смена открыта", "Shift opened"),
    "receipts": ("Чеков", "Receipts"),
    "receipt_range": ("Номера чеков", "Receipt numbers"),
    "gross": ("Продажи без скидок", "Gross sales"),
    "refunds": ("Возвраты", "Refunds"),
    "net": ("ВЫРУЧКА", "NET"),
    "float": ("Размен на начало", "Opening float"),
    "cash_ins": ("Внесено", "Cash in"),
    "cash_outs": ("Изъято", "Cash out"),
    "expected_cash": ("Должно быть в кассе", "Expected cash"),
    "counted_cash": ("Пересчитано", "Counted cash"),
    "variance": ("Расхождение", "Variance"),
    "not_counted": ("Наличные не пересчитаны", "The cash was not counted"),
    "late": ("Чеки прошлых смен", "Receipts of earlier shifts"),
    "unresolved": ("Не выяснено", "Unresolved"),
    "cash": ("Наличные", "Cash"),
    "card": ("Банковская карта", "Card"),
    "transfer": ("Перевод (СБП)", "Bank transfer"),
    "certificate": ("Сертификат", "Gift certificate"),
    "points": ("Баллы", "Points"),
    "exchange": ("Обмен", "Exchange"),
    "exchange_paper": ("Чек обмена", "Exchange"),
    "brought_back": ("ВОЗВРАЩЕНО", "BROUGHT BACK"),
    "taken": ("КУПЛЕНО", "TAKEN"),
    "to_pay_more": ("К ДОПЛАТЕ", "TO PAY"),
    "refund_number": ("Возврат №", "Refund No."),
    "paid_out": ("Выдано", "Paid out"),
}

_CURRENCY_SIGNS: Final = {"RUB": "₽", "USD": "$", "EUR": "€", "KZT": "₸"}


def label(name: str, language: str) -> str:
    """The word of that name; English for a language that is not known."""
    return _LABELS[name][0 if language == RUSSIAN else 1]


def method_label(method: str, language: str) -> str:
    """A payment method in words; one that has no word as it is."""
    kind, _, stands_for = method.partition(":")
    if kind == EXCHANGE and stands_for:
        return f"{label(EXCHANGE, language)} ({method_label(stands_for, language).lower()})"
    return label(method, language) if method in _LABELS else method


def price_text(amount_minor: int, currency: str) -> str:
    """`1481.69`: as it stands in the lines of a receipt."""
    return format_minor(amount_minor, currency)


def total_text(amount_minor: int, currency: str) -> str:
    """`1481.69 ₽`: as it stands in the total."""
    return f"{format_minor(amount_minor, currency)} {_CURRENCY_SIGNS.get(currency, currency)}"


def vat_label(rate_basis_points: int | None, language: str) -> str:
    """`НДС 20%`, `НДС 7.5%`, `Без НДС` for None."""
    if rate_basis_points is None:
        return label("no_vat", language)
    whole, part = divmod(rate_basis_points, 100)
    digits = f".{part:02d}".rstrip("0") if part else ""
    return f"{label('vat', language)} {whole}{digits}%"
