"""A till of one branch as a process of its own: sells through the head office and prints how long each sale took.

    python -m benchmarks.central_till HOME SEED SALES SALES_PER_SECOND

Begins when a line comes on standard input. With 0 sales a second it sells as fast as it can.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from benchmarks.chains import sale_requests
from branch_node.bootstrap import open_processor, open_store, settings_for
from branch_node.operations.sale_request import SaleRequest

WARM_UP_SALES = 20


def main(home: str, seed: str, sales: str, rate: str) -> None:
    """Writes one JSON document: when it began and ended, and each sale's milliseconds."""
    settings = replace(settings_for(Path(home)), commit_deadline_ms=10_000)
    with closing(open_processor(settings, open_store(settings))) as processor:

        def sell(request: SaleRequest) -> None:
            if not processor.sell(request).confirmed:
                raise SystemExit("A sale was not confirmed.")

        sell_at_pace(sell, int(seed), int(sales), float(rate))


def sell_at_pace(sell: Callable[[SaleRequest], None], seed: int, sales: int, rate: float) -> None:
    """Warms up, says `ready`, waits for a line, sells, and writes what it measured."""
    requests = list(sale_requests(sales + WARM_UP_SALES, seed))
    for request in requests[:WARM_UP_SALES]:
        sell(request)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    began = time.time()
    took = _sell(sell, requests[WARM_UP_SALES:], rate, random.Random(seed))
    sys.stdout.write(json.dumps({"began": began, "ended": time.time(), "ms": took}) + "\n")


def _sell(
    sell: Callable[[SaleRequest], None], requests: list[SaleRequest], rate: float, source: random.Random
) -> list[float]:
    clock = time.perf_counter
    due = clock()
    took = []
    for request in requests:
        if rate:
            # Customers come when they come. Late ones follow at once, and their lateness counts: a queue waits too.
            due += source.expovariate(rate)
            time.sleep(max(0.0, due - clock()))
        else:
            due = clock()
        sell(request)
        took.append((clock() - due) * 1_000)
    return took


if __name__ == "__main__":
    main(*sys.argv[1:])
