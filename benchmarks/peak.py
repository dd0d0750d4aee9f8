"""Runs a command of manage.py and says how much memory it took: `python -m benchmarks.peak …`.

A process of its own, which reads its own peak: what the operating system says of a child that has
ended may be the memory of whoever started it.
"""

import sys
from pathlib import Path

import django
from django.core.management import call_command

from organizations.database.wall import process_sees_everybody

STATUS = Path("/proc/self/status")


def mebibytes() -> int:
    """The most memory that this process has had at once."""
    lines = STATUS.read_text(encoding="ascii").splitlines()
    [line] = [one for one in lines if one.startswith("VmHWM:")]
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    django.setup()
    process_sees_everybody()
    call_command(*sys.argv[1:], stdout=sys.stderr)
    print(mebibytes())
