"""Which machine and which versions a result is of."""

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psycopg

PACKAGES = [
    "Django", "djangorestframework", "psycopg", "orjson", "granian",
    "gunicorn", "fastapi", "pydantic", "SQLAlchemy", "asyncpg", "uvicorn", "uvloop",
]  # fmt: skip


def facts(url: str) -> list[str]:
    """Sentences on the day, the machine, PostgreSQL and the packages that are installed."""
    with psycopg.connect(url) as connection:
        [postgresql] = connection.execute("SHOW server_version").fetchone() or ("?",)
        [buffers] = connection.execute("SHOW shared_buffers").fetchone() or ("?",)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, load before: {load}",
        f"{processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"{platform.system()} {platform.release()}",
        f"Python {platform.python_version()}, PostgreSQL {postgresql} (shared_buffers {buffers}), "
        f"{wrk_version()}",
        ", ".join(filter(None, map(installed, PACKAGES))),
    ]


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text(encoding="utf-8") if cpuinfo.exists() else ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine()


def installed(package: str) -> str:
    """“Django 5.2.19”, or nothing where it is not installed."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return ""


def wrk_version() -> str:
    try:
        shown = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "no wrk"
    return " ".join((shown.stdout or shown.stderr).split()[:2])
