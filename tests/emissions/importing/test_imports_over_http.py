"""`/v1/imports`: the command's engine over HTTP, for files and for rows of JSON."""

import json
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.conf import settings
from django.test import Client

from emissions.models import Consumption
from organizations.models import Import
from tests.cases import each
from tests.conftest import Answer, Person

pytestmark = pytest.mark.django_db

CASES = Path(__file__).parent / "cases"
BILL = {
    "external_id": "B-1", "facility_id": "S3", "category": "electricity", "quantity": 12.345,
    "unit": "kWh", "start_date": "2024-01-01", "end_date": "2024-01-31",
}  # fmt: skip
CSV = b"""facility_id;category;quantity;unit;start_date;end_date
S3;electricity;1.047,5;kWh;15/12/2023;14/01/2024
S3;electricity;1.200;kWh;03/02/2024;04/03/2024
"""


@pytest.fixture(autouse=True)
def site(alice: Person) -> Any:
    return alice.facility(external_id="S3", country="ES")


def send(person: Person, body: bytes, kind: str, query: str = "kind=consumption") -> Answer:
    return person.call("POST", f"/v1/imports?{query}", body, **{"content-type": kind})


def test_a_file_is_stored_and_its_record_read_again(alice: Person) -> None:
    answer = send(alice, CSV, "text/csv")
    assert answer.status == 201, answer.body
    body = answer.body
    assert (body["status"], body["kind"], body["progress"]) == ("stored", "consumption", 100)
    assert (body["created"], body["rejected"], body["faults"]) == (2, 0, [])
    assert alice.get(answer.headers["Location"]).body == body
    assert alice.get("/v1/imports?status=stored&kind=consumption").body["items"] == [body]
    quantities = Consumption.objects.values_list("quantity", flat=True).order_by("quantity")
    assert list(quantities) == [Decimal("1047.5"), 1200]
    again = send(alice, CSV, "text/csv").body
    assert (again["created"], again["unchanged"]) == (0, 2)


def test_rows_of_json_are_what_they_are(alice: Person) -> None:
    answer = alice.post("/v1/imports?kind=consumption", [BILL])
    assert (answer.status, answer.body["created"]) == (201, 1)
    assert Consumption.objects.get().quantity == Decimal("12.345")
    changed = alice.post("/v1/imports?kind=consumption", [{**BILL, "note": "late"}]).body
    assert (changed["changed"], changed["unchanged"]) == (1, 0)
    same = alice.post("/v1/imports?kind=consumption", [BILL]).body
    assert (same["changed"], same["unchanged"]) == (0, 1)
    assert Consumption.objects.get().note == "late"


def test_a_dry_run_says_what_would_be_and_stores_nothing(alice: Person) -> None:
    body = alice.post("/v1/imports?kind=consumption&dry_run=true", [BILL]).body
    assert (body["status"], body["created"]) == ("checked", 1)
    rows = [BILL, {**BILL, "external_id": "B-2", "quantity": -1}]
    counts = {}
    for query in ("", "&on_error=skip"):
        path = f"/v1/imports?kind=consumption{query}"
        tried, done = (alice.post(path + dry, rows).body for dry in ("&dry_run=true", ""))
        counts[query] = [tried["created"], tried["rejected"]]
        assert counts[query] == [done["created"], done["rejected"]]
    assert counts == {"": [0, 1], "&on_error=skip": [1, 1]}


def test_bad_rows_are_named_and_can_be_had_again(alice: Person) -> None:
    rows = [BILL, {**BILL, "external_id": "B-2", "quantity": -1}]
    answer = alice.post("/v1/imports?kind=consumption", rows)
    assert (answer.status, answer.body["status"], answer.body["created"]) == (201, "refused", 0)
    [fault] = answer.body["faults"]
    assert (fault["line"], fault["column"], fault["code"]) == (2, "quantity", "min_value")
    assert fault["detail"]
    rejects = Client().get(
        f"/v1/imports/{answer.body['id']}/rejects",
        headers={**alice.headers, "accept": "text/csv"},
    )
    assert rejects.status_code == 200
    assert rejects["content-type"].startswith("text/csv")
    header, row = rejects.content.decode().splitlines()
    assert header.endswith("line,column,code,reason")
    assert row.startswith("B-2,S3,electricity,-1,")
    skipped = alice.post("/v1/imports?kind=consumption&on_error=skip", rows).body
    assert (skipped["status"], skipped["created"], skipped["rejected"]) == ("stored", 1, 1)


def test_what_is_suspicious_is_stored_and_named(alice: Person) -> None:
    rows = [BILL, {**BILL, "external_id": "B-2", "quantity": 10**7, "start_date": "2023-02-01"}]
    rows[1]["end_date"] = "2023-02-28"
    body = alice.post("/v1/imports?kind=consumption", rows).body
    assert (body["created"], body["warnings"]) == (2, 1)
    answer = alice.get(f"/v1/imports/{body['id']}/warnings")
    [one] = answer.body["items"]
    assert (one["line"], one["column"], one["code"]) == (2, "quantity", "jump")
    assert one["detail"]


def test_a_form_and_a_workbook_are_files_too(alice: Person) -> None:
    book = openpyxl.Workbook()
    book.active.append(list(BILL))
    book.active.append([*BILL.values()])
    book.save(file := BytesIO())
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert send(alice, file.getvalue(), kind).body["created"] == 1
    sent = BytesIO(CSV)
    sent.name = "bills.csv"
    answer = Client().post("/v1/imports?kind=consumption", {"file": sent}, headers=alice.headers)
    assert answer.status_code == 201
    assert json.loads(answer.content)["file_name"] == "bills.csv"


def test_the_fields_of_a_form_are_parameters_too(alice: Person) -> None:
    def send_form(query: str = "", **fields: str) -> Any:
        form = {"file": BytesIO(CSV), **fields}
        return Client().post(f"/v1/imports{query}", form, headers=alice.headers)

    answer = send_form(kind="consumption", dry_run="true", extra="x")
    assert (answer.status_code, answer.json()["status"]) == (201, "checked")
    assert not Consumption.objects.exists()
    wrong = send_form(kind="consumption", on_error="never").json()
    assert [one["field"] for one in wrong["errors"]] == ["on_error"]
    twice = send_form("?kind=consumption", kind="facilities").json()
    assert [one["field"] for one in twice["errors"]] == ["kind"]


def test_a_layout_is_chosen_by_name_or_id(alice: Person) -> None:
    pks = {one["name"]: one["id"] for one in alice.get("/v1/import-layouts").body["items"]}
    text = (CASES / "green_button.xml").read_bytes()
    for layout in ("green_button", pks["green_button"]):
        query = f"kind=consumption&facility=S3&dry_run=true&layout={layout}"
        assert send(alice, text, "application/xml", query).body["layout"] == "green_button"


def test_what_the_api_answers_is_rows_of_json(alice: Person) -> None:
    assert alice.post("/v1/imports?kind=consumption", [BILL]).body["created"] == 1
    items = alice.get("/v1/consumptions").body["items"]
    assert alice.post("/v1/imports?kind=consumption", items).body["unchanged"] == 1
    items = alice.get("/v1/facilities").body["items"]
    assert alice.post("/v1/imports?kind=facilities", items).body["unchanged"] == 1
    misspelt = alice.post("/v1/imports?kind=consumption", [{**BILL, "suplier": "x"}])
    assert (misspelt.status, misspelt.body["errors"][0]["code"]) == (422, "unknown_header")


@each(("field", "value"), [("note", {"a": 1}), ("note", ["a", "b"]), ("external_id", True)])
def test_what_is_no_text_is_not_stored_as_one(alice: Person, field: str, value: Any) -> None:
    body = alice.post("/v1/imports?kind=consumption", [{**BILL, field: value}]).body
    assert body["status"] == "refused"
    assert [(one["column"], one["code"]) for one in body["faults"]] == [(field, "invalid")]


OURS = "facility_id;category;quantity;unit;start_date;end_date"


@each(
    ("text", "stored"),
    [
        (
            f"{OURS}\nS3;electricity;1.047,5;kWh;15/12/2023;14/01/2024"
            "\nS3;electricity;1.200;xx;03/02/2024;04/03/2024"
            "\nS3;electricity;1,234;xx;05/03/2024;04/04/2024",
            [("1200", "2024-02-03", "2024-03-04"), ("1.234", "2024-03-05", "2024-04-04")],
        ),
        (
            f"{OURS}\nS3;electricity;998.2;kWh;12/15/2023;01/14/2024"
            "\nS3;electricity;1.234;xx;02/03/2024;03/04/2024",
            [("1.234", "2024-02-03", "2024-03-04")],
        ),
        (
            "Building;Category;Unit;Jan-23;Feb-23\nS3;electricity;kWh;1.047,5;"
            "\nS3;water;xx;1.200;",
            [("1200", "2023-01-01", "2023-01-31")],
        ),
    ],
)  # fmt: skip
def test_refused_rows_are_read_as_they_were_written_when_they_come_alone(
    alice: Person, text: str, stored: list[tuple[str, str, str]]
) -> None:
    query = "kind=consumption&on_error=skip"
    body = send(alice, text.encode(), "text/csv", query).body
    assert (body["created"], body["rejected"]) == (1, len(stored))
    rejects = Client().get(f"/v1/imports/{body['id']}/rejects", headers=alice.headers).content
    mended = rejects.replace(b";xx;", b";m3;" if b"water" in rejects else b";kWh;")
    assert send(alice, mended, "text/csv").body["created"] == len(stored)
    found = Consumption.objects.order_by("-created_at", "start_date")[: len(stored)]
    assert sorted(
        (f"{one.quantity.normalize():f}", str(one.start_date), str(one.end_date)) for one in found
    ) == sorted(stored)


def test_a_layout_of_factors_is_known_by_its_header(alice: Person) -> None:
    layout = {
        "name": "Faktoren", "kind": "emission-factors",
        "columns": {"activity": "Stoff", "co2e": "Faktor", "valid_from": "Ab"},
        "constants": {"category": "heat", "unit": "kWh", "scope": 1},
    }  # fmt: skip
    assert alice.post("/v1/import-layouts", layout).status == 201
    text = b"Stoff;Faktor;Ab\nnatural_gas;0,2;31.01.2024\n"
    body = send(alice, text, "text/csv", "kind=emission-factors").body
    assert (body["created"], body["layout"], body["kind"]) == (1, "Faktoren", "emission-factors")


def test_layouts_and_options_are_those_of_the_command(alice: Person) -> None:
    text = (CASES / "green_button.xml").read_bytes()
    body = send(alice, text, "application/xml", "kind=consumption&facility=S3").body
    assert (body["created"], body["layout"]) == (2, "green_button")
    text = (CASES / "not_proved.csv").read_bytes()
    refused = send(alice, text, "text/csv").body
    assert {one["code"] for one in refused["faults"]} == {"ambiguous_number", "ambiguous_date"}
    query = "kind=consumption&decimal=point&dates=dmy"
    assert send(alice, text, "text/csv", query).body["status"] == "stored"


@each(
    ("body", "kind", "query", "field", "code"),
    [
        (CSV, "text/csv", "", "kind", "required"),
        (CSV, "text/csv", "kind=bills", "kind", "invalid_choice"),
        (CSV, "text/csv", "kind=consumption&colour=red", "colour", "invalid_parameter"),
        (CSV, "text/csv", "kind=consumption&decimal=dot", "decimal", "invalid_choice"),
        (CSV, "text/csv", "kind=consumption&layout=none", "layout", "unknown_layout"),
        (CSV, "text/csv", "kind=consumption&layout=datadis", "file", "unknown_header"),
        (CSV, "text/csv", "kind=consumption&layout=uk_half_hourly", "file", "unknown_header"),
        (CSV, "text/csv", "kind=facilities&facility=S3", "kind", "invalid"),
        (b"Sede;Consumo\n1;2\n", "text/csv", "kind=consumption", "file", "unknown_header"),
        (b"", "text/csv", "kind=consumption", "file", "invalid"),
        (b"{}", "application/json", "kind=consumption", "file", "invalid"),
        (b"[1]", "application/json", "kind=consumption", "file", "invalid"),
        (b"[]", "application/json", "kind=consumption", "file", "invalid"),
    ],
)
def test_what_cannot_be_read_as_a_whole_is_422(
    alice: Person, body: bytes, kind: str, query: str, field: str, code: str
) -> None:
    answer = send(alice, body, kind, query)
    assert answer.status == 422, answer.body
    assert answer.error(field)["code"] == code
    assert not Import.objects.exists()


def test_a_file_over_the_limit_is_413(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "MAX_IMPORT_BYTES", 50)
    answer = send(alice, CSV, "text/csv")
    assert (answer.status, answer.body["code"]) == (413, "body_too_large")


def test_more_rows_than_one_request_takes_are_refused(alice: Person) -> None:
    answer = alice.post("/v1/imports?kind=facilities", [{"name": "a"}] * 5001)
    assert answer.error("file")["code"] == "too_many_rows"


def test_rows_with_more_names_than_a_file_may_have_columns_are_refused(alice: Person) -> None:
    """Before a table is made of them: with names of its own in each row it would be as wide as
    it is high."""
    answer = alice.post("/v1/imports?kind=facilities", [{str(row): 1} for row in range(1001)])
    assert answer.error("file")["detail"].startswith("The file has 1001 columns")


def test_viewers_read_and_do_not_import(bob: Person, alice: Person, charlie: Person) -> None:
    body = send(alice, CSV, "text/csv").body
    assert send(bob, CSV, "text/csv").status == 403
    assert bob.get(f"/v1/imports/{body['id']}").status == 200
    assert charlie.get(f"/v1/imports/{body['id']}").status == 404


def test_a_file_larger_than_a_usual_body_is_taken(alice: Person, settings: Any) -> None:
    settings.IMPORT_BYTES_AT_ONCE = settings.MAX_IMPORT_BYTES  # nobody leaves it to the worker
    rows = "".join(f"F-{n},{'Depot ' * 30},depot,ES\n" for n in range(16_000))
    text = f"external_id,name,type,country\n{rows}".encode()
    assert len(text) > 2_500_000
    answer = alice.call(
        "POST", "/v1/imports?kind=facilities&dry_run=true", text, **{"content-type": "text/csv"}
    )
    assert (answer.status, answer.body.get("created")) == (201, 16_000)


def test_large_files_under_one_idempotency_key_are_told_apart(alice: Person, settings: Any) -> None:
    settings.IMPORT_BYTES_AT_ONCE = settings.MAX_IMPORT_BYTES
    blank = (b" " * 50_000 + b"\n") * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 50_000 + 1)
    key = {"content-type": "text/csv", "idempotency-key": "nightly"}

    def upload(body: bytes) -> Answer:
        return alice.call("POST", "/v1/imports?kind=consumption", body + blank, **key)

    first, again = upload(CSV), upload(CSV)
    assert first.status == 201, first.body
    assert again.body == first.body
    assert again.headers["idempotent-replayed"] == "true"
    assert Import.objects.count() == 1
    other = upload(CSV.replace(b"1.200", b"1.300"))
    assert other.error("idempotency-key")["code"] == "idempotency_key_reused"
    assert Import.objects.count() == 1


def test_a_form_that_is_sent_again_is_the_same_whatever_divides_its_parts(alice: Person) -> None:
    def form(boundary: str, content: bytes = CSV) -> Answer:
        edge = boundary.encode()
        part = b'Content-Disposition: form-data; name="file"; filename="b.csv"\r\n\r\n' + content
        body = b"--" + edge + b"\r\n" + part + b"\r\n--" + edge + b"--\r\n"
        headers = {
            "content-type": f"multipart/form-data; boundary={boundary}",
            "idempotency-key": "nightly",
        }
        return alice.call("POST", "/v1/imports?kind=consumption", body, **headers)

    first, again = form("one"), form("another")
    assert first.status == 201, first.body
    assert (again.body, again.headers["idempotent-replayed"]) == (first.body, "true")
    other = form("one", CSV.replace(b"1.200", b"1.300"))
    assert other.error("idempotency-key")["code"] == "idempotency_key_reused"
    assert Import.objects.count() == 1
