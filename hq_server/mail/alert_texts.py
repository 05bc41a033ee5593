"""The letter that tells people of alerts, in their language."""

from __future__ import annotations

from hq_server.operations.fleet_alerts import Event, Saying
from hq_server.operations.fleet_messages import EVENTS_PER_MESSAGE_MAX, Setting
from shared.web.fleet_words import say_event, say_foot, say_left, say_subject, say_trouble
from shared.web.formats import format_moment
from shared.web.translations import speaking


def letter_of(events: list[Event], setting: Setting) -> tuple[str, str]:
    """Subject and text."""
    with speaking(setting.language):
        troubled = {each.alert.branch_id for each in events if each.saying is not Saying.CLEARED}
        lines = [_line(each, setting) for each in events[:EVENTS_PER_MESSAGE_MAX]]
        if len(events) > len(lines):
            lines.append(say_left(len(events) - len(lines)))
        return f"{setting.chain_name}: {say_subject(len(troubled))}", "\n".join([*lines, "", say_foot()])


def _line(event: Event, setting: Setting) -> str:
    alert = event.alert
    code, name = setting.branches.get(alert.branch_id, ("?", ""))
    shown = code if name in ("", code) else f"{code} {name}"
    since = format_moment(alert.raised_at_us, setting.zone)
    return say_event(event.saying.value, shown, say_trouble(alert.kind.value, alert.figure), since)
