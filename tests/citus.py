"""Runs a command against a Citus cluster: `TEST_CITUS_URL=… python -m tests.citus pytest tests/…`.

TEST_CITUS_URL names a coordinator that has its workers, as a superuser who may connect to all of
them. Each process of the run makes a database of its own on every node, distributes it, and drops
it at the end. Citus is in no package registry: without the variable this says so and does nothing.
"""

import os
import subprocess
import sys
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.core.management import call_command
from django.db import connection as of_django
from psycopg import sql

from tests.postgresql import ROLE, as_a_role_that_the_wall_binds

connection: Any = of_django

CLUSTER = "TEST_CITUS_URL"
NODES = "SELECT nodename, nodeport FROM pg_dist_node ORDER BY groupid"


def wanted() -> bool:
    return CLUSTER in os.environ


def url_of(host: str, port: int, database: str) -> str:
    """A database of a node, as the superuser."""
    parts = urlsplit(os.environ[CLUSTER])
    who = parts.netloc.rpartition("@")[0]
    return parts._replace(netloc=f"{who}@{host}:{port}", path=f"/{database}").geturl()


def nodes() -> list[tuple[str, int]]:
    """The coordinator and its workers."""
    with psycopg.connect(os.environ[CLUSTER]) as coordinator:
        return coordinator.execute(NODES).fetchall()


def make(name: str) -> None:
    """A database on every node, distributed and without rows; this process is connected to it."""
    drop(name)
    every = nodes()
    for host, port in every:
        with psycopg.connect(url_of(host, port, "postgres"), autocommit=True) as node:
            node.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(name), sql.Identifier(ROLE)
                )
            )
        with psycopg.connect(url_of(host, port, name), autocommit=True) as node:
            node.execute("CREATE EXTENSION citus")
            node.execute(f"GRANT ALL ON SCHEMA public TO {ROLE}")
    (coordinator, *workers) = every
    with psycopg.connect(url_of(*coordinator, name), autocommit=True) as node:
        node.execute("SELECT citus_set_coordinator_host(%s, %s)", coordinator)
        for worker in workers:
            node.execute("SELECT citus_add_node(%s, %s)", worker)
    connection.close()
    connection.settings_dict["NAME"] = name
    options = connection.settings_dict["OPTIONS"]
    as_a_request = options.pop("prepare_threshold")  # migrations keep their session
    call_command("migrate", verbosity=0)
    call_command("distribute", stderr=StringIO())
    connection.close()
    connection.close_pool()  # its sessions were begun before the database had its settings
    options["prepare_threshold"] = as_a_request


def drop(name: str) -> None:
    """Takes a database away from every node."""
    for host, port in nodes():
        with psycopg.connect(url_of(host, port, "postgres"), autocommit=True) as node:
            node.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )


def main() -> int:
    url = os.environ.get(CLUSTER)
    if not url:
        print(f"{CLUSTER} names no Citus coordinator: nothing was run.")
        return 0
    walled = as_a_role_that_the_wall_binds(url)
    environment = {**os.environ, "DATABASE_URL": walled, "DB_PREPARE": "0"}
    return subprocess.run(sys.argv[1:], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
