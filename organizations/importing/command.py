"""The command around an import: its options, its messages and its exit status."""

import getpass
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser

from organizations.database.tenant import about
from organizations.importing.dates import ORDERS
from organizations.importing.engine import Interrupted, NotStored, bring_in
from organizations.importing.importer import Importer
from organizations.importing.numbers import STYLES
from organizations.importing.options import ABORT, SKIP, Options
from organizations.importing.progress import Rows
from organizations.importing.rejects import Report, open_rejects
from organizations.importing.spreadsheets import Table, Unreadable, open_table
from organizations.management.commands.create_api_key import find_organization
from organizations.models import Organization

INTERRUPTED = 130
"""The exit status of a program that Ctrl-C has ended."""


class ImportCommand(BaseCommand):
    """A command that imports a file. Its last line on stdout has the counts; it exits 1 when rows
    were refused."""

    importer: ClassVar[type[Importer]]
    allowable: ClassVar[tuple[str, ...]] = ()
    organization_required: ClassVar[bool] = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="CSV or XLSX; - reads stdin.")
        parser.add_argument(
            "--organization", metavar="ORG", required=self.organization_required, help="Whose."
        )
        parser.add_argument("--dry-run", action="store_true", help="Store nothing, say what would.")
        parser.add_argument(
            "--on-error",
            choices=[ABORT, SKIP],
            default=ABORT,
            help="abort (default): store nothing unless every row is good; skip: store good rows.",
        )
        parser.add_argument(
            "--rejects", metavar="FILE", help="Write refused rows here, with line and reason."
        )
        parser.add_argument(
            "--decimal", choices=STYLES, help="How numbers are written, where the file is unclear."
        )
        parser.add_argument(
            "--dates", choices=ORDERS, help="How days are written, where the file is unclear."
        )
        parser.add_argument(
            "--layout", default="", metavar="NAME", help="A saved layout, or a shipped one."
        )
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="COLUMN=VALUE",
            help="What every row has in a column that the file lacks; repeatable.",
        )
        if "facility_id" in self.importer.fields():
            parser.add_argument(
                "--facility",
                metavar="CODE",
                default="",
                help="The facility of every row: its external_id, id, CUPS or meter.",
            )
        if self.allowable:
            parser.add_argument(
                "--allow",
                metavar="CODE",
                action="append",
                default=[],
                choices=self.allowable,
                help=f"Only warn of this; repeatable: {', '.join(self.allowable)}.",
            )

    def handle(self, *args: Any, **options: Any) -> None:
        organization = None
        if options["organization"]:
            organization = find_organization(options["organization"])
        try:
            whose = about(organization.pk if organization else None)
            with whose, open_table(options["file"]) as table:
                report = self.run(organization, table, options)
        except (KeyboardInterrupt, Interrupted) as error:
            stored = isinstance(error, Interrupted) and error.stored
            what = "the file was stored" if stored else "nothing was stored"
            raise CommandError(f"interrupted, {what}", returncode=INTERRUPTED) from error
        except Unreadable as error:
            raise CommandError(f"{options['file']}: {error}") from error
        except NotStored as error:
            raise CommandError(f"Nothing was stored: {error}") from error
        if options["dry_run"]:
            self.stderr.write("dry run: nothing was stored")
        elif report.rejected and options["on_error"] == ABORT:
            self.stderr.write("nothing was stored: mend the rows above, or use --on-error skip")
        self.stdout.write(str(report))
        if report.rejected:
            raise SystemExit(1)

    def run(
        self, organization: Organization | None, table: Table, options: dict[str, Any]
    ) -> Report:
        importer = self.make_importer(organization, table, options)
        with ExitStack() as stack:
            rejects = None
            if options["rejects"]:
                rejects = stack.enter_context(open_rejects(options["rejects"], options["file"]))
            return bring_in(
                importer,
                Path(options["file"]).name,
                rejects=rejects,
                watch=lambda what, total: Rows(self.stderr, what, total),
            )

    def make_importer(
        self, organization: Organization | None, table: Table, options: dict[str, Any]
    ) -> Importer:
        return self.importer.of(organization, table, as_options(options))


def as_options(options: dict[str, Any]) -> Options:
    """What the command line says, as the engine takes it. Raises CommandError."""
    constants = {}
    for one in options["set"]:
        name, equals, value = one.partition("=")
        if not equals:
            raise CommandError(f"--set {one}: write it like --set category=electricity.")
        constants[name.strip()] = value.strip()
    return Options(
        dry_run=options["dry_run"],
        on_error=options["on_error"],
        allow=options.get("allow", ()),
        layout=options["layout"],
        constants=constants,
        facility=options.get("facility", ""),
        decimal=options["decimal"],
        dates=options["dates"],
        started_by=getpass.getuser(),
    )
