from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from emissions.importing.factors import FactorImporter, read_sources
from organizations.importing.command import ImportCommand, as_options
from organizations.importing.importer import Importer
from organizations.importing.rejects import Report
from organizations.importing.spreadsheets import Table, Unreadable
from organizations.models import Organization


class Command(ImportCommand):
    help = (
        "Imports emission factors from a CSV or XLSX file whose columns are the API's fields: with "
        "--organization its own ones, without it published ones, which need a source. A factor is "
        "told by its key and first day; what it touches is recalculated once at the end. The last "
        "line on stdout has the counts; the exit status is 1 when rows were refused."
    )
    importer = FactorImporter
    factors: FactorImporter
    organization_required = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--sources",
            type=Path,
            metavar="FILE",
            help="Store these sources first: source_id, title, url, licence, attribution.",
        )
        parser.add_argument(
            "--preview",
            action="store_true",
            help="A dry run that also says on stdout what would be added, changed and closed, and "
            "what that moves, by organization and year.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        dry_run = options["dry_run"] or options["preview"]
        super().handle(*args, **{**options, "dry_run": dry_run})

    def run(
        self, organization: Organization | None, table: Table, options: dict[str, Any]
    ) -> Report:
        report = super().run(organization, table, options)
        for line in self.factors.preview:
            self.stdout.write(line)
        return report

    def make_importer(
        self, organization: Organization | None, table: Table, options: dict[str, Any]
    ) -> Importer:
        importer = self.factors = FactorImporter.of(organization, table, as_options(options))
        importer.with_preview = options["preview"]
        if options["sources"]:
            try:
                importer.sources = read_sources(options["sources"])
            except Unreadable as error:
                raise CommandError(f"--sources: {options['sources']}: {error}") from error
        return importer
