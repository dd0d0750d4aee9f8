"""Measures the service against its rivals on a real PostgreSQL: `python -m benchmarks [--quick]`.

Prints a table of ratios and writes it with the day, the machine and the versions into
benchmarks/RESULTS.md; of named sections (`python -m benchmarks http`) those alone are written anew,
and with --quick none. The server is a private one (tests/postgresql.py), or the one that
TEST_DATABASE_URL names. Exit status 0 only when everything was measured and every requirement met.
"""

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from benchmarks.frame import Row, read_rows, say, table
from benchmarks.machine import facts
from tests.postgresql import server

SECTIONS = {
    "http": "HTTP",
    "writes": "Writes",
    "sqlite": "SQLite",
    "recalculation": "Recalculation",
    "imports": "Imports",
    "meters": "Meters and workbooks",
    "figures": "Figures",
    "admin": "Admin",
}
"""Module of benchmarks/ → its title, in the order of the report."""

ON_SQLITE = {"sqlite"}
"""Sections that are measured on the embedded default."""

RESULTS = Path(__file__).with_name("RESULTS.md")


def measure(name: str, url: str, quick: bool) -> list[Row] | str:
    """The rows of a section, measured on a database of its own; or why there are none."""
    database = f"bench_{name}_{secrets.token_hex(3)}"
    with psycopg.connect(url, autocommit=True) as administrator:
        administrator.execute(f"CREATE DATABASE {database}")
    try:
        with tempfile.TemporaryDirectory(prefix="facilities-bench-") as folder:
            out = Path(folder) / "rows.json"
            command = [sys.executable, "-m", "benchmarks.section", name, str(out)]
            where = urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
            if name in ON_SQLITE:
                where = f"sqlite:///{folder}/bench.sqlite3"
            code = subprocess.run(
                command + ["--quick"] * quick, env=environment(where), check=False
            ).returncode
            reason = out.with_suffix(".reason")
            if reason.exists():
                return f"Not measured. {reason.read_text(encoding='utf-8')}"
            return read_rows(out) if code == 0 else f"Not measured: it ended with status {code}."
    finally:
        with psycopg.connect(url, autocommit=True) as administrator:
            administrator.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


def environment(url: str) -> dict[str, str]:
    """What production would be started with."""
    unwalled = urlsplit(os.environ["UNWALLED_DATABASE_URL"])
    return {
        **os.environ,
        "DATABASE_URL": url,
        "UNWALLED_DATABASE_URL": urlunsplit(unwalled._replace(path=urlsplit(url).path)),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DEBUG": "0",
        "SECRET_KEY": secrets.token_hex(32),
        "ALLOWED_HOSTS": "127.0.0.1",
        "LOG_LEVEL": "WARNING",
        # Requests are counted as ever, but a round of the fastest is over no limit.
        "REQUESTS_PER_KEY": "1000000",
        "REQUESTS_PER_ADDRESS": "1000000",
    }


def report(sections: dict[str, str], quick: bool) -> str:
    """The text of sections, by their titles, under one heading."""
    data = "a quick run: less data, fewer and shorter rounds" if quick else "full runs"
    about = (
        f"Written by `make bench{' ARGS=--quick' if quick else ''}`: {data}. A ratio is the median "
        "of interleaved rounds, with the lowest and the highest of them; above 1 we are faster."
    )
    parts = [f"## {title}\n\n{text.strip()}" for title, text in sections.items()]
    return "\n\n".join(["# Measured against rivals", about, *parts]) + "\n"


def written() -> dict[str, str]:
    """The sections that RESULTS.md has, by their titles."""
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    _, *sections = text.split("\n## ")
    return {title: of for title, _, of in (one.partition("\n") for one in sections)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="all of it in a few minutes")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    options = parser.parse_args()
    names = options.sections or list(SECTIONS)
    if unknown := [name for name in names if name not in SECTIONS]:
        parser.error(f"no section {', '.join(unknown)}; there are: {', '.join(SECTIONS)}")

    measured: dict[str, str] = {}
    met = True
    with server(durable=True) as url:
        for name in names:
            say(f"== {SECTIONS[name]}")
            started, about = time.monotonic(), facts(url)
            rows = measure(name, url, options.quick)
            about.append(f"took {time.monotonic() - started:,.0f} s")
            said = rows if isinstance(rows, str) else table(rows)
            measured[SECTIONS[name]] = "\n".join([*(f"- {one}" for one in about), "", said])
            met = met and not isinstance(rows, str) and all(row.met for row in rows)
    print(report(measured, options.quick))
    if not options.quick:
        known = written() | measured
        ordered = {title: known[title] for title in SECTIONS.values() if title in known}
        RESULTS.write_text(report(ordered, quick=False), encoding="utf-8")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
