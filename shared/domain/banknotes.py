"""What a customer is likely to hand over for a total: the buttons beside “cash”. Contains no rules of payment."""

from __future__ import annotations

from shared.domain.money import minor_digits

CASH_SUGGESTIONS_MAX = 6

# Notes in use, in whole units of the currency.
_NOTES = {
    "RUB": (50, 100, 200, 500, 1_000, 2_000, 5_000),
    "BYN": (5, 10, 20, 50, 100, 200, 500),
    "KZT": (500, 1_000, 2_000, 5_000, 10_000, 20_000),
    "USD": (1, 5, 10, 20, 50, 100),
    "EUR": (5, 10, 20, 50, 100, 200),
    "JPY": (1_000, 5_000, 10_000),
}
_USUAL_NOTES = (5, 10, 20, 50, 100, 200, 500, 1_000)


def suggest_cash(total_minor: int, currency: str) -> tuple[int, ...]:
    """Amounts in minor units, the exact one first, then growing: the total rounded up to each note, and single notes.

    At most CASH_SUGGESTIONS_MAX; none for a total of nothing.
    """
    if total_minor <= 0:
        return ()
    unit = 10 ** minor_digits(currency)
    notes = [note * unit for note in _NOTES.get(currency, _USUAL_NOTES)]
    # Nobody counts in twos: a note of 200 or 2 000 comes alone.
    rounded = {-(-total_minor // note) * note for note in notes if not str(note).startswith("2")}
    singles = {note for note in notes if note >= total_minor}
    larger = sorted((rounded | singles) - {total_minor})
    return (total_minor, *larger)[:CASH_SUGGESTIONS_MAX]


# Coins in use, in minor units.
_COINS = {
    "RUB": (10, 50, 100, 200, 500, 1_000),
    "BYN": (1, 2, 5, 10, 20, 50, 100, 200),
    "KZT": (100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000),
    "USD": (1, 5, 10, 25, 50, 100),
    "EUR": (1, 2, 5, 10, 20, 50, 100, 200),
    "JPY": (1, 5, 10, 50, 100, 500),
}
_USUAL_COINS = (1, 2, 5, 10, 20, 50, 100, 200)


def denominations(currency: str) -> tuple[int, ...]:
    """Notes and coins that a drawer may hold, in minor units, the largest first."""
    unit = 10 ** minor_digits(currency)
    notes = {note * unit for note in _NOTES.get(currency, _USUAL_NOTES)}
    return tuple(sorted(notes | set(_COINS.get(currency, _USUAL_COINS)), reverse=True))
