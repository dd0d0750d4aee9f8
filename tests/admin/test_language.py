"""The admin in Spanish: each user switches it; the API and what is stored stay English."""

import re
from decimal import Decimal
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils.translation import get_language, override

from emissions.importing.periods import off
from facilities.models import Facility
from organizations.models import AuditEvent, Import, User
from organizations.staff.local import remember_reader
from organizations.staff.said import said
from tests import messages
from tests.admin.conftest import at_the_admin
from tests.admin.everything import a_row_of_every_page
from tests.admin.test_conflicts import opened
from tests.admin.test_facilities import messages_of
from tests.conftest import Person

pytestmark = pytest.mark.django_db

SWITCH = "/admin/language/"
PLACEHOLDER = re.compile(r"%\(\w+\)s|%s|\{\w*\}")
NAMES_IN_FILES = {"Name"}
"""What stands on a page as the data of a file: its columns."""


@pytest.fixture
def spanish(alice: Person) -> Client:
    User.objects.filter(pk=alice.user.pk).update(language="es")
    alice.user.refresh_from_db()
    return at_the_admin(alice.user)


def body(answer: Any) -> str:
    assert answer.status_code == 200, answer.content.decode()[-2000:]
    return answer.content.decode()


# The catalogue


def test_every_text_is_translated_and_keeps_its_placeholders() -> None:
    for message in messages.catalogue():
        if not message.id:
            continue
        string: Any = message.string
        forms = string if message.pluralizable else (string,)
        texts: Any = message.id if message.pluralizable else (message.id,)
        assert all(forms), f"{message.id} has no translation"
        assert not message.fuzzy, message.id
        for form, text in zip(forms, (texts[0], *[texts[-1]] * 2), strict=False):
            assert {*PLACEHOLDER.findall(form)} == {*PLACEHOLDER.findall(text)}, message.id
            assert re.findall(r"<[^>]+>", form) == re.findall(r"<[^>]+>", text), message.id


def test_the_catalogue_is_of_todays_texts_and_compiled() -> None:
    stored = messages.PO.read_bytes()
    assert stored == messages.as_po(messages.updated()), "run make messages"
    assert messages.MO.read_bytes() == messages.as_mo(stored), "run make messages"
    assert not messages.catalogue().obsolete


# The switch


def test_a_user_switches_from_the_account_menu_and_comes_back(
    alice: Person, alice_admin: Client
) -> None:
    page = body(alice_admin.get("/admin/facilities/facility/"))
    assert '<html lang="en"' in page
    assert f'action="{SWITCH}"' in page
    assert "Español" in page
    assert 'name="next" type="hidden" value="/admin/facilities/facility/"' in page
    sent = {"language": "es", "next": "/admin/facilities/facility/"}
    answer = alice_admin.post(SWITCH, sent)
    assert (answer.status_code, answer["Location"]) == (302, "/admin/facilities/facility/")
    page = body(alice_admin.get(answer["Location"]))
    assert '<html lang="es"' in page
    assert "Instalaciones" in page
    alice_admin.post(SWITCH, {"language": "en"})
    assert '<html lang="en"' in body(alice_admin.get("/admin/"))


def test_a_language_that_there_is_not_is_refused_and_nobody_is_led_elsewhere(
    alice: Person, alice_admin: Client
) -> None:
    assert alice_admin.post(SWITCH, {"language": "fr"}).status_code == 400
    assert alice_admin.get(SWITCH).status_code == 405
    answer = alice_admin.post(SWITCH, {"language": "es", "next": "https://example.org/"})
    assert answer["Location"] == "/admin/"
    assert Client().post(SWITCH, {"language": "es"})["Location"] == "/admin/login/"


@pytest.mark.parametrize(
    ("asked", "heading"),
    [("es-ES,es;q=0.9", "Iniciar sesión"), ("fr", "Log in"), ("", "Log in"), ("é", "Log in")],
)
def test_before_the_log_in_the_browser_decides(db: Any, asked: str, heading: str) -> None:
    answer = Client().get("/admin/login/", headers={"accept-language": asked})
    assert heading in body(answer)
    assert "Accept-Language" in answer["Vary"]


def test_a_users_language_is_stronger_than_the_browsers(alice_admin: Client) -> None:
    page = body(alice_admin.get("/admin/", headers={"accept-language": "es"}))
    assert '<html lang="en"' in page


def test_the_language_ends_with_the_request(rf: RequestFactory) -> None:
    request = rf.get("/admin/", headers={"accept-language": "es"})
    request.user = AnonymousUser()
    seen = []

    def view(request: Any) -> HttpResponse:
        seen.append(get_language())
        return HttpResponse()

    remember_reader(view)(request)
    assert (seen, get_language()) == (["es"], "en")


# What stays English


def test_the_api_stays_english(alice: Person) -> None:
    User.objects.filter(pk=alice.user.pk).update(language="es")
    asked = {"accept-language": "es"}
    body = {"name": "", "country": "Spain"}
    answer = alice.call("POST", "/v1/facilities", body, **asked)
    assert answer.status == 422
    assert "is not an ISO 3166-1 country code" in str(answer.body)
    assert "may not be blank" in str(answer.body)


def test_what_a_file_is_refused_for_is_stored_in_english(alice: Person, spanish: Client) -> None:
    cells = "name,type,country\nOffice,office,Spain\nWorks,factory,ES\n"
    form = {"kind": "facilities", "organization": str(alice.organization.pk), "cells": cells}
    answer = spanish.post("/admin/emissions/consumption/upload/", form)
    address = answer["Location"]
    assert "no es un código de país" in body(spanish.get(address))
    assert spanish.post(address, {"what": "store_good"}).status_code == 302
    row = Import.objects.get()
    assert "is not an ISO 3166-1 country code" in row.first_rejects[0]["reason"]


def test_what_is_recorded_of_a_deletion_is_english(alice: Person, spanish: Client) -> None:
    bill = alice.consumption(alice.facility(), quantity=1000)
    spanish.post(f"/admin/emissions/consumption/{bill['id']}/delete/", {"post": "yes"})
    recorded = AuditEvent.objects.get(event="deleted").details["name"]
    assert re.fullmatch(r"grid · 1,000 kWh · 2023-\d\d-\d\d – 2023-\d\d-\d\d", recorded)


# What is Spanish


class Visible(HTMLParser):
    """The texts that a page shows or reads out, each as it stands."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style") or "material-symbols" in (dict(attrs).get("class") or ""):
            self.inside.append(tag)
        self.texts += [
            value or "" for name, value in attrs
            if name in ("title", "placeholder", "aria-label", "data-label")
        ]  # fmt: skip

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.texts.append(data)


def english_on(page: str) -> set[str]:
    """The texts of the catalogue that stand on a page and should not: whole, and in any case."""
    visible = Visible()
    visible.feed(page)
    shown = {" ".join(unescape(one).split()).lower() for one in visible.texts}
    found = set()
    for message in messages.catalogue():
        text = message.id if isinstance(message.id, str) else ""
        same = str(message.string).lower() == text.lower()
        if len(text) < 3 or same or text in NAMES_IN_FILES or message.context:
            continue
        if text.lower() in shown:
            found.add(text)
    spanish_too = {str(one.string).lower() for one in messages.catalogue()}
    return {one for one in found if one.lower() not in spanish_too}


def pages_of(alice: Person) -> list[str]:
    rows = a_row_of_every_page(alice, "Marca")
    addresses = [
        "/admin/",
        "/admin/emissions/emission/monthly/",
        "/admin/emissions/emission/figures/",
        reverse("admin:emissions_consumption_missing"),
        reverse("admin:emissions_consumption_changes"),
        reverse("admin:emissions_consumption_upload"),
        reverse("admin:emissions_closedperiod_inventory"),
        reverse("admin:organizations_membership_members"),
        reverse("second_factor"),
        "/admin/facilities/facility/add/",
        "/admin/emissions/consumption/add/",
        "/admin/emissions/emissionfactor/add/",
        "/admin/organizations/apikey/add/",
        "/admin/emissions/consumption/?q=nothing-like-it",
    ]
    for model, row in rows.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        addresses.append(reverse(f"{name}_changelist"))
        addresses.append(reverse(f"{name}_change", args=[row.pk]))
    facility = Facility.objects.filter(organization=alice.organization)[0]
    addresses.append(reverse("admin:facilities_facility_delete", args=[facility.pk]))
    addresses.append(reverse("admin:facilities_facility_history", args=[facility.pk]))
    return addresses


def test_no_page_has_an_english_text_of_ours(alice: Person, spanish: Client) -> None:
    seen, left = 0, {}
    for address in pages_of(alice):
        answer = spanish.get(address)
        if answer.status_code != 200:
            continue
        seen += 1
        page = answer.content.decode()
        assert '<html lang="es"' in page or address.endswith("/monthly/"), address
        if found := english_on(page):
            left[address] = found
    assert seen > 30
    assert left == {}, {address: sorted(found) for address, found in left.items()}


def test_numbers_days_and_names_are_spanish(alice: Person, spanish: Client) -> None:
    alice.factor()
    facility = alice.facility()
    bill = alice.consumption(facility, quantity=2_469_135)
    page = body(spanish.get(f"/admin/emissions/consumption/{bill['id']}/change/"))
    assert "1.234.567,5" in page
    assert "Electricidad de red" in page
    assert "De dónde sale la cifra" in page
    listed = body(spanish.get("/admin/emissions/consumption/"))
    assert re.search(r"\d\d/\d\d/2023 – \d\d/\d\d/2023", listed)


def test_who_may_only_read_has_spanish_numbers(alice: Person, bob: Person) -> None:
    """They stand as texts where an editor has fields."""
    User.objects.filter(pk=bob.user.pk).update(language="es")
    bob.user.refresh_from_db()
    reader = at_the_admin(bob.user)
    facility = alice.facility(logistic_factor=0.75)
    bill = alice.consumption(facility, quantity=2_469_135.25)
    own = alice.factor(co2e=0.029)
    for model, row, number in (
        ("facilities/facility", facility, "0,75"),
        ("emissions/consumption", bill, "2.469.135,25"),
        ("emissions/emissionfactor", own, "0,029"),
    ):
        page = body(reader.get(f"/admin/{model}/{row['id']}/change/"))
        assert re.search(rf">\s*{re.escape(number)}\s*<", page), (model, number)


def test_a_bill_is_saved_by_a_spanish_form_and_says_its_figure(
    alice: Person, spanish: Client
) -> None:
    alice.factor()
    form = {
        "facility": alice.facility()["id"], "category": "electricity", "activity": "grid",
        "quantity": "1.047,5", "unit": "kWh", "start_date": "01/03/2023",
        "end_date": "31/03/2023", "data_quality": "actual", "status": "active",
    }  # fmt: skip
    answer = spanish.post("/admin/emissions/consumption/add/", form, follow=True)
    page = body(answer)
    assert ' title="523,75 kg" ' in page
    wrong = spanish.post("/admin/emissions/consumption/add/", form | {"end_date": "01/02/2023"})
    assert "Termina antes de empezar (01/03/2023)." in body(wrong)
    assert "1.047,5 kWh" in page


def test_why_there_is_no_figure_is_said_in_spanish(alice: Person, spanish: Client) -> None:
    days = {"start_date": "1950-01-01", "end_date": "1950-01-31"}
    bill = alice.consumption(alice.facility(), **days)
    page = body(spanish.get(f"/admin/emissions/consumption/{bill['id']}/change/"))
    assert "No hay factor de Electricidad de red por kWh, válido el 01/01/1950" in page
    assert "there is no" not in page.lower()


def test_what_a_file_is_refused_for_is_said_in_spanish_and_stored_in_english(
    alice: Person, spanish: Client
) -> None:
    """The page looks a stored sentence up in the catalogue; the API has it as it was stored."""
    alice.facility(external_id="A")
    cells = (
        "facility_id;category;quantity;unit;start_date;end_date\n"
        "A;electricity;1;kWh;nunca;2023-01-31\nA;electricity;;kWh;2023-01-01;2023-01-31"
    )
    sent = {"organization": alice.organization.pk, "kind": "consumption", "cells": cells}
    looked = spanish.post("/admin/emissions/consumption/upload/", sent)
    page = body(spanish.get(looked["Location"]))
    assert "«nunca» no es un día; escríbalo como 2024-01-31." in unescape(page)
    assert "Esta celda es necesaria y está vacía." in page
    assert ">Estimada</option>" in page
    alice.post("/v1/imports?kind=consumption&on_error=skip", [
        {"facility_id": "A", "category": "electricity", "quantity": 1, "unit": "kWh",
         "start_date": "nunca", "end_date": "2023-01-31"},
        {"facility_id": "nobody", "category": "electricity", "quantity": 1, "unit": "kWh",
         "start_date": "2023-01-01", "end_date": "2023-01-31"},
    ])  # fmt: skip
    stored = Import.objects.latest("pk")
    assert "names" not in stored.first_rejects[0]["reason"]
    assert "No facility of this organization" in stored.first_rejects[1]["reason"]
    page = body(spanish.get(f"/admin/organizations/import/{stored.pk}/change/"))
    assert "Ninguna instalación de esta organización tiene" in page
    assert "importe antes las instalaciones" in page


@pytest.mark.parametrize(("sentence", "said_so"), [
    ("This row has 2 cells and the header 3. A cell with “;” in it is written in quotes.",
     "Esta fila tiene 2 celdas y el encabezado 3. Una celda que contiene «;» se escribe entre "
     "comillas."),
    ("The header is not right: the column “unit” is missing; there is no column “unidat” (did you "
     "mean “unit”?). The columns are a, b. Found: unidat.",
     "El encabezado no está bien: falta la columna unidad (unit); no hay ninguna columna «unidat» "
     "(¿quería decir unidad (unit)?). Las columnas son a, b. Encontradas: unidat."),
    ("Say where end_date, facility_id, cups_list comes from, here or in constants.",
     "Diga de dónde sale fecha de fin (end_date), instalación (facility_id), CUPS (cups_list), "
     "aquí o en las constantes."),
    ("No facility of this organization has the external_id, id, CUPS or meter “St. Mary. Nord”. "
     "Did you mean “St. Mary. Nord 2”? Its external_id is “S. 1”.",
     "Ninguna instalación de esta organización tiene el código propio (external_id), id, CUPS o "
     "contador «St. Mary. Nord». ¿Quería decir «St. Mary. Nord 2»? Su código propio (external_id) "
     "es «S. 1»."),
    ("The layout Acme S. A. does not say where unit comes from; give it a column or a constant.",
     "La plantilla Acme S. A. no dice de dónde sale unidad (unit); dele una columna o una "
     "constante."),
    ("The nearest layout is Acme S. A. Bills.", "La plantilla más parecida es Acme S. A. Bills."),
    ("“ton” is not one unit: a ton is 1,000 kg, 2,000 lb or 2,240 lb. Say t or short_ton.",
     "«ton» no es una sola unidad: una «ton» son 1.000 kg, 2.000 lb o 2.240 lb. Ponga t o tonelada "
     "corta (short_ton)."),
    ("“gas” is none of: heat, electricity. “80 %” is a percentage; write the number that it is a "
     "part of 1.",
     "«gas» no es ninguno de estos: heat, electricity. «80 %» es un porcentaje; escriba el número "
     "como parte de 1."),
    ("It ends before it starts (2025-03-31).", "Termina antes de empezar (31/03/2025)."),
    ("What nobody has translated.", "What nobody has translated."), ("", ""),
])  # fmt: skip
def test_a_sentence_is_known_by_its_template(sentence: str, said_so: str) -> None:
    assert said(sentence) == sentence
    with override("es"):
        assert said(sentence) == said_so


def test_the_page_at_the_root_is_in_the_readers_language(db: Any) -> None:
    page = body(Client().get("/", headers={"accept-language": "es"}))
    assert '<html lang="es"' in page
    assert "Documentación" in page


def test_what_is_kept_of_an_event_is_english_whoever_causes_it(
    alice: Person, spanish: Client
) -> None:
    spanish.post("/admin/organizations/apikey/add/", {
        "organization": alice.organization.pk, "name": "Sync", "role": "viewer",
    })  # fmt: skip
    event = AuditEvent.objects.filter(event="key_created").latest("pk")
    assert event.object_type == "api_key"


def test_names_of_models_are_english_where_english_is_spoken() -> None:
    field = Facility._meta.get_field("country")
    with override("es"):
        assert str(field.verbose_name) == "país"
    assert str(field.verbose_name) == "country"


def test_a_saved_row_is_not_called_he_in_spanish(erin: Person, erin_admin: Client) -> None:
    User.objects.filter(pk=erin.user.pk).update(language="es")
    site = erin.facility()
    address = reverse("admin:facilities_facility_change", args=[site["id"]])
    said = messages_of(erin_admin.post(address, opened(erin_admin, address), follow=True))
    words = re.sub("<[^>]+>", "", said[0])
    assert words == "Se ha guardado «Madrid Office» (instalación)."


def test_a_number_in_a_sentence_is_written_in_the_readers_language() -> None:
    sentence = "The mean per day so far is 3,369 times as much; check the unit."
    with override("es"):
        assert "3.369 veces" in said(sentence)
        assert off(Decimal(1), Decimal(3369)) == said(sentence)
        assert "1,200" in said("“1,200” is not a number; write it like 1234.5."), (
            "as it was written"
        )
    assert off(Decimal(1), Decimal(3369)) == sentence
