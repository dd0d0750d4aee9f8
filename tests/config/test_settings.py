"""Settings: from the environment alone, and production says what it misses."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

ROOT = Path(settings.BASE_DIR)
SOURCE = (ROOT / "config" / "settings.py").read_text(encoding="utf-8")
EXAMPLE = dict(
    line.split("=", 1)
    for line in (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    if re.match(r"[A-Z]", line)
)
PRODUCTION = {
    "DEBUG": "0",
    "SECRET_KEY": "Vq3-" + "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "ALLOWED_HOSTS": "example.com",
    "DATABASE_URL": "",
}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs Python in the project with nothing of this session's environment but its path."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **PRODUCTION, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def value_of(expression: str, **environment: str) -> str:
    """What an expression of `settings` and `connection` is in a process of its own."""
    program = (
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'\n"
        "from django.conf import settings; from django.db import connection\n"
        f"print({expression})"
    )
    done = run("-c", program, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["SECRET_KEY", "ALLOWED_HOSTS"])
@pytest.mark.parametrize(
    "start", [("manage.py", "check"), ("manage.py", "migrate"), ("-c", "import config.wsgi")]
)
def test_production_without_a_required_variable_stops_with_a_sentence_that_names_it(
    start: tuple[str, ...], name: str
) -> None:
    done = run(*start, **{name: ""})
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert re.search(rf"\b{name} is not set\. [A-Z].+\.$", last), done.stderr


def test_a_trial_needs_no_variable_but_debug() -> None:
    done = run("manage.py", "check", DEBUG="1", SECRET_KEY="", ALLOWED_HOSTS="")
    assert done.returncode == 0, done.stderr


def test_debug_is_off_unless_it_is_set() -> None:
    assert value_of("settings.DEBUG") == "False"
    assert re.search(r'env\.bool\("DEBUG", default=False\)', SOURCE)


def test_the_deployment_check_finds_nothing() -> None:
    done = run("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout + done.stderr


def test_the_example_lists_every_variable_that_is_read_and_no_other() -> None:
    read = set(re.findall(r'\benv(?:\.\w+)?\(\s*"(\w+)"', SOURCE))
    read |= set(re.findall(r'\brequired\(\s*"(\w+)"', SOURCE))
    assert {"DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL"} <= read
    assert read <= EXAMPLE.keys()
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    asked = set(re.findall(r"^([A-Z]+) \?= ", makefile, re.MULTILINE))
    assert EXAMPLE.keys() - read <= asked


def test_the_example_shows_the_defaults() -> None:
    """A value in the example is what is used without it."""
    for name, default in re.findall(r'env\.\w+\(\s*"(\w+)",\s*default=([^,)]+)\)', SOURCE):
        shown = {"False": "0", "True": "1", "[]": "", '""': ""}.get(default, default)
        assert EXAMPLE[name] == shown.strip('"').replace("_", ""), name


def test_every_variable_is_explained_in_the_example() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    for block in text.strip().split("\n\n"):
        assert block.startswith("#") or block.startswith("LOG_LEVEL="), block


def test_the_database_is_chosen_by_its_url_alone() -> None:
    assert value_of("connection.vendor") == "sqlite"
    url = "postgres://somebody:secret@db.example.com:5433/facilities"
    assert value_of("connection.vendor", DATABASE_URL=url) == "postgresql"
    asked = "settings.DATABASES['default']['HOST'], settings.DATABASES['default']['PORT']"
    assert value_of(asked, DATABASE_URL=url) == "db.example.com 5433"


PRIMARY = "postgres://somebody:secret@db.example.com/facilities"
OWN_WRITES = "'config.middleware.own_writes.remember_own_writes' in settings.API_MIDDLEWARE"


def test_replicas_are_databases_beside_the_primary() -> None:
    replicas = PRIMARY.replace("db.", "one.") + "," + PRIMARY.replace("db.", "two.")
    set_up = {"DATABASE_URL": PRIMARY, "DATABASE_REPLICA_URLS": replicas}
    hosts = "*(one['HOST'] for one in settings.DATABASES.values())"
    assert value_of(hosts, **set_up) == "db.example.com one.example.com two.example.com"
    assert value_of(OWN_WRITES, **set_up) == "True"


def test_without_replicas_nothing_is_routed_and_nothing_remembered() -> None:
    asked = f"settings.DATABASE_ROUTERS, {OWN_WRITES}"
    assert value_of(asked, DATABASE_URL=PRIMARY) == "[] False"


def test_replicas_of_a_file_are_refused_with_a_sentence() -> None:
    done = run("manage.py", "check", DATABASE_REPLICA_URLS=PRIMARY)
    assert done.returncode != 0
    assert "set DATABASE_URL to it." in done.stderr.strip().splitlines()[-1]


@pytest.mark.django_db
def test_each_database_is_set_up_for_concurrent_writers() -> None:
    options: dict[str, Any] = connection.settings_dict["OPTIONS"]
    if connection.vendor == "postgresql":
        assert options["pool"]
        assert connection.settings_dict["CONN_MAX_AGE"] == 0
        return
    assert options["transaction_mode"] == "IMMEDIATE"
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        assert cursor.fetchone() == ("wal",)
        cursor.execute("PRAGMA foreign_keys")
        assert cursor.fetchone() == (1,)


def test_https_is_forced_only_when_it_is_asked_for() -> None:
    assert value_of("settings.SECURE_SSL_REDIRECT") == "False"
    assert value_of("settings.SECURE_SSL_REDIRECT", SECURE_SSL_REDIRECT="1") == "True"


def test_a_proxy_that_ends_tls_is_believed_in_production() -> None:
    believed = value_of("settings.SECURE_PROXY_SSL_HEADER")
    assert believed == "('HTTP_X_FORWARDED_PROTO', 'https')"
    assert value_of("settings.SECURE_PROXY_SSL_HEADER", DEBUG="1") == "None"
    hosts = {"ALLOWED_HOSTS": "co2.example.com,.example.org"}
    origins = value_of("settings.CSRF_TRUSTED_ORIGINS", **hosts)
    assert origins == "['https://co2.example.com', 'https://*.example.org']"


def test_cookies_are_sent_over_https_alone_in_production() -> None:
    assert value_of("settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE") == "True True"
