"""The systemd units of deploy/: their commands, run as the units say, without systemd."""

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.documented import as_role, blocks, free_port, shell
from tests.faults.server import Server
from tests.faults.service import ROOT, Service, environment

UNITS = ROOT / "deploy"
HOME = "/srv/facilities"
SHIPPED = ("config", "organizations", "facilities", "emissions", "manage.py", "Makefile",
           "requirements.txt")  # fmt: skip
ENDED = 20
"""Seconds within which an idle service ends."""


def settings(name: str) -> dict[str, list[str]]:
    """What a unit says: each key with its values."""
    said: dict[str, list[str]] = {}
    for line in (UNITS / f"{name}.service").read_text(encoding="utf-8").splitlines():
        key, is_setting, value = line.partition("=")
        if is_setting and not line.startswith("#"):
            said.setdefault(key, []).append(value)
    return said


def installed(server: Server, folder: Path) -> Path:
    """A checkout in the place of /srv/facilities, made ready as the documentation says."""
    home = folder / "srv"
    home.mkdir()
    for name in SHIPPED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, home / name)
    (home / ".venv").symlink_to((ROOT / ".venv").resolve())
    more = {"ALLOWED_HOSTS": "co2.example.com,127.0.0.1", "TRUSTED_PROXIES": "1"}
    values = environment(as_role(server, "service"), **more)
    file = folder / "facilities.env"
    file.write_text("".join(f'{one}="{value}"\n' for one, value in values.items()))
    commands = (
        blocks("Under systemd", "sh")[0]
        .replace(HOME, str(home))
        .replace("/etc/facilities.env", str(file))
        .replace("postgres://owner:…@database/facilities", f"'{as_role(server, 'owner')}'")
    )
    shell(commands, folder)
    return home


@contextmanager
def started(home: Path, headers: dict[str, str]) -> Iterator[Service]:
    """Both units' commands; ended with TERM to their main processes, as KillMode=mixed does it."""
    folder, port = home.parent, free_port()
    text = (folder / "facilities.env").read_text().splitlines()
    given = dict(shlex.split(line)[0].split("=", 1) for line in text)
    counts = folder / "run"
    counts.mkdir(exist_ok=True)
    processes = []
    for name in ("facilities-web", "facilities-worker"):
        unit = settings(name)
        own = dict(one.split("=", 1) for one in unit["Environment"])
        own = {one: value.replace("/run/facilities", str(counts)) for one, value in own.items()}
        [command] = unit["ExecStart"]
        command = command.replace(HOME, str(home)).replace("--port 8000", f"--port {port}")
        with (folder / f"{name}.log").open("wb") as file:
            processes.append(
                subprocess.Popen(
                    shlex.split(command),
                    cwd=home,
                    env={**own, **given, "PATH": os.environ["PATH"]},
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )
    log = folder / "facilities-web.log"
    service = Service(f"http://127.0.0.1:{port}", processes[0], log, headers)
    try:
        service.ready()
        yield service
        for process in processes:
            process.terminate()
        ended = [process.wait(ENDED) for process in processes]
        assert ended == [0, 0], (ended, [one.read_text()[-2000:] for one in folder.glob("*.log")])
    finally:
        for process in processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
