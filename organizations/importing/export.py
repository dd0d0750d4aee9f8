"""The command around an export: everything of a kind, as `organizations.rest.exports` writes it."""

import csv
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser

from organizations.audit.recording import record_export
from organizations.database.tenant import about
from organizations.management.commands.create_api_key import find_organization
from organizations.models import Organization
from organizations.rest.exports import exported

STDOUT = "-"
NO_CSV = (".xlsx", ".xls", ".xlsm", ".ods")


class ExportCommand(BaseCommand):
    """A command that writes a CSV row by row, in the same memory however many there are."""

    columns: ClassVar[Sequence[str]]

    def rows(self, organization: Organization) -> Iterable[Sequence[Any]]:
        """The values of the columns, row by row."""
        raise NotImplementedError

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", metavar="ORG", help="Whose.")
        parser.add_argument("--out", metavar="FILE", default=STDOUT, help="A new CSV; - is stdout.")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = find_organization(options["organization"])
        if Path(options["out"]).suffix.lower() in NO_CSV:
            raise CommandError(f"--out: {options['out']}: exports are CSV; name it like out.csv.")
        count = 0
        with about(organization.pk), ExitStack() as stack:
            file: Any = self.stdout
            if options["out"] != STDOUT:
                try:
                    file = stack.enter_context(
                        Path(options["out"]).open("w", encoding="utf-8", newline="")
                    )
                except OSError as error:
                    raise CommandError(f"--out: {options['out']}: {error.strerror}.") from error
            what = type(self).__module__.rpartition("export_")[2]
            record_export(organization.pk, what, "csv")
            writer = csv.writer(getattr(file, "_out", file), lineterminator="\n")
            writer.writerow(self.columns)
            for row in self.rows(organization):
                writer.writerow(map(exported, row))
                count += 1
        self.stderr.write(f"exported {count}")
