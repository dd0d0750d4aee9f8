"""How many made-up examples a property is tried with."""

import os

TIMES = int(os.environ.get("TIMES", 1))


def examples(number: int) -> int:
    """So many in `make test`; `make fuzz` tries ten times as many."""
    return number * TIMES
