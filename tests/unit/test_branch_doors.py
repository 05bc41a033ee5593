"""Who may open and send what at a branch: every route tried by every role and by nobody, with its token and without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.branch_doors import (
    ASKS_A_MANAGER,
    REFUSED,
    TO_LOG_IN,
    WHO,
    BranchDoors,
    Knock,
    branch_doors,
)

TABLE = """
                                  nobody bare seller cashier manager sales_rep head_of_sales auditor owner administrator
GET  /                            >      +    +      +       +       +         +             +       +     +
GET  /account                     >      +    +      +       +       +         +             +       +     +
GET  /authority.crt               +      +    +      +       +       +         +             +       +     +
GET  /calls/incoming              >      x    x      +       +       +         +             x       +     x
GET  /calls/ringing               >      x    x      +       +       +         +             x       +     x
GET  /calls/ringing/ID            >      x    x      +       +       +         +             x       +     x
GET  /chip                        +      +    +      +       +       +         +             +       +     +
GET  /clients                     >      x    x      +       +       +         +             +       +     x
GET  /clients/ID                  >      x    x      +       +       +         +             +       +     x
GET  /clients/ID/arriving         >      x    x      +       +       +         +             +       +     x
GET  /clients/ID/calls/new        >      x    x      +       +       +         +             x       +     x
GET  /clients/ID/changes          >      x    x      +       +       +         +             +       +     x
GET  /clients/ID/duplicates       >      x    x      +       +       +         +             +       +     x
GET  /clients/ID/edit             >      x    x      +       +       +         +             x       +     x
GET  /clients/ID/files            >      x    x      +       +       +         +             +       +     x
GET  /clients/ID/files/FILE       >      x    x      x       +       +         +             x       +     x
GET  /clients/ID/letters          >      x    x      x       +       +         +             x       +     x
GET  /clients/ID/letters/new      >      x    x      x       +       +         +             x       +     x
GET  /clients/ID/merge            >      x    x      x       +       x         +             x       +     x
GET  /clients/ID/points           >      x    x      +       +       +         +             +       +     x
GET  /clients/ID/revision         >      x    x      +       +       +         +             +       +     x
GET  /clients/ID/tasks            >      x    x      +       +       +         +             +       +     x
GET  /clients/ID/timeline         >      x    x      +       +       +         +             +       +     x
GET  /clients/chain               >      x    x      +       +       +         +             +       +     x
GET  /clients/duplicates          >      x    x      x       +       x         +             x       +     x
GET  /clients/export              >      x    x      x       +       x         +             x       +     x
GET  /clients/import              >      x    x      x       +       x         x             x       +     x
GET  /clients/import/ID           >      x    x      x       +       x         x             x       +     x
GET  /clients/import/ID/bad.csv   >      x    x      x       +       x         x             x       +     x
GET  /clients/import/ID/progress  >      x    x      x       +       x         x             x       +     x
GET  /clients/new                 >      x    x      +       +       +         +             x       +     x
GET  /clients/similar             >      x    x      +       +       +         +             x       +     x
GET  /hand-over                   >      x    x      x       +       x         +             x       +     x
GET  /healthz                     +      +    +      +       +       +         +             +       +     +
GET  /help                        +      +    +      +       +       +         +             +       +     +
GET  /login                       +      +    +      +       +       +         +             +       +     +
GET  /pair                        +      +    +      +       +       +         +             +       +     +
GET  /pairing                     >      x    x      x       +       x         x             x       +     +
GET  /pin                         >      +    +      +       +       +         +             +       +     +
GET  /printer                     +      +    +      +       +       +         +             +       +     +
GET  /quick-keys                  >      x    x      x       +       x         x             x       +     +
GET  /receipts                    >      x    x      +       +       x         +             +       +     +
GET  /receipts/ID                 >      x    x      +       +       x         +             +       +     +
GET  /receipts/ID.pdf             >      x    x      +       +       x         +             +       +     +
GET  /refunds/loose               >      x    x      +       +       x         x             x       +     x
GET  /refunds/new                 >      x    x      +       +       x         x             x       +     x
GET  /reports                     >      x    x      x       +       x         +             +       +     +
GET  /reports/acts-list           >      x    x      x       +       x         +             +       +     +
GET  /reports/calls-list          >      x    x      x       +       x         +             +       +     +
GET  /reports/clients-list        >      x    x      x       +       x         +             +       +     +
GET  /reports/movements-list      >      x    x      x       +       x         +             +       +     +
GET  /reports/numbers-list        >      x    x      x       +       x         +             +       +     +
GET  /reports/receipts            >      x    x      x       +       x         +             +       +     +
GET  /reports/shifts-list         >      x    x      x       +       x         +             +       +     +
GET  /reports/tasks-list          >      x    x      x       +       x         +             +       +     +
GET  /reports/work-list           >      x    x      x       +       x         +             +       +     +
GET  /reports/NAME                >      x    x      x       +       x         +             +       +     +
GET  /reports/NAME/export.KIND    >      x    x      x       +       x         +             +       +     +
GET  /sale                        >      x    +      +       +       x         x             x       +     x
GET  /sale/clients                >      x    x      +       +       x         x             x       +     x
GET  /sale/discount               >      x    +      +       +       x         x             x       +     x
GET  /sale/goods                  >      x    +      +       +       x         x             x       +     x
GET  /sale/held                   >      x    x      +       +       x         x             x       +     x
GET  /sale/lines/LINE             >      x    +      +       +       x         x             x       +     x
GET  /sale/pay                    >      x    +      +       +       x         x             x       +     x
GET  /sale/return                 >      x    +      +       +       x         x             x       +     x
GET  /sale/tab                    >      x    +      +       +       x         x             x       +     x
GET  /sale/unknown                >      x    +      +       +       x         x             x       +     x
GET  /shift                       >      x    x      +       +       x         x             x       +     x
GET  /shift/close                 >      x    x      +       +       x         x             x       +     x
GET  /shift/history               >      x    x      +       +       x         x             x       +     x
GET  /shift/x                     >      x    x      x       +       x         +             +       +     +
GET  /shift/z/ID                  >      x    x      +       +       x         x             x       +     x
GET  /start                       >      +    +      +       +       +         +             +       +     +
GET  /static/FILE                 +      +    +      +       +       +         +             +       +     +
GET  /status                      >      +    +      +       +       +         +             +       +     +
GET  /status/standing             >      +    +      +       +       +         +             +       +     +
GET  /stock                       >      x    x      +       +       +         +             +       +     x
GET  /stock/documents             >      x    x      +       +       +         +             +       +     x
GET  /stock/documents/ID          >      x    x      +       +       +         +             +       +     x
GET  /stock/drafts/ID             >      x    x      x       +       x         x             x       +     x
GET  /stock/drafts/ID/differences >      x    x      x       +       x         x             x       +     x
GET  /stock/new                   >      x    x      x       +       x         x             x       +     x
GET  /stock/product               >      x    x      +       +       +         +             +       +     x
GET  /tasks                       >      x    x      +       +       +         +             x       +     x
GET  /tasks.ics                   x      x    x      x       x       x         x             x       x     x
GET  /tasks/ID                    >      x    x      +       +       +         +             x       +     x
GET  /tasks/calendar              >      x    x      +       +       +         +             x       +     x
GET  /tasks/chip                  >      x    x      +       +       +         +             x       +     x
GET  /tasks/new                   >      x    x      +       +       +         +             x       +     x
GET  /team                        >      x    x      x       +       x         +             x       +     x
GET  /team/figures                >      x    x      x       +       x         +             x       +     x
GET  /templates                   >      x    x      x       +       x         +             +       +     +
POST /account                     >      +    +      +       +       +         +             +       +     +
POST /calls/incoming              >      x    x      +       +       +         +             x       +     x
POST /calls/ringing/ID/seen       >      x    x      +       +       +         +             x       +     x
POST /clients/ID/archive          >      x    x      +       +       +         +             x       +     x
POST /clients/ID/calls/new        >      x    x      +       +       +         +             x       +     x
POST /clients/ID/calls/start      >      x    x      +       +       +         +             x       +     x
POST /clients/ID/calls/undo       >      x    x      +       +       +         +             x       +     x
POST /clients/ID/decide           >      x    x      +       +       +         +             x       +     x
POST /clients/ID/different        >      x    x      x       +       x         +             x       +     x
POST /clients/ID/edit             >      x    x      +       +       +         +             x       +     x
POST /clients/ID/files            >      x    x      +       +       +         +             x       +     x
POST /clients/ID/files/FILE/away  >      x    x      +       +       +         +             x       +     x
POST /clients/ID/letters/back     >      x    x      x       +       +         +             x       +     x
POST /clients/ID/letters/new      >      x    x      x       +       +         +             x       +     x
POST /clients/ID/letters/send     >      x    x      x       +       +         +             x       +     x
POST /clients/ID/merge            >      x    x      x       +       x         +             x       +     x
POST /clients/ID/not-different    >      x    x      x       +       x         +             x       +     x
POST /clients/ID/open             >      x    x      +       +       +         +             +       +     x
POST /clients/ID/requests/state   >      x    x      +       +       +         +             x       +     x
POST /clients/ID/serve            >      x    x      +       +       +         +             +       +     x
POST /clients/ID/undo             >      x    x      +       +       +         +             x       +     x
POST /clients/ID/unmerge          >      x    x      x       +       x         +             x       +     x
POST /clients/export              >      x    x      x       +       x         +             x       +     x
POST /clients/import/ID/discard   >      x    x      x       +       x         x             x       +     x
POST /clients/import/ID/revert    >      x    x      x       +       x         x             x       +     x
POST /clients/import/ID/run       >      x    x      x       +       x         x             x       +     x
POST /clients/import/ID/settings  >      x    x      x       +       x         x             x       +     x
POST /clients/import/upload       >      x    x      x       +       x         x             x       +     x
POST /clients/new                 >      x    x      +       +       +         +             x       +     x
POST /hand-over                   >      x    x      x       +       x         +             x       +     x
POST /hand-over/substitutes       >      x    x      x       +       x         +             x       +     x
POST /hand-over/substitutes/end   >      x    x      x       +       x         +             x       +     x
POST /hand-over/undo              >      x    x      x       +       x         +             x       +     x
POST /language                    +      +    +      +       +       +         +             +       +     +
POST /login                       +      +    +      +       +       +         +             +       +     +
POST /logout                      +      +    +      +       +       +         +             +       +     +
POST /pair                        +      +    +      +       +       +         +             +       +     +
POST /pairing                     >      x    x      x       +       x         x             x       +     +
POST /pairing/revoke              >      x    x      x       +       x         x             x       +     +
POST /pin                         >      +    +      +       +       +         +             +       +     +
POST /printer/retry               >      x    x      +       +       x         x             x       +     x
POST /quick-keys                  >      x    x      x       +       x         x             x       +     +
POST /quick-keys/change           >      x    x      x       +       x         x             x       +     +
POST /quick-keys/put-back         >      x    x      x       +       x         x             x       +     +
POST /receipts/ID/print           >      x    x      x       +       x         x             x       +     x
POST /refunds                     >      x    x      +       +       x         x             x       +     x
POST /refunds/loose               >      x    x      x       +       x         x             x       +     x
POST /refunds/reckon              >      x    x      +       +       x         x             x       +     x
POST /sale/add                    >      x    +      +       +       x         x             x       +     x
POST /sale/again                  >      x    +      +       +       x         x             x       +     x
POST /sale/basket-discount        >      x    m      m       +       x         x             x       +     x
POST /sale/card                   >      x    +      +       +       x         x             x       +     x
POST /sale/charge-back            >      x    +      +       +       x         x             x       +     x
POST /sale/clear                  >      x    m      m       +       x         x             x       +     x
POST /sale/client                 >      x    x      +       +       x         x             x       +     x
POST /sale/discount               >      x    m      m       +       x         x             x       +     x
POST /sale/give-up                >      x    m      m       +       x         x             x       +     x
POST /sale/hold                   >      x    x      +       +       x         x             x       +     x
POST /sale/keep                   >      x    +      +       +       x         x             x       +     x
POST /sale/pay                    >      x    +      +       +       x         x             x       +     x
POST /sale/points                 >      x    +      +       +       x         x             x       +     x
POST /sale/price                  >      x    m      m       +       x         x             x       +     x
POST /sale/quantity               >      x    m      m       +       x         x             x       +     x
POST /sale/recall                 >      x    x      +       +       x         x             x       +     x
POST /sale/remove                 >      x    m      m       +       x         x             x       +     x
POST /sale/return                 >      x    m      +       +       x         x             x       +     x
POST /sale/scan                   >      x    +      +       +       x         x             x       +     x
POST /sale/shift                  >      x    x      +       +       x         x             x       +     x
POST /sale/tab                    >      x    +      +       +       x         x             x       +     x
POST /sale/take-back              >      x    x      +       +       x         x             x       +     x
POST /sale/terminal               >      x    +      +       +       x         x             x       +     x
POST /sale/undo                   >      x    +      +       +       x         x             x       +     x
POST /sale/unknown                >      x    +      +       +       x         x             x       +     x
POST /shift/cash                  >      x    x      x       +       x         x             x       +     x
POST /shift/charges               >      x    x      +       +       x         x             x       +     x
POST /shift/close                 >      x    x      +       +       x         x             x       +     x
POST /shift/drawer                >      x    x      x       +       x         x             x       +     x
POST /shift/open                  >      x    x      +       +       x         x             x       +     x
POST /shift/x                     >      x    x      x       +       x         +             +       +     +
POST /shift/z/ID                  >      x    x      +       +       x         x             x       +     x
POST /status/fiscal               >      x    x      x       +       x         x             x       +     +
POST /stock/drafts/ID/discard     >      x    x      x       +       x         x             x       +     x
POST /stock/drafts/ID/enter       >      x    x      x       +       x         x             x       +     x
POST /stock/drafts/ID/file        >      x    x      x       +       x         x             x       +     x
POST /stock/drafts/ID/line        >      x    x      x       +       x         x             x       +     x
POST /stock/drafts/ID/remove      >      x    x      x       +       x         x             x       +     x
POST /stock/drafts/ID/rest        >      x    x      x       +       x         x             x       +     x
POST /stock/drafts/ID/scan        >      x    x      x       +       x         x             x       +     x
POST /stock/new                   >      x    x      x       +       x         x             x       +     x
POST /tasks/ID/assign             >      x    x      +       +       +         +             x       +     x
POST /tasks/ID/cancel             >      x    x      +       +       +         +             x       +     x
POST /tasks/ID/done               >      x    x      +       +       +         +             x       +     x
POST /tasks/ID/edit               >      x    x      +       +       +         +             x       +     x
POST /tasks/ID/move               >      x    x      +       +       +         +             x       +     x
POST /tasks/ID/reopen             >      x    x      +       +       +         +             x       +     x
POST /tasks/ID/seen               >      x    x      +       +       +         +             x       +     x
POST /tasks/ID/settle             >      x    x      +       +       +         +             x       +     x
POST /tasks/ID/snooze             >      x    x      +       +       +         +             x       +     x
POST /tasks/ID/undo               >      x    x      +       +       +         +             x       +     x
POST /tasks/calendar              >      x    x      +       +       +         +             x       +     x
POST /tasks/calendar/end          >      x    x      +       +       +         +             x       +     x
POST /tasks/new                   >      x    x      +       +       +         +             x       +     x
POST /tasks/no-step               >      x    x      +       +       +         +             x       +     x
POST /tasks/no-step/undo          >      x    x      +       +       +         +             x       +     x
POST /theme                       +      +    +      +       +       +         +             +       +     +
"""
"""`+` allowed, `x` refused with 403, `>` led to the log-in, `m` a manager is asked to allow it. What is asked is
possible, as a rule: a line of milk stands in the basket, a shift is open; a cashier asks for more than the role's
discount. `bare` and `seller` are roles of the chain's own: they may do nothing, and sell."""


def _read_table() -> dict[tuple[str, str], dict[str, str]]:
    names, *rows = TABLE.strip().splitlines()
    assert tuple(names.split()) == WHO
    expected = {}
    for row in rows:
        method, path, *outcomes = row.split()
        expected[method, path] = dict(zip(WHO, outcomes, strict=True))
    return expected


EXPECTED = _read_table()


def shown(path: str) -> str:
    """A route's path as the table writes it."""
    for named, short in SHORT.items():
        path = path.replace(named, short)
    return path


PART = {"HX-Request": "true"}
"""Asks for a block of a page, which costs less to make."""

SHORT = {
    "{record_id}": "ID",
    "{shift_id}": "ID",
    "{line:int}": "LINE",
    "{rest:path}": "FILE",
    "{id}": "ID",
    "{file}": "FILE",
    "{name}": "NAME",
    "{kind}": "KIND",
}


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory, branch_template: Path) -> Iterator[BranchDoors]:
    with branch_doors(tmp_path_factory.mktemp("doors"), branch_template) as opened:
        yield opened


def _route(doors: BranchDoors, method: str, path: str) -> str:
    """The application's own path of a line of the table; fails when there is none."""
    return next(each for found, each in doors.routes if (found, shown(each)) == (method, path))


def test_every_route_is_in_the_table_and_no_other(doors: BranchDoors) -> None:
    assert {(method, shown(path)) for method, path in doors.routes} == EXPECTED.keys()


@pytest.mark.parametrize(("method", "path"), EXPECTED)
def test_everybody_comes_exactly_as_far_as_the_table_says(doors: BranchDoors, method: str, path: str) -> None:
    knocks = [doors.knock(who, method, _route(doors, method, path)) for who in WHO]
    assert {each.who: each.outcome for each in knocks} == EXPECTED[method, path]
    for each in knocks:
        _assert_headers(each)
        assert doors.canaries(each.who).seen_in(each.response, each.who) == [], each.who
        if each.outcome in (REFUSED, TO_LOG_IN, ASKS_A_MANAGER):
            assert not each.has_changed, f"{each.who} was refused and it was done all the same"


@pytest.mark.parametrize("path", [path for method, path in EXPECTED if method == "POST"])
def test_no_form_is_taken_under_a_token_of_somebody_else(doors: BranchDoors, path: str) -> None:
    url, before = doors.address(_route(doors, "POST", path)), doors.fingerprint()
    for who in WHO:
        fields = doors.fields(who, "")
        for token in (doors.token("owner" if who != "owner" else "manager"), "")[: 1 + (who == "owner")]:
            answer = doors.browsers[who].client.post(url, data={**fields, "csrf_token": token}, headers=PART)
            assert (answer.status_code, "out of date" in answer.text) == (403, True), who
    assert doors.fingerprint() == before


QUESTIONS = (
    "/sale/clients?q=1122", "/sale/clients?q=Канар", "/sale/clients?q=записк", "/sale/goods?q=mi", "/sale",
    "/receipts?q=1-000001", "/refunds/new?receipt=1-000001", "/status", "/nowhere", "/receipts/nothing",
)  # fmt: skip


@pytest.mark.parametrize("who", WHO)
def test_no_question_is_answered_with_what_one_may_not_see(doors: BranchDoors, who: str) -> None:
    doors.knock("owner", "GET", "/sale")  # a client stands in the basket
    found = []
    for url in QUESTIONS:
        # Goods and clients as the page's script asks for them, failures as programs do.
        asked = PART if "q=" in url else {"Accept": "application/json"} if "nothing" in url else {}
        answer = doors.browsers[who].get(url, **asked)
        found += [f"{url}: {name}" for name in doors.canaries(who).seen_in(answer, who)]
    assert found == []


def test_a_canary_that_may_sing_is_heard(doors: BranchDoors) -> None:
    """Else the search above would find nothing because there is nothing."""
    answer = doors.browsers["manager"].get("/sale/clients?q=1122")
    seen = doors.canaries("manager").seen_in(answer, "cashier")
    assert seen == ["a client's name", "a client's surname", "a client's phone", "a phone's digits", "a client's note"]
    doors.knock("owner", "GET", "/sale")
    assert "a client's name" in doors.canaries("owner").seen_in(doors.browsers["owner"].get("/sale"), "cashier")
    login = doors.browsers["manager"].log_in("manager", register="1")
    doors.tokens.clear()
    assert any(name.startswith("the session of") for name in doors.canaries("cashier").seen_in(login, "cashier"))


def _assert_headers(knock: Knock) -> None:
    """What every answer says, whatever it is and to whom."""
    headers = knock.response.headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy.get("script-src", policy["default-src"]) in ("'self'", "'none'")
    assert (policy["object-src"], policy["base-uri"], policy["frame-ancestors"]) == ("'none'", "'none'", "'none'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] in ("same-origin", "no-referrer")
    if knock.path.startswith("/static/") and knock.response.status_code == 200:
        assert "immutable" in headers["cache-control"]
    else:
        assert headers["cache-control"] == "no-store"
