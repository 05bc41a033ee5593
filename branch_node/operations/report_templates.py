"""Templates of reports at a branch: those that the head office shares with whoever asks. A branch changes none."""

from __future__ import annotations

from sqlalchemy import Connection

from shared.domain.permissions import Actor, Permission, require
from shared.reports.templates import Template, templates_in_use


def list_templates(connection: Connection, actor: Actor) -> list[Template]:
    """The actor's own and those that are shared with the actor's role, by name. Raises NotPermitted."""
    require(actor, Permission.REPORT_BRANCH)
    return [each for each in templates_in_use(connection) if _is_for(actor, each)]


def _is_for(actor: Actor, template: Template) -> bool:
    return template.is_for(actor.role) or (template.owner_id is not None and template.owner_id == actor.employee_id)
