from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from emissions.reports.evidence.pack import write_pack
from emissions.reports.periods import Period
from organizations.audit.recording import record_export
from organizations.database.snapshot import one_snapshot
from organizations.database.tenant import about
from organizations.management.commands.create_api_key import find_organization


class Command(BaseCommand):
    help = (
        "Writes an organization's year as a ZIP of CSVs: every line, bill, facility, factor and "
        "total, with a program that recomputes all of it on a bare Python (python3 verify.py)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", metavar="ORG", help="Whose.")
        parser.add_argument("--year", type=int, required=True, help="A calendar year.")
        parser.add_argument("--out", metavar="FILE", required=True, help="A new ZIP.")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = find_organization(options["organization"])
        year, file = options["year"], Path(options["out"])
        if not Period.is_year(year):
            raise CommandError(f"--year: {year} is no calendar year that bills lie in.")
        half = file.with_name(f"{file.name}.part")
        try:
            with about(organization.pk), one_snapshot():
                counts = write_pack(organization, year, half)
            half.replace(file)
            record_export(organization.pk, f"evidence-{year}", "zip")
        except OSError as error:
            raise CommandError(f"--out: {file}: {error.strerror}.") from error
        finally:
            half.unlink(missing_ok=True)
        told = ", ".join(f"{name.removesuffix('.csv')} {count}" for name, count in counts.items())
        self.stderr.write(told)
