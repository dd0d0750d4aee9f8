"""Runs one section on the database of DATABASE_URL: `python -m benchmarks.section http OUT`."""

import argparse
import importlib
import sys
from pathlib import Path

import django
from django.core.management import call_command

from benchmarks.frame import NotMeasured, say, write_rows
from organizations.database.wall import process_sees_everybody


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.section")
    parser.add_argument("name")
    parser.add_argument("out", type=Path)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    django.setup()
    process_sees_everybody()
    call_command("migrate", verbosity=0)
    call_command("load_emission_factors", stderr=sys.stderr)
    try:
        rows = importlib.import_module(f"benchmarks.{options.name}").rows(options.quick)
        write_rows(options.out, rows)
    except (NotMeasured, ModuleNotFoundError) as reason:
        say(f"{options.name}: not measured. {reason}")
        options.out.with_suffix(".reason").write_text(str(reason), encoding="utf-8")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
