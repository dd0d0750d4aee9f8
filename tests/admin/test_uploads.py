"""Bringing files in at the admin: seen first, mended, stored once, and nobody else's."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from emissions.importing.drafts import trials
from emissions.models import Consumption
from organizations.models import Draft, DraftBlock, Import, ImportLayout, User
from tests.admin.conftest import at_the_admin
from tests.conftest import Person

pytestmark = pytest.mark.django_db

SEND = "/admin/emissions/consumption/upload/"
HEADER = "external_id,facility_id,category,quantity,unit,start_date,end_date\n"
GOOD = HEADER + "B-1,HQ,electricity,1047.5,kWh,2023-03-01,2023-03-31\n"
BAD = HEADER + (
    "B-1,HQ,electricity,1047.5,kWh,2023-03-01,2023-03-31\n"
    "B-2,HQ,electricity,n/a,kWh,2023-04-01,2023-04-30\n"
)
SHEET = (
    "Facturas de electricidad 2023;;;;;\n"
    "Sede;CUPS;Fecha inicio;Fecha fin;Consumo (kWh);Comercializadora\n"
    "Oficina;ES0021000000000001RK;15/12/2023;14/01/2024;1.047,5;IBERDROLA CLIENTES, S.A.U.\n"
    "Oficina;ES0021000000000001RK;15/01/2024;14/02/2024;998;IBERDROLA CLIENTES, S.A.U.\n"
).encode("cp1252")


def send(client: Client, person: Person, content: bytes | str, kind: str = "consumption") -> Any:
    data: dict[str, Any] = {"organization": str(person.organization.pk), "kind": kind}
    if isinstance(content, bytes):
        data["file"] = SimpleUploadedFile("bills.csv", content)
    else:
        data["cells"] = content
    return client.post(SEND, data)


def sent(client: Client, person: Person, content: bytes | str, kind: str = "consumption") -> str:
    """The address of the draft."""
    answer = send(client, person, content, kind)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["location"])


def page(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def counts(html: str) -> list[str]:
    found = re.search(r'id="counts".*?<tbody><tr>(.*?)</tr>', html, re.DOTALL)
    assert found, html
    return re.findall(r">([\d,]+)<", found[1])


def test_a_file_is_seen_before_it_is_stored(erin: Person, erin_admin: Client) -> None:
    erin.facility(external_id="HQ")
    address = sent(erin_admin, erin, GOOD.encode())
    html = page(erin_admin, address)
    assert counts(html) == ["1", "0", "0", "0"]
    assert "Madrid Office" in html
    assert not Consumption.objects.exists()
    assert not Import.objects.exists()

    answer = erin_admin.post(address, {"what": "store"}, follow=True)
    assert "Stored: created 1, changed 0, unchanged 0, rejected 0" in answer.content.decode()
    [row] = Consumption.objects.all()
    assert row.quantity == Decimal("1047.5")
    record = Import.objects.get()
    assert (record.started_by, record.outcome) == (erin.user.email, "stored")
    assert not Draft.objects.exists()
    assert not DraftBlock.objects.exists()
    answer = erin_admin.post(address, {"what": "store"}, follow=True)
    assert "stored already" in answer.content.decode()
    assert Import.objects.count() == 1


def test_cells_are_pasted_by_the_thousand_and_too_many_are_told_what_to_do(
    erin: Person, erin_admin: Client, settings: Settings
) -> None:
    erin.facility(external_id="HQ")
    rows = [f"HQ\telectricity\t1\tkWh\t{year}-01-01\t{year}-01-31" for year in range(1950, 2020)]
    pasted = "\n".join(["\t".join(HEADER.strip().split(",")[1:]), *rows])
    erin_admin.handler.enforce_csrf_checks = True
    token = erin_admin.get(SEND).context["csrf_token"]
    data = {"organization": str(erin.organization.pk), "kind": "consumption", "cells": pasted}
    data["csrfmiddlewaretoken"] = str(token)
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = len(pasted) + 1000
    answer = erin_admin.post(SEND, data)
    assert answer.status_code == 302
    assert counts(page(erin_admin, answer["location"])) == ["70", "0", "0", "0"]
    answer = erin_admin.post(SEND, data | {"cells": pasted + " " * 1000})
    assert answer.status_code == 413
    assert "save the cells as a file" in answer.content.decode()


def test_the_figure_before_and_after_is_what_storing_makes(
    erin: Person, erin_admin: Client
) -> None:
    site = erin.facility(external_id="HQ")
    erin.consumption(site)
    before = erin.get(f"/v1/facilities/{site['id']}").body["co2e"]
    address = sent(erin_admin, erin, GOOD.replace("2023", "2022"))
    html = page(erin_admin, address)
    found = re.search(r'id="moves".*?<tbody>(.*?)</tbody>', html, re.DOTALL)
    assert found
    seen = [Decimal(one.replace(",", "")) for one in re.findall(r'title="([\d.,]+) kg"', found[1])]
    erin_admin.post(address, {"what": "store"})
    assert seen == [before, erin.get(f"/v1/facilities/{site['id']}").body["co2e"]]


def test_a_refused_row_is_mended_in_place(erin: Person, erin_admin: Client) -> None:
    erin.facility(external_id="HQ")
    address = sent(erin_admin, erin, BAD)
    html = page(erin_admin, address)
    assert counts(html) == ["1", "0", "0", "1"]
    assert "stands where a value is needed" in html
    answer = erin_admin.post(address, {"what": "store"}, follow=True)
    assert "Nothing was stored" in answer.content.decode()
    assert not Consumption.objects.exists()
    erin_admin.post(address, {"what": "mend", "cell-3-3": "998", "was-3-3": "n/a"})
    assert counts(page(erin_admin, address)) == ["2", "0", "0", "0"]
    erin_admin.post(address, {"what": "store"})
    assert sorted(Consumption.objects.values_list("quantity", flat=True)) == [
        998,
        Decimal("1047.5"),
    ]


def test_refused_rows_stand_as_in_the_file(erin: Person, erin_admin: Client) -> None:
    """Whether they cannot be read or are refused by what is stored."""
    erin.facility(external_id="A")
    cells = (
        "facility_id,category,quantity,unit,start_date,end_date\n"
        "A,electricity,1,kWh,2023-01-31,2023-01-01\n"
        "A,electricity,n/a,kWh,2023-01-01,2023-01-31\n"
        "B,electricity,1,kWh,2023-01-01,2023-01-31\n"
        "A,electricity,x,kWh,2023-01-01,2023-01-31\n"
    )
    html = page(erin_admin, sent(erin_admin, erin, cells))
    assert re.findall(r"<tr><td>(\d+)</td><td", html) == ["2", "3", "4", "5"]


def test_where_no_row_is_good_nothing_is_offered_to_be_stored(
    erin: Person, erin_admin: Client
) -> None:
    html = page(erin_admin, sent(erin_admin, erin, GOOD))  # of a facility that is not there
    assert "No row would be stored" in html
    assert 'value="store' not in html


def test_the_page_calls_columns_by_name_and_tells_nobody_to_use_a_command(
    erin: Person, erin_admin: Client
) -> None:
    User.objects.filter(pk=erin.user.pk).update(language="es")
    erin.facility(external_id="HQ")
    unclear = GOOD.replace("2023-03-01", "03/04/2023").replace("2023-03-31", "05/04/2023")
    html = page(erin_admin, sent(erin_admin, erin, unclear))
    assert '<option value="start_date" selected>Fecha de inicio (start_date)</option>' in html
    assert 'value="overlap"> facturas que se solapan (overlap)' in html
    assert "--dates" not in html
    assert "elija arriba cuál" in html


def test_the_good_rows_can_be_stored_alone(erin: Person, erin_admin: Client) -> None:
    erin.facility(external_id="HQ")
    address = sent(erin_admin, erin, BAD)
    erin_admin.post(address, {"what": "store_good"})
    assert Consumption.objects.get().external_id == "B-1"
    assert Import.objects.get().rejected == 1


def test_what_nothing_proves_is_decided_on_the_page(erin: Person, erin_admin: Client) -> None:
    erin.facility(external_id="HQ")
    address = sent(erin_admin, erin, GOOD.replace("1047.5", '"1,200"'))
    html = page(erin_admin, address)
    assert counts(html) == ["0", "0", "0", "1"]
    assert 'name="decimal" value="point">1,234.5' in html
    assert 'name="dates" value="dmy">' not in html
    erin_admin.post(address, {"what": "decide", "decimal": "point"})
    erin_admin.post(address, {"what": "store"})
    assert Consumption.objects.get().quantity == 1200


def columns(html: str) -> dict[str, Any]:
    """What the form of the columns would send, as it stands."""
    form = html[html.index('id="columns"') :]
    ours = [
        (re.findall(r'<option value="([^"]*)" selected>', one) or [""])[0]
        for one in re.findall(r'name="ours".*?</select>', form, re.DOTALL)
    ]
    return {"what": "columns", "theirs": re.findall(r'name="theirs" value="([^"]*)"', form),
            "ours": ours}  # fmt: skip


def test_an_unknown_header_is_matched_by_hand_and_kept(erin: Person, erin_admin: Client) -> None:
    erin.facility(name="Oficina", cups_list=["ES0021000000000001RK"])
    address = sent(erin_admin, erin, SHEET)
    html = page(erin_admin, address)
    assert "Which column is which?" in html
    guessed = columns(html)
    assert guessed["ours"] == ["", "cups", "start_date", "end_date", "quantity", "supplier"]
    offered = html.split('id="columns_all_unit"')[1].split("</select>")[0]
    assert '<option value="kWh" selected>' in offered
    said = {**guessed, "all_category": "electricity", "all_unit": "kWh", "save_as": "Facturas"}
    erin_admin.post(address, said)
    html = page(erin_admin, address)
    assert counts(html) == ["2", "0", "0", "0"], html
    erin_admin.post(address, {"what": "store"})
    rows = Consumption.objects.order_by("start_date").values_list("quantity", "start_date")
    assert [(quantity, str(day)) for quantity, day in rows] == [
        (Decimal("1047.5"), "2023-12-15"), (Decimal(998), "2024-01-15"),
    ]  # fmt: skip
    assert ImportLayout.objects.get().name == "Facturas"
    again = page(erin_admin, sent(erin_admin, erin, SHEET))
    assert counts(again) == ["0", "0", "2", "0"]
    assert "<strong>Facturas</strong>" in again


def test_a_known_layout_is_told_what_its_file_leaves_out(erin: Person, erin_admin: Client) -> None:
    """A column for each month: the columns are known, category and unit are not in them."""
    erin.facility(external_id="HQ")
    address = sent(erin_admin, erin, "facility,Jan 2023,Feb 2023\nHQ,100,200\n")
    html = page(erin_admin, address)
    assert "does not say where" in html
    assert "Which column is which?" not in html
    said = {"what": "read", "all_category": "electricity", "all_unit": "kWh"}
    erin_admin.post(address, said)
    html = page(erin_admin, address)
    assert counts(html) == ["2", "0", "0", "0"], html
    assert "<strong>wide_months</strong>" in html
    erin_admin.post(address, {"what": "store"})
    assert list(Consumption.objects.order_by("start_date").values_list("quantity", flat=True)) == [
        100, 200,
    ]  # fmt: skip


def test_a_draft_is_stored_once(erin: Person, erin_admin: Client) -> None:
    erin.facility(external_id="HQ")
    sent(erin_admin, erin, GOOD)
    both = [Draft.objects.get(), Draft.objects.get()]
    trials.store(both[0], both[0].organization, "erin", "abort")
    with pytest.raises(Draft.DoesNotExist):
        trials.store(both[1], both[1].organization, "erin", "abort")
    assert Consumption.objects.count() == 1


def test_the_refused_rows_are_downloaded_before_and_after(erin: Person, erin_admin: Client) -> None:
    erin.facility(external_id="HQ")
    address = sent(erin_admin, erin, BAD)
    assert 'href="rejects.csv"' in page(erin_admin, address)
    before = page(erin_admin, f"{address}rejects.csv")
    assert before.splitlines()[1].startswith("B-2,HQ,electricity,n/a,")
    assert ",3,quantity,no_value," in before
    erin_admin.post(address, {"what": "store_good"})
    record = f"/admin/organizations/import/{Import.objects.get().pk}"
    assert f'href="{record}/rejects.csv"' in page(erin_admin, f"{record}/change/")
    assert page(erin_admin, f"{record}/rejects.csv") == before


def test_another_organizations_refused_rows_are_not_given(
    erin: Person, erin_admin: Client, charlie: Person
) -> None:
    erin.facility(external_id="HQ")
    address = sent(erin_admin, erin, BAD)
    stranger = at_the_admin(charlie.user)
    assert stranger.get(f"{address}rejects.csv").status_code in (302, 404)
    erin_admin.post(address, {"what": "store_good"})
    record = f"/admin/organizations/import/{Import.objects.get().pk}"
    assert stranger.get(f"{record}/rejects.csv").status_code in (302, 403, 404)


def test_many_refused_rows_of_many_columns_can_be_mended(erin: Person, erin_admin: Client) -> None:
    """Their form has no more fields than Django takes."""
    erin.facility(external_id="HQ")
    extra = [f"note{n}" for n in range(40)]
    header = HEADER.strip() + "," + ",".join(extra) + "\n"
    rows = [f"B-{n},HQ,electricity,x,kWh,2023-03-01,2023-03-31{',' * 40}\n" for n in range(60)]
    address = sent(erin_admin, erin, header + "".join(rows))
    names = HEADER.strip().split(",")
    ours = {"what": "columns", "theirs": [*names, *extra], "ours": [*names, *[""] * 40]}
    erin_admin.post(address, ours)
    html = page(erin_admin, address)
    cells = re.findall(r'name="((?:cell|was)-[0-9-]+)" value="([^"]*)"', html)
    assert len(cells) > 1500
    answer = erin_admin.post(address, {"what": "mend", **dict(cells), "cell-2-3": "998"})
    assert answer.status_code == 302
    assert counts(page(erin_admin, address))[3] == "59"


def test_pasted_cells_are_a_file(erin: Person, erin_admin: Client) -> None:
    address = sent(erin_admin, erin, "name\ttype\tcountry\nDepot\tdepot\tES\n", "facilities")
    assert counts(page(erin_admin, address)) == ["1", "0", "0", "0"]
    erin_admin.post(address, {"what": "store"})
    assert erin.get("/v1/facilities").body["items"][0]["name"] == "Depot"


@pytest.mark.parametrize(
    "content", [b"\x00\xff\xfe" * 50, b"", b"PK\x03\x04 no workbook", b"just a line of words"]
)
def test_garbage_is_refused_with_a_sentence(
    erin: Person, erin_admin: Client, content: bytes
) -> None:
    answer = send(erin_admin, erin, content)
    if answer.status_code == 302:
        html = page(erin_admin, answer["location"])
        assert 'id="unreadable"' in html
        assert "Store" not in html
    else:
        assert 'class="fa-warning"' in answer.content.decode()
    assert not Import.objects.exists()


def test_a_formula_is_text(erin: Person, erin_admin: Client) -> None:
    cells = "name\ttype\tcountry\n=cmd|' /C calc'!A0\tdepot\tES\n"
    erin_admin.post(sent(erin_admin, erin, cells, "facilities"), {"what": "store"})
    assert erin.get("/v1/facilities").body["items"][0]["name"] == "=cmd|' /C calc'!A0"


def test_one_of_the_two_is_asked_for(erin: Person, erin_admin: Client) -> None:
    assert "one of the two" in send(erin_admin, erin, "").content.decode()


def test_what_is_too_large_is_refused_as_over_http(
    erin: Person, erin_admin: Client, settings: Any
) -> None:
    settings.MAX_IMPORT_BYTES = 10
    assert "The file is over 10 bytes" in send(erin_admin, erin, GOOD.encode()).content.decode()
    assert not Draft.objects.exists()


def test_a_file_of_several_blocks_is_whole(
    erin: Person, erin_admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in the database, for each machine."""
    monkeypatch.setattr("organizations.importing.uploads.BLOCK", 10)
    erin.facility(external_id="HQ")
    address = sent(erin_admin, erin, GOOD.encode())
    assert DraftBlock.objects.count() > 5
    assert counts(page(erin_admin, address)) == ["1", "0", "0", "0"]


def test_a_draft_is_its_senders(
    erin: Person, erin_admin: Client, alice_admin: Client, charlie: Person
) -> None:
    erin.facility(external_id="HQ")
    address = sent(erin_admin, erin, GOOD)
    for other in (alice_admin, at_the_admin(charlie.user)):
        for answer in (other.get(address), other.post(address, {"what": "store"})):
            assert answer.status_code == 302
            assert answer["location"] == SEND
    assert not Consumption.objects.exists()


def test_viewers_bring_nothing_in_and_nobody_into_anothers(
    bob_admin: Client, erin: Person, erin_admin: Client, charlie: Person
) -> None:
    assert bob_admin.get(SEND).status_code == 403
    assert SEND not in bob_admin.get("/admin/").content.decode()
    assert SEND in erin_admin.get("/admin/").content.decode()
    answer = send(erin_admin, charlie, GOOD)
    assert answer.status_code == 200
    assert "Select a valid choice" in answer.content.decode()


def test_without_an_organization_a_superuser_is_led_to_the_first(root: Client) -> None:
    answer = root.get(SEND)
    assert answer.status_code == 302
    assert answer["location"] == "/admin/organizations/organization/add/"


def test_one_who_may_no_longer_write_stores_nothing(erin: Person, erin_admin: Client) -> None:
    erin.facility(external_id="HQ")
    address = sent(erin_admin, erin, GOOD)
    erin.user.memberships.update(role="viewer")
    assert erin_admin.post(address, {"what": "store"}).status_code == 403
    assert not Consumption.objects.exists()


def test_what_nobody_came_back_to_goes(erin: Person, erin_admin: Client) -> None:
    sent(erin_admin, erin, GOOD)
    Draft.objects.update(created_at=timezone.now() - timedelta(days=1, minutes=1))
    new = sent(erin_admin, erin, GOOD)
    assert str(Draft.objects.get().pk) in new
    erin_admin.post(new, {"what": "drop"})
    assert not DraftBlock.objects.exists()
