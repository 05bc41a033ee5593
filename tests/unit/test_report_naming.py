"""Values by their names: in the table, in a filter that is typed, in a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hq_server.operations.fleet import change_branch
from hq_server.operations.products import Assortment, ProductFields, WantedPrice
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.reports.naming import named_result, names_of_our_own, texts_of, values_named
from shared.reports.parameters import ReportParameters
from shared.reports.result import BranchCompleteness, Column, Completeness, ReportResult
from tests.support.journal import line, sale
from tests.support.office_pages import Desk, OfficePages, office_pages

NAMES = {"branch": {"B1": "Север"}, "product": {"tea": "Чай"}, **names_of_our_own(str.upper)}


@pytest.fixture
def pages(tmp_path: Path, sqlite_template: Path) -> Iterator[OfficePages]:
    with office_pages(tmp_path, sqlite_template) as served:
        office = served.office
        served.hire("olga", "owner")
        journal = office.journal("B1")
        journal.add_sale(sale(1, [line("tea", 100_00), line("cup", 40_00)], "2026-11-20T10:00:00", client="7"))
        office.merge(journal, journal.batch())
        with office.store.write() as connection:
            now_us = office.clock.now_us()
            change_branch(connection, office.ids, now_us, "B1", name="Север")
            Assortment(connection, office.ids, now_us, LOCAL_ADMINISTRATOR).add(
                ProductFields("tea", "Чай зелёный"), WantedPrice(100)
            )
        yield served


@pytest.fixture
def desk(pages: OfficePages) -> Desk:
    return pages.logged_in("olga")


@pytest.mark.parametrize(
    ("dimension", "typed", "kept"),
    [
        ("product", "Чай зелёный", "product=tea"),
        ("product", "tea", "product=tea"),
        ("product", "Нет такого", "product=Нет такого"),
        ("branch", "север", "branch=B1"),
        ("cashier", "Olga", "cashier=olga"),
    ],
)
def test_a_filter_is_typed_as_the_table_shows_it(desk: Desk, dimension: str, typed: str, kept: str) -> None:
    text = desk.get(f"/reports/sales?by=branch&period=this-month&where_by={dimension}&where_value={typed}", "ru").text
    assert f'name="where" value="{kept}" checked' in text
    assert ("100,00\u00a0₽" in text) == (kept == "product=tea")


def test_the_segments_of_clients_are_called_by_their_names(desk: Desk) -> None:
    address = "/reports/rfm?by=segment&period=this-year"
    text = desk.get(address, "ru").text
    assert ">Потерянные<" in text
    assert ">lost<" not in text
    found = desk.get(f"{address}&where_by=segment&where_value=лучшие", "ru").text
    assert 'name="where" value="segment=champions" checked' in found
    assert "Сегмент: Лучшие" in found
    content = desk.get(address.replace("rfm?", "rfm/export.csv?"), "ru").content.decode()
    assert ("Потерянные" in content, "lost" in content) == (True, False)


def test_both_products_of_a_pair_have_their_names(pages: OfficePages) -> None:
    with pages.office.store.read() as connection:
        assert values_named(connection, "other_product", "Чай зелёный", "ru") == ["tea"]
        assert values_named(connection, "category", "Чай зелёный", "ru") == []


def test_a_file_names_its_filters_and_the_branches_it_is_complete_of() -> None:
    columns = (Column("segment", "text"), Column("product", "text"), Column("net", "money"))
    asked = ReportParameters(("segment", "product"), branches=("B1", "B2"), filters=(("product", ("tea", "")),))
    known = Completeness((BranchCompleteness("B1", None, None, False),))
    found = ReportResult("rfm", asked, columns, (("lost", "tea", 5), (None, "cup", 7)), (12,), known, "RUB")
    assert texts_of(found) == {"segment": {"lost"}, "product": {"tea", "cup"}}
    named = named_result(found, NAMES)
    assert named.rows == (("LOST", "Чай (tea)", 5), (None, "cup", 7))
    assert named.parameters.branches == ("Север", "B2")
    assert named.parameters.filters == (("product", ("Чай (tea)", "")),)
    assert [each.branch for each in named.completeness.branches] == ["Север"]
