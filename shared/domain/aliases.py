"""Which client a card stands for after cards were merged: the survivor, and all cards that stand for the same one.

A card that turned out to be of another client says so in `merged_into`, and nothing else is rewritten: sales, tasks and
letters of the card follow by asking here. Merges that were made at the same time in opposite directions leave a ring;
then the smallest id of the ring survives, so that everybody who has heard of the same merges names the same client.
"""

from __future__ import annotations

from collections.abc import Mapping


def survivor_of(client_id: bytes, merged_into: Mapping[bytes, bytes]) -> bytes:
    """The client that a card stands for. `merged_into` says of merged cards into which; others are not in it."""
    way: list[bytes] = []
    met: dict[bytes, int] = {}
    current = client_id
    while current not in met:
        met[current] = len(way)
        way.append(current)
        after = merged_into.get(current)
        if after is None:
            return current
        current = after
    return min(way[met[current] :])


def alias_group(client_id: bytes, merged_into: Mapping[bytes, bytes]) -> frozenset[bytes]:
    """Every card that stands for the same client, this one and the survivor included."""
    survivor = survivor_of(client_id, merged_into)
    before: dict[bytes, list[bytes]] = {}
    for loser, target in merged_into.items():
        before.setdefault(target, []).append(loser)
    group = {survivor}
    waiting = [survivor]
    while waiting:
        for loser in before.get(waiting.pop(), ()):
            if loser not in group:
                group.add(loser)
                waiting.append(loser)
    return frozenset(group | {client_id})
