from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from emissions.ledger.keeping import differences, keep, keep_all, unkept
from emissions.ledger.recalculation import check_or_repair
from emissions.ledger.runs import facilities_in_lots, run
from emissions.models import Recalculation
from facilities.models import Facility
from organizations.database.tenant import about
from organizations.importing.progress import Rows
from organizations.management.commands.create_api_key import find_organization
from organizations.models import Organization


class Command(BaseCommand):
    help = (
        "Recomputes every figure from its data and factors, and stores what differs. With --check "
        "it stores nothing, lists what differs on stdout, and exits 1 if anything does."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", metavar="ORG", help="Only this organization.")
        parser.add_argument("--facility", metavar="ID", help="Only this facility.")
        parser.add_argument("--check", action="store_true", help="Store nothing.")
        parser.add_argument(
            "--unfinished",
            action="store_true",
            help="Only finish the recalculations that wait, were interrupted or have failed.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["unfinished"]:
            self.finish()
            return
        facilities = Facility.objects.all()
        if options["organization"]:
            facilities = facilities.for_organization(find_organization(options["organization"]).pk)
        if options["facility"]:
            facilities = facilities.filter(pk=facility_id(options["facility"]))
            if not facilities.exists():
                raise CommandError(f"--facility: there is no facility {options['facility']}.")
        count = found = 0
        for organization_id, lot in facilities_in_lots(facilities):
            wrong = check_or_repair(organization_id, lot, check=options["check"])
            count += len(lot)
            found += len(wrong)
            for difference in wrong:
                self.stdout.write(str(difference))
        if not options["facility"]:
            found += self.subtotals(options["organization"], check=options["check"])
        verb = "differ" if options["check"] else "corrected"
        self.stderr.write(f"facilities {count}, figures {verb} {found}")
        if options["check"] and found:
            raise SystemExit(1)

    def subtotals(self, organization: str | None, *, check: bool) -> int:
        """How many subtotals are not what the lines add up to; without `check` made right."""
        some = Organization.objects.order_by("pk")
        if organization:
            some = some.filter(pk=find_organization(organization).pk)
        count = 0
        for pk in list(some.values_list("pk", flat=True)):
            with about(pk):
                found = differences(pk)
                count += len(found)
                for difference in found:
                    self.stdout.write(str(difference))
                if not check and (found or unkept().filter(pk=pk).exists()):
                    keep(pk)
        return count

    def finish(self) -> None:
        waiting = list(Recalculation.objects.unfinished())
        for one in waiting:
            self.stderr.write(one.cause)
            with Rows(self.stderr, "facilities", one.facilities - one.facilities_done) as bar:
                run(one.organization_id, one.pk, bar.advance)
        if missing := unkept().count():
            self.stderr.write("subtotals of the ledger")
            with Rows(self.stderr, "organizations", missing) as bar:
                keep_all(bar.advance)
        left = list(Recalculation.objects.unfinished())
        for one in left:
            self.stdout.write(f"{one.pk} {one.state} {one.cause}: {one.error}")
        if waiting:
            done = len(waiting) - len(left)
            self.stderr.write(f"recalculations finished {done}, unfinished {len(left)}")
        if left:
            raise SystemExit(1)


def facility_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise CommandError(f"--facility: “{text}” is not a UUID.") from error
