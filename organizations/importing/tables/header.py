"""Which line of a file names its columns, and which of our columns each of them is."""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import islice

from organizations.importing.dates import plain_letters

SEARCHED = 40
"""Lines from the top among which the header is looked for."""

MOST_COLUMNS = 1000
SHOWN = 12

NOT_A_LETTER = re.compile(r"[\W_]+")

OTHER_WORDS = {
    "facility_id": "facility site sede centro edificio building property local site batiment "
    "gebaeude standort edificio immeuble property_id ubicacion planta",
    "quantity": "consumo consumption usage cantidad amount value valor consommation quantite "
    "verbrauch menge energia kwh consumi quantita usage_quantity volume volumen conso energy",
    "unit": "unidad units uom unite einheit unita unidade usage_units",
    "start_date": "fecha_inicio fecha_desde desde from inicio date_debut debut du von ab beginn "
    "data_inizio data_inicio start period_start service_start date fecha datum read_date",
    "end_date": "fecha_fin fecha_hasta hasta to until fin date_fin au bis ende data_fine data_fim "
    "end period_end service_end",
    "supplier": "comercializadora proveedor provider utility fournisseur lieferant versorger "
    "fornitore fornecedor vendor",
    "cups": "codigo_cups supply_point punto_de_suministro",
    "meter": "mpan mprn prm pdl pod esi_id meter_id contador zaehler compteur meter_number",
    "category": "categoria kategorie categorie type_of_energy",
    "activity": "actividad fuel combustible energy_type meter_type brennstoff",
    "external_id": "id code codigo invoice factura rechnung facture bill_id reference referencia",
    "name": "nombre nom nome property_name",
    "country": "pais pays land paese",
    "address": "direccion adresse indirizzo endereco",
    "type": "tipo art",
    "note": "notes comment comentario observaciones nota notas",
    "data_quality": "estimated estimation calidad",
}
"""Our column → words that others have for it, for hints alone; no file is read by them."""

SAY_NOTHING = {"id", "code", "codigo", "tipo", "art", "date", "fecha", "datum", "type", "to", "ab"}
"""Words that mean too much to be a hint where others stand beside them."""


def plain_name(text: str) -> str:
    """The name of a column whatever its case, accents, spaces and dashes: “Start Date ” is
    start_date."""
    return NOT_A_LETTER.sub("_", plain_letters(text)).strip("_")


def find_header(rows: Sequence[Sequence[str]], known: Iterable[str]) -> int | None:
    """The position of the row that has most known names; None where no row has two."""
    names = set(map(plain_name, known))
    best, found = 1, None
    for position, cells in enumerate(rows):
        count = len(names & set(map(plain_name, filter(None, cells))))
        if count > best:
            best, found = count, position
    return found


def stands_under(rows: Iterable[Sequence[object]], columns: Sequence[str]) -> bool:
    """Whether something stands in a sheet under a header of just these columns."""
    wanted = [plain_name(name) for name in columns if name]
    named = ([plain_name(str(cell)) for cell in cells if cell != ""] for cells in rows)
    searched = iter(islice(named, SEARCHED))
    return wanted in searched and any(map(any, searched))


def widest(rows: Sequence[Sequence[str]]) -> int:
    """The first row with most cells: the header of a file that nobody knows."""
    counts = [sum(bool(cell.strip()) for cell in cells) for cells in rows]
    return counts.index(max(counts)) if counts else 0


def nearest(name: str, known: Sequence[str]) -> str:
    """Our column that a column of somebody else's file most likely is, or nothing."""
    plain = plain_name(name)
    without_unit = plain_name(re.sub(r"[(\[].*", "", name))
    for ours in known:
        words = OTHER_WORDS.get(ours, "").split()
        if plain in (ours, *words) or without_unit in (ours, *words):
            return ours
    parts = set(plain.split("_")) - SAY_NOTHING
    for ours in known:
        if parts & set(OTHER_WORDS.get(ours, "").split()):
            return ours
    near = get_close_matches(plain, known, n=1, cutoff=0.6)
    return near[0] if near else ""


def shown_columns(columns: Sequence[str]) -> str:
    """The names of columns, and not all of thousands."""
    names = ", ".join(f"“{name[:40]}”" for name in columns[:SHOWN])
    return f"{names} and {len(columns) - SHOWN} more" if len(columns) > SHOWN else names


def header_problems(
    columns: Sequence[str],
    known: Sequence[str],
    required: Iterable[str],
    ignored: Sequence[str],
    taken: Mapping[str, int],
) -> list[str]:
    """What is wrong with a header in our own names; `taken` says where each of them stands."""
    problems = []
    for position, name in enumerate(columns, 1):
        plain = plain_name(name)
        if not name:
            problems.append(f"column {position} has no name")
        elif plain not in known and plain not in ignored:
            near = nearest(name, known)
            hint = f" (did you mean “{near}”?)" if near else ""
            problems.append(f"there is no column “{name[:50]}”{hint}")
        elif taken.get(plain, position - 1) < position - 1:
            problems.append(f"the column “{name}” is there twice")
    cut = len(problems) - SHOWN
    if cut > 0:
        problems = [*problems[:SHOWN], f"and {cut} more"]
    missing = [name for name in required if name not in taken]
    return problems + [f"the column “{name}” is missing" for name in missing]
