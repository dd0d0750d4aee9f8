"""A client generated from the committed OpenAPI file works against the running service."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings

from tests.conftest import Person

pytestmark = pytest.mark.usefixtures("committed")

PACKAGE = "generated_facilities_client"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The client's package, importable."""
    done = subprocess.run(
        [
            sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none",
            "--path", str(Path(settings.BASE_DIR) / "openapi.json"),
            "--output-path", str(tmp_path / PACKAGE),
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ERROR" not in done.stdout
    assert "unable to parse" not in done.stdout.lower()
    monkeypatch.syspath_prepend(str(tmp_path))
    yield PACKAGE
    for name in [one for one in sys.modules if one.split(".")[0] == PACKAGE]:
        del sys.modules[name]


def test_a_generated_python_client_makes_a_round_trip(
    package: str, live_server: Any, erin: Person
) -> None:
    def api(path: str) -> Any:
        return importlib.import_module(f"{package}.api.{path}")

    models = importlib.import_module(f"{package}.models")
    client = importlib.import_module(f"{package}.client").AuthenticatedClient(
        base_url=live_server.url, token=erin.key, prefix="", auth_header_name="x-api-key"
    )
    common = {"client": client, "x_organization_id": str(erin.organization.pk)}

    made = {}
    for name, country in (("Cádiz", "ES"), ("Lisboa", "PT"), ("Paris", "FR")):
        body = models.FacilityRequest(name=name, type_="office", country=country)
        made[country] = api("facilities.facilities_create").sync(body=body, **common)
        assert made[country].co2e == 0
    page = api("facilities.facilities_list").sync(country=["ES", "PT"], sort="name", **common)
    assert [one.name for one in page.items] == ["Cádiz", "Lisboa"]
    here = UUID(str(made["ES"].id))

    changed = api("facilities.facilities_partial_update").sync(
        here, body=models.PatchedFacilityRequest(address="Calle Mayor 1"), **common
    )
    assert (changed.address, changed.name) == ("Calle Mayor 1", "Cádiz")
    assert len(changed.categories) == 4, "what is left out stays"

    bill = api("consumption.consumptions_create").sync(
        body=models.ConsumptionRequest(
            facility_id=here, category=models.Category.ELECTRICITY, quantity=1000, unit="KWH",
            start_date=date(2023, 3, 1), end_date=date(2023, 3, 31),
        ),
        **common,
    )  # fmt: skip
    assert bill.co2e == 169.28
    explained = api("consumption.consumptions_calculation_retrieve").sync(bill.id, **common)
    assert explained.lines[0].location.product == 169.28

    api("facilities.facilities_destroy").sync_detailed(UUID(str(made["PT"].id)), **common)
    page = api("facilities.facilities_list").sync(**common)
    assert page.total == 2
    client.get_httpx_client().close()
