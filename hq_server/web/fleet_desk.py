"""The fleet's other pages: alerts and who is told, why a branch has a record, carried files, cards handed back."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from starlette.background import BackgroundTask
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from hq_server.operations.fleet_acts import (
    explain_record,
    remove_carried,
    take_carried,
    write_carried,
)
from hq_server.operations.fleet_alerts import list_alerts
from hq_server.operations.fleet_messages import list_messages, queue_trial
from hq_server.operations.fleet_rules import (
    DEFAULTS,
    WITHOUT_THRESHOLD,
    Rule,
    Trouble,
    read_rules,
    read_told,
    save_alerts,
)
from hq_server.storage.branches import all_branches
from hq_server.web.context import context_of
from hq_server.web.fleet import authority_of
from hq_server.web.forms import Failure, id_of_path, is_ticked, or_again, status
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.identifiers import format_id
from shared.domain.permissions import Permission, require
from shared.errors import InvalidInput, NotFound
from shared.web.error_texts import translate_error
from shared.web.fleet_words import TROUBLES, UNITS, say_trouble, trial_letter
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import form_of, text_of
from shared.web.site import see_other
from shared.web.translations import lazy_plural as plural
from shared.web.translations import lazy_text as _
from shared.web.translations import speaking

IMPORT_PATH: Final = "/fleet/files/import"
THRESHOLD_DIGITS_MAX: Final = 10


def alerts(request: Request, failure: Failure | None = None) -> Response:
    """`/fleet/alerts`: what there was, what waits to be told, thresholds and recipients."""
    context, actor = context_of(request), actor_of(request)
    with context.store.read() as connection:
        found = list_alerts(connection, actor)
        rules, told = read_rules(connection), read_told(connection)
        messages = list_messages(connection) if actor.may(Permission.FLEET_EDIT) else []
    has_form = bool(form_of(request))
    return render(
        request,
        "fleet_alerts.html",
        status_code=status(failure),
        failure=failure,
        rows=[(each, TROUBLES[each.alert.kind.value], say_trouble(each.alert.kind.value, each.alert.figure),
               f"/fleet/branch/{format_id(each.alert.branch_id)}") for each in found],
        rules=[_rule_shown(request, kind, rule, has_form) for kind, rule in rules.items()],
        recipients=text_of(request, "recipients") if has_form else "\n".join(told.recipients),
        webhook_url=text_of(request, "webhook_url") if has_form else told.webhook_url,
        language_of_letters=text_of(request, "language") if has_form else told.language,
        told=told,
        messages=messages,
        sends_mail=bool(context.settings.smtp_host),
        minutes=context.settings.fleet_sample_minutes,
        may_edit=actor.may(Permission.FLEET_EDIT),
        zone=context.chain.timezone,
    )  # fmt: skip


@or_again(alerts)
def save(request: Request) -> Response:
    """POST `on-KIND`, `threshold-KIND`, `recipients`, `webhook_url`, `language`."""
    context, actor = context_of(request), actor_of(request)
    require(actor, Permission.FLEET_EDIT)
    rules = {kind: _rule_typed(request, kind) for kind in DEFAULTS}
    recipients, url = text_of(request, "recipients"), text_of(request, "webhook_url").strip()
    language = text_of(request, "language")
    context.change(
        lambda connection, now_us: save_alerts(connection, context.ids, now_us, actor, rules, recipients, url, language)
    )
    return see_other(request, "/fleet/alerts", Notice(_("The alerts are as you set them.")))


@or_again(alerts)
def trial(request: Request) -> Response:
    """POST: a trial message to everybody who is told."""
    context, actor = context_of(request), actor_of(request)
    with context.store.read() as connection:
        language = read_told(connection).language
    with speaking(language):
        letter = trial_letter(context.chain.name)
    count = context.change(lambda connection, now_us: queue_trial(connection, context.ids, now_us, actor, letter))
    text = plural("%(count)s trial message is on its way.", "%(count)s trial messages are on their way.", count)
    return see_other(request, "/fleet/alerts", Notice(text))


def explaining(request: Request) -> Response:
    """`/fleet/explain?record=…&branch=CODE`: why a branch has a record or has not."""
    context, actor = context_of(request), actor_of(request)
    require(actor, Permission.FLEET_VIEW)
    record, code = request.query_params.get("record", "").strip(), request.query_params.get("branch", "")
    found, failure = None, None
    with context.store.read() as connection:
        branches = [(row.code, f"{row.code} {row.name}") for row in all_branches(connection)]
        if record and code:
            try:
                found = explain_record(connection, actor, record, code)
            except NotFound as error:
                failure = Failure(translate_error(error.message), translate_error(error.hint), 404)
    return render(
        request,
        "fleet_explain.html",
        status_code=status(failure),
        failure=failure,
        record=record,
        code=code,
        branches=branches,
        found=found,
        reason=translate_error(found["reason"]) if found else "",
    )


def files(request: Request, failure: Failure | None = None) -> Response:
    """`/fleet/files`: for branches without a network."""
    context, actor = context_of(request), actor_of(request)
    require(actor, Permission.FLEET_EDIT)
    with context.store.read() as connection:
        branches = [
            (format_id(row.id), row.code, row.name) for row in all_branches(connection) if row.revoked_at_us is None
        ]
    return render(request, "fleet_files.html", status_code=status(failure), failure=failure, branches=branches)


@or_again(files)
def bring(request: Request) -> Response:
    """POST `file`: what a branch exported."""
    context, actor = context_of(request), actor_of(request)
    require(actor, Permission.FLEET_EDIT)
    given = form_of(request).get("file")
    if not isinstance(given, UploadFile) or not given.filename:
        raise InvalidInput("No file was chosen.", "Choose the file that the branch exported.")
    find = authority_of(request)
    done: dict[str, Any] = take_carried(context.store, find, context.clock, context.ids, actor, given.file)
    text = _(
        "Of %(branch)s: %(entries)s entries are new, %(known)s were here already.",
        branch=done["branch"],
        entries=done["entries"],
        known=done["known"],
    )
    return see_other(request, "/fleet/files", Notice(text))


@or_again(files)
def take(request: Request) -> Response:
    """POST: the file for one branch."""
    context, actor = context_of(request), actor_of(request)
    require(actor, Permission.FLEET_EDIT)
    find, branch_id = authority_of(request), id_of_path(request)
    code, path = write_carried(context.store, find, context.clock, context.ids, actor, branch_id)
    name = quote(f"{code}.filial", safe="")
    return FileResponse(
        path,
        media_type="application/octet-stream",
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "Cache-Control": "no-store"},
        background=BackgroundTask(remove_carried, path),
    )


def _rule_shown(request: Request, kind: Trouble, rule: Rule, has_form: bool) -> dict[str, Any]:
    return {
        "kind": kind.value,
        "name": TROUBLES[kind.value],
        "unit": UNITS.get(kind.value, ""),
        "is_on": is_ticked(request, f"on-{kind}") if has_form else rule.is_on,
        "threshold": text_of(request, f"threshold-{kind}") if has_form else str(rule.threshold),
        "has_threshold": kind not in WITHOUT_THRESHOLD,
    }


def _rule_typed(request: Request, kind: Trouble) -> Rule:
    is_on = is_ticked(request, f"on-{kind}")
    if kind in WITHOUT_THRESHOLD:
        return Rule(is_on, 1)
    text = text_of(request, f"threshold-{kind}").strip()
    if not text.isascii() or not text.isdigit() or len(text) > THRESHOLD_DIGITS_MAX:
        raise InvalidInput("A threshold is a whole number from 1 to 1000000000.", "Correct the number.")
    return Rule(is_on, int(text))


ROUTES = (
    guarded("/fleet/alerts", alerts),
    guarded("/fleet/alerts", save, "POST"),
    guarded("/fleet/alerts/trial", trial, "POST"),
    guarded("/fleet/explain", explaining),
    guarded("/fleet/files", files),
    guarded(IMPORT_PATH, bring, "POST"),
    guarded("/fleet/files/{id}/export", take, "POST"),
)
