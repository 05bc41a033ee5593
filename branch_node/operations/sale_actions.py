"""What somebody does at a till: the basket's operations, each with the check that the person may do it.

A manager may allow one action of a cashier's: it is done with the manager's authority, and both are written down.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from branch_node.operations import basket, shifts
from branch_node.operations.authentication import override
from branch_node.operations.basket import DiscountKind, Done, Limits
from branch_node.operations.basket.editing import ASK_A_MANAGER
from branch_node.operations.branch_facts import record_branch_fact
from branch_node.operations.client_search import AskHeadOffice, chain_client
from branch_node.operations.employees import ensure_employee
from branch_node.operations.refund_request import SoldLineRequest
from branch_node.operations.shift_reports import OpenedShift
from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from shared.domain.branch_facts import AuditEntry
from shared.domain.business_time import local_moment
from shared.domain.money import THOUSAND
from shared.domain.permissions import Actor, Permission, require
from shared.domain.till_acts import OVERRIDE
from shared.errors import BasketClosed, FilialError, InvalidInput, NotPermitted, Refused, TakenOver

_OPEN_SHIFT = """
SELECT o.cashier, o.opened_at FROM register r JOIN node n JOIN shift_open o
ON o.branch_id = n.branch_id AND o.id = r.open_shift_id WHERE r.code = ?
"""
_TIMES = re.compile(r"\s*(\d{1,6})(?:[.,](\d{1,3}))?\s*[*×]\s*(.*)", re.DOTALL)


class Till(NamedTuple):
    """Who stands at which register, and in which tab of the browser; None where no tab is asked for."""

    store: BranchStore
    actor: Actor
    register: str
    tab_token: str | None = None


class ShiftAtHand(NamedTuple):
    """The shift that is open at a register."""

    cashier: str
    opened_at_us: int


class Entry(NamedTuple):
    """A code that was scanned or typed, and the id that its request has for ever. `3*code` is three of it."""

    request_id: str
    text: str


class Entered(NamedTuple):
    """What an entry came to: what was done, or why not."""

    entry: Entry
    done: Done | None
    error: FilialError | None = None


def limits_of(actor: Actor) -> Limits:
    """What the basket lets somebody do."""
    most = actor.limits.discount_basis_points_max if actor.may(Permission.SALE_DISCOUNT) else 0
    return Limits(most, actor.may(Permission.SALE_PRICE), actor.may(Permission.SALE_LINE_REMOVE))


def allow_once(
    till: Till, settings: Settings, pairing_token: str, permission: Permission, code: str, pin: str
) -> Actor:
    """The manager who allows one action here, written down for the auditor. Raises as `override` does."""
    manager = override(till.store, settings, pairing_token, permission, code, pin)
    with till.store.operation() as transaction:
        transaction.author = ensure_employee(transaction, till.actor.code)
        at = local_moment(transaction.now_us, transaction.node.timezone)
        detail = permission.value
        fact = AuditEntry(OVERRIDE, till.register, till.actor.code, manager.code, 0, detail, at)
        record_branch_fact(transaction, fact)
    return manager


def open_basket(till: Till) -> bytes:
    """The basket of the register, begun when there is none. Raises NotPermitted, TakenOver."""
    require(till.actor, Permission.SALE_MAKE)
    return basket.open_basket(till.store, till.register, till.actor.code, till.tab_token)


def split_times(text: str) -> tuple[int, str]:
    """`3*4600…` as 3 000 thousandths and the code; without a star, one of it. Raises InvalidInput."""
    found = _TIMES.fullmatch(text)
    if found is None:
        return THOUSAND, text
    whole, part, code = found[1], found[2] or "", found[3]
    if not code.strip():
        raise InvalidInput("How many of what?", "Scan the goods after the star: 3*4600000000000.")
    return int(whole) * THOUSAND + int(part.ljust(3, "0")), code


def enter(till: Till, entries: Sequence[Entry]) -> list[Entered]:
    """Takes codes in their order, each by itself: one that cannot be taken does not hold up the next.

    Raises NotPermitted, TakenOver, and what the store raises: then those before it are in, and asking again does them
    no second time.
    """
    basket_id = open_basket(till)
    return [_enter(till, basket_id, entry) for entry in entries]


def _enter(till: Till, basket_id: bytes, entry: Entry) -> Entered:
    try:
        times, code = split_times(entry.text)
        done = basket.scan(till.store, basket_id, entry.request_id, code, times, tab_token=till.tab_token)
    except TakenOver:
        raise
    except (InvalidInput, Refused) as error:
        return Entered(entry, None, error)
    return Entered(entry, done)


def add_product(till: Till, request_id: str, sku: str, quantity_thousandths: int) -> Done:
    """A product that was picked by hand. Raises NotPermitted, and as the basket does."""
    return basket.add_product(
        till.store, open_basket(till), request_id, sku, quantity_thousandths, tab_token=till.tab_token
    )


def set_quantity(
    till: Till, basket_id: bytes, request_id: str, line_id: int, quantity: int, by: Actor | None = None
) -> Done:
    """So much of a line; less than before needs leave to take goods out."""
    limits = limits_of(by or till.actor)
    return _do(
        till,
        lambda: basket.set_quantity(till.store, basket_id, request_id, line_id, quantity, limits, till.tab_token),
    )


def remove_line(till: Till, basket_id: bytes, request_id: str, line_id: int, by: Actor | None = None) -> Done:
    """A line goes."""
    limits = limits_of(by or till.actor)
    return _do(till, lambda: basket.remove_line(till.store, basket_id, request_id, line_id, limits, till.tab_token))


def clear(till: Till, basket_id: bytes, request_id: str, by: Actor | None = None) -> Done:
    """Everything goes."""
    limits = limits_of(by or till.actor)
    return _do(till, lambda: basket.clear(till.store, basket_id, request_id, limits, till.tab_token))


def set_price(
    till: Till,
    basket_id: bytes,
    request_id: str,
    line_id: int,
    price_minor: int | None,
    reason: str,
    by: Actor | None = None,
) -> Done:
    """Another price per unit; None for that of the list."""
    who = by or till.actor
    limits = limits_of(who)
    return _do(
        till,
        lambda: basket.set_price(
            till.store, basket_id, request_id, line_id, price_minor, limits, who.code, reason, till.tab_token
        ),
    )


def set_discount(
    till: Till,
    basket_id: bytes,
    request_id: str,
    line_id: int | None,
    kind: DiscountKind | None,
    value: int,
    reason: str,
    by: Actor | None = None,
) -> Done:
    """A discount on a line, or on everything; `kind` None takes it back."""
    who = by or till.actor
    limits = limits_of(who)
    return _do(
        till,
        lambda: basket.set_discount(
            till.store, basket_id, request_id, line_id, kind, value, limits, who.code, reason, till.tab_token
        ),
    )


def undo(till: Till, basket_id: bytes, request_id: str, action: int, by: Actor | None = None) -> Done:
    """The last thing but as if it had not been done."""
    limits = limits_of(by or till.actor)
    return _do(till, lambda: basket.undo(till.store, basket_id, request_id, action, limits, till.tab_token))


def attach_client(till: Till, request_id: str, reference: str) -> Done:
    """Whom it is sold to. Raises NotPermitted, NotFound."""
    require(till.actor, Permission.CLIENT_VIEW)
    return basket.attach_client(till.store, open_basket(till), request_id, reference, till.tab_token)


def attach_from_chain(till: Till, request_id: str, reference: str, ask: AskHeadOffice) -> Done:
    """Whom it is sold to, of the whole chain. Raises NotPermitted, NotFound, Refused without an answer."""
    client = chain_client(ask, till.actor, reference)
    return basket.attach_from_elsewhere(till.store, open_basket(till), request_id, client, till.tab_token)


def detach_client(till: Till, basket_id: bytes, request_id: str) -> Done:
    """To nobody in particular."""
    require(till.actor, Permission.SALE_MAKE)
    return basket.detach_client(till.store, basket_id, request_id, till.tab_token)


def return_goods(
    till: Till,
    request_id: str,
    receipt: str,
    wanted: Sequence[SoldLineRequest],
    reason: str = "",
    by: Actor | None = None,
) -> Done:
    """Goods come back into the basket. Raises NotPermitted, and as the basket does."""
    permission = Permission.REFUND_BY_RECEIPT
    authority = by if by is not None and not till.actor.may(permission) else till.actor
    require(authority, permission)
    authorised_by = authority.code if authority is not till.actor else None
    basket_id = open_basket(till)
    return basket.return_goods(
        till.store, basket_id, request_id, receipt, wanted, authorised_by, reason, till.tab_token
    )


def keep_goods(till: Till, basket_id: bytes, request_id: str, key: str) -> Done:
    """Goods do not come back after all."""
    require(till.actor, Permission.SALE_MAKE)
    return basket.keep_goods(till.store, basket_id, request_id, key, till.tab_token)


def hold(till: Till, basket_id: bytes, title: str) -> None:
    """Puts the basket aside. Raises NotPermitted, Refused."""
    require(till.actor, Permission.SALE_HOLD)
    basket.hold(till.store, basket_id, title, till.tab_token)


def recall(till: Till, basket_id: bytes) -> bytes:
    """Goes on with a held one. Raises NotPermitted, BasketClosed."""
    require(till.actor, Permission.SALE_HOLD)
    return basket.recall(till.store, basket_id, till.register, till.actor.code, till.tab_token)


def give_up_held(till: Till, basket_id: bytes, by: Actor | None = None) -> None:
    """A held basket is not wanted any more; that is taking goods out. Raises NotPermitted, NotFound, Refused."""
    require(till.actor, Permission.SALE_HOLD)
    seen = basket.view(till.store, basket_id)
    if seen.state not in (basket.BasketState.HELD, basket.BasketState.ABANDONED):
        raise Refused("This sale is not held any more.", "Look at the held sales again.")
    if seen.lines and not limits_of(by or till.actor).may_remove:
        raise NotPermitted("Your role may not take goods out of a basket.", ASK_A_MANAGER)
    basket.abandon(till.store, basket_id, till.tab_token, till.actor.code)


def take_back(till: Till, basket_id: bytes) -> None:
    """Holds again what was given up a moment ago. Raises NotPermitted, Refused."""
    require(till.actor, Permission.SALE_HOLD)
    basket.restore(till.store, basket_id, till.actor.code, till.tab_token)


def price_unknown(
    till: Till, basket_id: bytes, request_id: str, code: str, name: str, price_minor: int, quantity: int
) -> Done:
    """Sells goods that nobody knows yet, so that the client need not wait. Raises NotPermitted, InvalidInput."""
    require(till.actor, Permission.SALE_MAKE)
    return basket.price_unknown(
        till.store,
        basket_id,
        request_id,
        code,
        name,
        price_minor,
        quantity,
        by=till.actor.code,
        tab_token=till.tab_token,
    )


def dismiss_unknown(till: Till, basket_id: bytes, request_id: str, code: str) -> Done:
    """Waves a code away."""
    require(till.actor, Permission.SALE_MAKE)
    return basket.dismiss_unknown(till.store, basket_id, request_id, code, till.tab_token)


def open_shift(till: Till, float_minor: int) -> OpenedShift:
    """Opens the register's shift. Raises NotPermitted, Refused when one is open."""
    require(till.actor, Permission.SHIFT_OPEN)
    with till.store.operation() as transaction:
        transaction.author = ensure_employee(transaction, till.actor.code)
        return shifts.open_shift(transaction, till.register, till.actor.code, float_minor)


def shift_of(till: Till) -> ShiftAtHand | None:
    """The shift that was opened by hand at the register, if there is one."""
    with till.store.read_cursor() as cursor:
        row = cursor.execute(_OPEN_SHIFT, (till.register,)).fetchone()
    return None if row is None else ShiftAtHand(*row)


def _do(till: Till, work: Callable[[], Done]) -> Done:
    """What the role does not allow is told apart from what nobody may do."""
    require(till.actor, Permission.SALE_MAKE)
    try:
        return work()
    except (BasketClosed, TakenOver, NotPermitted):
        raise
    except Refused as error:
        if error.hint == ASK_A_MANAGER:
            raise NotPermitted(error.message, error.hint) from error
        raise
