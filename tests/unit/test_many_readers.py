"""Many threads read through the pool at once, as a till's pages do: each gets whole rows of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.support.shop import Shop

THREADS, READS = 8, 400


def test_threads_that_take_over_each_other_s_connections_get_whole_rows(shop: Shop) -> None:
    shop.sell("k1")

    def read(_number: int) -> int:
        with shop.store.read_cursor() as cursor:
            row = cursor.execute("SELECT register, receipt_number, net_minor FROM sale").fetchone()
        # What is left of the cursor lives on here, while another thread has the connection.
        with shop.store.read_cursor() as other:
            again = other.execute("SELECT register, receipt_number, net_minor FROM sale").fetchone()
        return len(row) + len(again)

    with ThreadPoolExecutor(THREADS) as threads:
        assert set(threads.map(read, range(THREADS * READS))) == {6}
