"""What the search beside every page of the admin finds, and for whom."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from emissions.models import EmissionFactor
from organizations.models import Membership
from tests.admin.conftest import at_the_admin
from tests.cases import each
from tests.conftest import Person
from tests.facilities.cups import cups

pytestmark = pytest.mark.django_db


def found(client: Client, term: str) -> list[tuple[str, str, str]]:
    """Title, description and address of every result."""
    response: Any = client.get("/admin/search/", {"s": term, "extended": "1"})
    assert response.status_code == 200
    return [(one.title, one.description, str(one.link)) for one in response.context["results"]]


def links(client: Client, term: str) -> list[str]:
    return [link for *_, link in found(client, term)]


def page_of(model: str, row: dict[str, Any]) -> str:
    app = "facilities" if model == "facility" else "emissions"
    return f"/admin/{app}/{model}/{row['id']}/change/"


def test_a_facility_is_found_by_name_code_and_id(bob_admin: Client, erin: Person) -> None:
    erin.facility(name="Bilbao Depot")
    wanted = erin.facility(name="Quórum Harbour Office", external_id="QUO-7")
    for term in ("quorum", "OFFICE harbour", "quo-7", "QUO", wanted["id"], wanted["id"].upper()):
        assert links(bob_admin, term) == [page_of("facility", wanted)], term
    assert found(bob_admin, "quorum")[0][1] == "Facility · Spain · QUO-7"


def test_cups_and_meters_lead_to_their_facility(bob_admin: Client, erin: Person) -> None:
    code = cups(7)
    site = erin.facility(cups_list=[code], meter_list=["mpan-00123"])
    for term in (code, code.lower(), f"{code[:6]} {code[6:]}", code[:12], "MPAN-00", "mpan-00123"):
        assert links(bob_admin, term) == [page_of("facility", site)], term
    assert found(bob_admin, code)[0][:2] == (code, "CUPS of Madrid Office")
    assert found(bob_admin, "mpan")[0][:2] == ("mpan-00123", "Meter of Madrid Office")


def test_a_bill_is_found_by_code_and_id(bob_admin: Client, erin: Person) -> None:
    site = erin.facility()
    bill = erin.consumption(site, external_id="INV-2023-1")
    other = erin.consumption(site, external_id="INV-2023-10", start_date="2023-04-01",
                             end_date="2023-04-30")  # fmt: skip
    both = [page_of("consumption", one) for one in (bill, other)]
    assert links(bob_admin, bill["id"]) == [page_of("consumption", bill)]
    for term in ("INV-2023-1", "inv-2023-1", "INV-20", "inv"):
        assert [one for one in links(bob_admin, term) if "/consumption/" in one] == both, term
    assert links(bob_admin, "INV-2023-10") == both[1:]
    assert not links(bob_admin, "NV-2023")
    assert found(bob_admin, bill["id"])[0][1] == "Bill · Madrid Office · INV-2023-1"


def test_a_factor_is_found_by_what_it_is_for(bob_admin: Client, erin: Person) -> None:
    own = erin.factor(supplier="Sol y Viento", method="market")
    for term in ("sol viento", "spain grid viento", own["id"]):
        assert links(bob_admin, term) == [page_of("emissionfactor", own)], term
    many = found(bob_admin, "natural gas")
    assert len(many) == 7
    assert many[-1][2] == "/admin/emissions/emissionfactor/?q=natural+gas"
    assert bob_admin.get(many[-1][2]).context["cl"].result_count > 6


def test_our_own_pages_are_found(bob_admin: Client, alice_admin: Client) -> None:
    assert ("Missing factors", "Page", "/admin/emissions/consumption/missing/") in found(
        bob_admin, "missing"
    )
    assert not found(bob_admin, "bring in")
    assert found(alice_admin, "bring in")


def test_nobody_finds_what_is_another_organizations(
    charlie: Person, erin: Person, root: Client
) -> None:
    code = cups(9)
    site = charlie.facility(
        name="Zzyzx works", external_id="ZZ-1", cups_list=[code], meter_list=["ZM-1"]
    )
    bill = charlie.consumption(site, external_id="ZB-1")
    own = charlie.factor(supplier="Zzyzx power", method="market")
    terms = ["zzyzx", "ZZ-1", code, "ZM-1", "ZB-1", site["id"], bill["id"], own["id"]]
    theirs, others = at_the_admin(charlie.user), at_the_admin(erin.user)
    for term in terms:
        assert links(theirs, term), term
        assert links(root, term) == links(theirs, term), term
        assert links(others, term) == [], term


def test_whoever_has_left_finds_nothing_more(erin: Person) -> None:
    erin.facility(name="Quórum")
    client = at_the_admin(erin.user)
    assert found(client, "quorum")
    Membership.objects.filter(user=erin.user).delete()
    assert not found(client, "quorum")


def test_the_deleted_are_found_by_id_alone(bob_admin: Client, erin: Person) -> None:
    site = erin.facility(name="Quórum", external_id="QUO", meter_list=["M-77"])
    bill = erin.consumption(site, external_id="INV-1")
    erin.delete(f"/v1/consumptions/{bill['id']}")
    erin.delete(f"/v1/facilities/{site['id']}")
    assert [found(bob_admin, term) for term in ("quorum", "QUO", "M-77", "INV-1")] == [[]] * 4
    assert "deleted" in found(bob_admin, site["id"])[0][1]
    assert "deleted" in found(bob_admin, bill["id"])[0][1]


@each("term", ["", "x", "%%", "__", "\\\\", "ñ" * 101, "' OR 1=1"])
def test_what_is_no_name_finds_nothing(bob_admin: Client, erin: Person, term: str) -> None:
    erin.facility(external_id="A")
    response: Any = bob_admin.get("/admin/search/", {"s": term, "extended": "1"})
    assert response.status_code == 200
    assert not response.content or response.context["page_obj"].count == 0


def test_it_asks_the_database_little(bob_admin: Client, erin: Person) -> None:
    for number in range(12):
        erin.facility(
            name=f"Quórum {number}", external_id=f"QUO-{number}", meter_list=[f"M{number}"]
        )
    assert EmissionFactor.objects.exists()
    for term in ("quo", "M1", "zzz"):
        with CaptureQueriesContext(connection) as asked:
            found(bob_admin, term)
        reads = [
            one["sql"] for one in asked if "facilities_" in one["sql"] or "emissions_" in one["sql"]
        ]
        assert len(reads) <= 7, reads
