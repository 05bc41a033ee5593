"""Reports that take long, with a real server: it computes what is asked for, and goes on after it was killed."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from deploy.demo.chain import HeadOffice
from hq_server.bootstrap import read_database_url, settings_for
from hq_server.operations.kept_reports import Kept, KeptState, ask_kept
from hq_server.storage.store import HqStore, open_store
from shared.clock import SystemClock
from shared.reports.parameters import ReportAsk
from shared.reports.registry import find_report
from tests.support.deadlines import wait_until

ABC = find_report("abc-xyz")
CLOCK = SystemClock()


def look(store: HqStore, *by: str) -> Kept:
    return ask_kept(store, ABC, ReportAsk(by, period="last-28-days"), CLOCK.now_us())


def done(store: HqStore, *by: str) -> Kept | None:
    kept = look(store, *by)
    return kept if kept.state == KeptState.DONE else None


def test_a_server_computes_what_is_asked_for_also_what_was_asked_for_while_it_was_away(tmp_path: Path) -> None:
    office = HeadOffice.found(tmp_path / "hq")
    settings = settings_for(office.home)
    with closing(open_store(read_database_url(settings), settings.home, CLOCK)) as store:
        assert look(store, "abc").state == KeptState.WAITING
        office.serve()
        try:
            assert wait_until(lambda: done(store, "abc"), "the first answer").result is not None
            assert look(store, "xyz").state == KeptState.WAITING
            assert wait_until(lambda: done(store, "xyz"), "the second answer").is_current
        finally:
            office.stop()


def test_what_waits_is_computed_by_a_command_too(tmp_path: Path) -> None:
    office = HeadOffice.found(tmp_path / "hq")
    settings = settings_for(office.home)
    with closing(open_store(read_database_url(settings), settings.home, CLOCK)) as store:
        look(store, "abc")
        look(store, "product")
        assert office.ask("report", "compute") == {"computed": 2}
        assert done(store, "product") is not None
