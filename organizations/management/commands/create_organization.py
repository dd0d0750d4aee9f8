from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from organizations.models import GWPSet, Organization


class Command(BaseCommand):
    help = "Creates an organization and prints its id."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument(
            "--gwp-set",
            choices=GWPSet.values,
            default=GWPSet.AR6,
            help="The IPCC report its refrigerants are computed with (default AR6).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        if not name:
            raise CommandError("NAME is empty; name the organization.")
        if not name.isprintable():
            raise CommandError("NAME has characters that cannot be printed; leave them out.")
        if len(name) > 255:
            raise CommandError("NAME has more than 255 characters; shorten it.")
        organization = Organization.objects.create(name=name, gwp_set=options["gwp_set"])
        self.stdout.write(str(organization.pk))
