"""What a till asks for: JSON lines for `sell -`, and the sums they come to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any


def asked(key: str, amount: int = 50, /, **changes: Any) -> dict[str, Any]:
    """A plain sale of one line, paid in cash to the kopeck; `changes` replace whole fields, None removes one."""
    document: dict[str, Any] = {
        "key": key,
        "register": "1",
        "cashier": "anna",
        "lines": [{"sku": "100", "quantity": 1, "amount_minor": amount}],
        "payments": [{"method": "cash", "amount_minor": amount}],
        **changes,
    }
    return {name: value for name, value in document.items() if value is not None}


def asked_line(key: str, amount: int = 50, /, **changes: Any) -> str:
    """The same as one line of JSON, without its end."""
    return json.dumps(asked(key, amount, **changes), ensure_ascii=False)


def asked_lines(keys: Iterable[str], amount: int = 50, /, **changes: Any) -> list[str]:
    """Many of them."""
    return [asked_line(key, amount, **changes) for key in keys]
