"""What a report is asked, as a document: there and back, and nothing guessed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidInput, NotFound
from shared.reports.asks import ask_document, ask_of_document
from shared.reports.parameters import ReportAsk
from shared.reports.periods import PRESETS
from shared.reports.registry import REPORTS
from shared.reports.templates import READY_MADE, Template, find_ready_made
from tests.support.strategies import SOME, characters

TEXT = st.text(characters, max_size=20)
LIST = st.lists(TEXT, max_size=4).map(tuple)
ASKS = st.builds(
    ReportAsk, by=LIST, branches=LIST, filters=LIST, options=LIST, team=TEXT, like_for_like=st.booleans(),
    period=st.none() | st.sampled_from(list(PRESETS)), date_from=st.none() | TEXT.filter(bool),
)  # fmt: skip


@SOME
@given(ASKS)
def test_what_was_asked_is_asked_again(ask: ReportAsk) -> None:
    document = ask_document(ask)
    assert ask_of_document(document) == ask
    assert ask_document(ask_of_document(document)) == document


def test_a_period_keeps_its_name_and_nothing_stands_for_what_was_not_asked() -> None:
    assert ask_document(ReportAsk(by=("branch",), period="yesterday")) == '{"by":["branch"],"period":"yesterday"}'
    assert ask_document(ReportAsk()) == "{}"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", "cannot be read"),
        ("[]", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ('{"by":"branch"}', "“by”"),
        ('{"by":[1]}', "“by”"),
        ('{"team":1}', "“team”"),
        ('{"like_for_like":"yes"}', "“like_for_like”"),
        (json.dumps({"by": ["x"] * 201}), "“by”"),
        (json.dumps({"team": "x" * 301}), "“team”"),
        ('{"sideways":true}', "“sideways”, which this program does not know"),
    ],
)
def test_what_is_no_question_is_said_in_a_sentence(document: str, message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ask_of_document(document)
    assert message in refused.value.message
    assert refused.value.hint


def test_every_ready_made_report_of_this_release_can_be_asked() -> None:
    for ready in READY_MADE:
        assert find_ready_made(ready.code) is ready
        report = REPORTS.get(ready.report)
        if report is not None:
            assert set(ready.ask.by) <= set(report.all_dimensions)
    with pytest.raises(NotFound):
        find_ready_made("nothing")


def test_a_template_is_shared_with_roles_or_with_all_of_them() -> None:
    own = Template(b"t" * 16, "Продажи", "sales", "{}")
    assert not own.is_for("auditor")
    assert own._replace(is_shared=True).is_for("auditor")
    assert own._replace(is_shared=True, roles=("auditor",)).is_for("auditor")
    assert not own._replace(is_shared=True, roles=("owner",)).is_for("auditor")
    assert own._replace(schedule="of a newer release").timetable is None
