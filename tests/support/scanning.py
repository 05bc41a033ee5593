"""A till as a process of its own that can be killed: scans codes one after another and says each that is durable.

python -m tests.support.scanning HOME COUNT
"""

from __future__ import annotations

import sys
from pathlib import Path

from branch_node.operations import basket
from branch_node.storage.store import BranchStore
from shared.clock import SystemClock, SystemIds

REGISTER = "1"


def code_number(number: int) -> str:
    """The code of the n-th scan."""
    return f"sku{number:03d}"


def main() -> None:
    """Goes on where an earlier process stopped: scans that were told before are only told again."""
    home, count = Path(sys.argv[1]), int(sys.argv[2])
    store = BranchStore(home / "branch.db", SystemClock(), SystemIds())
    basket.recover_baskets(store)
    basket_id = basket.open_basket(store, REGISTER, "anna")
    for number in range(count):
        done = basket.scan(store, basket_id, f"scan-{number}", code_number(number))
        print(done.line_id, flush=True)


if __name__ == "__main__":
    main()
