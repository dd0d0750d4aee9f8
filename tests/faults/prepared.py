"""A server with the service's tables and an organization on it: made once in a run, then copied.

To migrate takes half a minute of processor on a busy machine; to copy what another module of the
run has migrated takes a second.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import databases
from tests.faults.server import (
    SERVICES,
    THE_PRIMARYS,
    Server,
    of_the_service,
    private_folder,
    running,
)
from tests.faults.service import prepare


@contextmanager
def prepared_server() -> Iterator[tuple[Server, dict[str, str]]]:
    """A server of one's own, gone afterwards, and the headers of an admin's requests."""
    made = databases.folder() / "faults"
    with databases.locked(databases.folder() / "faults.lock"):
        if not (made / "headers.json").exists():
            make(made)
    folder = private_folder()
    subprocess.run(["cp", "-a", str(made / "data"), str(folder)], check=True)
    with running(folder, SERVICES) as server:
        yield server, json.loads((made / "headers.json").read_text())


def make(made: Path) -> None:
    shutil.rmtree(made, ignore_errors=True)
    folder = private_folder()
    with running(folder) as server:
        server.do("CREATE ROLE service LOGIN")
        server.do(f"CREATE DATABASE {SERVICES} OWNER service")
        headers: dict[str, Any] = prepare(of_the_service(server))
        server.end()
        made.mkdir()
        subprocess.run(["cp", "-a", str(folder / "data"), str(made)], check=True)
        for name in THE_PRIMARYS:
            (made / "data" / name).unlink(missing_ok=True)
    (made / "headers.json").write_text(json.dumps(headers))
