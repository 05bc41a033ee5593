"""A till of one branch as a process of its own: sells through the head office and prints how long each sale took.

    python -m benchmarks.central_till HOME SEED SALES SALES_PER_SECOND

Begins when a line comes on standard input. With 0 sales a second it sells as fast as it can.
"""

from __future__ import annotations

import json
import random
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.chains import sale_requests
from branch_node.bootstrap import open_processor, open_store, settings_for

WARM_UP_SALES = 20


def main(home: str, seed: str, sales: str, rate: str) -> None:
    """Writes one JSON document: when it began and ended, and each sale's milliseconds."""
    settings = replace(settings_for(Path(home)), commit_deadline_ms=10_000)
    store = open_store(settings)
    requests = list(sale_requests(int(sales) + WARM_UP_SALES, int(seed)))
    with closing(open_processor(settings, store)) as processor:
        for request in requests[:WARM_UP_SALES]:
            processor.sell(request)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        _write(_sell(processor, requests[WARM_UP_SALES:], float(rate), random.Random(seed)))


def _sell(processor: Any, requests: list[Any], rate: float, source: random.Random) -> dict[str, Any]:
    began = time.time()
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
        if not processor.sell(request).confirmed:
            raise SystemExit("A sale was not confirmed.")
        took.append((clock() - due) * 1_000)
    return {"began": began, "ended": time.time(), "ms": took}


def _write(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
