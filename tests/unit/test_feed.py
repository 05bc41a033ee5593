"""Applying the feed: cards and settings from head office, once, whatever else comes with them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from branch_node.storage.neighbour_facts import forget_facts
from shared.domain.records import RecordKind
from shared.storage.tables import card
from shared.sync.card_merge import CardState, FieldPatch, merge_patch
from shared.sync.hlc import SKEW_MS_MAX, from_wall
from shared.sync.messages import CardChange, CardForgotten, CardFull, NeighbourFact
from shared.wire.cards import encode_state
from shared.wire.payloads import encode_sale
from tests.support.clock import START_US
from tests.support.journal import sale
from tests.support.shop import EPOCH, Shop, change

CLIENT = b"k" * 16


def full(edit: CardChange) -> CardFull:
    """The whole card that one edit makes."""
    state = merge_patch(CardState(), edit.stamp, edit.patches, {}).state
    return CardFull(edit.kind, edit.card_id, encode_state(state))


def test_an_edit_becomes_a_card_and_what_it_shows(shop: Shop) -> None:
    assert shop.learn(change(RecordKind.CLIENT, CLIENT, name="Anna", external_id="900")) == []
    assert shop.rows("SELECT id, name, external_id FROM client") == [(CLIENT, "Anna", "900")]
    assert shop.entries() == []


def test_a_whole_card_is_taken_as_it_is(shop: Shop) -> None:
    whole = full(change(RecordKind.CLIENT, CLIENT, name="Anna"))
    shop.learn(whole)
    with shop.store.read() as connection:
        assert connection.execute(select(card.c.state)).scalar_one() == whole.state
    assert shop.one("SELECT name FROM client") == "Anna"


def test_a_whole_card_is_merged_into_what_is_known(shop: Shop) -> None:
    shop.learn(change(RecordKind.CLIENT, CLIENT, note="VIP"))
    shop.learn(full(change(RecordKind.CLIENT, CLIENT, name="Anna")))
    assert shop.rows("SELECT name, note FROM client") == [("Anna", "VIP")]


def test_an_edit_of_a_price_that_is_not_here_waits_for_the_whole_card(shop: Shop) -> None:
    made = change(RecordKind.PRICE, b"p" * 16, product_id=b"q" * 16, zone="", amount_minor=100)
    seen = FieldPatch("amount_minor", 120, (made.stamp.command_id,))
    raised = replace(change(RecordKind.PRICE, b"p" * 16), patches=(seen,))
    shop.learn(raised)
    assert shop.rows("SELECT * FROM card") == []
    shop.learn(full(made), raised)
    assert shop.one("SELECT zone FROM price") == ""


def test_a_price_of_a_zone_that_is_not_the_branch_s_is_not_kept(shop: Shop) -> None:
    price = full(change(RecordKind.PRICE, b"p" * 16, product_id=b"q" * 16, zone="west", amount_minor=100))
    shop.learn(price)
    assert shop.rows("SELECT * FROM price") == []
    branch_id = shop.store.node()[0].branch_id
    shop.learn(change(RecordKind.BRANCH_SETTINGS, branch_id, price_zone="west"), price)
    assert shop.one("SELECT zone FROM price") == "west"


def test_what_other_branches_did_with_a_client_is_kept_once_and_counted_nowhere(shop: Shop) -> None:
    sold = encode_sale(sale(1, client="900"))
    fact = NeighbourFact(RecordKind.SALE, b"s" * 16, b"b" * 16, "B7", CLIENT, sold)
    assert shop.learn(fact, fact) == []
    assert shop.learn(fact) == []
    assert shop.rows("SELECT client_id, branch_code, payload FROM neighbour_fact") == [(CLIENT, "B7", sold)]
    assert shop.count("sale") == 0
    assert shop.entries() == []
    with shop.store.write() as connection:
        forget_facts(connection, CLIENT)
    assert shop.count("neighbour_fact") == 0


def test_a_fact_that_is_not_understood_is_reported_and_stops_nothing(shop: Shop) -> None:
    strange = NeighbourFact(98, b"s" * 16, b"b" * 16, "B7", CLIENT, b"")
    broken = NeighbourFact(RecordKind.INTERACTION, b"i" * 16, b"b" * 16, "B7", CLIENT, b"x")
    assert len(shop.learn(strange, broken, change(RecordKind.CLIENT, CLIENT, name="Anna"))) == 2
    assert shop.one("SELECT name FROM client") == "Anna"
    assert shop.count("neighbour_fact") == 0


def test_every_edit_of_a_client_is_kept_whichever_way_it_came(shop: Shop) -> None:
    edit = change(RecordKind.CLIENT, CLIENT, name="Anna", note="VIP")
    shop.learn(full(edit))
    shop.learn(edit, change(RecordKind.PRODUCT, b"p" * 16, name="Tea"))
    assert shop.rows("SELECT card_id, changes FROM card_edit") == [(CLIENT, '{"name": "Anna", "note": "VIP"}')]


def test_the_same_record_twice_changes_nothing(shop: Shop) -> None:
    edit = change(RecordKind.CLIENT, CLIENT, name="Anna")
    shop.learn(edit)
    before = shop.rows("SELECT state FROM card")
    shop.learn(edit, edit, full(edit))
    assert shop.rows("SELECT state FROM card") == before
    assert shop.count("conflict") == 0


def test_edits_that_did_not_see_each_other_are_kept_as_a_conflict(shop: Shop) -> None:
    shop.learn(change(RecordKind.CLIENT, CLIENT, name="Older"), change(RecordKind.CLIENT, CLIENT, name="Newer"))
    assert shop.one("SELECT name FROM client") == "Newer"
    assert shop.rows("SELECT older_value, newer_value FROM conflict") == [('"Older"', '"Newer"')]


def test_a_forgotten_card_is_gone(shop: Shop) -> None:
    shop.learn(change(RecordKind.CLIENT, CLIENT, name="Anna"))
    shop.learn(CardForgotten(RecordKind.CLIENT, CLIENT))
    assert [shop.count(table) for table in ("card", "client")] == [0, 0]


def test_records_of_one_batch_take_effect_in_their_order(shop: Shop) -> None:
    edit = change(RecordKind.CLIENT, CLIENT, name="Anna")
    shop.learn(edit, CardForgotten(RecordKind.CLIENT, CLIENT), change(RecordKind.CLIENT, CLIENT, note="VIP"))
    assert shop.rows("SELECT name, note FROM client") == [(None, "VIP")]
    shop.learn(edit, CardForgotten(RecordKind.CLIENT, CLIENT))
    assert shop.count("card") == 0


def test_forgetting_what_was_never_known_does_no_harm(shop: Shop) -> None:
    assert shop.learn(CardForgotten(RecordKind.CLIENT, CLIENT), CardForgotten(999, CLIENT)) == []


def test_a_card_of_a_newer_release_is_kept_for_the_upgrade(shop: Shop) -> None:
    assert shop.learn(change(RecordKind.CLIENT, CLIENT, shoe_size=43)) == []
    unknown = CardChange(999, CLIENT, change(RecordKind.CLIENT, CLIENT).stamp, (FieldPatch("name", "x"),))
    assert shop.learn(unknown) == []
    assert shop.rows("SELECT kind FROM card ORDER BY kind") == [(100,), (999,)]


# What cannot be understood.


def test_a_record_that_cannot_be_decoded_does_not_stop_those_behind_it(shop: Shop) -> None:
    problems = shop.learn(b"\xff garbage", change(RecordKind.CLIENT, CLIENT, name="Anna"), b"")
    assert len(problems) == 2
    assert shop.one("SELECT name FROM client") == "Anna"
    assert shop.one("SELECT feed_position FROM sync_state") == 1


@pytest.mark.parametrize("is_known", [False, True])
def test_a_whole_card_that_cannot_be_decoded_does_not_stop_those_behind_it(shop: Shop, is_known: bool) -> None:
    if is_known:
        shop.learn(change(RecordKind.CLIENT, CLIENT, name="Anna"))
    problems = shop.learn(
        CardFull(RecordKind.CLIENT, CLIENT, b"\xff"), change(RecordKind.CLIENT, b"o" * 16, name="Olga")
    )
    assert len(problems) == 1
    assert shop.one("SELECT name FROM client WHERE id = ?", b"o" * 16) == "Olga"


# The cursor.


def test_the_cursor_is_stored_with_what_it_covers(shop: Shop) -> None:
    shop.learn(change(RecordKind.CLIENT, CLIENT, name="Anna"))
    shop.learn()
    assert shop.rows("SELECT feed_epoch, feed_position, feed_hash, last_sync_at FROM sync_state") == [
        (EPOCH, 2, b"\2" * 32, START_US)
    ]


def test_a_batch_that_fails_leaves_neither_cards_nor_cursor(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from branch_node.operations import feed as feed_module

    def fail(*_: object) -> None:
        raise RuntimeError("the power failed")

    monkeypatch.setattr(feed_module, "store_feed_cursor", fail)
    with pytest.raises(RuntimeError):
        shop.learn(change(RecordKind.CLIENT, CLIENT, name="Anna"))
    assert shop.count("card") == 0
    assert shop.one("SELECT feed_position FROM sync_state") == 0


# The clock.


def test_a_stamp_from_head_office_moves_the_branch_s_clock(shop: Shop) -> None:
    shop.sell("before")
    edit = change(RecordKind.CLIENT, CLIENT, name="Anna")
    ahead = edit.stamp._replace(hlc=from_wall(START_US) + (60_000 << 16))
    shop.learn(CardChange(edit.kind, edit.card_id, ahead, edit.patches))
    shop.sell("after")
    assert shop.entries()[1].header.hlc == ahead.hlc + 1


def test_a_stamp_too_far_ahead_does_not(shop: Shop) -> None:
    edit = change(RecordKind.CLIENT, CLIENT, name="Anna")
    wild = edit.stamp._replace(hlc=from_wall(START_US) + (SKEW_MS_MAX + 1 << 16))
    shop.learn(CardChange(edit.kind, edit.card_id, wild, edit.patches))
    shop.sell()
    assert shop.entries()[0].header.hlc == from_wall(START_US)


# Settings.


def test_the_branch_s_own_settings_take_effect_with_the_next_operation(shop: Shop) -> None:
    shop.sell("k1")
    shop.learn_settings(name="Shop 77", timezone="Asia/Tokyo", currency="JPY", price_zone="east", mode="centralized")
    node = shop.store.node()[0]
    assert (node.name, node.timezone, node.currency, node.price_zone) == ("Shop 77", "Asia/Tokyo", "JPY", "east")
    assert (node.mode.value, node.code) == ("centralized", "B7")
    shop.sell("k2")
    assert shop.rows("SELECT zone, currency FROM sale ORDER BY receipt_number") == [
        ("Europe/Moscow", "RUB"),
        ("Asia/Tokyo", "JPY"),
    ]


def test_another_branch_s_settings_are_none_of_ours(shop: Shop) -> None:
    before = shop.store.node()[0]
    shop.learn(change(RecordKind.BRANCH_SETTINGS, b"o" * 16, name="Other", timezone="Asia/Tokyo"))
    assert shop.store.node()[0] == before


def test_a_setting_that_was_emptied_stays_as_it_was(shop: Shop) -> None:
    shop.learn_settings(name=None, timezone=None)
    assert (shop.store.node()[0].name, shop.store.node()[0].timezone) == ("Shop 7", "Europe/Moscow")


@pytest.mark.parametrize("settings", [{"mode": "hybrid"}, {"when_unreachable": "ask"}, {"timezone": "Mars/Phobos"}])
def test_a_setting_of_a_newer_release_does_not_stop_selling(shop: Shop, settings: dict[str, str]) -> None:
    shop.learn_settings(**settings)
    assert shop.sell("k1").receipt == "1-000001"
