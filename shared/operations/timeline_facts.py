"""Reading what the keys of a page of a timeline mean, one statement a source. Contains no rules about what is shown."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Table, bindparam, select

from shared.domain import timeline
from shared.domain.business_time import LocalMoment
from shared.domain.interactions import ClientTransfer, Interaction, KeyPoint
from shared.domain.sales import format_receipt
from shared.domain.timeline import ReceiptEntry
from shared.operations.timeline_keys import KeyRow
from shared.storage.cursor_reading import Reader
from shared.storage.tables import (
    client_transfer,
    employee,
    interaction,
    interaction_point,
    mail,
    neighbour_fact,
    refund,
    refund_line,
    sale,
    sale_line,
    task,
)

FactKey = tuple[bytes, bytes]
"""A branch and the id of one of its facts."""


def _among(column: Any, name: str) -> Any:
    return column.in_(bindparam(name, expanding=True, type_=column.type))


def _of_branches(table: Table, key: str = "id") -> Any:
    return _among(table.c.branch_id, "branches") & _among(table.c[key], "ids")


_SALES = select(
    sale.c.branch_id,
    sale.c.id,
    sale.c.register,
    sale.c.receipt_number,
    (sale.c.net_minor + sale.c.rounding_minor).label("amount"),
    sale.c.currency,
    sale.c.cashier,
).where(_of_branches(sale))
_REFUNDS = select(
    refund.c.branch_id,
    refund.c.id,
    refund.c.register,
    refund.c.receipt_number,
    (refund.c.returns_minor + refund.c.rounding_minor).label("amount"),
    refund.c.currency,
    refund.c.cashier,
).where(_of_branches(refund))
_SALE_LINES = (
    select(sale_line.c.branch_id, sale_line.c.sale_id, sale_line.c.name, sale_line.c.sku)
    .where(_of_branches(sale_line, "sale_id"))
    .order_by(sale_line.c.branch_id, sale_line.c.sale_id, sale_line.c.line_number)
)
_REFUND_LINES = (
    select(refund_line.c.branch_id, refund_line.c.refund_id, refund_line.c.name, refund_line.c.sku)
    .where(_of_branches(refund_line, "refund_id"))
    .order_by(refund_line.c.branch_id, refund_line.c.refund_id, refund_line.c.line_number)
)
_SPOKEN = select(
    interaction.c.branch_id,
    interaction.c.id,
    interaction.c.client_id,
    interaction.c.channel,
    interaction.c.direction,
    interaction.c.employee,
    interaction.c.contact,
    interaction.c.reached,
    interaction.c.outcome,
    interaction.c.duration_seconds,
    interaction.c.subject,
    interaction.c.body,
    interaction.c.told,
    interaction.c.task_id,
    interaction.c.next_task_id,
    interaction.c.corrects_id,
    interaction.c.withdrawn,
    interaction.c.at,
    interaction.c.utc_offset_seconds,
    interaction.c.zone,
).where(_among(interaction.c.client_id, "members"), _among(interaction.c.at, "moments"))
_POINTS = (
    select(interaction_point)
    .where(_of_branches(interaction_point, "interaction_id"))
    .order_by(interaction_point.c.branch_id, interaction_point.c.interaction_id, interaction_point.c.point_number)
)
_NEIGHBOURS = select(
    neighbour_fact.c.branch_id,
    neighbour_fact.c.kind,
    neighbour_fact.c.id,
    neighbour_fact.c.branch_code,
    neighbour_fact.c.payload,
).where(_among(neighbour_fact.c.client_id, "members"), _among(neighbour_fact.c.at, "moments"))
_TRANSFERS = select(client_transfer).where(_of_branches(client_transfer))
_TASKS = select(task.c.id, task.c.type, task.c.title, task.c.outcome, task.c.done_by).where(_among(task.c.id, "ids"))
_LETTERS = select(
    mail.c.id,
    mail.c.direction,
    mail.c.purpose,
    mail.c.address,
    mail.c.subject,
    mail.c.body,
    mail.c.state,
    mail.c.detail,
    mail.c.created_by,
).where(_among(mail.c.id, "ids"))
_STATES = select(task.c.id, task.c.state).where(_among(task.c.id, "ids"))
_PEOPLE = select(employee.c.id, employee.c.code, employee.c.name)
_BY_CODE = _PEOPLE.where(_among(employee.c.code, "codes"))
_BY_ID = _PEOPLE.where(_among(employee.c.id, "ids"))


class Neighbour(NamedTuple):
    """A fact of another branch."""

    branch_code: str
    kind: int
    fact_id: bytes
    payload: bytes


class Spoken(NamedTuple):
    """An interaction; `branch_code` is said of another branch's."""

    branch_code: str
    said: Interaction


class People(NamedTuple):
    """Names of employees by code and by id."""

    by_code: Mapping[str, str]
    by_id: Mapping[bytes, str]

    def name(self, code: str) -> str:
        """The name, else the code."""
        return self.by_code.get(code) or code

    def name_of(self, identity: bytes | None) -> str:
        """The name, "" for nobody and for who is not known."""
        return self.by_id.get(identity, "") if identity else ""


def read_tasks(reader: Reader, rows: Iterable[KeyRow]) -> dict[bytes, Any]:
    """The rows of tasks by their ids."""
    return _rows_by_id(reader, _TASKS, rows)


def read_letters(reader: Reader, rows: Iterable[KeyRow]) -> dict[bytes, Any]:
    """The rows of letters by their ids."""
    return _rows_by_id(reader, _LETTERS, rows)


def _rows_by_id(reader: Reader, statement: Any, rows: Iterable[KeyRow]) -> dict[bytes, Any]:
    ids = [row.id for row in rows]
    return {row.id: row for row in reader.execute(statement, {"ids": ids})} if ids else {}


def read_receipts(
    reader: Reader, by_source: Mapping[int, Sequence[KeyRow]], goods_named_max: int
) -> dict[FactKey, ReceiptEntry]:
    """Sales and refunds of the page by branch and id."""
    found: dict[FactKey, ReceiptEntry] = {}
    for is_refund, sources, heads, lines in (
        (False, (timeline.SALE, timeline.SALE_BY_NAME), _SALES, _SALE_LINES),
        (True, (timeline.REFUND, timeline.REFUND_BY_NAME), _REFUNDS, _REFUND_LINES),
    ):
        rows = [row for source in sources for row in by_source.get(source, ())]
        if not rows:
            continue
        keys = _keys(rows)
        goods: dict[FactKey, list[str]] = {}
        for branch_id, record_id, name, sku in reader.execute(lines, keys):
            goods.setdefault((branch_id, record_id), []).append(name or sku)
        for head in reader.execute(heads, keys):
            key = (head.branch_id, head.id)
            named = goods.get(key, [])
            number = format_receipt(head.register, head.receipt_number)
            found[key] = ReceiptEntry(
                is_refund, number, head.amount, head.currency, tuple(named[:goods_named_max]), len(named), head.cashier
            )
    return found


def read_spoken(reader: Reader, members: Sequence[bytes], moments: Collection[int]) -> dict[bytes, Spoken]:
    """Interactions recorded here of these moments: what is asked for, and what corrects it stands at the same one."""
    if not moments:
        return {}
    rows = list(reader.execute(_SPOKEN, {"members": members, "moments": sorted(moments)}))
    points: dict[FactKey, list[KeyPoint]] = {}
    if rows:
        keys = {"branches": sorted({row.branch_id for row in rows}), "ids": [row.id for row in rows]}
        for each in reader.execute(_POINTS, keys):
            point = KeyPoint(each.theme, each.competitor, each.sentiment, each.quote)
            points.setdefault((each.branch_id, each.interaction_id), []).append(point)
    return {row.id: Spoken("", _interaction(row, points.get((row.branch_id, row.id), ()))) for row in rows}


def read_neighbours(
    reader: Reader, members: Sequence[bytes], moments: Collection[int]
) -> dict[tuple[bytes, int, bytes], Neighbour]:
    """Facts of other branches of these moments, by branch, kind and id."""
    if not moments:
        return {}
    rows = reader.execute(_NEIGHBOURS, {"members": members, "moments": sorted(moments)})
    return {
        (row.branch_id, row.kind, row.id): Neighbour(row.branch_code, row.kind, row.id, row.payload) for row in rows
    }


def read_transfers(reader: Reader, rows: Sequence[KeyRow]) -> dict[FactKey, ClientTransfer]:
    """Hand-overs recorded here."""
    if not rows:
        return {}
    return {
        (row.branch_id, row.id): ClientTransfer(
            row.client_id,
            row.from_employee_id,
            row.to_employee_id,
            row.hand_over_id,
            row.employee,
            LocalMoment(row.at, row.utc_offset_seconds, row.zone),
            row.reason,
            row.undoes_id,
        )
        for row in reader.execute(_TRANSFERS, _keys(rows))
    }


def states_of_tasks(reader: Reader, ids: Collection[bytes]) -> dict[bytes, str]:
    """How far tasks have come."""
    if not ids:
        return {}
    return {row.id: row.state or "" for row in reader.execute(_STATES, {"ids": sorted(set(ids))})}


def read_people(reader: Reader, codes: Collection[str], ids: Iterable[bytes | None]) -> People:
    """Names of employees."""
    wanted = sorted({identity for identity in ids if identity})
    by_code = reader.execute(_BY_CODE, {"codes": sorted(codes)}) if codes else ()
    by_id = reader.execute(_BY_ID, {"ids": wanted}) if wanted else ()
    return People(
        {row.code: row.name or row.code for row in by_code}, {row.id: row.name or row.code or "" for row in by_id}
    )


def _keys(rows: Sequence[KeyRow]) -> dict[str, Any]:
    return {"branches": sorted({row.branch_id for row in rows if row.branch_id}), "ids": [row.id for row in rows]}


def _interaction(row: Any, points: Sequence[KeyPoint]) -> Interaction:
    return Interaction(
        client_id=row.client_id,
        channel=row.channel,
        direction=row.direction,
        employee=row.employee,
        at=LocalMoment(row.at, row.utc_offset_seconds, row.zone),
        contact=row.contact,
        reached=row.reached,
        outcome=row.outcome,
        duration_seconds=row.duration_seconds,
        subject=row.subject,
        body=row.body,
        told=row.told,
        points=tuple(points),
        task_id=row.task_id,
        next_task_id=row.next_task_id,
        corrects_id=row.corrects_id,
        withdrawn=bool(row.withdrawn),
    )
