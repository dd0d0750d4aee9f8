"""Measures the service against its rivals on a real PostgreSQL: `python -m benchmarks [--quick]`.

Prints a table of ratios and writes it with the machine and the versions as benchmarks/RESULTS.md.
Named sections alone (`python -m benchmarks http`) are printed and not written. The server is a
private one (tests/postgresql.py), or the one that TEST_DATABASE_URL names. Exit status 0 only when
everything was measured and every requirement met.
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
    }


def report(sections: dict[str, list[Row] | str], about: list[str], quick: bool) -> str:
    """The whole of RESULTS.md."""
    data = "a quick run: less data, fewer and shorter rounds" if quick else "a full run"
    parts = [
        "# Measured against rivals",
        f"Written by `make bench{' ARGS=--quick' if quick else ''}`: {data}. A ratio is the median "
        "of interleaved rounds, with the lowest and the highest of them; above 1 we are faster.",
        "\n".join(f"- {fact}" for fact in about),
    ]
    for title, rows in sections.items():
        parts += [f"## {title}", rows if isinstance(rows, str) else table(rows)]
    return "\n\n".join(parts) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="all of it in under two minutes")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    options = parser.parse_args()
    names = options.sections or list(SECTIONS)
    if unknown := [name for name in names if name not in SECTIONS]:
        parser.error(f"no section {', '.join(unknown)}; there are: {', '.join(SECTIONS)}")

    started = time.monotonic()
    measured: dict[str, list[Row] | str] = {}
    with server(durable=True) as url:
        about = facts(url)
        for name in names:
            say(f"== {SECTIONS[name]}")
            measured[SECTIONS[name]] = measure(name, url, options.quick)
    about.append(f"took {time.monotonic() - started:,.0f} s")
    text = report(measured, about, options.quick)
    print(text)
    if not options.sections:
        RESULTS.write_text(text, encoding="utf-8")
    rows = [row for one in measured.values() for row in (one if isinstance(one, list) else [])]
    complete = all(isinstance(one, list) for one in measured.values())
    return 0 if complete and all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
