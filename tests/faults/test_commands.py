"""Commands without a database: a sentence and an exit status, not a traceback."""

import subprocess
import sys

import pytest

from tests.faults.service import ROOT, environment

AWAY = "postgres://nobody:secret@127.0.0.1:9/facilities"


@pytest.mark.parametrize("command", ["recalculate_co2e", "migrate", "run_worker"])
def test_a_command_says_that_the_database_is_away(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", command],
        cwd=ROOT,
        env=environment(AWAY, DB_POOL_TIMEOUT="1"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr, done.stderr
    assert "secret" not in done.stderr
    said = "The worker ends" if command == "run_worker" else "The database cannot be used: "
    assert said in done.stderr.splitlines()[-1]
