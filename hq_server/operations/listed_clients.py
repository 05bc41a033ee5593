"""The clients that a report's number rests on, as somebody at the head office may see them. Contains no sums."""

from __future__ import annotations

from sqlalchemy import Connection

from hq_server.operations.client_search import seen_names, sees_everybody
from shared.domain.client_masking import as_seen_by
from shared.domain.masking import mask_phone
from shared.domain.permissions import Actor, Permission, require
from shared.reports.items import Beneath, Item, Kind


def as_seen(connection: Connection, actor: Actor, found: Beneath, day: int) -> Beneath:
    """Clients by their names. Those whom the actor's lists do not show have neither a name nor a way to their cards,
    and a number that no card has is masked then. Raises NotPermitted."""
    require(actor, Permission.CLIENT_VIEW)
    ids = [each.of_id for each in found.rows if each.kind is Kind.CLIENT and each.of_id is not None]
    names, is_everybody = seen_names(connection, actor, ids, day), sees_everybody(connection, actor, day)

    def shown(item: Item) -> Item:
        if item.kind is not Kind.CLIENT:
            return item
        number = str(as_seen_by(actor, "external_id", item.name) or "")
        if item.of_id is None:
            return item._replace(name=number if is_everybody else mask_phone(item.name))
        if item.of_id not in names:
            return item._replace(name="", of_id=None)
        return item._replace(name=names[item.of_id] or number)

    return found._replace(rows=[shown(each) for each in found.rows])
