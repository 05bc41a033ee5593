"""The till's baskets: what the sale's page calls. Each action is one short transaction, durable when it returns.

Theory of operation. A basket is `open` at one register at most; `held` baskets wait; one that is being paid is
`undecided` until its key tells what became of the sale (settling.py); `paid` and `abandoned` ones are forgotten days
later. Every action comes with a request id of its own: the same id again does nothing and is told the same (desk.py).

    open ⇄ held            hold, recall
    open → undecided       pay, before the sale is asked for
    undecided → paid       the sale is committed
    undecided → open       it is not, and will not be (held, when another basket was begun meanwhile)
    open, held → abandoned  abandon
    abandoned → held       restore, within a minute, of one that was held

Nothing here is replicated: what is sold becomes a record, the rest is the shop's own business.
"""

from __future__ import annotations

from branch_node.operations.basket.claims import Claim, claim_register, who_has
from branch_node.operations.basket.clients import (
    BasketClient,
    attach_client,
    attach_from_elsewhere,
    detach_client,
)
from branch_node.operations.basket.desk import BasketState, Done, Outcome
from branch_node.operations.basket.editing import (
    NO_LIMITS,
    Limits,
    clear,
    remove_line,
    set_discount,
    set_price,
    set_quantity,
)
from branch_node.operations.basket.opening import (
    BasketGlance,
    abandon,
    current_basket,
    given_up,
    held,
    hold,
    open_basket,
    recall,
    restore,
    undecided,
)
from branch_node.operations.basket.paying import PaymentOutcome, pay, sale_request
from branch_node.operations.basket.points import PointsOffer, require_points, set_points
from branch_node.operations.basket.pricing import DiscountKind
from branch_node.operations.basket.quick_keys import (
    ALL_REGISTERS,
    QuickKey,
    add_quick_key,
    clear_quick_key,
    grouped,
    keys_at,
    list_quick_keys,
    move_quick_key,
    set_quick_key,
    version_of,
)
from branch_node.operations.basket.returning import Returned, ReturnedView, keep_goods, return_goods
from branch_node.operations.basket.scanning import add_product, scan
from branch_node.operations.basket.searching import FoundProduct, find_products
from branch_node.operations.basket.settling import SoldAs, recover_baskets, sale_key
from branch_node.operations.basket.undoing import UNDO_SECONDS, Undoable, undo, undoable
from branch_node.operations.basket.unknown_codes import (
    UnknownCodeSeen,
    dismiss_unknown,
    mark_requested,
    price_unknown,
    unknown_codes,
)
from branch_node.operations.basket.viewing import BasketView, LineView, WaitingCode, view

__all__ = [
    "ALL_REGISTERS",
    "NO_LIMITS",
    "UNDO_SECONDS",
    "BasketClient",
    "BasketGlance",
    "BasketState",
    "BasketView",
    "Claim",
    "DiscountKind",
    "Done",
    "FoundProduct",
    "Limits",
    "LineView",
    "Outcome",
    "PaymentOutcome",
    "PointsOffer",
    "QuickKey",
    "Returned",
    "ReturnedView",
    "SoldAs",
    "Undoable",
    "UnknownCodeSeen",
    "WaitingCode",
    "abandon",
    "add_product",
    "add_quick_key",
    "attach_client",
    "attach_from_elsewhere",
    "claim_register",
    "clear",
    "clear_quick_key",
    "current_basket",
    "detach_client",
    "dismiss_unknown",
    "find_products",
    "given_up",
    "grouped",
    "held",
    "hold",
    "keep_goods",
    "keys_at",
    "list_quick_keys",
    "mark_requested",
    "move_quick_key",
    "open_basket",
    "pay",
    "price_unknown",
    "recall",
    "recover_baskets",
    "remove_line",
    "require_points",
    "restore",
    "return_goods",
    "sale_key",
    "sale_request",
    "scan",
    "set_discount",
    "set_points",
    "set_price",
    "set_quantity",
    "set_quick_key",
    "undecided",
    "undo",
    "undoable",
    "unknown_codes",
    "version_of",
    "view",
    "who_has",
]
