"""Waits for its turn: `python -m config.operations.turn COMMAND …` runs a command while no other
that was begun so uses the same SQLite file.

Two `make run` at once on an empty file would both migrate it, and both make a demo.
"""

import fcntl
import os
import sys
from contextlib import suppress

from django.conf import settings

WAITING = "Another `make run` is preparing this database: waiting for it …"


def wait_for_turn() -> None:
    """Returns when nobody else has the lock, which whatever this process becomes then keeps.

    The lock is on the file that keeps the demo's key, beside the database: SQLite locks its own.
    """
    database = settings.DATABASES["default"]
    if "sqlite" not in database["ENGINE"]:
        return
    lock = os.open(f"{database['NAME']}-demo", os.O_RDWR | os.O_CREAT, 0o600)
    os.set_inheritable(lock, True)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.stderr.write(f"{WAITING}\n")
        fcntl.flock(lock, fcntl.LOCK_EX)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    with suppress(OSError):  # where no file can be, the command says so
        wait_for_turn()
    os.execvp(sys.argv[1], sys.argv[1:])
