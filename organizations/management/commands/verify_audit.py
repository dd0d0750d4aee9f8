import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from organizations.audit.verification import Head, read_heads, verify
from organizations.database.guards import unguarded
from organizations.management.commands.create_api_key import find_organization
from organizations.models import Organization

STDIN = "-"


class Command(BaseCommand):
    help = (
        "Verifies the chain of every organization's audit events and prints where each ends: the "
        "organization, the number of its last event and its hash. What it prints, kept elsewhere, "
        "tells --head later whether events are missing at the end. Exits 1 when a chain is broken "
        "or a table could be changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", metavar="ORG", help="This one alone.")
        parser.add_argument(
            "--head",
            metavar="FILE",
            help="What this command has printed before; each chain must hold it. - reads stdin.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        noted = self.noted(options["head"])
        if options["organization"]:
            organizations = [find_organization(options["organization"]).pk]
        else:
            every = set(Organization.objects.values_list("pk", flat=True))
            organizations = sorted(every | noted.keys())
        broken = count = 0
        for organization_id in organizations:
            head, fault = verify(organization_id, noted.get(organization_id))
            count += head.number
            if fault:
                broken += 1
                self.stderr.write(f"{organization_id}: {fault}")
            else:
                self.stdout.write(f"{organization_id} {head.number} {head.hash}")
        open_tables = [
            sentence
            for model in apps.get_models()
            if hasattr(model, "CLOSED_BY")
            for sentence in unguarded(connection, model)
        ]
        for sentence in open_tables:
            self.stderr.write(sentence)
        self.stderr.write(f"organizations {len(organizations)}, events {count}, broken {broken}")
        if broken or open_tables:
            raise SystemExit(1)

    def noted(self, name: str | None) -> Mapping[UUID, Head]:
        if not name:
            return {}
        try:
            text = sys.stdin.read() if name == STDIN else Path(name).read_text(encoding="utf-8")
            return read_heads(line for line in text.splitlines() if line.strip())
        except OSError as error:
            raise CommandError(f"--head: {name}: {error.strerror}.") from error
        except ValueError as error:
            raise CommandError(f"--head: {name}: {error}.") from error
