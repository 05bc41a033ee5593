"""The clients that a report's number rests on, as somebody at the head office may see them. Contains no sums."""

from __future__ import annotations

from sqlalchemy import Connection

from hq_server.operations.client_search import seen_names, sees_everybody
from shared.domain.client_masking import as_seen_by
from shared.domain.masking import mask_phone
from shared.domain.permissions import Actor, Permission
from shared.reports.items import OF_CLIENTS, Beneath, Item, Kind


def as_seen(connection: Connection, actor: Actor, found: Beneath, day: int) -> Beneath:
    """Clients by their names. Of those whom the actor's lists do not show – of nobody, where he may see none – there
    are neither names, nor titles of tasks, nor ways to their cards, and a number that no card has is masked."""
    ids = [each.of_id for each in found.rows if each.kind in OF_CLIENTS and each.of_id is not None]
    names, is_everybody = {}, False
    if actor.may(Permission.CLIENT_VIEW):
        names, is_everybody = seen_names(connection, actor, ids, day), sees_everybody(connection, actor, day)

    def shown(item: Item) -> Item:
        if item.kind not in OF_CLIENTS:
            return item
        if item.of_id is not None and item.of_id not in names:
            return item.hidden()
        if item.kind is not Kind.CLIENT:
            return item
        number = str(as_seen_by(actor, "external_id", item.name) or "")
        if item.of_id is None:
            return item._replace(name=number if is_everybody else mask_phone(item.name))
        return item._replace(name=names[item.of_id] or number)

    return found._replace(rows=[shown(each) for each in found.rows])
