"""What of any card is shown to whom: passwords to nobody, clients in whole, in part or not at all."""

from __future__ import annotations

import pytest

from hq_server.operations.record_sight import HIDDEN, Seen, Sight, title_of
from shared.domain.permissions import NO_LIMITS, ROLES, Actor
from shared.domain.records import RecordKind


def sight(role: str) -> Sight:
    known = ROLES[role]
    return Sight(Actor(b"a" * 16, role, role, role, known.permissions, NO_LIMITS, known.client_scope))


@pytest.mark.parametrize(
    ("kind", "field", "value", "owner", "auditor", "administrator"),
    [
        (RecordKind.PRODUCT, "name", "Чай", Seen("Чай"), Seen("Чай"), Seen("Чай")),
        (RecordKind.CLIENT, "name", "Анна Белова", Seen("Анна Белова"), Seen("А. Бело…"), HIDDEN),
        (RecordKind.CLIENT, "address", "Север 1", Seen("Север 1"), HIDDEN, HIDDEN),
        (RecordKind.TASK, "title", "Позвонить", Seen("Позвонить"), HIDDEN, HIDDEN),
        (RecordKind.TASK, "state", "open", Seen("open"), Seen("open"), HIDDEN),
        (RecordKind.MAIL, "body", "Здравствуйте", Seen("Здравствуйте"), HIDDEN, HIDDEN),
    ],
)
def test_a_value_is_shown_whole_in_part_or_not_at_all(
    kind: RecordKind, field: str, value: str, owner: Seen, auditor: Seen, administrator: Seen
) -> None:
    assert [sight(role).value(kind, field, value) for role in ("owner", "auditor", "administrator")] == [
        owner,
        auditor,
        administrator,
    ]


def test_nobody_sees_a_password() -> None:
    seen = sight("owner").value(RecordKind.CREDENTIAL, "password_hash", "$argon2id$secret")
    assert len(str(seen.value)) == 8
    assert "argon2" not in str(seen)


def test_a_card_is_called_by_its_owner_or_its_own_name() -> None:
    names = {b"e" * 16: "Анна", b"c" * 16: "А. Бело…"}
    auditor = sight("auditor")
    assert title_of(auditor, RecordKind.POSITION, {"employee_id": b"e" * 16, "role_code": "x"}, names) == "Анна"
    assert title_of(auditor, RecordKind.TASK, {"client_id": b"c" * 16, "title": "тайна"}, names) == "А. Бело…"
    assert title_of(auditor, RecordKind.TASK, {"title": "тайна"}, names) == ""
    assert title_of(auditor, RecordKind.PRODUCT, {"sku": "100"}, names) == "100"
