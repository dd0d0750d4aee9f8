"""`make` and `manage.py` as somebody new meets them: on a bare machine, twice, offline."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

ROOT = Path(settings.BASE_DIR)
PLAIN = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
POSTGRESQL = connection.vendor == "postgresql"


def run(*command: str, cwd: Path = ROOT, **environment: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, env={**PLAIN, **environment}, capture_output=True, text=True, check=False
    )


# The environment


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the Makefile and nothing to install."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    a_checkout(folder)
    return folder


def a_checkout(folder: Path) -> None:
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "requirements.txt").write_text("")


def prepare(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return run("make", ".venv/ready", cwd=folder, **{"PYTHON": sys.executable, **environment})


def works(folder: Path) -> bool:
    return run(".venv/bin/python", "-m", "pip", "--version", cwd=folder).returncode == 0


def planned(folder: Path) -> bool:
    """Whether `make` would make the environment now."""
    return "-m venv" in run("make", "-n", ".venv/ready", cwd=folder).stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole one, to be copied: it takes seconds to make."""
    folder = tmp_path_factory.mktemp("whole")
    a_checkout(folder)
    done = prepare(folder)
    assert done.returncode == 0, done.stderr
    return folder / ".venv"


def test_an_environment_is_made_once(environment: Path) -> None:
    assert works(environment.parent)
    assert not planned(environment.parent)


def made(folder: Path, whole: Path) -> None:
    """An environment in a checkout, as `make` leaves it."""
    shutil.copytree(whole, folder / ".venv", symlinks=True)
    (folder / ".venv" / "made").write_text(str((folder / ".venv").resolve()))
    (folder / ".venv" / "ready").touch()


def half_made(folder: Path, whole: Path) -> None:
    """What a Debian without python3-venv leaves behind: a Python without pip."""
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)


def without_pip(folder: Path, whole: Path) -> None:
    made(folder, whole)
    [package] = (folder / ".venv" / "lib").glob("python*/site-packages/pip")
    shutil.rmtree(package)


def with_a_python_that_is_gone(folder: Path, whole: Path) -> None:
    made(folder, whole)
    python = folder / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3.11")


def copied_from_elsewhere(folder: Path, whole: Path) -> None:
    made(folder, whole)
    (folder / ".venv" / "made").write_text(str(folder.with_name("other") / ".venv"))


@pytest.mark.parametrize(
    "spoil", [half_made, without_pip, with_a_python_that_is_gone, copied_from_elsewhere]
)
def test_half_an_environment_is_never_taken_for_a_whole_one(
    checkout: Path, environment: Path, spoil: Any
) -> None:
    made(checkout, environment)
    assert not planned(checkout)
    shutil.rmtree(checkout / ".venv")
    spoil(checkout, environment)
    assert planned(checkout)


def test_what_is_no_whole_environment_is_made_anew(checkout: Path, environment: Path) -> None:
    with_a_python_that_is_gone(checkout, environment)
    done = prepare(checkout)
    assert done.returncode == 0, done.stderr
    assert works(checkout)
    where = (checkout / ".venv" / "made").read_text()
    assert where == str((checkout / ".venv").resolve())


def test_a_python_without_venv_is_one_sentence_that_names_the_package(checkout: Path) -> None:
    python = checkout / "python"
    python.write_text(
        f'#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\nexec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    done = prepare(checkout, PYTHON=str(python))
    assert done.returncode != 0
    assert "apt-get install python3-venv" in done.stderr.splitlines()[0]
    assert not (checkout / ".venv").exists(), "so that it works once the package is there"


def test_without_a_network_one_line_says_so(checkout: Path, environment: Path) -> None:
    made(checkout, environment)
    (checkout / "requirements.txt").write_text("nobody-has-this==1\n")
    done = prepare(checkout, PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_CONFIG_FILE=os.devnull)
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert lines[1:] == [
        "The package index was not reached: check the network, or name an index of yours in "
        "PIP_INDEX_URL."
    ]
    (checkout / "requirements.txt").write_text("")
    assert prepare(checkout).returncode == 0


# manage.py


def test_without_django_manage_py_says_what_to_type() -> None:
    done = run(sys.executable, "-S", "manage.py", "migrate", "--plan")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert ".venv/bin/python manage.py migrate --plan" in line


@pytest.mark.parametrize("command", ["recalculate_co2e", "load_emission_factors"])
def test_ctrl_c_ends_a_command_without_a_traceback(tmp_path: Path, command: str) -> None:
    environment: Any = {"DEBUG": "1", "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3"}
    program = (
        "import signal, sys, threading\n"
        "import django.core.management as m\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def stop(argv): signal.raise_signal(signal.SIGINT)\n"
        "m.execute_from_command_line = stop\n"
        "import runpy; runpy.run_path('manage.py', run_name='__main__')\n"
    )
    done = run(sys.executable, "-c", program, command, **environment)
    assert done.returncode == 130, done.stderr
    assert done.stderr.strip() == "Interrupted."


def test_a_database_that_was_not_migrated_is_one_line_that_says_what_to_type(
    tmp_path: Path,
) -> None:
    environment: Any = {"DEBUG": "1", "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3"}
    done = run(sys.executable, "manage.py", "create_organization", "Alice Ltd", **environment)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "not at this version (no such table: " in line
    assert "manage.py migrate" in line


# Two at once


def test_a_second_run_waits_for_the_first_to_prepare_the_database(tmp_path: Path) -> None:
    """Both would migrate an empty file, and make a demo each."""
    where = {**PLAIN, "DEBUG": "1", "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3"}

    def begun(*command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "config.operations.turn", *command], cwd=ROOT, env=where,
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    first: Any = begun("sh", "-c", "echo begun; cat")
    assert first.stdout.readline() == "begun\n"
    second: Any = begun("echo", "after")
    assert "waiting for it" in second.stderr.readline()
    assert first.communicate("first\n")[0] == "first\n"
    assert second.communicate() == ("after\n", "")
    assert (first.returncode, second.returncode) == (0, 0)
    planned = run("make", "-n", "run").stdout
    assert "config.operations.turn sh -c '" in planned
    assert planned.index("config.operations.turn") < planned.index("manage.py migrate")


# Ports


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program listens at."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


def ask(host: str, port: object) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-m", "config.port", host, str(port))


def test_a_taken_port_is_one_line_that_names_it_and_the_way_out(taken: int) -> None:
    for host in ("127.0.0.1", "0.0.0.0"):
        done = ask(host, taken)
        assert done.returncode == 1
        [line] = done.stderr.splitlines()
        assert f"Port {taken} " in line
        assert f"PORT={taken + 1}" in line


def test_a_port_that_is_shared_is_taken_too() -> None:
    with closing(socket.socket()) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        assert ask("127.0.0.1", server.getsockname()[1]).returncode == 1


@pytest.mark.parametrize("port", ["abc", "0", "-1", "65536", "", "8000 "])
def test_what_is_no_port_is_refused(port: str) -> None:
    done = ask("127.0.0.1", port)
    assert done.returncode == 1
    assert "from 1 to 65535" in done.stderr


def test_make_run_changes_nothing_where_it_cannot_listen(taken: int) -> None:
    planned = run("make", "-n", "run", f"PORT={taken}").stdout.splitlines()
    steps = [line for line in planned if "config.port" in line or "manage.py" in line]
    assert "config.port" in steps[0]
    assert any("manage.py demo" in line for line in steps[1:])


# Serving


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return server.getsockname()[1]


def children(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(one) for one in found.stdout.split()]


def descendants(pid: int) -> dict[int, str]:
    """Every process that a process has started, with its command line."""
    every: dict[int, str] = {}
    waiting = [pid]
    while waiting:
        for one in children(waiting.pop()):
            path = Path(f"/proc/{one}/cmdline")
            every[one] = path.read_bytes().decode().replace("\0", " ") if path.exists() else ""
            waiting.append(one)
    return every


def until(condition: Any, seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


@contextmanager
def serving(port: int, database_url: str) -> Iterator[subprocess.Popen[bytes]]:
    """What `make serve` starts once everything is prepared: two web workers and the other one."""
    options = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "2"]
    process = subprocess.Popen(
        ["sh", "config/serve.sh", sys.executable, *options, "--workers-kill-timeout", "5"],
        cwd=ROOT,
        env={**PLAIN, "DEBUG": "1", "DATABASE_URL": database_url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        until(lambda: alive(port))
        yield process
    finally:
        left = [process.pid, *descendants(process.pid)]
        for one in left:
            try:
                os.kill(one, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait()


def alive(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def web_workers(pid: int) -> set[int]:
    """Granian's workers: the processes under the one that listens."""
    every = descendants(pid)
    masters = [one for one, line in every.items() if "-m granian" in line and children(one)]
    return {
        worker
        for one in masters
        for worker in children(one)
        if "tracker" not in every.get(worker, "tracker")
    }


def url_of_the_test_database() -> str:
    if not POSTGRESQL:
        return f"sqlite:///{connection.settings_dict['NAME']}"
    base, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    return f"{base}/{connection.settings_dict['NAME']}"


def test_a_worker_that_is_killed_is_replaced_and_the_whole_ends_as_one(committed: None) -> None:
    port = free_port()
    with serving(port, url_of_the_test_database()) as process:
        before = until(lambda: (found := web_workers(process.pid)) and len(found) == 2 and found)
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        until(lambda: len(now := web_workers(process.pid)) == 2 and victim not in now, seconds=20)
        until(lambda: alive(port))
        if POSTGRESQL:

            def at_work() -> set[int]:
                every = descendants(process.pid).items()
                return {one for one, line in every if "run_worker" in line}

            [worker] = until(at_work)
            os.kill(worker, signal.SIGKILL)
            until(lambda: (found := at_work()) and worker not in found, seconds=20)
        started = [process.pid, *descendants(process.pid)]
        process.terminate()
        process.wait(timeout=120)
        until(lambda: not any(running(one) for one in started))


def running(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


# Logging in behind a proxy


@pytest.fixture
def production(settings: Any) -> None:
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.ALLOWED_HOSTS = ["co2.example.com"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://co2.example.com"]


@pytest.mark.django_db
@pytest.mark.usefixtures("production")
@pytest.mark.parametrize("proxy", [{}, {"x-forwarded-proto": "https"}], ids=["silent", "says"])
def test_one_logs_in_behind_a_proxy_that_ends_tls(proxy: dict[str, str], admin_user: Any) -> None:
    browser = Client(enforce_csrf_checks=True)
    headers = {"host": "co2.example.com", **proxy}
    page = browser.get("/admin/login/", headers=headers)
    token = page.content.decode().split('csrfmiddlewaretoken" value="')[1].split('"')[0]
    origin = {
        "origin": "https://co2.example.com",
        "referer": "https://co2.example.com/admin/login/",
    }
    form = {"username": admin_user.email, "password": "password", "csrfmiddlewaretoken": token}
    answer = browser.post("/admin/login/", form, headers={**headers, **origin})
    assert answer.status_code == 302, answer.content[:500]


@pytest.mark.django_db
@pytest.mark.usefixtures("production")
def test_over_plain_http_the_log_in_page_says_why_it_cannot_work(client: Any) -> None:
    headers = {"host": "co2.example.com"}
    page = client.get("/admin/login/", headers=headers).content.decode()
    assert "Over plain http nobody can log in" in page
    secure = {**headers, "x-forwarded-proto": "https"}
    assert "plain http" not in client.get("/admin/login/", headers=secure).content.decode()


@pytest.mark.django_db
@pytest.mark.usefixtures("production")
def test_a_form_without_its_cookie_is_a_page_that_says_why() -> None:
    browser = Client(enforce_csrf_checks=True)
    answer = browser.post("/admin/login/", {}, headers={"host": "co2.example.com"})
    assert answer.status_code == 403
    assert "Over plain http nobody can log in" in answer.content.decode()
