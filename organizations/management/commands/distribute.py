from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from organizations.database.citus.cluster import has_citus
from organizations.database.citus.distributing import distribute, faults

NO_CITUS = (
    "This database is no Citus cluster: CREATE EXTENSION citus on the coordinator and on each"
    " worker, and add the workers, first (docs/scale.md)."
)


class Command(BaseCommand):
    help = (
        "On the coordinator of a Citus cluster: puts each organization's rows on one server, and "
        "factors, people and keys on every one. With --check it changes nothing, says what is not "
        "as it should be, and exits 1 if anything is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Change nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not has_citus():
            raise CommandError(NO_CITUS)
        if not options["check"]:
            self.stderr.write(f"tables placed {distribute(self.stderr.write)}")
            return
        found = list(faults())
        for one in found:
            self.stdout.write(one)
        self.stderr.write(f"faults {len(found)}")
        if found:
            raise SystemExit(1)
