"""The loyalty programme: what it says, changing it after a look at what changes, and who changed it when."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.loyalty import (
    NamedProgram,
    ProgramChange,
    current_program,
    end_program,
    list_changes,
    list_programs,
    set_program,
    tiers_of_chain,
)
from hq_server.operations.products import categories_of_chain
from hq_server.web import changes
from hq_server.web.context import context_of
from hq_server.web.forms import Failure, amount_of, amount_text, or_again, status
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.loyalty import ANY, LoyaltyProgram, PaidLine, make_program, payable_points_max, points_earned
from shared.domain.money import minor_digits
from shared.domain.percentages import format_percent, parse_percent
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.errors import InvalidInput, Refused
from shared.web.formats import format_money, format_number, format_rate
from shared.web.pages import render
from shared.web.security import form_of, text_of
from shared.web.site import see_other
from shared.web.translations import gettext
from shared.web.translations import lazy_text as _

CODE: Final = "main"
"""The code of the programme that pages make."""
ROWS_FREE = 3
"""Empty rows for further rates in the form."""
ROWS_MAX = 100
EXAMPLE_MAJOR = 1_000
"""The receipt of the example, in whole units of the currency."""


class RateRow(NamedTuple):
    """A row of the form, as typed: whom, on what, how many per cent."""

    tier: str
    category: str
    percent: str


class Difference(NamedTuple):
    """A part of the programme that changes: what it is, what it says and what it will say; "" is nothing."""

    what: str
    before: str
    after: str


def page(request: Request, failure: Failure | None = None) -> Response:
    """`/loyalty`: the programme in sentences, the form, the history."""
    known, form = _known(request), form_of(request)
    return _render(request, known, failure, form if form else None)


@or_again(page)
def preview(request: Request) -> Response:
    """POST: what the form would change, before it does."""
    known, wanted = _known(request), program_of_form(request)
    context = context_of(request)
    return render(
        request,
        "loyalty_preview.html",
        differences=differences(known, wanted, context.chain.currency),
        sentences=sentences(wanted.program, context.chain.currency),
        example=example(wanted.program, context.chain.currency),
        fields=[(name, value) for name, value in form_of(request).multi_items() if name != "csrf_token"],
        seen=_mark(known),
        currency=context.chain.currency,
    )


@or_again(page)
def save(request: Request) -> Response:
    """POST the same fields, and `seen`: what the programme was when its reader looked."""
    context, actor = context_of(request), actor_of(request)
    wanted, seen = program_of_form(request), text_of(request, "seen")

    def act(connection: Any, now_us: int) -> None:
        if _mark(current_program(connection, actor)) != seen:
            raise Refused("Somebody else has changed the programme.", "Look at it again, then change it.")
        set_program(connection, context.ids, now_us, wanted.program, wanted.name, actor)

    done = changes.change(request, act, changes.ALL_PROGRAMS)
    return see_other(
        request, "/loyalty", done.notice(_("The programme is saved. The tills learn it with the next contact."))
    )


@or_again(page)
def end(request: Request) -> Response:
    """POST `code`: nothing is earned or spent by it any more."""
    context, actor, code = context_of(request), actor_of(request), text_of(request, "code")
    done = changes.change(
        request,
        lambda connection, now_us: end_program(connection, context.ids, now_us, code, actor),
        changes.ALL_PROGRAMS,
    )
    return see_other(request, "/loyalty", done.notice(_("The programme ends. What clients have stays written down.")))


def program_of_form(request: Request) -> NamedProgram:
    """What the form says. Raises InvalidInput."""
    known = _known(request)
    rules = []
    for row in _typed_rows(form_of(request)):
        if row.percent:
            rules.append(f"{row.tier or ANY}:{row.category or ANY}:{parse_percent(row.percent)}")
    if not rules:
        raise InvalidInput("No rate is given.", "Write how many per cent are earned, at least in one row.")
    days = text_of(request, "expires_days") or "0"
    if not (days.isascii() and days.isdigit() and len(days) < 7):
        raise InvalidInput("The days are no whole number.", "Write 365; 0 is never.")
    share = parse_percent(text_of(request, "payable") or "0")
    value = amount_of(request, "value", "A point") or 0
    code = known.program.code if known is not None else CODE
    return NamedProgram(text_of(request, "name"), make_program(code, rules, share, int(days), value))


def sentences(program: LoyaltyProgram, currency: str) -> list[str]:
    """What a programme says, a sentence for each part."""
    said = [f"{_whom(rule.tier, rule.category)}: {format_rate(rule.rate_basis_points)}" for rule in _in_order(program)]
    said.append(
        gettext("Points pay at most %(share)s of a receipt.")
        % {"share": format_rate(program.payable_share_basis_points_max)}
    )
    said.append(gettext("A point is worth %(amount)s.") % {"amount": format_money(program.point_value_minor, currency)})
    said.append(_expiry(program.expires_days))
    return said


def differences(known: NamedProgram | None, wanted: NamedProgram, currency: str) -> list[Difference]:
    """What changes, part by part; of a new programme everything."""
    before = {} if known is None else _parts(known, currency)
    after = _parts(wanted, currency)
    names = [*after, *(name for name in before if name not in after)]
    changed = [Difference(name, before.get(name, ""), after.get(name, "")) for name in names]
    return [each for each in changed if each.before != each.after]


def example(program: LoyaltyProgram, currency: str) -> str:
    """What the programme means for one receipt of goods of no category."""
    total = EXAMPLE_MAJOR * 10 ** minor_digits(currency)
    earned = points_earned(program, "", [PaidLine("", total)], 0)
    most = payable_points_max(program, total, total)
    return gettext(
        "For %(total)s without a tier one earns %(earned)s points; of such a receipt at most %(most)s points pay."
    ) % {"total": format_money(total, currency), "earned": format_number(earned), "most": format_number(most)}


def _parts(named: NamedProgram, currency: str) -> dict[str, str]:
    """Every part of a programme, by what it is called."""
    program = named.program
    parts = {gettext("Name"): named.name} if named.name else {}
    parts |= {_whom(rule.tier, rule.category): format_rate(rule.rate_basis_points) for rule in _in_order(program)}
    parts[gettext("Points pay of a receipt, at most")] = format_rate(program.payable_share_basis_points_max)
    parts[gettext("What a point is worth")] = format_money(program.point_value_minor, currency)
    parts[gettext("Expiry")] = _expiry(program.expires_days)
    return parts


def _in_order(program: LoyaltyProgram) -> list[Any]:
    """What holds for all first."""
    return sorted(program.rules, key=lambda rule: (rule.tier != ANY, rule.tier, rule.category != ANY, rule.category))


def _whom(tier: str, category: str) -> str:
    whom = gettext("everybody") if tier == ANY else gettext("tier %(tier)s") % {"tier": tier}
    what = gettext("on everything") if category == ANY else gettext("on %(category)s") % {"category": category}
    return f"{whom}, {what}"


def _expiry(days: int) -> str:
    if not days:
        return gettext("Points never expire.")
    return gettext("Points expire after so many days: %(days)s.") % {"days": format_number(days)}


def _known(request: Request) -> NamedProgram | None:
    with context_of(request).store.read() as connection:
        return current_program(connection, actor_of(request))


def _mark(known: NamedProgram | None) -> str:
    """Tells one state of the programme from another."""
    return "" if known is None else repr((known.name, known.program))


def _typed_rows(form: FormData) -> list[RateRow]:
    columns = [[str(value).strip() for value in form.getlist(name)] for name in ("tier", "category", "percent")]
    return [RateRow(*row) for row in zip(*columns, strict=False)][:ROWS_MAX]


def _rows_of(program: LoyaltyProgram) -> list[RateRow]:
    def shown(word: str) -> str:
        return "" if word == ANY else word

    return [
        RateRow(shown(rule.tier), shown(rule.category), format_percent(rule.rate_basis_points).removesuffix(" %"))
        for rule in _in_order(program)
    ]


def _render(request: Request, known: NamedProgram | None, failure: Failure | None, form: FormData | None) -> Response:
    context, actor = context_of(request), actor_of(request)
    with context.store.read() as connection:
        history, programs = list_changes(connection, actor), list_programs(connection)
        changed = changes.changes_of(request, connection, changes.ALL_PROGRAMS)
        tiers, categories = tiers_of_chain(connection), categories_of_chain(connection)
    currency = context.chain.currency
    program = None if known is None else known.program
    if form is not None:
        rows = [row for row in _typed_rows(form) if any(row)]
    else:
        rows = [RateRow("", "", "3")] if program is None else _rows_of(program)
    defaults = {
        "name": known.name if known else "",
        "payable": format_percent(program.payable_share_basis_points_max).removesuffix(" %") if program else "50",
        "value": amount_text(request, program.point_value_minor if program else 10 ** minor_digits(currency)),
        "expires_days": str(program.expires_days if program else 365),
    }
    return render(
        request,
        "loyalty.html",
        status_code=status(failure),
        failure=failure,
        known=known,
        sentences=sentences(program, currency) if program else [],
        example=example(program, currency) if program else "",
        others=[each for each in programs if program is None or each["code"] != program.code],
        rows=[*rows, *[RateRow("", "", "")] * ROWS_FREE],
        typed={name: str(form.get(name, "")) if form is not None else value for name, value in defaults.items()},
        tiers=tiers,
        categories=categories,
        history=[(each, _author(each), _changed(history, place, currency)) for place, each in enumerate(history)],
        changes=changed,
        edits={edit.seen_at_us: edit for edit in changed.edits},
        currency=currency,
        zone=context.chain.timezone,
    )


def _author(change: ProgramChange) -> str:
    is_command = change.author == LOCAL_ADMINISTRATOR.code
    return gettext("on the command line") if is_command else change.author_name


def _changed(history: list[ProgramChange], place: int, currency: str) -> list[Difference]:
    """What a change changed, held against the one before it of the same programme."""
    change = history[place]
    if change.program is None:
        return []
    before = next((each for each in history[place + 1 :] if each.code == change.code), None)
    known = None if before is None or before.program is None else NamedProgram(before.name, before.program)
    return differences(known, NamedProgram(change.name, change.program), currency)


ROUTES = (
    guarded("/loyalty", page),
    guarded("/loyalty/preview", preview, "POST"),
    guarded("/loyalty/save", save, "POST"),
    guarded("/loyalty/end", end, "POST"),
)
