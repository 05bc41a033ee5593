"""A store of the release before gets its products into the index, and keeps its quick keys."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from branch_node.storage import migrations
from shared.storage.sqlite_engine import SqliteStore
from tests.support.clock import FakeClock


def test_products_that_were_there_before_are_found(tmp_path: Path, clock: FakeClock) -> None:
    store = SqliteStore(tmp_path / "branch.db", clock)
    with store.write() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
        for number, archived in ((1, 0), (2, 1)):
            connection.execute(
                text(
                    "INSERT INTO product (id, sku, name, barcode, archived) "
                    f"VALUES (x'0{number}', 'M{number}', 'Ёлка', '46{number}', {archived})"
                )
            )
    with store.write() as connection:
        migrations.upgrade(connection)
        assert migrations.differences(connection) == []
        found = text("SELECT rowid FROM product_words WHERE product_words MATCH '\"елка\"'")
        assert connection.execute(found).all() == [(1,)]
        assert connection.execute(text("SELECT number, product_id, barcode, is_pending FROM product_search")).all() == [
            (1, b"\x01", "461", 0)
        ]
    store.close()


def test_quick_keys_that_were_there_before_are_keys_of_every_register(tmp_path: Path, clock: FakeClock) -> None:
    store = SqliteStore(tmp_path / "branch.db", clock)
    with store.write() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.attributes["connection"] = connection
        command.upgrade(config, "0015")
        columns = "position, sku, label, colour"
        connection.execute(text(f"INSERT INTO quick_key ({columns}) VALUES (7, 'bread', 'Bread', '')"))
    with store.write() as connection:
        migrations.upgrade(connection)
        assert migrations.differences(connection) == []
        kept = connection.execute(text(f"SELECT register, {columns}, key_group FROM quick_key")).all()
        assert kept == [("", 7, "bread", "Bread", "", "")]
    store.close()
