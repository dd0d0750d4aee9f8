#!/usr/bin/env python
"""Runs the project's management commands."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

INTERRUPTED = 130
"""The exit status of a program that Ctrl-C has ended."""


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import DatabaseError, InterfaceError

    try:
        _ = settings.DEBUG
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    from organizations.database.wall import process_sees_everybody

    process_sees_everybody()
    try:
        execute_from_command_line(sys.argv)
    except (DatabaseError, InterfaceError) as error:
        from organizations.database.unavailable import (  # which ask the settings
            refused,
            unavailable,
        )

        if why := refused(error):
            sys.exit(why)
        if not unavailable(error):
            raise
        sys.exit(f"The database cannot be used: {' '.join(str(error).split())}")


if __name__ == "__main__":
    if not find_spec("django"):
        here = Path(__file__).resolve().parent
        first = "" if (here / ".venv" / "bin" / "python").exists() else "`make setup` once, then "
        sys.exit(
            f"Django is not installed for {sys.executable}. Type {first}"
            f"`.venv/bin/python manage.py {' '.join(sys.argv[1:])}` in {here}."
        )
    try:
        main()
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)  # noqa: T201
        sys.exit(INTERRUPTED)
