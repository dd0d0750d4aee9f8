"""Importing facilities and bills, against COPY of the finished rows into the same tables.

Ours reads a CSV, holds every row to the rules of the API, looks for what is stored, computes, and
writes bills, lines and totals. The limit knows the answer: `psql \\copy` of a text file of exactly
the rows that ours has stored, into both tables with their indexes, in one transaction. `save()` and
`bulk_create` are the two stock ways: the first with the signals that compute, the second of model
instances that somebody else has computed.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.frame import Row, compare, interleaved
from benchmarks.loads import in_a_row, memory
from benchmarks.stage import Stage


def rows(quick: bool) -> Iterator[Row]:
    """What is compared, with what is required."""
    with tempfile.TemporaryDirectory(prefix="facilities-import-") as folder:
        stage = Stage(Path(folder), facilities=1_000 if quick else 50_000)
        yield from facilities(stage, quick)
        stage.import_facilities()
        yield from bills(stage, quick)
        yield from in_a_row(stage, quick)
        yield from memory(stage)


def facilities(stage: Stage, quick: bool) -> Iterator[Row]:
    measured = interleaved(
        {
            "ours": stage.import_facilities,
            "psql": stage.copy_facilities,
            "psycopg": stage.copy_facilities_by_psycopg,
        },
        rounds=2 if quick else 7,
    )
    name = f"import of {stage.facilities:,} facilities"
    required = "" if quick else "≥ 0.4"  # a thousand take less than the start of a command
    for rival, title, limit in (
        ("psql", "psql \\copy of the finished rows", required),
        ("psycopg", "psycopg COPY of the finished rows", ""),
    ):
        yield compare(name, "rows/s", measured["ours"], (title, measured[rival]), limit)


def bills(stage: Stage, quick: bool) -> Iterator[Row]:
    measured = interleaved(
        {
            "ours": stage.import_bills,
            "again": stage.import_bills_again,
            "psql": stage.copy_bills,
            "bulk_create": stage.bulk_create_bills,
            "save": stage.save_bills,
        },
        rounds=2,
    )
    count = f"{stage.bills:,}"
    for rival, title, required in (
        # Of 20,000 the start of a command, which reads all factors, is a large part.
        ("psql", "psql \\copy of the finished rows and lines", "" if quick else "≥ 0.75"),
        ("bulk_create", "bulk_create of the finished instances", ""),
        ("save", "save() with signals", "≥ 40"),
    ):
        yield compare(
            f"import of {count} bills",
            "rows/s",
            measured["ours"],
            (title, measured[rival]),
            required,
        )
    first = ("the first import", measured["ours"])
    yield compare(f"the same {count} bills again", "rows/s", measured["again"], first, "≥ 1")
