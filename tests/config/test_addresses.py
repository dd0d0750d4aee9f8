"""Addresses that nobody types get an answer and not a failure."""

from typing import Any

import pytest

from tests.cases import each
from tests.conftest import Person, call

pytestmark = pytest.mark.django_db


@each("character", ["%00", "%01", "%0a", "%0D", "%1f", "%7F", "%1B"])
@each(
    "path",
    [
        "/admin/{}",
        "/admin/facilities/{}",
        "/admin/facilities/facility/{}/change/",
        "/{}",
        "/static/{}",
    ],
)
def test_a_path_with_a_control_character_is_not_found(
    admin_client: Any, path: str, character: str
) -> None:
    for client in (admin_client, type(admin_client)()):
        assert client.get(path.format(character)).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/admin/facilities/facility/?country=%00",
        "/admin/facilities/facility/?q=%00",
        "/admin/emissions/consumption/add/?facility=%00",
        "/admin/autocomplete/?term=%00&app_label=facilities&model_name=supplypoint&field_name=facility",
        "/admin/login/?next=%00",
    ],
)
def test_a_parameter_with_one_could_not_be_read(admin_client: Any, path: str) -> None:
    assert admin_client.get(path).status_code == 400


@each(
    "path",
    [
        "/admin/emissions/consumption/add/?facility=abc&start_date=x&quantity=abc&organization=zz",
        "/admin/facilities/facility/add/?organization=abc",
        "/admin/emissions/emissionfactor/add/?source=nowhere&organization=abc&valid_from=zzz",
        "/admin/organizations/membership/add/?user=abc&organization=abc",
        "/admin/organizations/apikey/add/?organization=abc&expires_at=abc",
        "/admin/emissions/consumption/add/?nothing=abc",
    ],
)
def test_a_form_that_a_link_fills_wrongly_is_an_empty_form(admin_client: Any, path: str) -> None:
    assert admin_client.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/v1/%00", "/v1/facilities/%00", "/v1/consumptions/%FF"])
def test_the_api_finds_nothing_there(erin: Person, path: str) -> None:
    assert erin.get(path).status == 404
    assert call("GET", path).status in (401, 404)


@pytest.mark.parametrize("name", ["name", "external_id", "cups", "country", "sort", "page"])
def test_the_api_names_the_parameter_that_is_no_text(erin: Person, name: str) -> None:
    answer = erin.get(f"/v1/facilities?{name}=%00")
    assert answer.status == 422
    assert answer.fields == [name]
