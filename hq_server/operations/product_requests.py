"""Codes that branches could not sell by: listed for the head office, and answered with a product or a no.

Several branches may meet the same code: an answer is for all of them. Each learns it as a change of its own request,
and the product as every branch learns of products.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from hq_server.operations.editing import HqEdit
from hq_server.operations.paging import Page, page_of
from hq_server.operations.products import Assortment, ProductFields, WantedPrice, product_by_sku
from hq_server.storage.audience import asker_of
from hq_server.storage.branches import branch_names
from hq_server.storage.feed import audience_of_branch
from shared.clock import Ids
from shared.domain.cards import Value
from shared.domain.identifiers import shorten
from shared.domain.permissions import Actor, Permission, require
from shared.domain.product_requests import RequestState, is_settled
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, NotFound
from shared.operations.cards import CardEdit
from shared.storage.card_rows import load_states
from shared.storage.tables import product, product_request
from shared.wire.cards import decode_state

NO_PRICE = "no_price"
NOTE_CHARACTERS_MAX = 200
REQUESTS_READ_MAX = 20_000


class Asked(NamedTuple):
    """What one branch said of a code. `name` and `amount_minor` are what a cashier gave, if one did."""

    request_id: bytes
    branch_code: str
    register: str
    times: int
    name: str | None
    amount_minor: int | None
    first_seen_at_us: int
    last_seen_at_us: int
    state: RequestState


class CodeRequest(NamedTuple):
    """A code and the branches that asked about it, the last to meet it first. `product_id` is the answer, if any."""

    code: str
    problem: str
    asked: tuple[Asked, ...]
    is_open: bool
    product_id: bytes | None
    note: str | None

    @property
    def times(self) -> int:
        return sum(each.times for each in self.asked)

    @property
    def name(self) -> str | None:
        """What a cashier called it last."""
        return next((each.name for each in self.asked if each.name), None)

    @property
    def amount_minor(self) -> int | None:
        """What it was sold for last."""
        return next((each.amount_minor for each in self.asked if each.amount_minor is not None), None)


def list_requests(connection: Connection, actor: Actor, is_open: bool = True, page: int = 1) -> Page[CodeRequest]:
    """The codes that wait for an answer, or those that have one, met last first. Raises NotPermitted."""
    require(actor, Permission.CATALOG_EDIT)
    rows = connection.execute(
        select(product_request)
        .where(product_request.c.code.is_not(None))
        .order_by(product_request.c.last_seen_at.desc(), product_request.c.id)
        .limit(REQUESTS_READ_MAX)
    )
    by_code: dict[str, list[Any]] = {}
    for row in rows:
        by_code.setdefault(row.code, []).append(row)
    chosen = [code for code, asked in by_code.items() if any(not _is_settled(row) for row in asked) == is_open]
    shown = page_of(chosen, page)
    codes = [_code_request(connection, by_code[code]) for code in shown.rows]
    return Page(codes, shown.number, shown.pages, shown.total)


def show_request(connection: Connection, actor: Actor, request_id: bytes) -> CodeRequest:
    """Everything about the code that a request is about. Raises NotPermitted, NotFound."""
    require(actor, Permission.CATALOG_EDIT)
    return _code_request(connection, _rows_of(connection, request_id))


def answer_with_new(
    connection: Connection,
    ids: Ids,
    now_us: int,
    actor: Actor,
    request_id: bytes,
    wanted: ProductFields,
    priced: WantedPrice | None,
) -> bytes:
    """Makes the product that the code is on; returns its id. Raises NotPermitted, NotFound, InvalidInput."""
    edit = HqEdit(connection, ids, now_us, actor.employee_id)
    product_id = Assortment(connection, ids, now_us, actor, edit).add(wanted, priced)
    _answer(edit, actor, request_id, RequestState.ANSWERED, product_id)
    return product_id


def answer_with_known(
    connection: Connection, ids: Ids, now_us: int, actor: Actor, request_id: bytes, sku: str, replace: bool = False
) -> bytes:
    """Makes the code the barcode of a product that is there; returns its id. Raises AlreadyExists, NotFound."""
    code = _rows_of(connection, request_id)[0].code
    found = product_by_sku(connection, actor, sku)
    edit = HqEdit(connection, ids, now_us, actor.employee_id)
    if code != found.sku:
        Assortment(connection, ids, now_us, actor, edit).give_barcode(found.id, code, replace)
    _answer(edit, actor, request_id, RequestState.ANSWERED, found.id)
    return bytes(found.id)


def answer_with_price(
    connection: Connection, ids: Ids, now_us: int, actor: Actor, request_id: bytes, sku: str, wanted: WantedPrice
) -> bytes:
    """Gives the product that the code is on the price that it lacked; returns its id."""
    found = product_by_sku(connection, actor, sku)
    edit = HqEdit(connection, ids, now_us, actor.employee_id)
    Assortment(connection, ids, now_us, actor, edit).set_price(found.id, wanted)
    _answer(edit, actor, request_id, RequestState.ANSWERED, found.id)
    return bytes(found.id)


def decline(connection: Connection, ids: Ids, now_us: int, actor: Actor, request_id: bytes, note: str = "") -> None:
    """Says that nothing is to be sold by that code, and why. Raises NotPermitted, NotFound, InvalidInput."""
    if len(note) > NOTE_CHARACTERS_MAX or not note.isprintable():
        raise InvalidInput(f"A note has at most {NOTE_CHARACTERS_MAX} printable characters.")
    edit = HqEdit(connection, ids, now_us, actor.employee_id)
    _answer(edit, actor, request_id, RequestState.DECLINED, None, note)


def product_of_code(connection: Connection, code: str) -> Any:
    """The product that has the code as its barcode or its SKU; None when there is none."""
    for column in (product.c.barcode, product.c.sku):
        statement = select(product).where(column == code, product.c.archived.is_(False), product.c.sku.is_not(None))
        row = connection.execute(statement.order_by(product.c.id)).first()
        if row is not None:
            return row
    return None


def _answer(
    edit: HqEdit, actor: Actor, request_id: bytes, state: RequestState, product_id: bytes | None, note: str = ""
) -> None:
    """One edit with what it did to the product, so that the answer is taken back whole."""
    require(actor, Permission.CATALOG_EDIT)
    connection = edit.connection
    rows = _rows_of(connection, request_id)
    fields: dict[str, Value] = {
        "state": state.value,
        "answered_at": edit.now_us,
        "product_id": product_id,
        "note": note or None,
    }
    askers = _askers(connection, [row.id for row in rows])
    edits: list[CardEdit] = []
    for row in rows:
        prepared = edit.prepare(RecordKind.PRODUCT_REQUEST, row.id, fields)
        if prepared is not None:
            edits.append(prepared)
    edit.apply(edits, {request: audience_of_branch(asker) for request, asker in askers.items()})


def _rows_of(connection: Connection, request_id: bytes) -> list[Any]:
    code = connection.execute(select(product_request.c.code).where(product_request.c.id == request_id)).scalar()
    if code is None:
        raise NotFound("There is no such request.", "Look among the requests.")
    statement = select(product_request).where(product_request.c.code == code)
    return list(connection.execute(statement.order_by(product_request.c.last_seen_at.desc(), product_request.c.id)))


def _code_request(connection: Connection, rows: list[Any]) -> CodeRequest:
    askers = _askers(connection, [row.id for row in rows])
    names = branch_names(connection)
    asked = tuple(_asked(row, names.get(askers.get(row.id, b""), "?")) for row in rows)
    answer = next((row for row in rows if row.state is not None), None)
    return CodeRequest(
        rows[0].code,
        rows[0].problem or "unknown",
        asked,
        any(not _is_settled(row) for row in rows),
        None if answer is None else answer.product_id,
        None if answer is None else answer.note,
    )


def _asked(row: Any, branch_code: str) -> Asked:
    state = RequestState(row.state) if row.state in (*RequestState,) else RequestState.NEW
    name = None if row.name is None else shorten(row.name, NOTE_CHARACTERS_MAX)
    seen = (row.first_seen_at or 0, row.last_seen_at or 0)
    return Asked(row.id, branch_code, row.register or "", row.times or 0, name, row.amount_minor, *seen, state)


def _is_settled(row: Any) -> bool:
    return is_settled(row.state, row.answered_at, row.last_seen_at)


def _askers(connection: Connection, request_ids: list[bytes]) -> dict[bytes, bytes]:
    """By request the branch that made it."""
    keys = [(int(RecordKind.PRODUCT_REQUEST), request_id) for request_id in request_ids]
    found: dict[bytes, bytes] = {}
    for (_, request_id), data in load_states(connection, keys).items():
        asker = asker_of(decode_state(data))
        if asker is not None:
            found[request_id] = asker
    return found
