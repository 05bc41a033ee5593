"""Payloads of facts about clients: what is written is read, and what breaks its own types or limits is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.branch_facts import BranchFact
from shared.domain.business_time import local_moment
from shared.domain.interactions import (
    BODY_CHARACTERS_MAX,
    DURATION_SECONDS_MAX,
    KEY_POINTS_MAX,
    Channel,
    ClientTransfer,
    Direction,
    Interaction,
    KeyPoint,
    Sentiment,
    require_interaction,
)
from shared.domain.records import RecordKind
from shared.errors import DecodeError, InvalidInput
from shared.wire.client_payloads import decode_interaction, encode_interaction
from shared.wire.payloads import decode_branch_fact, encode_branch_fact
from tests.support.clock import START_US

AT = local_moment(START_US, "Europe/Moscow")
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)
ids = st.none() | st.binary(min_size=16, max_size=16)
points = st.builds(KeyPoint, texts, texts, st.sampled_from(list(map(str, Sentiment))), texts).filter(any)
interactions = st.builds(
    Interaction,
    client_id=st.binary(min_size=16, max_size=16),
    channel=st.sampled_from(list(map(str, Channel))),
    direction=st.sampled_from(list(map(str, Direction))),
    employee=texts.filter(bool),
    at=st.just(AT),
    contact=texts,
    reached=st.none() | st.booleans(),
    outcome=texts,
    duration_seconds=st.integers(0, DURATION_SECONDS_MAX),
    subject=texts,
    body=texts,
    told=texts,
    points=st.lists(points, max_size=5).map(tuple),
    task_id=ids,
    next_task_id=ids,
    corrects_id=ids,
    withdrawn=st.booleans(),
)
CALL = Interaction(b"c" * 16, "call", "out", "anna", AT)


@given(interactions)
def test_an_interaction_is_read_as_it_was_written(fact: Interaction) -> None:
    assert require_interaction(fact) is fact
    assert decode_branch_fact(RecordKind.INTERACTION, encode_branch_fact(fact)) == fact


@given(ids, ids, texts, ids)
def test_a_transfer_is_read_as_it_was_written(
    before: bytes | None, after: bytes | None, reason: str, undoes: bytes | None
) -> None:
    fact: BranchFact = ClientTransfer(b"c" * 16, before, after, b"h" * 16, "anna", AT, reason, undoes)
    assert decode_branch_fact(RecordKind.CLIENT_TRANSFER, encode_branch_fact(fact)) == fact


@pytest.mark.parametrize(
    "changes",
    [
        {"channel": "telepathy"},
        {"direction": "sideways"},
        {"employee": ""},
        {"body": "x" * (BODY_CHARACTERS_MAX + 1)},
        {"told": "a\0"},
        {"duration_seconds": DURATION_SECONDS_MAX + 1},
        {"client_id": b"short"},
    ],
    ids=str,
)
def test_an_interaction_that_breaks_its_limits_is_refused(changes: dict[str, Any]) -> None:
    message = encode_interaction(CALL)
    for name, value in changes.items():
        setattr(message, name, value)
    with pytest.raises(DecodeError):
        decode_interaction(message.SerializeToString())


@pytest.mark.parametrize(
    "changes",
    [
        {"channel": "telepathy"},
        {"direction": "sideways"},
        {"body": "x" * (BODY_CHARACTERS_MAX + 1)},
        {"subject": "\ud800"},
        {"duration_seconds": -1},
        {"points": (KeyPoint(),)},
        {"points": (KeyPoint(theme="price", sentiment="angry"),)},
        {"points": (KeyPoint(theme="price"),) * (KEY_POINTS_MAX + 1)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_people_are_told_what_is_wrong_with_an_interaction(changes: dict[str, Any]) -> None:
    fields = {name: getattr(CALL, name) for name in Interaction.__slots__} | changes
    with pytest.raises(InvalidInput):
        require_interaction(Interaction(**fields))
