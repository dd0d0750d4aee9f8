"""`ETag` and `If-Match`: a change is held to the version it was decided on."""

import re

import pytest

from tests.cases import each
from tests.conftest import Person
from tests.wire import SITE, assert_error, versioned

pytestmark = pytest.mark.django_db


@each("what", ["facility", "consumption", "factor"])
@each("method", ["PUT", "PATCH"])
def test_a_change_is_held_to_the_version_it_was_decided_on(
    alice: Person, what: str, method: str
) -> None:
    path, change = versioned(alice)[what]
    first = alice.get(path)
    etag = first.headers["ETag"]
    assert re.fullmatch(r'"[^"]+"', etag)
    for stale in ('"stale"', 'W/"stale"', "stale", '"a", "b"', etag.strip('"')):
        answer = alice.call(method, path, change, **{"if-match": stale})
        assert_error(answer, 412, "precondition_failed")
    assert alice.get(path).body == first.body

    changed = alice.call(method, path, change, **{"if-match": etag})
    assert changed.status == 200
    assert changed.headers["ETag"] != etag
    again = alice.get(path)
    told = {name: one for name, one in changed.body.items() if name != "warnings"}
    assert (again.body, again.headers["ETag"]) == (told, changed.headers["ETag"])
    assert_error(alice.call(method, path, change, **{"if-match": etag}), 412)


@each("what", ["facility", "consumption", "factor"])
def test_a_deletion_is_held_to_the_version_it_was_decided_on(alice: Person, what: str) -> None:
    path, change = versioned(alice)[what]
    etag = alice.get(path).headers["ETag"]
    alice.patch(path, change)
    assert_error(alice.delete(path, **{"if-match": etag}), 412, "precondition_failed")
    etag = alice.get(path).headers["ETag"]
    assert alice.delete(path, **{"if-match": etag}).status == 204
    assert_error(alice.delete(path, **{"if-match": etag}), 404, "not_found")


@each("form", ["*", "W/{etag}", '"other", {etag}', '{etag},W/"other"'])
def test_if_match_may_be_any_or_a_list(alice: Person, form: str) -> None:
    path, change = versioned(alice)["facility"]
    etag = alice.get(path).headers["ETag"]
    assert alice.patch(path, change, **{"if-match": form.format(etag=etag)}).status == 200


def test_what_is_created_names_its_version(alice: Person) -> None:
    made = alice.post("/v1/facilities", SITE)
    assert made.headers["ETag"] == alice.get(made.headers["Location"]).headers["ETag"]


def test_a_new_figure_is_a_new_version(alice: Person) -> None:
    """Whoever decided on a facility's co2e learns that a bill has changed it."""
    site = alice.facility()
    path = f"/v1/facilities/{site['id']}"
    etag = alice.get(path).headers["ETag"]
    alice.consumption(site)
    assert_error(alice.patch(path, {"name": "Changed"}, **{"if-match": etag}), 412)


def test_a_version_of_what_one_may_not_see_is_404(alice: Person, charlie: Person) -> None:
    path, change = versioned(alice)["facility"]
    for stale in ("*", '"stale"', alice.get(path).headers["ETag"]):
        assert_error(charlie.patch(path, change, **{"if-match": stale}), 404, "not_found")
