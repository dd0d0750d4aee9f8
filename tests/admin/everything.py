"""A row for every page of the admin."""

from django.db import models
from django.utils import timezone

from emissions.models import (
    ClosedPeriod,
    Consumption,
    Emission,
    EmissionFactor,
    PendingFacility,
    Recalculation,
)
from facilities.models import Facility
from organizations.models import (
    APIKey,
    AuditEvent,
    Import,
    ImportLayout,
    Membership,
    Organization,
    User,
)
from tests.conftest import Person


def a_row_of_every_page(person: Person, mark: str) -> dict[type[models.Model], models.Model]:
    """Model → a row of the person's organization, with the mark in its name."""
    Organization.objects.filter(pk=person.organization.pk).update(name=f"{mark} SA")
    User.objects.filter(pk=person.user.pk).update(name=mark, email=f"{mark}@example.com".lower())
    APIKey.objects.filter(organization=person.organization).update(name=f"{mark} key")
    facility = person.facility(name=f"{mark} works", external_id=mark)
    bill = person.consumption(facility, external_id=mark, note=mark)
    own = person.factor(supplier=mark, method="market")
    run = Recalculation.objects.create(
        organization=person.organization, cause=mark, reaches=[], facilities=1, consumptions=1
    )
    pending = PendingFacility.objects.create(
        organization=person.organization,
        recalculation=run,
        facility_id=facility["id"],
        consumptions=1,
    )
    file = Import.objects.create(
        organization=person.organization, kind="facilities", file_name=f"{mark}.csv",
        started_at=timezone.now(), finished_at=timezone.now(), outcome="stored",
        created=1, changed=0, unchanged=0, rejected=1, warnings=0,
        first_rejects=[{"line": 2, "column": "name", "value": mark, "code": "x", "reason": mark}],
    )  # fmt: skip
    layout = ImportLayout.objects.create(
        organization=person.organization,
        name=f"{mark} bills",
        kind="facilities",
        columns={"name": mark, "type": "b", "country": "c"},
    )
    rows: list[models.Model] = [
        file,
        layout,
        Organization.objects.get(pk=person.organization.pk),
        User.objects.get(pk=person.user.pk),
        Membership.objects.get(organization=person.organization),
        APIKey.objects.get(organization=person.organization),
        Facility.objects.get(pk=facility["id"]),
        Consumption.objects.get(pk=bill["id"]),
        Emission.objects.filter(consumption=bill["id"])[0],
        EmissionFactor.objects.get(pk=own["id"]),
        run,
        pending,
        ClosedPeriod.objects.create(
            organization=person.organization, year=2001, closed_by=f"{mark}@example.com"
        ),
        AuditEvent.objects.filter(organization=person.organization, event="key_created")[0],
    ]
    return {type(row): row for row in rows}
