"""Files as people send them, and the import commands as a shell runs them."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from organizations.models import Organization


@dataclass(frozen=True)
class Outcome:
    """What a shell would see."""

    status: int
    counts: str
    messages: str


def write_csv(path: Path, rows: Iterable[dict[str, Any]], delimiter: str = ",") -> Path:
    """A CSV file with the columns of all rows; None is an empty cell."""
    rows = list(rows)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, delimiter=delimiter, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def run(
    command: str, file: Path | str, organization: Organization | None, *options: str
) -> Outcome:
    """Runs a command; what it refuses as a whole has the status 1 and no counts."""
    out, err = StringIO(), StringIO()
    arguments = [str(file), *options]
    if organization:
        arguments.append(f"--organization={organization.pk}")
    status = 0
    try:
        call_command(command, *arguments, stdout=out, stderr=err)
    except SystemExit as error:
        status = int(str(error.code))
    except CommandError as error:
        status = 1
        err.write(str(error))
    return Outcome(status, out.getvalue().strip(), err.getvalue())


def json_numbers(body: dict[str, Any], *names: str) -> dict[str, Any]:
    """Fields as numbers where their text is one in JSON, and as the text where it is none."""
    numbers = {}
    for name in names:
        if name in body:
            try:
                number = json.loads(body[name], parse_float=Decimal, parse_constant=str)
            except ValueError:
                continue
            numbers[name] = number if isinstance(number, int | Decimal) else body[name]
    return numbers


@contextmanager
def undone() -> Iterator[None]:
    """Runs in a transaction and takes back what was stored."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def listen_to_ctrl_c() -> None:
    """A program that a shell starts in the background ignores Ctrl-C, and so would its children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def kill(
    command: str,
    file: Path,
    organization: Organization,
    seconds: float,
    how: signal.Signals = signal.SIGKILL,
) -> tuple[int, str]:
    """Runs a command as an operator does and ends it so long after its transaction has begun.

    Returns its exit status and what it said on stderr.
    """
    rejects = file.with_name("rejects.csv")
    name = connection.settings_dict["NAME"]
    url = f"sqlite:///{name}"
    if connection.vendor == "postgresql":
        url = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))
    process = subprocess.Popen(
        [sys.executable, "-u", "manage.py", command, str(file),
         f"--organization={organization.pk}", f"--rejects={rejects}"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": url, "DEBUG": "1"},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        preexec_fn=listen_to_ctrl_c,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not rejects.exists() and time.monotonic() < deadline:
            time.sleep(0.01)  # the transaction begins right after the file is there
        time.sleep(seconds)
        assert process.poll() is None, "it was done before it could be killed"
    finally:
        process.send_signal(how)
        _, said = process.communicate()
    return process.returncode, said
