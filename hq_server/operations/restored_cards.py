"""What must hold of a card whose earlier values come back: the same as when somebody types them anew.

Each check is given the card's id, what it will show, and the fields that change. Contains no history.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, exists, select

from hq_server.operations.products import require_free
from hq_server.operations.report_templates import require_template
from shared.domain.cards import Value
from shared.domain.dictionaries import TERMS_PER_DICTIONARY_MAX, Term, require_term
from shared.domain.identifiers import shorten
from shared.domain.positions import Position, closes_a_circle
from shared.domain.promotion_rules import Promotion, require_promotion
from shared.domain.records import RecordKind
from shared.errors import AlreadyExists, InvalidInput, NotFound, Refused
from shared.operations.dictionaries import read_dictionaries
from shared.operations.loyalty import program_of_row
from shared.operations.people import all_positions, find_role
from shared.operations.promotions import promotion_of_row
from shared.storage.tables import product, promotion, vat_rate

Fields = Mapping[str, Value]
Check = Callable[[Connection, bytes, Fields], None]


def require_restorable(connection: Connection, kind: int, card_id: bytes, fields: Fields) -> None:
    """Raises what the operation would that wrote these fields: InvalidInput, AlreadyExists, NotFound, Refused."""
    check = _CHECKS.get(kind)
    if check is not None:
        check(connection, card_id, fields)


def _product(connection: Connection, card_id: bytes, fields: Fields) -> None:
    if fields.get("archived"):
        return
    for column in ("sku", "barcode"):
        require_free(connection, column, _text(fields, column), card_id)
    code = _text(fields, "vat_code")
    known = select(vat_rate.c.id).where(vat_rate.c.code == code, vat_rate.c.archived.is_(False))
    if code and connection.execute(known).first() is None:
        raise InvalidInput(f"There is no VAT rate “{shorten(code)}”.", "Add it among the VAT rates first.")


def _period(what: str) -> Check:
    def check(_connection: Connection, _card_id: bytes, fields: Fields) -> None:
        first, last = fields.get("valid_from"), fields.get("valid_to")
        if isinstance(first, int) and isinstance(last, int) and last < first:
            raise InvalidInput(f"{what} would end before it begins.", "Change the days on the page instead.")

    return check


def _promotion(connection: Connection, card_id: bytes, fields: Fields) -> None:
    wanted: Promotion | None = promotion_of_row(_row(card_id, fields))
    if wanted is None:
        raise InvalidInput("What would come back is no promotion.", "Change it on its page instead.")
    require_promotion(wanted)
    if fields.get("archived"):
        return
    taken = select(promotion.c.id).where(
        promotion.c.code == wanted.code, promotion.c.archived.is_(False), promotion.c.id != card_id
    )
    if connection.execute(taken).first() is not None:
        raise AlreadyExists(f"There is a promotion {wanted.code} already.", "End it, or use another code.")


def _position(connection: Connection, card_id: bytes, fields: Fields) -> None:
    if fields.get("archived"):
        return
    code, employee, superior = _text(fields, "role_code"), fields.get("employee_id"), fields.get("reports_to")
    if find_role(connection, code) is None:
        raise NotFound(f"There is no role “{shorten(code)}”.", "See: filial-hq role list")
    assert isinstance(employee, bytes)
    branches, first, last = fields.get("branches"), fields.get("valid_from"), fields.get("valid_to")
    placed = Position(
        card_id,
        employee,
        code,
        superior if isinstance(superior, bytes) else None,
        branches if isinstance(branches, tuple) else (),
        first if isinstance(first, int) else None,
        last if isinstance(last, int) else None,
    )
    others = {
        person: tuple(each for each in positions if each.position_id != card_id)
        for person, positions in all_positions(connection).items()
    }
    if closes_a_circle(others, placed):
        raise InvalidInput(
            "The employee would stand below himself.", "See who reports to whom: filial-hq employee tree"
        )


def _vat_rate(connection: Connection, card_id: bytes, fields: Fields) -> None:
    _period("The rate")(connection, card_id, fields)
    if not fields.get("archived"):
        return
    code = _text(fields, "code")
    others = select(vat_rate.c.id).where(
        vat_rate.c.code == code, vat_rate.c.archived.is_(False), vat_rate.c.id != card_id
    )
    named = select(product.c.id).where(product.c.vat_code == code, product.c.archived.is_(False))
    if connection.execute(select(exists(named) & ~exists(others))).scalar():
        raise Refused(f"Products have the VAT rate “{shorten(code)}”.", "Give them another first.")


def _program(_connection: Connection, card_id: bytes, fields: Fields) -> None:
    if program_of_row(_row(card_id, fields)) is None:
        raise InvalidInput("What would come back is no loyalty programme.", "Change it on its page instead.")


def _term(connection: Connection, _card_id: bytes, fields: Fields) -> None:
    place = fields.get("place")
    term = Term(
        _text(fields, "dictionary"),
        _text(fields, "code"),
        _text(fields, "name"),
        _text(fields, "name_en"),
        bool(fields.get("is_target")),
        place if isinstance(place, int) else 0,
        bool(fields.get("archived")),
    )
    require_term(term)
    offered = [each for each in read_dictionaries(connection)[term.dictionary] if each.code != term.code]
    if not term.archived and len(offered) >= TERMS_PER_DICTIONARY_MAX:
        raise InvalidInput(
            f"A dictionary has at most {TERMS_PER_DICTIONARY_MAX} words.", "Put away those that nobody needs."
        )


def _template(connection: Connection, _card_id: bytes, fields: Fields) -> None:
    require_template(connection, fields)


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _row(card_id: bytes, fields: Fields) -> dict[str, Any]:
    """Fields as the table of their kind shows them: a set is one text a line."""
    row: dict[str, Any] = {
        name: "\n".join(value) if isinstance(value, tuple) else value for name, value in fields.items()
    }
    return _Row({**row, "id": card_id})


class _Row(dict[str, Any]):
    """A field that the card never had is NULL."""

    def __missing__(self, _name: str) -> None:
        return None


_CHECKS: Final[Mapping[int, Check]] = {
    int(RecordKind.PRODUCT): _product,
    int(RecordKind.PRICE): _period("The price"),
    int(RecordKind.PROMOTION): _promotion,
    int(RecordKind.POSITION): _position,
    int(RecordKind.VAT_RATE): _vat_rate,
    int(RecordKind.LOYALTY_PROGRAM): _program,
    int(RecordKind.DICTIONARY_TERM): _term,
    int(RecordKind.REPORT_TEMPLATE): _template,
}
