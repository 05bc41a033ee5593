"""One key is one sale: repeated, raced, after a crash, and never with other content."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.demo.chain import Branch, Selling
from tests.support.chains import Chain
from tests.support.tills import asked_line

TILLS = 6
RACES = 25
KEY_CHARACTERS_MAX = 200


@pytest.fixture(scope="module")
def shop(chain: Chain) -> Branch:
    """One branch for all the tests; each has keys of its own."""
    return chain.join()


@pytest.fixture(scope="module")
def till(shop: Branch) -> Iterator[Selling]:
    """Its till."""
    running = shop.selling()
    yield running
    running.kill()


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    """A key that no other test uses."""
    return str(request.node.name)


def receipt_number(answer: dict[str, Any]) -> int:
    return int(answer["receipt"].partition("-")[2])


def test_a_key_asked_twice_of_one_till_sells_once(till: Selling, key: str) -> None:
    first = till.sell(asked_line(key))
    assert till.sell(asked_line(key)) == first
    following = till.sell(asked_line(f"{key}, next"))
    assert receipt_number(following) == receipt_number(first) + 1


def test_a_key_asked_again_of_another_till_and_after_head_office_has_it_sells_once(
    chain: Chain, shop: Branch, till: Selling, key: str
) -> None:
    first = till.sell(asked_line(key))
    shop.run("sync", "run")
    held = chain.sales(shop.code)
    assert shop.sell([asked_line(key)]) == [first]
    shop.run("sync", "run")
    assert chain.sales(shop.code) == held


def test_a_key_spelt_otherwise_but_with_equal_content_is_the_same_sale(till: Selling) -> None:
    first = till.sell(asked_line("spelt"))
    again = till.sell(
        '{"payments":[{"amount_minor":50,"method":"cash"}],"lines":[{"quantity":1.000,"discount_minor":0,'
        '"amount_minor":50,"sku":"100"}],"cashier":"\\u0061nna","register":"1","key":"\\u0073pelt"}'
    )
    assert first == again


def test_a_key_with_other_content_is_refused_and_the_first_sale_stands(till: Selling, key: str) -> None:
    first = till.sell(asked_line(key, 50))
    changes = ({"register": "2"}, {"cashier": "eve"}, {"client": "900"}, {"sold_at": "2020-01-01T10:00:00"})
    others = [asked_line(key, 60), *(asked_line(key, 50, **change) for change in changes)]
    for other in others:
        answer = till.sell(other)
        assert (answer["status"], answer["key"]) == ("refused", key)
        assert "other content" in answer["reason"]
    assert till.sell(asked_line(key, 50)) == first


def test_a_refused_key_may_be_tried_again(till: Selling, key: str) -> None:
    assert till.sell(asked_line(key, payments=[]))["status"] == "refused"
    assert till.sell(asked_line(key))["status"] == "committed"


def test_keys_have_one_to_two_hundred_characters_of_any_script(till: Selling) -> None:
    for key in ("к" * KEY_CHARACTERS_MAX, "x", " ", "🧾" * KEY_CHARACTERS_MAX):
        answer = till.sell(asked_line(key))
        assert (answer["status"], answer["key"]) == ("committed", key)
    for key in ("к" * (KEY_CHARACTERS_MAX + 1), ""):
        assert till.sell(asked_line(key))["status"] == "refused"


def test_keys_that_differ_only_in_case_or_composition_are_different_sales(till: Selling) -> None:
    keys = ["a", "A", "é", "e\u0301", "1", "1 "]
    assert len({till.sell(asked_line(key))["id"] for key in keys}) == len(keys)


def test_many_tills_racing_with_one_key_sell_once(chain: Chain, branch: Branch) -> None:
    tills = [branch.selling() for _ in range(TILLS)]
    try:
        for till in tills:
            till.sell(asked_line("warm-up"))
        for race in range(RACES):
            answers = race_with(tills, asked_line(f"race-{race}", 100 + race))
            assert answers[0]["status"] == "committed"
            assert all(answer == answers[0] for answer in answers), answers
    finally:
        for till in tills:
            till.kill()
    branch.run("sync", "run")
    held = chain.sales(branch.code)
    assert len(held) == 1 + RACES
    assert [sale.receipt for sale in held] == [f"1-{number:06}" for number in range(1, RACES + 2)]


def race_with(tills: list[Selling], line: str) -> list[dict[str, Any]]:
    """Asks the same of every till at the same moment."""
    answers: list[dict[str, Any]] = []
    start = threading.Barrier(len(tills))

    def ask(till: Selling) -> None:
        start.wait()
        answers.append(till.sell(line))

    threads = [threading.Thread(target=ask, args=(till,)) for till in tills]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == len(tills)
    return answers
