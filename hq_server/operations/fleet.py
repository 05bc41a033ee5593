"""The fleet: adding branches, their settings, and sending one away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, select, update

from hq_server.operations.editing import HqEdit
from hq_server.operations.founding import read_chain
from hq_server.storage import lives
from hq_server.storage.branches import BranchRow, all_branches, branch_by_code, raise_fleet_revision, read_cursor
from hq_server.storage.feed import Publication, audience_of_branch, publish
from hq_server.storage.people import settle_everyone
from hq_server.storage.tables import branch, branch_cursor, certificate, enrolment_token
from shared.clock import Ids
from shared.domain.business_time import require_zone
from shared.domain.cards import Value
from shared.domain.identifiers import NIL_ID, is_id, parse_id, require_code
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor, Permission, require
from shared.domain.records import RecordKind
from shared.errors import AlreadyExists, InvalidInput, NotFound, Refused
from shared.storage.card_rows import load_states
from shared.storage.tables import price
from shared.sync.chain import NO_HASH
from shared.sync.messages import CardForgotten, CardFull, ProcessingMode, WhenUnreachable

NAME_CHARACTERS_MAX = 200


def add_branch(
    connection: Connection,
    ids: Ids,
    now_us: int,
    code: str,
    name: str | None,
    timezone: str | None,
    price_zone: str,
    actor: Actor = LOCAL_ADMINISTRATOR,
) -> BranchRow:
    """Adds a branch. Raises NotPermitted, AlreadyExists, InvalidInput."""
    require(actor, Permission.BRANCH_EDIT)
    require_code(code, "The branch's code")
    zone = timezone or read_chain(connection).timezone
    require_zone(zone)
    if price_zone:
        require_code(price_zone, "The price zone")
    if connection.execute(select(branch.c.id).where(branch.c.code == code)).first() is not None:
        raise AlreadyExists(f"There is a branch {code} already.", "See: filial-hq branch list")
    row = BranchRow(
        id=ids.new_id(),
        code=code,
        name=_require_name(name or code),
        timezone=zone,
        price_zone=price_zone,
        mode=ProcessingMode.DISTRIBUTED,
        when_unreachable=WhenUnreachable.REFUSE,
        created_at_us=now_us,
        revoked_at_us=None,
    )
    connection.execute(
        branch.insert().values(
            id=row.id,
            code=code,
            name=row.name,
            timezone=zone,
            price_zone=price_zone,
            mode=row.mode.value,
            when_unreachable=row.when_unreachable.value,
            created_at=now_us,
        )
    )
    connection.execute(branch_cursor.insert().values(_empty_cursor(row.id)))
    _tell_settings(connection, HqEdit(connection, ids, now_us, actor.employee_id), row)
    publish(connection, settle_everyone(connection, now_us))
    return row


def change_branch(
    connection: Connection,
    ids: Ids,
    now_us: int,
    code: str,
    name: str | None = None,
    timezone: str | None = None,
    price_zone: str | None = None,
    actor: Actor = LOCAL_ADMINISTRATOR,
) -> BranchRow:
    """Changes a branch's settings and sends them down. Raises NotPermitted, NotFound, InvalidInput."""
    require(actor, Permission.BRANCH_EDIT)
    row = branch_by_code(connection, code)
    given = {"name": name, "timezone": timezone, "price_zone": price_zone}
    changes = {field: value for field, value in given.items() if value is not None}
    if not changes:
        raise InvalidInput("Nothing was given to change.", "See: filial-hq branch edit --help")
    _require_settings(changes)
    return apply_settings(connection, HqEdit(connection, ids, now_us, actor.employee_id), row, changes)


class BranchSettings(NamedTuple):
    """Everything of a branch that can be changed."""

    name: str
    timezone: str
    price_zone: str
    mode: ProcessingMode
    when_unreachable: WhenUnreachable


def save_settings(
    connection: Connection, ids: Ids, now_us: int, code: str, wanted: BranchSettings, actor: Actor
) -> bool:
    """Brings all the settings of a branch to these as one edit; whether anything changed.

    Raises NotPermitted, NotFound, InvalidInput."""
    require(actor, Permission.BRANCH_EDIT)
    row = branch_by_code(connection, code)
    changes = {field: str(value) for field, value in wanted._asdict().items() if value != getattr(row, field)}
    _require_settings(changes)
    if changes:
        apply_settings(connection, HqEdit(connection, ids, now_us, actor.employee_id), row, changes)
    return bool(changes)


def list_branches(connection: Connection, actor: Actor) -> list[tuple[BranchRow, Any]]:
    """The branches by code, each with its cursor row. Raises NotPermitted."""
    require(actor, Permission.BRANCH_EDIT)
    cursors = {row.branch_id: row for row in connection.execute(select(branch_cursor))}
    return [(row, cursors[row.id]) for row in all_branches(connection)]


def require_branch(connection: Connection, actor: Actor, code: str) -> tuple[BranchRow, Any]:
    """A branch and its cursor row. Raises NotPermitted, NotFound."""
    require(actor, Permission.BRANCH_EDIT)
    row = branch_by_code(connection, code)
    return row, read_cursor(connection, row.id)


def set_mode(
    connection: Connection,
    ids: Ids,
    now_us: int,
    code: str,
    mode: ProcessingMode,
    when_unreachable: WhenUnreachable | None = None,
    actor: Actor = LOCAL_ADMINISTRATOR,
) -> BranchRow:
    """Says where a branch's operations are committed, and what it does while HQ does not answer.

    Raises NotPermitted, NotFound."""
    require(actor, Permission.BRANCH_EDIT)
    row = branch_by_code(connection, code)
    policy = when_unreachable or row.when_unreachable
    changes = {"mode": mode.value, "when_unreachable": policy.value}
    return apply_settings(connection, HqEdit(connection, ids, now_us, actor.employee_id), row, changes)


def apply_settings(connection: Connection, edit: HqEdit, row: BranchRow, changes: Mapping[str, str]) -> BranchRow:
    """Brings settings, which are checked, to these values: in the branch's row, on its card and, when the price zone is
    another, in the prices that it is told."""
    connection.execute(update(branch).where(branch.c.id == row.id).values(dict(changes)))
    changed = branch_by_code(connection, row.code)
    _tell_settings(connection, edit, changed)
    raise_fleet_revision(connection)
    if changed.price_zone != row.price_zone:
        publish(connection, zone_change(connection, row, changed))
    return changed


def revoke_branch(connection: Connection, code: str, now_us: int) -> BranchRow:
    """Takes a branch's certificates and tokens away, at once and for good. Raises NotFound, Refused."""
    row = branch_by_code(connection, code)
    if row.revoked_at_us is not None:
        raise Refused(f"Branch {code} was revoked already.")
    connection.execute(update(branch).where(branch.c.id == row.id).values(revoked_at=now_us))
    connection.execute(
        update(certificate)
        .where(certificate.c.branch_id == row.id, certificate.c.revoked_at.is_(None))
        .values(revoked_at=now_us)
    )
    connection.execute(
        update(enrolment_token)
        .where(enrolment_token.c.branch_id == row.id, enrolment_token.c.used_at.is_(None))
        .values(expires_at=now_us)
    )
    raise_fleet_revision(connection)
    return branch_by_code(connection, code)


def name_heir(connection: Connection, row: BranchRow, incarnation_text: str) -> None:
    """Decides which copy of a branch's store goes on as it is. Raises InvalidInput, NotFound."""
    if not is_id(incarnation_text):
        raise InvalidInput("An incarnation is a UUID.", f"See: filial-hq branch lives {row.code}")
    heir_id = parse_id(incarnation_text)
    if all(life.id != heir_id for life in lives.lives_of(connection, row.id)):
        raise NotFound(
            f"Branch {row.code} has no such incarnation at the head office.",
            f"Name one of `filial-hq branch lives {row.code}`; a store that has gone on from it is let in too.",
        )
    lives.name_heir(connection, row.id, heir_id)


def settings_fields(row: BranchRow, currency: str) -> dict[str, Value]:
    """A branch's settings as the fields of its card."""
    return {
        "code": row.code,
        "name": row.name,
        "timezone": row.timezone,
        "price_zone": row.price_zone,
        "currency": currency,
        "mode": row.mode.value,
        "when_unreachable": row.when_unreachable.value,
    }


def _tell_settings(connection: Connection, edit: HqEdit, row: BranchRow) -> None:
    fields = settings_fields(row, read_chain(connection).currency)
    prepared = edit.prepare(RecordKind.BRANCH_SETTINGS, row.id, fields)
    if prepared:
        edit.apply([prepared], {row.id: audience_of_branch(row.id)})


def zone_change(connection: Connection, before: BranchRow, after: BranchRow) -> Iterator[Publication]:
    """What a branch is told when its zone changes.

    It loses the prices of its old zone and gets those of its new one whole. Everyone's prices stay."""
    audience = audience_of_branch(after.id)
    kind = int(RecordKind.PRICE)
    for price_id in _prices_of(connection, before.price_zone):
        yield Publication(audience, CardForgotten(kind, price_id))
    keys = [(kind, price_id) for price_id in _prices_of(connection, after.price_zone)]
    for (_, price_id), state in load_states(connection, keys).items():
        yield Publication(audience, CardFull(kind, price_id, state))


def _prices_of(connection: Connection, price_zone: str) -> list[bytes]:
    """The prices of a zone; none for the nameless zone, which is everyone's."""
    if not price_zone:
        return []
    return list(connection.execute(select(price.c.id).where(price.c.zone == price_zone).order_by(price.c.id)).scalars())


def _require_settings(changes: Mapping[str, str]) -> None:
    if "name" in changes:
        _require_name(changes["name"])
    if "timezone" in changes:
        require_zone(changes["timezone"])
    if changes.get("price_zone"):
        require_code(changes["price_zone"], "The price zone")


def _require_name(name: str) -> str:
    if not name.strip() or len(name) > NAME_CHARACTERS_MAX or not name.isprintable():
        raise InvalidInput(f"A branch's name must have 1 to {NAME_CHARACTERS_MAX} printable characters.")
    return name


def _empty_cursor(branch_id: bytes) -> dict[str, object]:
    return {
        "branch_id": branch_id,
        "incarnation": NIL_ID,
        "acknowledged_seq": 0,
        "acknowledged_hash": NO_HASH,
        "entries": 0,
        "fence": 0,
        "feed_epoch": NIL_ID,
        "feed_position": 0,
        "feed_hash": NO_HASH,
        "head_seq": 0,
        "connected": False,
        "left_even": False,
        "confirmed_fence": 0,
        "is_replacing": False,
    }
