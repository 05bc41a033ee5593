"""Bad lines through `sell -`: each is refused with one reason, the next is sold, and the store stays sound."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deploy.demo.chain import Branch
from tests.support.chains import Chain
from tests.support.commands import Finished, require_done
from tests.support.commands import branch as filial_branch
from tests.support.tills import asked, asked_line

HUGE_BYTES = 2 * 1_048_576
REASON_CHARACTERS_MAX = 400
NO_UTF_8 = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def line_of(**changes: Any) -> dict[str, Any]:
    """A sale's only line, changed."""
    return {"lines": [{"sku": "100", "quantity": 1, "amount_minor": 50, **changes}]}


def priced(amount: object) -> bytes:
    """A sale whose amount is spelt just so."""
    return asked_line("bad").replace('"amount_minor": 50', f'"amount_minor": {amount}', 1).encode()


def counted(quantity: str) -> bytes:
    """A sale whose quantity is spelt just so."""
    return asked_line("bad").replace('"quantity": 1', f'"quantity": {quantity}').encode()


def changed(**changes: Any) -> bytes:
    """A sale with other fields."""
    return asked_line("bad", **changes).encode()


BAD_LINES: dict[str, bytes] = {
    "no JSON": b"this is not JSON",
    "half a document": asked_line("bad")[:40].encode(),
    "two documents": asked_line("bad").encode() * 2,
    "no object": b"[1, 2, 3]",
    "a bare null": b"null",
    "an empty line": b"",
    "only spaces": b"   ",
    "invalid UTF-8": asked_line("bad", cashier="XX").encode().replace(b"XX", b"\xff\xfe"),
    "a lone surrogate": asked_line("bad", cashier="XX").replace("XX", "\\ud800").encode(),
    "UTF-16": asked_line("bad").encode("utf-16"),
    "a NUL byte": asked_line("bad").encode() + b"\0",
    "a NUL in the key": asked_line("XX").replace("XX", "\\u0000").encode(),
    "two MiB of spaces": b" " * HUGE_BYTES,
    "a sale of two MiB": changed(cashier="x" * HUGE_BYTES),
    "deep nesting": b'{"key":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a number of 5000 digits": priced("9" * 5_000),
    "no key": changed(key=None),
    "a key that is no text": b'{"key": 7}',
    "a field given twice": asked_line("bad").replace('"key"', '"cashier": "eve", "key"').encode(),
    "an unknown field": changed(discount=5),
    "an unknown field of a line": changed(**line_of(price=5)),
    "an unknown field of a payment": changed(payments=[{"method": "cash", "amount_minor": 50, "currency": "USD"}]),
    "no register": changed(register=None),
    "a register of 65 characters": changed(register="r" * 65),
    "a register that is no text": changed(register=1),
    "a cashier with a line break": changed(cashier="an\nna"),
    "a cashier with spaces around": changed(cashier=" anna "),
    "a client that is no text": changed(client=900),
    "no lines": changed(lines=[], payments=[]),
    "lines that are no list": changed(lines={"sku": "100"}),
    "a line that is no object": changed(lines=["100"]),
    "1001 lines": changed(lines=[{"sku": "1", "quantity": 0, "amount_minor": 0}] * 1_001, payments=[]),
    "no sku": changed(lines=[{"quantity": 1, "amount_minor": 50}]),
    "no quantity": changed(lines=[{"sku": "100", "amount_minor": 50}]),
    "an unknown product without an amount": changed(lines=[{"sku": "nobody-knows-this", "quantity": 1}]),
    "a negative amount": priced(-50),
    "an absurd amount": priced(10**15 + 1),
    "an amount beyond 64 bits": priced(2**64),
    "an amount with a point": priced("50.0"),
    "an amount with an exponent": priced("5e1"),
    "an amount as text": priced('"50"'),
    "an amount that is true": priced("true"),
    "an amount that is NaN": priced("NaN"),
    "an amount that is Infinity": priced("Infinity"),
    "a discount that is negative": changed(**line_of(discount_minor=-1)),
    "a quantity with four decimals": counted("0.0001"),
    "a negative quantity": counted("-1"),
    "a quantity that is NaN": counted("NaN"),
    "a quantity that is -Infinity": counted("-Infinity"),
    "a quantity of a quadrillion": counted("1e15"),
    "a quantity with a monstrous exponent": counted("1e999999999"),
    "a quantity as text": counted('"1"'),
    "payments that do not cover": changed(payments=[{"method": "cash", "amount_minor": 49}]),
    "no payments at all": changed(payments=[]),
    "a card that exceeds the total": changed(payments=[{"method": "card", "amount_minor": 51}]),
    "a card whose excess cash cannot give back": changed(
        payments=[{"method": "card", "amount_minor": 60}, {"method": "cash", "amount_minor": 5}]
    ),
    "a negative payment": changed(
        payments=[{"method": "cash", "amount_minor": 100}, {"method": "cash", "amount_minor": -50}]
    ),
    "21 payments": changed(payments=[{"method": "cash", "amount_minor": 10}] * 21),
    "a total beyond what JSON holds": changed(
        lines=[{"sku": "1", "quantity": 1, "amount_minor": 10**15}] * 10,
        payments=[{"method": "cash", "amount_minor": 10**15}] * 10,
    ),
    "a date in the future": changed(sold_at="2099-01-01T00:00:00"),
    "a date ten minutes ahead": b"",  # filled in when it is sent
    "a date before 1970": changed(sold_at="1969-01-01T00:00:00"),
    "a date that is none": changed(sold_at="2017-02-30T00:00:00"),
    "a date that is a number": changed(sold_at=1483268006),
    "a date in the year 0": changed(sold_at="0000-01-01T00:00:00"),
    "a date that overflows in its zone": changed(sold_at="0001-01-01T00:00:00+14:00"),
}

SURROGATES: dict[str, bytes] = {
    "in the key": asked_line("XX").replace("XX", "\\ud800").encode(),
    "in the date": asked_line("bad", sold_at="XX").replace("XX", "\\ud800").encode(),
    "in the register": asked_line("bad", register="XX").replace("XX", "\\ud800").encode(),
    "in a field's name": asked_line("bad", XX=1).replace("XX", "\\ud800").encode(),
}


@dataclass(frozen=True)
class Outcome:
    """What one `sell -` made of every bad line, each followed by a good one."""

    branch: Branch
    done: Finished
    bad: dict[str, dict[str, Any]]
    good: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def outcome(chain: Chain) -> Outcome:
    branch = chain.join()
    ahead = (datetime.now(UTC) + timedelta(minutes=10)).isoformat()
    lines = {**BAD_LINES, "a date ten minutes ahead": changed(sold_at=ahead)}
    given = b"".join(bad + b"\n" + asked_line(f"good: {name}").encode() + b"\n" for name, bad in lines.items())
    done = filial_branch(branch.home, "sell", "-", give=given)
    answers = done.documents()
    assert len(answers) == 2 * len(lines)
    return Outcome(branch, done, dict(zip(lines, answers[::2])), dict(zip(lines, answers[1::2])))


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_bad_line_is_refused_with_one_reason(outcome: Outcome, name: str) -> None:
    answer = outcome.bad[name]
    assert answer["status"] == "refused", answer
    assert set(answer) == {"key", "status", "reason"}
    reason = answer["reason"]
    assert 0 < len(reason) <= REASON_CHARACTERS_MAX
    assert reason.isprintable(), "a reason is one line"
    assert "Unexpected failure" not in reason
    assert "Traceback" not in reason


@pytest.mark.parametrize("name", BAD_LINES)
def test_the_good_line_after_a_bad_one_is_sold(outcome: Outcome, name: str) -> None:
    answer = outcome.good[name]
    assert answer["status"] == "committed"
    assert answer["key"] == f"good: {name}"


@pytest.mark.parametrize("quantity", ["1e-2000000", "1." + "0" * 40 + "1"])
def test_a_quantity_finer_than_thousandths_is_refused_however_fine(branch: Branch, quantity: str) -> None:
    (answer,) = filial_branch(branch.home, "sell", "-", give=counted(quantity)).documents()
    assert answer["status"] == "refused", answer


@pytest.mark.parametrize("where", SURROGATES)
def test_a_lone_surrogate_is_refused_and_the_next_line_is_sold(branch: Branch, where: str) -> None:
    done = filial_branch(branch.home, "sell", "-", give=SURROGATES[where] + b"\n" + asked_line("good").encode())
    assert [answer["status"] for answer in done.documents()] == ["refused", "committed"], done
    assert done.err == ""


def test_answers_are_utf_8_whatever_the_locale_says(branch: Branch) -> None:
    done = filial_branch(branch.home, "sell", "-", give=asked_line("ключ"), environment=NO_UTF_8)
    assert [answer["key"] for answer in done.documents()] == ["ключ"], done
    assert done.code == 0


def test_refused_lines_make_the_exit_code_one_and_log_nothing(outcome: Outcome) -> None:
    assert outcome.done.code == 1
    assert outcome.done.err == ""


def test_good_lines_alone_exit_with_zero_and_log_nothing(branch: Branch) -> None:
    done = filial_branch(branch.home, "sell", "-", give=asked_line("good"))
    assert (done.code, done.err) == (0, "")


def test_no_lines_at_all_are_no_failure(branch: Branch) -> None:
    done = filial_branch(branch.home, "sell", "-", give=b"")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_bad_lines_leave_no_trace_and_no_gap(chain: Chain, outcome: Outcome) -> None:
    require_done(filial_branch(outcome.branch.home, "sync", "run"))
    held = chain.sales(outcome.branch.code)
    assert [sale.receipt for sale in held] == [f"1-{number:06}" for number in range(1, len(BAD_LINES) + 1)]
    assert outcome.branch.ask("sync", "verify")["equal"]
    assert chain.office.ask("sync", "verify", outcome.branch.code)["equal"]
    (shift,) = [outcome.branch.ask("shift", "show", "--register", "1")]
    assert shift["receipts"] == len(BAD_LINES)


def test_windows_line_ends_and_a_missing_last_line_end_are_taken(branch: Branch) -> None:
    given = asked_line("one") + "\r\n" + asked_line("two")
    done = filial_branch(branch.home, "sell", "-", give=given)
    assert [answer["status"] for answer in done.documents()] == ["committed"] * 2


def test_a_byte_order_mark_before_the_first_line_is_refused_or_taken_but_never_stops_the_next(branch: Branch) -> None:
    given = b"\xef\xbb\xbf" + asked_line("one").encode() + b"\n" + asked_line("two").encode() + b"\n"
    first, second = filial_branch(branch.home, "sell", "-", give=given).documents()
    assert first["status"] in ("refused", "committed")
    assert second["status"] == "committed"


def test_limits_that_may_just_be_reached_are_sold(chain: Chain, branch: Branch) -> None:
    lines = [
        asked("largest amount", 10**15),
        asked("a thousand lines", 0, lines=[{"sku": "1", "quantity": 0.001, "amount_minor": 0}] * 1_000),
        asked("nothing to pay", 0, payments=[]),
        asked("a coupon", 0, lines=[{"sku": "coupon", "quantity": 0, "amount_minor": 0}], payments=[]),
        asked("change", 50, payments=[{"method": "card", "amount_minor": 20}, {"method": "cash", "amount_minor": 99}]),
        asked("long codes", 1, register="р" * 64, cashier="к" * 64, client="ж" * 64),
        asked("long ago", 1, sold_at="1970-01-02T00:00:00"),
    ]
    answers = branch.sell([json.dumps(line) for line in lines])
    assert [answer["status"] for answer in answers] == ["committed"] * len(lines), answers
    require_done(filial_branch(branch.home, "sync", "run"))
    assert len(chain.sales(branch.code)) == len(lines)
    assert branch.ask("sync", "verify")["equal"]
