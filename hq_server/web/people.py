"""The people of the chain: who works where, hiring, placing, dismissing, passwords, and who stands under whom."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.card_changes import Noun, Subject
from hq_server.operations.paging import page_of
from hq_server.operations.people import (
    LANGUAGES,
    Personnel,
    Placement,
    earliest_today,
    make_password_hash,
)
from hq_server.operations.people_lists import employee_document, list_employees, list_tree
from hq_server.storage.branches import all_branches
from hq_server.web import changes
from hq_server.web.context import context_of
from hq_server.web.forms import (
    Failure,
    day_of,
    day_text,
    id_of_path,
    is_ticked,
    or_again,
    page_number,
    paging_of,
    parse_day,
    status,
    texts_of,
    typed,
)
from hq_server.web.log_in import new_password
from hq_server.web.names import role_name
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.business_time import date_from_days
from shared.domain.identifiers import format_id
from shared.domain.permissions import Permission, require
from shared.domain.positions import ALL_BRANCHES
from shared.domain.text_folding import fold, sort_key
from shared.errors import InvalidInput, NotFound
from shared.operations.people import Employee, all_employees, all_roles, employee_id, find_employee
from shared.web.formats import format_date
from shared.web.pages import render
from shared.web.security import form_of, text_of
from shared.web.site import see_other
from shared.web.translations import LazyText, current_language
from shared.web.translations import lazy_text as _

NOWHERE: dict[str, Any] = {"role": "", "branches": (), "everywhere": False, "reports_to": "", "from": "", "to": ""}


def page(request: Request) -> Response:
    """`/people?words=…&everybody=yes`."""
    context, actor = context_of(request), actor_of(request)
    words, everybody = request.query_params.get("words", ""), bool(request.query_params.get("everybody"))
    with context.store.read() as connection:
        rows = list_employees(connection, context.today(), everybody, actor)
        names = _role_names(connection)
    wanted = fold(words).split()
    found = [row for row in rows if all(word in fold(f"{row['code']} {row['name']}") for word in wanted)]
    found.sort(key=lambda row: (sort_key(row["name"] or row["code"]), row["code"]))
    shown = page_of(found, page_number(request))
    for row in shown.rows:
        row["id"] = format_id(employee_id(context.chain.chain_id, row["code"]))
        row["role_name"] = names.get(row["role"], row["role"])
    return render(
        request,
        "people.html",
        people=shown.rows,
        paging=paging_of(request, shown),
        words=words,
        everybody=everybody,
    )


def tree(request: Request) -> Response:
    """`/people/tree?on=…`."""
    context, actor = context_of(request), actor_of(request)
    day = parse_day(request.query_params.get("on", "")) or context.today()
    with context.store.read() as connection:
        rows = list_tree(connection, day, actor)
        names = _role_names(connection)
    for row in rows:
        row["id"] = format_id(employee_id(context.chain.chain_id, row["code"]))
        row["role_name"] = names.get(row["role"], row["role"])
    return render(request, "people_tree.html", rows=rows, on=day_text(day))


def hiring(request: Request, failure: Failure | None = None) -> Response:
    """`/people/new`."""
    fields = typed(request, {"code": "", "name": "", "language": "ru", **NOWHERE, "from": day_text(_today(request))})
    choices = _choices(request)
    return render(request, "people_new.html", status_code=status(failure), failure=failure, typed=fields, **choices)


@or_again(hiring)
def hire(request: Request) -> Response:
    """POST: a new employee, with a first password when one is typed."""
    context, actor = context_of(request), actor_of(request)
    require(actor, Permission.EMPLOYEE_EDIT)
    code, name = text_of(request, "code"), text_of(request, "name")
    password_hash = None
    if form_of(request).get("password"):
        password_hash = make_password_hash(context.ids, code, new_password(request), context.password_cost)
    placement, language = _placement(request), text_of(request, "language") or None
    done = changes.change(
        request,
        lambda connection, now_us: Personnel(connection, context.ids, now_us, actor).hire(
            code, name, placement, language, password_hash, must_change=True
        ),
        _subject,
    )
    notice = done.notice(_("%(name)s is hired. The branches learn it with their next contact.", name=name))
    return see_other(request, f"/people/{format_id(done.result)}", notice)


def person(request: Request, failure: Failure | None = None) -> Response:
    """`/people/{id}`: one employee with every position, and what can be changed."""
    context, actor = context_of(request), actor_of(request)
    with context.store.read() as connection:
        found = _employee(request, connection, actor)
        document = employee_document(connection, found, context.today(), actor)
        changed = changes.changes_of(request, connection, _subject(found.employee_id))
        names = _role_names(connection)
    defaults = {
        "name": document["name"],
        "language": document["language"] or "",
        **NOWHERE,
        "role": document["role"] or "",
        "branches": tuple(each for each in document["branches"] if each != ALL_BRANCHES),
        "everywhere": ALL_BRANCHES in document["branches"],
        "reports_to": document["reports_to"] or "",
        "from": day_text(context.today()),
        "on": "",
    }
    return render(
        request,
        "person.html",
        status_code=status(failure),
        failure=failure,
        one=document,
        changes=changed,
        may_hand_over=actor.may(Permission.CLIENT_TRANSFER) and actor.may(Permission.REPORT_CHAIN),
        role_names=names,
        typed=typed(request, defaults),
        **_choices(request),
    )


@or_again(person)
def rename(request: Request) -> Response:
    """POST `name`, `language`."""
    name, language = text_of(request, "name"), text_of(request, "language") or None
    return _change(request, lambda people, code: people.rename(code, name, language), _("Saved."))


@or_again(person)
def place(request: Request) -> Response:
    """POST: one more position."""
    placement = _placement(request)
    notice = _("The new position is noted. The branches learn it with their next contact.")
    return _change(request, lambda people, code: people.place(code, placement), notice)


@or_again(person)
def dismiss(request: Request) -> Response:
    """POST `on`: the first day without access; at once when it is empty."""
    day = day_of(request, "on")
    when = _("at once") if day is None else _("from %(day)s on", day=format_date(date_from_days(day)))
    notice = _("Dismissed, %(when)s. Whoever is logged in is logged out with the next contact.", when=when)
    return _change(request, lambda people, code: people.dismiss(code, day), notice)


@or_again(person)
def give_password(request: Request) -> Response:
    """POST `password`, `repeated`: for the first time only, the employee chooses another."""
    context, actor = context_of(request), actor_of(request)
    # Before the slow hashing: whoever may not do it shall not keep the machine busy.
    require(actor, Permission.EMPLOYEE_EDIT)
    with context.store.read() as connection:
        code = _employee(request, connection, actor).code
    password_hash = make_password_hash(context.ids, code, new_password(request), context.password_cost)
    notice = _("The new password is set. It must be changed at the first log-in to these pages.")
    return _change(request, lambda people, code: people.set_password(code, password_hash, must_change=True), notice)


def _change(request: Request, act: Any, notice: LazyText) -> Response:
    context, actor = context_of(request), actor_of(request)

    def work(connection: Any, now_us: int) -> bytes:
        people = Personnel(connection, context.ids, now_us, actor)
        one = _employee(request, connection, actor)
        act(people, one.code)
        return one.employee_id

    done = changes.change(request, work, _subject)
    return see_other(request, f"/people/{format_id(done.result)}", done.notice(notice))


def _subject(employee: bytes) -> Subject:
    return Subject(Noun.EMPLOYEE, employee)


def _employee(request: Request, connection: Any, actor: Any) -> Employee:
    require(actor, Permission.EMPLOYEE_EDIT)
    found = find_employee(connection, id_of_path(request))
    if found is None:
        raise NotFound("There is no such employee.", "Look among the people.")
    return found


def _placement(request: Request) -> Placement:
    branches = (ALL_BRANCHES,) if is_ticked(request, "everywhere") else tuple(texts_of(request, "branches"))
    role = text_of(request, "role")
    if not role:
        raise InvalidInput("No role was chosen.", "Choose what the employee does.")
    first = day_of(request, "from", "The first day")
    return Placement(
        role,
        branches,
        text_of(request, "reports_to") or None,
        _today(request) if first is None else first,
        day_of(request, "to", "The last day"),
    )


def _today(request: Request) -> int:
    context = context_of(request)
    with context.store.read() as connection:
        return earliest_today(connection, context.clock.now_us())


def _choices(request: Request) -> dict[str, Any]:
    """What the forms offer: roles, branches, superiors, languages."""
    require(actor_of(request), Permission.EMPLOYEE_EDIT)
    with context_of(request).store.read() as connection:
        roles = [(role.code, role_name(role)) for role in all_roles(connection)]
        branches = [(row.code, row.name) for row in all_branches(connection) if row.revoked_at_us is None]
        people = [each for each in all_employees(connection) if each.name and not each.is_dismissed(_days(request))]
    superiors = sorted(((each.code, each.name) for each in people), key=lambda each: (sort_key(each[1]), each[0]))
    return {
        "role_options": sorted(roles, key=lambda each: sort_key(each[1])),
        "branches": branches,
        "superiors": [("", "–"), *((code, f"{name} ({code})") for code, name in superiors)],
        "languages": [("ru", "Русский"), ("en", "English")] if len(LANGUAGES) == 2 else [],
    }


def _days(request: Request) -> int:
    return context_of(request).today()


def _role_names(connection: Any) -> dict[str, str]:
    return {role.code: role.name(current_language()) for role in all_roles(connection)}


ROUTES = (
    guarded("/people", page),
    guarded("/people", hire, "POST"),
    guarded("/people/new", hiring),
    guarded("/people/tree", tree),
    guarded("/people/{id}", person),
    guarded("/people/{id}/edit", rename, "POST"),
    guarded("/people/{id}/place", place, "POST"),
    guarded("/people/{id}/dismiss", dismiss, "POST"),
    guarded("/people/{id}/password", give_password, "POST"),
)
