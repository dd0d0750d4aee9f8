import csv
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from emissions.models import EmissionFactor, FactorSource
from emissions.reach import reaches
from emissions.runs import recalculate_everything_reached
from organizations.history import recorded
from organizations.tenancy import atomic_with_retry, pass_gate

DATA = Path(__file__).resolve().parents[2] / "data"
IDENTITY = (*EmissionFactor.KEY, "valid_from")
VALUES = ("valid_to", "co2e", "co2e_biomass", "scope", "source_id", "source_ref", "note")


class Command(BaseCommand):
    help = (
        "Loads the published factors that ship with the project. A row is told by its key and "
        "first day: new ones are added, changed ones updated with everything computed from them, "
        "and a factor that staff have deleted stays deleted. Run again, it changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--data",
            type=Path,
            default=DATA,
            metavar="DIR",
            help="Where emission_factors.csv and factor_sources.csv are.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        sources = list(read(options["data"] / "factor_sources.csv"))
        rows = read(options["data"] / "emission_factors.csv")
        known = {row["source_id"] for row in sources}
        factors = [parse(line, row, known) for line, row in enumerate(rows, 2)]
        created, changed, unchanged = load(sources, factors)
        self.stderr.write(f"factors: created {created}, changed {changed}, unchanged {unchanged}")


def read(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from csv.DictReader(file)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from error


def parse(line: int, row: dict[str, str], sources: set[str]) -> EmissionFactor:
    """A published factor from a row, every rule of the model checked but overlap.

    Raises CommandError naming the line, the column and what is wrong.
    """
    try:
        factor = EmissionFactor(
            **{name: row[name] for name in EmissionFactor.KEY if name in row},
            valid_from=date.fromisoformat(row["valid_from"]),
            valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
            co2e=Decimal(row["co2e"]),
            co2e_biomass=Decimal(row["co2e_biomass"] or "0"),
            scope=int(row["scope"]),
            source_id=row["source_id"],
            source_ref=row["source_ref"],
            note=row["note"],
        )
        factor.clean_fields(exclude=["source"])
        factor.check_alone()
        if factor.source_id not in sources:
            raise ValidationError({"source_id": "It is not in factor_sources.csv."})
    except (KeyError, ValueError, ArithmeticError) as error:
        raise CommandError(f"emission_factors.csv, line {line}: {error!r}.") from error
    except ValidationError as error:
        raise CommandError(f"emission_factors.csv, line {line}: {error.message_dict}.") from error
    return factor


@atomic_with_retry
def load(sources: list[dict[str, str]], factors: list[EmissionFactor]) -> tuple[int, int, int]:
    """Stores what differs and recomputes what it touches; (created, changed, unchanged)."""
    pass_gate(None, exclusive=True)
    FactorSource.objects.bulk_create(
        [FactorSource(id=row.pop("source_id"), **row) for row in map(dict, sources)],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["title", "url", "licence", "attribution"],
    )
    stored: dict[tuple, EmissionFactor] = {}
    for factor in EmissionFactor.objects.filter(organization=None).order_by("-deleted_at"):
        key = identity(factor)
        if key not in stored or factor.deleted_at is None:
            stored[key] = factor

    created, changed, before = [], [], []
    unchanged = 0
    for factor in factors:
        existing = stored.get(identity(factor))
        if existing is None:
            created.append(factor)
        elif existing.deleted_at or values(existing) == values(factor):
            unchanged += 1
        else:
            before.append(EmissionFactor(**{name: getattr(existing, name) for name in columns()}))
            for name in VALUES:
                setattr(existing, name, getattr(factor, name))
            existing.updated_at = timezone.now()
            changed.append(existing)
    refuse_overlaps([*stored.values(), *created])
    with recorded(EmissionFactor, [one.pk for one in changed], "load_emission_factors"):
        EmissionFactor.objects.bulk_update(changed, [*VALUES, "updated_at"], batch_size=500)
    EmissionFactor.objects.bulk_create(created, batch_size=500)
    recalculate_everything_reached(reaches(*before, *changed, *created))
    return len(created), len(changed), unchanged


def identity(factor: EmissionFactor) -> tuple:
    return tuple(getattr(factor, name) for name in IDENTITY)


def values(factor: EmissionFactor) -> tuple:
    return tuple(getattr(factor, name) for name in VALUES)


def columns() -> list[str]:
    return [field.attname for field in EmissionFactor._meta.concrete_fields]


def refuse_overlaps(factors: list[EmissionFactor]) -> None:
    """Raises CommandError when two live factors of one key share a day."""
    last: dict[tuple, EmissionFactor] = {}
    live = [factor for factor in factors if factor.deleted_at is None]
    for factor in sorted(live, key=lambda one: one.valid_from):
        key = identity(factor)[:-1]
        other = last.get(key)
        if other and (other.valid_to is None or other.valid_to >= factor.valid_from):
            raise CommandError(f"“{other}” and “{factor}” overlap in time; nothing was stored.")
        last[key] = factor
