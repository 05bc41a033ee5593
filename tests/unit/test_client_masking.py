"""What of a client's card an employee sees: all, a part, or nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.domain.cards import CARD_FIELDS
from shared.domain.client_masking import CONTACT_FIELDS, MASKED_FIELDS, as_seen_by, hidden_fields, masked_fields
from shared.domain.permissions import HIDEABLE_FIELDS, LOCAL_ADMINISTRATOR, Permission
from shared.domain.records import RecordKind

EVERYTHING_SEEN = LOCAL_ADMINISTRATOR
WITHOUT_CONTACTS = replace(
    LOCAL_ADMINISTRATOR, permissions=LOCAL_ADMINISTRATOR.permissions - {Permission.CLIENT_CONTACTS}
)


def test_who_may_see_contacts_sees_everything() -> None:
    assert hidden_fields(EVERYTHING_SEEN) == masked_fields(EVERYTHING_SEEN) == frozenset()
    assert as_seen_by(EVERYTHING_SEEN, "name", "Анна Петрова") == "Анна Петрова"


def test_others_see_enough_to_tell_two_people_apart() -> None:
    assert as_seen_by(WITHOUT_CONTACTS, "name", "Анна Петрова") == "А. Петр…"
    assert as_seen_by(WITHOUT_CONTACTS, "phones", ("+79123454567",)) == ("•••4567",)
    assert as_seen_by(WITHOUT_CONTACTS, "loyalty_number", "900123") == "•••0123"
    assert as_seen_by(WITHOUT_CONTACTS, "tags", ("vip",)) == ("vip",)
    assert as_seen_by(WITHOUT_CONTACTS, "name", None) is None


@pytest.mark.parametrize("field", sorted(CONTACT_FIELDS))
def test_contacts_are_not_seen_at_all_without_the_permission(field: str) -> None:
    assert as_seen_by(WITHOUT_CONTACTS, field, "something") is None


@pytest.mark.parametrize("field", sorted(HIDEABLE_FIELDS))
def test_what_a_role_hides_is_hidden_from_whoever_may_see_contacts_too(field: str) -> None:
    actor = replace(EVERYTHING_SEEN, hidden_fields=frozenset({field}))
    assert as_seen_by(actor, field, ("something",)) is None
    assert field not in masked_fields(replace(WITHOUT_CONTACTS, hidden_fields=frozenset({field})))


def test_every_field_named_here_is_one_of_the_card() -> None:
    assert CARD_FIELDS[RecordKind.CLIENT].keys() >= CONTACT_FIELDS | MASKED_FIELDS | HIDEABLE_FIELDS
