"""How many made-up examples a property is tried with."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "tests",
    deadline=None,  # a busy machine makes no property wrong
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("tests")

TIMES = int(os.environ.get("TIMES", 1))


def examples(number: int) -> int:
    """So many in `make test`; `make fuzz` tries ten times as many."""
    return number * TIMES
