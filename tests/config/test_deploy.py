"""What deploy/ and the Containerfile start is what `make serve` starts.

`make rehearse` runs them: the units' commands behind nginx, and the image where buildah is.
"""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
UNITS = sorted((ROOT / "deploy").glob("*.service"))
CONTAINERFILE = (ROOT / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
DOCS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def command(unit: str) -> list[str]:
    text = (ROOT / "deploy" / f"{unit}.service").read_text(encoding="utf-8")
    [line] = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    return shlex.split(line)


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.*)$", CONTAINERFILE, re.MULTILINE)


def in_pairs(options: list[str]) -> set[tuple[str, ...]]:
    """`--port 8000 --no-ws` → {("--port", "8000"), ("--no-ws",)}"""
    found = re.findall(r"--\S+(?: (?!--)\S+)*", " ".join(options))
    return {tuple(one.split()) for one in found}


def test_the_units_start_what_make_serve_starts() -> None:
    planned = subprocess.run(
        ["make", "-n", "serve"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    [serve] = re.findall(r"exec sh config/serve.sh \S+ (.*)", planned)
    script = (ROOT / "config" / "serve.sh").read_text(encoding="utf-8")
    [own] = re.findall(r'-m granian (.*) "\$@" config.wsgi:application', script)
    options = in_pairs(shlex.split(f"{own} {serve}")) - {("--host", "0.0.0.0")}
    python, *module = command("facilities-web")[:3]
    assert (python, module) == ("/srv/facilities/.venv/bin/python", ["-m", "granian"])
    assert command("facilities-web")[-1] == "config.wsgi:application"
    assert in_pairs(command("facilities-web")[3:-1]) == {*options, ("--host", "127.0.0.1")}
    assert command("facilities-worker") == [python, "manage.py", "run_worker"]
    assert '"$python" manage.py run_worker' in script


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze here")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for unit in UNITS:  # the command is to be there
        text = unit.read_text(encoding="utf-8").replace("/srv/facilities", str(ROOT))
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *tmp_path.iterdir()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_image_has_all_that_the_service_is_made_of_and_nothing_else() -> None:
    copied = {source for line in instructions("COPY") for source in line.split()[:-1]}
    python = {
        path.relative_to(ROOT).parts[0]
        for app in ("config", "organizations", "facilities", "emissions")
        for path in (ROOT / app).rglob("*.py")
    }
    assert copied == {*python, "Makefile", "manage.py", "requirements.txt"}
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == copied


def test_the_image_runs_make_serve_as_somebody_who_is_not_root() -> None:
    assert instructions("CMD") == ['["make", "serve"]']
    assert instructions("ENTRYPOINT") == ['["tini", "--"]'], "as the first process make hangs"
    assert instructions("USER") == ["facilities"]
    [packages, ready, compiled] = instructions("RUN")
    assert "useradd --system --home-dir /srv/facilities facilities" in packages
    assert ready == "make .venv/ready"
    assert "install -d -o facilities static" in compiled
    assert instructions("EXPOSE") == ["8000"]


def test_the_documentation_names_the_units_that_there_are() -> None:
    assert [unit.stem for unit in UNITS] == ["facilities-web", "facilities-worker"]
    for unit in UNITS:
        assert f"systemctl enable --now {' '.join(one.stem for one in UNITS)}" in DOCS
        assert "docs/operations.md, Under systemd" in unit.read_text(encoding="utf-8")
