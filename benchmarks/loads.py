"""What one measurement of an import does not show: its memory, and the tenth load in a row."""

import subprocess
import sys
from collections.abc import Iterator
from statistics import median
from time import perf_counter

from benchmarks.files import MONTHS, bill_rows, write
from benchmarks.frame import Row, say
from benchmarks.peak import STATUS
from benchmarks.stage import Stage
from emissions.models import Consumption

LOADS = 10
TIMES = 4
"""The longer file has so many times the rows of the shorter one."""


def memory(stage: Stage) -> Iterator[Row]:
    """The peak of an import in a process of its own, of a file and of one four times as long."""
    if not STATUS.exists():
        say("memory: not measured; it is read from Linux's /proc")
        return
    months = MONTHS // 2  # of 50,000 facilities: half a million bills, and two millions
    peaks, counts = [], []
    for span in (months, months * TIMES):
        stage.empty_bills()
        file = write(stage.folder / "long.csv", bill_rows(stage.facilities, range(span)))
        counts.append(stage.facilities * span)
        started = perf_counter()
        peaks.append(peak_of("import_consumption", str(file), stage))
        rate = counts[-1] / (perf_counter() - started)
        assert Consumption.objects.count() == counts[-1]
        say(f"{counts[-1]:,} bills: {peaks[-1]} MiB, {rate:,.0f} rows/s")
    less, more = peaks
    yield Row(
        f"memory of an import of {counts[1]:,} bills, MiB",
        f"{more} MiB",
        f"{counts[0]:,} bills: {less} MiB",
        more,
        "≤ 400",
        "",
    )
    yield Row(
        f"growth of memory with {TIMES} times the bills",
        f"{more} MiB",
        f"{counts[0]:,} bills: {less} MiB",
        more / less,
        "≤ 2",
        "",
    )


def peak_of(command: str, file: str, stage: Stage) -> int:
    """MiB."""
    whose = f"--organization={stage.organization.pk}"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.peak", command, file, whose],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    return int(done.stdout)


def in_a_row(stage: Stage, quick: bool) -> Iterator[Row]:
    """The same facilities' next months, load after load: none of them stalls."""
    stage.empty_bills()
    each = MONTHS // LOADS
    seconds = []
    for number in range(LOADS):
        months = range(number * each, (number + 1) * each)
        write(stage.folder / "next.csv", bill_rows(stage.facilities, months))
        count = stage.facilities * each
        seconds.append(count / stage.load("import_consumption", "next.csv", count))
        say(f"load {number + 1}/{LOADS}: {seconds[-1]:.2f} s")
    usual = median(seconds)
    yield Row(
        f"{LOADS} loads of {count:,} bills in a row, the slowest to the median",
        f"{max(seconds):.1f} s",
        f"the median: {usual:.1f} s",
        max(seconds) / usual,
        "" if quick else "≤ 2",
        f"{min(seconds):.1f} … {max(seconds):.1f} s",
    )
