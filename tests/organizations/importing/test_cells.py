"""Many cells are read together as each would be alone."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from emissions.serializers import ConsumptionSerializer
from facilities.serializers import FacilitySerializer
from organizations.importing.cells import Column, Refused
from organizations.importing.tables.cell_errors import MARK
from tests.cases import each

FIELDS: dict[str, Any] = {
    **FacilitySerializer().fields,
    **ConsumptionSerializer().fields,
}
READ = ("external_id", "name", "country", "cups_list", "logistic_factor", "quantity", "start_date")
TEXTS = st.one_of(
    st.sampled_from(
        ["", " ", "a", " a", "a\n", "a\nb", "x" * 100, "x" * 101, "x" * 256, "é", "\0"]
    ),
    st.sampled_from(
        ["1", "1\n2", "01", "1.5", "-0", "1,5", "1e3", "0.1234567", "\udce9", "9" * 13]
    ),
    st.sampled_from([f"{MARK}#N/A", f"{MARK}=1", "2024-01-31", "2024-02-30"]),
    st.decimals(-(10**6), 10**6, allow_nan=False, places=4).map(str),
    st.text(st.characters(codec="ascii"), max_size=8),
)


@each("name", READ)
@given(cells=st.lists(TEXTS, min_size=1, max_size=30))
def test_a_column_reads_many_cells_as_it_reads_each(name: str, cells: list[str]) -> None:
    together, alone = Column(name, FIELDS[name]), Column(name, FIELDS[name])
    found, expected = together.read(cells), [alone[text] for text in cells]
    assert found == expected
    assert list(map(type, found)) == list(map(type, expected))


@each("name", ["external_id", "name", "quantity"])
@given(cells=st.lists(st.decimals(0, 10**6, allow_nan=False, places=2).map(str), min_size=1))
def test_cells_that_are_plain_are_read_alike_too(name: str, cells: list[str]) -> None:
    column = Column(name, FIELDS[name])
    assert column.read(cells) == [Column(name, FIELDS[name])[text] for text in cells]
    assert Refused not in set(map(type, column.read(cells)))
