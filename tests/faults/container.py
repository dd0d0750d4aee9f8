"""The Containerfile, built and run with buildah on a Debian from debootstrap: no image is fetched.

`make rehearse` does it where both are installed. podman and docker themselves are not run.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from tests.faults.documented import as_role, free_port
from tests.faults.server import Server
from tests.faults.service import ROOT, Service, environment

NEEDS = ("buildah", "debootstrap")
BASE = "docker.io/library/debian:bookworm-slim"
MIRROR = "http://deb.debian.org/debian"
TRUSTED = Path("/usr/local/share/ca-certificates")
"""Who this machine trusts besides: a proxy of its network, perhaps."""

SOCKET = ".s.PGSQL.5432"
ENDED = 60
"""Seconds within which an idle container ends."""


class Builder:
    """buildah with a store of its own."""

    def __init__(self, folder: Path) -> None:
        self._options = ["--storage-driver", "vfs", "--root", str(folder / "store"),
                         "--runroot", str(folder / "run")]  # fmt: skip

    def command(self, *words: str) -> list[str]:
        return ["buildah", *self._options, *words]

    def run(self, *words: str) -> str:
        done = subprocess.run(self.command(*words), capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{words}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout.strip()

    def config(self, container: str) -> Any:
        return json.loads(self.run("inspect", container))["OCIv1"]["config"]


def built(builder: Builder, folder: Path) -> str:
    """A container of the image that the Containerfile makes; its name."""
    debian = folder / "debian"
    subprocess.run(
        ["debootstrap", "--variant=minbase", "bookworm", str(debian), MIRROR],
        capture_output=True,
        check=True,
    )
    if TRUSTED.exists():
        shutil.copytree(TRUSTED, debian / TRUSTED.relative_to("/"), dirs_exist_ok=True)
    empty = builder.run("from", "scratch")
    builder.run("add", empty, str(debian), "/")
    builder.run("commit", "--rm", empty, BASE)
    builder.run("build", "--isolation", "chroot", "--pull-never", "--tag", "facilities",
                "--file", str(ROOT / "Containerfile"), str(ROOT))  # fmt: skip
    return builder.run("from", "--pull-never", "facilities")


@contextmanager
def contained(
    builder: Builder, container: str, server: Server, headers: dict[str, str], folder: Path
) -> Iterator[Service]:
    """What the image says is to be run, as the user it says; its first process is sent TERM."""
    port = free_port()
    sockets = urlsplit(server.url).query.removeprefix("host=")
    url = as_role(server, "service").replace(sockets, "/postgresql")
    given = environment(url, PORT=str(port), WORKERS="1")
    del given["PATH"], given["HOME"]
    config = builder.config(container)
    assert config["User"] == "facilities"
    command = builder.command(
        "run", "--isolation", "chroot", "--volume",
        f"{sockets}/{SOCKET}:/postgresql/{SOCKET}",
        *[f"--env={name}={value}" for name, value in given.items()],
        container, "--", *config["Entrypoint"], *config["Cmd"],
    )  # fmt: skip
    log = folder / "container.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
        )
    service = Service(f"http://127.0.0.1:{port}", process, log, headers)
    try:
        service.ready(120)
        yield service
        every = psutil.Process(process.pid).children(recursive=True)
        first = [one for one in every if one.name() == "tini"][-1]
        first.terminate()
        _, alive = psutil.wait_procs(every, timeout=ENDED)
        assert not alive, alive
        assert "Traceback" not in log.read_text()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def container(server: Server, headers: dict[str, str]) -> Iterator[Service]:
    """The image, built and running."""
    folder = Path(tempfile.mkdtemp(prefix="facilities-container-", dir="/tmp"))
    builder = Builder(folder)
    try:
        name = built(builder, folder)
        with contained(builder, name, server, headers, folder) as service:
            yield service
    finally:
        subprocess.run(builder.command("rm", "--all"), capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)
