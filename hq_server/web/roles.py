"""Roles: what each allows, as a table of ticks, and the form that changes one."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.card_changes import Noun, Subject
from hq_server.operations.people import Personnel
from hq_server.web import changes
from hq_server.web.context import context_of
from hq_server.web.forms import (
    Failure,
    amount_of,
    amount_text,
    or_again,
    status,
    texts_of,
    typed,
)
from hq_server.web.names import GROUPS, HIDEABLE, PERMISSIONS, SCOPES, role_name
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.identifiers import shorten
from shared.domain.percentages import format_percent, parse_percent
from shared.domain.permissions import (
    HIDEABLE_FIELDS,
    ClientScope,
    Limits,
    Permission,
    Role,
    parse_permissions,
    parse_scope,
    require,
)
from shared.domain.text_folding import sort_key
from shared.errors import NotFound
from shared.operations.people import all_roles, find_role, role_id
from shared.web.pages import render
from shared.web.security import text_of
from shared.web.site import see_other
from shared.web.translations import lazy_text as _


def page(request: Request) -> Response:
    """`/roles`: permissions down, roles across."""
    require(actor_of(request), Permission.EMPLOYEE_EDIT)
    with context_of(request).store.read() as connection:
        roles = all_roles(connection)
    roles.sort(key=lambda role: sort_key(role_name(role)))
    return render(
        request,
        "roles.html",
        roles=roles,
        names={role.code: role_name(role) for role in roles},
        groups=GROUPS,
        permissions=PERMISSIONS,
    )


def form(request: Request, failure: Failure | None = None) -> Response:
    """`/roles/edit?code=…`; without a code a new role."""
    require(actor_of(request), Permission.EMPLOYEE_EDIT)
    code = request.query_params.get("code", "")
    role = changed = None
    if code:
        with context_of(request).store.read() as connection:
            role = find_role(connection, code)
            changed = changes.changes_of(request, connection, _subject(request, code))
        if role is None:
            raise NotFound(f"There is no role “{shorten(code)}”.", "Look among the roles.")
    limits = role.limits if role else Limits()
    fields = typed(
        request,
        {
            "code": code,
            "name": role_name(role) if role else "",
            "permissions": tuple(sorted(role.permissions)) if role else (),
            "discount_max": format_percent(limits.discount_basis_points_max).removesuffix(" %"),
            "client_scope": str(role.client_scope) if role else str(ClientScope.BRANCH),
            "hidden_fields": tuple(sorted(role.hidden_fields)) if role else (),
            "refund_max": amount_text(request, limits.refund_without_receipt_minor_max),
        },
    )
    return render(
        request,
        "role.html",
        status_code=status(failure),
        failure=failure,
        code=code,
        changes=changed,
        typed=fields,
        groups=GROUPS,
        permissions=PERMISSIONS,
        scopes=[(str(scope), name) for scope, name in SCOPES.items()],
        hideable=HIDEABLE,
    )


@or_again(form)
def save(request: Request) -> Response:
    """POST `code`, `name`, `permissions`, `discount_max`, `refund_max`, `client_scope`, `hidden_fields`."""
    context, actor = context_of(request), actor_of(request)
    require(actor, Permission.EMPLOYEE_EDIT)
    known_code = request.query_params.get("code", "")
    code = known_code or text_of(request, "code")
    name = text_of(request, "name")
    limits = Limits(
        parse_percent(text_of(request, "discount_max") or "0"),
        amount_of(request, "refund_max", "The largest refund") or 0,
    )
    permissions = parse_permissions(tuple(texts_of(request, "permissions")))
    scope = parse_scope(text_of(request, "client_scope"))
    hidden = frozenset(texts_of(request, "hidden_fields")) & HIDEABLE_FIELDS

    def work(connection: object, now_us: int) -> bool:
        known = find_role(connection, code)  # type: ignore[arg-type]
        # The name that the product gave it is in both languages: it is kept until somebody gives another.
        renamed = None if known is not None and name == role_name(known) else name
        role = Role(code, name, name, permissions, limits, scope, hidden)
        return Personnel(connection, context.ids, now_us, actor).set_role(role, renamed)  # type: ignore[arg-type]

    done = changes.change(request, work, _subject(request, code))
    return see_other(
        request, "/roles", done.notice(_("The role is saved. The branches learn it with their next contact."))
    )


def _subject(request: Request, code: str) -> Subject:
    return Subject(Noun.ROLE, role_id(context_of(request).chain.chain_id, code))


ROUTES = (
    guarded("/roles", page),
    guarded("/roles/edit", form),
    guarded("/roles/edit", save, "POST"),
)
