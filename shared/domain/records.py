"""The kinds of record that are replicated. A number, once given, is never used for anything else."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

FIRST_CARD_KIND = 100


class RecordKind(IntEnum):
    """Facts are below 100, cards from 100 on."""

    SALE = 1
    SHIFT_OPEN = 2
    SHIFT_CLOSE = 3
    RECEIPT_VOID = 4
    MODE_SWITCH = 5
    BUDGET_SPEND = 6
    LEASE_RETURN = 7
    REFUND = 8
    CASH_MOVEMENT = 9
    AUDIT_ENTRY = 10
    PASSWORD_CHANGE = 11
    STOCK_MOVEMENT = 12
    LOYALTY_ENTRY = 13
    INTERACTION = 14
    CLIENT_TRANSFER = 15

    CLIENT = 100
    PRODUCT = 101
    PRICE = 102
    EMPLOYEE = 103
    BRANCH_SETTINGS = 104
    ROLE = 105
    POSITION = 106
    CREDENTIAL = 107
    PROMOTION = 108
    VAT_RATE = 109
    PRODUCT_REQUEST = 110
    LOYALTY_PROGRAM = 111
    TASK = 112
    DICTIONARY_TERM = 113
    ATTACHMENT = 114
    ERASURE = 115
    MAIL = 116
    SUBSTITUTION = 117
    REPORT_TEMPLATE = 118

    @property
    def is_card(self) -> bool:
        return self >= FIRST_CARD_KIND


class Record(NamedTuple):
    """One replicated thing as bytes: what an entry holds and its hash covers."""

    kind: int
    record_id: bytes
    payload: bytes


BRANCH_EDITED_KINDS = frozenset(
    map(
        int,
        (
            RecordKind.CLIENT,
            RecordKind.EMPLOYEE,
            RecordKind.PRODUCT_REQUEST,
            RecordKind.TASK,
            RecordKind.ATTACHMENT,
            RecordKind.MAIL,
            RecordKind.SUBSTITUTION,
        ),
    )
)
"""Cards that a branch may edit. The others are edited at the head office; an edit of one from a branch is parked."""

CLIENT_KINDS = frozenset(map(int, (RecordKind.TASK, RecordKind.ATTACHMENT, RecordKind.MAIL)))
"""Cards that belong to a client by their field `client_id`: whoever knows the client is told of them."""

CLIENT_FACT_KINDS = frozenset(map(int, (RecordKind.INTERACTION, RecordKind.CLIENT_TRANSFER)))
"""Facts that are of a client and of nothing else: with the person they go whole."""

STAND_IN_KINDS = frozenset(
    map(
        int,
        (
            RecordKind.SALE,
            RecordKind.REFUND,
            RecordKind.RECEIPT_VOID,
            RecordKind.CASH_MOVEMENT,
            RecordKind.AUDIT_ENTRY,
            RecordKind.STOCK_MOVEMENT,
            RecordKind.LOYALTY_ENTRY,
        ),
    )
)
"""Facts that sums are made of and in which people write words: when such a word names an erased person, the same fact
without the word stands in for it."""

HISTORY_KINDS = frozenset({int(RecordKind.CLIENT), int(RecordKind.TASK)})
"""Cards of which every edit is kept to be shown: who changed what, when and where."""

OFFICE_HISTORY_KINDS = frozenset(
    map(
        int,
        (
            RecordKind.PRODUCT,
            RecordKind.PRICE,
            RecordKind.EMPLOYEE,
            RecordKind.BRANCH_SETTINGS,
            RecordKind.ROLE,
            RecordKind.POSITION,
            RecordKind.PROMOTION,
            RecordKind.VAT_RATE,
            RecordKind.LOYALTY_PROGRAM,
            RecordKind.DICTIONARY_TERM,
            RecordKind.REPORT_TEMPLATE,
            RecordKind.PRODUCT_REQUEST,
        ),
    )
)
"""Cards of which the head office besides keeps every edit of its own, and no branch does. Never credentials: a history
would keep what is left of old passwords."""

KNOWN_KINDS = frozenset(int(kind) for kind in RecordKind)
