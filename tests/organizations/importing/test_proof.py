"""Numbers and days are read as they were written, or refused, and never as something else."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from organizations.importing.dates import DateError, read_date
from organizations.importing.numbers import (
    Measured,
    NumberError,
    measured,
    number_readings,
    read_number,
)
from organizations.importing.proof import DateProof, NumberProof, Proof, Unproved

ONLY_POINT = ["0.8", "1234.567", "1,234,567", "1.5", "1,00,000", "1'234.5", ".5", "0.500", "1.2E3"]
ONLY_COMMA = ["0,8", "1.047,5", "998,2", "1.234.567", "1 234,5", "1 234,567", ",5", "0,500"]
EITHER = ["1,200", "1.200", "12.345", "-999,000"]
NEUTRAL = [("0", 0), ("1200", 1200), ("1 200", 1200), ("1'200", 1200), ("1E3", 1000), ("+7", 7)]
NO_NUMBERS = ["", "-", "x", "1.2.3", "1,23,45", "12 34", "007", "1,2,3", "٣", "--1", "(-1)", "1 2"]


@pytest.mark.parametrize("text", ONLY_POINT)
def test_some_numbers_prove_a_decimal_point(text: str) -> None:
    assert set(number_readings(text)) == {"point"}


@pytest.mark.parametrize("text", ONLY_COMMA)
def test_some_numbers_prove_a_decimal_comma(text: str) -> None:
    assert set(number_readings(text)) == {"comma"}


@pytest.mark.parametrize(("text", "value"), NEUTRAL)
def test_some_numbers_are_the_same_in_every_style(text: str, value: int) -> None:
    assert read_number(text) == read_number(text, "comma") == value


@pytest.mark.parametrize("text", EITHER)
def test_a_lone_separator_before_three_digits_could_be_either(text: str) -> None:
    assert len(set(number_readings(text).values())) == 2
    with pytest.raises(NumberError) as caught:
        read_number(text)
    assert caught.value.code == "ambiguous_number"


@pytest.mark.parametrize(
    ("text", "value"),
    [("-5.5", 5.5), ("−5.5", 5.5), ("5.5-", 5.5), ("(5.5)", 5.5), ("(1,200.50)", 1200.5)],
)
def test_a_sign_stands_where_people_put_it(text: str, value: float) -> None:
    assert read_number(text) == Decimal(-value)


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(NumberError) as caught:
        read_number(text)
    assert caught.value.code == "invalid"


@pytest.mark.parametrize(("text", "code"), [("12 %", "percent"), ("12,50 €", "currency")])
def test_a_percentage_and_money_are_refused_by_name(text: str, code: str) -> None:
    with pytest.raises(NumberError) as caught:
        read_number(text)
    assert caught.value.code == code


def test_a_number_may_have_its_unit_in_the_cell() -> None:
    assert measured("1,234.50 kWh") == Measured("1,234.50", "kWh")
    assert measured("12 €") is None
    assert measured("1e3") is None


ONE_DAY = [
    ("2023-12-15", date(2023, 12, 15)),
    ("2023/12/15", date(2023, 12, 15)),
    ("20231215", date(2023, 12, 15)),
    ("15122023", date(2023, 12, 15)),
    ("15/12/2023", date(2023, 12, 15)),
    ("12/15/2023", date(2023, 12, 15)),
    ("15.12.2023", date(2023, 12, 15)),
    ("12/31/23", date(2023, 12, 31)),
    ("15 de diciembre de 2023", date(2023, 12, 15)),
    ("Dec 15, 2023", date(2023, 12, 15)),
    ("15. März 2023", date(2023, 3, 15)),
    ("5 août 2024", date(2024, 8, 5)),
    ("2023-12-15T00:00:00Z", date(2023, 12, 15)),
    ("03/03/2024", date(2024, 3, 3)),
]


@pytest.mark.parametrize(("text", "value"), ONE_DAY)
def test_some_days_can_be_read_in_one_way_only(text: str, value: date) -> None:
    assert read_date(text) == value


@pytest.mark.parametrize("text", ["03/04/2024", "01022024", "15/12/23", "15-Dec-23"])
def test_some_days_could_be_two(text: str) -> None:
    with pytest.raises(DateError) as caught:
        read_date(text)
    assert caught.value.code == "ambiguous_date"


@pytest.mark.parametrize(
    "text", ["", "45275", "2023-12-15 23:00", "2023-25-03", "31/02/2023", "Jan-23", "15/12-2023"]
)
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(DateError) as caught:
        read_date(text)
    assert caught.value.code == "invalid"


def column(proof: Proof, texts: list[str]) -> list[Any]:
    proof.note_all(range(2, len(texts) + 2), texts)  # type: ignore[attr-defined]
    return [proof.value(text) for text in texts]


def test_one_number_proves_its_column() -> None:
    assert column(NumberProof(), ["1.200", "12", "1.047,5"]) == [1200, 12, Decimal("1047.5")]


def test_one_day_proves_its_column() -> None:
    days = column(DateProof(), ["03/04/2024", "15/12/2023", "2024-01-02"])
    assert days == [date(2024, 4, 3), date(2023, 12, 15), date(2024, 1, 2)]


def test_what_no_cell_proves_is_refused_with_the_option_that_decides() -> None:
    number, whole = column(NumberProof(), ["1,200", "900"])
    assert (number.code, whole) == ("ambiguous_number", 900)
    assert "--decimal point" in number.detail
    [day] = column(DateProof(), ["03/04/2024"])
    assert day.code == "ambiguous_date"
    assert "--dates dmy" in day.detail


def test_a_column_that_contradicts_itself_is_refused_with_two_lines() -> None:
    for one in column(NumberProof(), ["1.5", "1,5", "1.200"]):
        assert one.code == "contradictory_numbers"
        assert "line 2 has “1.5” and line 3 has “1,5”" in one.detail
    for one in column(DateProof(), ["15/12/2023", "12/15/2023", "03/04/2024"]):
        assert one.code == "contradictory_dates"
    for one in column(DateProof(), ["2023-25-03", "2023-03-04"])[1:]:
        assert one.code == "contradictory_dates"


def test_an_option_decides_and_what_is_proved_may_not_contradict_it() -> None:
    assert column(NumberProof("comma"), ["1,200", "1.200"]) == [Decimal("1.2"), 1200]
    assert column(DateProof("mdy"), ["03/04/2024"]) == [date(2024, 3, 4)]
    for one in column(NumberProof("comma"), ["998.2", "1.200"]):
        assert one.code == "contradictory_numbers"


def written(number: Decimal, style: str, thousands: str) -> str:
    """A number as a person would write it."""
    decimal, other = (".", ",") if style == "point" else (",", ".")
    text = f"{number:,f}" if thousands else f"{number:f}"
    separator = other if thousands == "other" else thousands
    return text.replace(",", "\0").replace(".", decimal).replace("\0", separator)


NUMBERS = st.decimals(-(10**9), 10**9, allow_nan=False, allow_infinity=False, places=3)
NUMBERS |= st.integers(-(10**6), 10**6).map(Decimal) | st.decimals(0, 9999, places=1)


@given(
    st.lists(NUMBERS, min_size=1, max_size=12),
    st.sampled_from(["point", "comma"]),
    st.sampled_from(["", "other", " ", "'", "\N{NARROW NO-BREAK SPACE}"]),
)
def test_a_column_of_numbers_is_read_as_written_or_refused(
    values: list[Decimal], style: str, thousands: str
) -> None:
    texts = [written(one, style, thousands) for one in values]
    for found, value in zip(column(NumberProof(), texts), values, strict=True):
        assert isinstance(found, Unproved) or found == value
    assert column(NumberProof(style), texts) == values


WAYS = {
    "ymd": ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%y-%m-%d", "%Y %b %d"],
    "dmy": ["%d/%m/%Y", "%d.%m.%Y", "%d-%m-%y", "%d%m%Y", "%d-%b-%y", "%d %B %Y", "%d/%m/%Y 00:00"],
    "mdy": ["%m/%d/%Y", "%m-%d-%y", "%m%d%Y", "%b %d, %Y", "%B %d, %y"],
}


@given(
    st.lists(st.dates(date(1970, 1, 1), date(2068, 12, 31)), min_size=1, max_size=12),
    st.sampled_from([(order, way) for order, ways in WAYS.items() for way in ways]),
)
def test_a_column_of_days_is_read_as_written_or_refused(
    days: list[date], order_and_way: tuple[str, str]
) -> None:
    order, way = order_and_way
    texts = [one.strftime(way) for one in days]
    for found, value in zip(column(DateProof(), texts), days, strict=True):
        assert isinstance(found, Unproved) or found == value
    assert column(DateProof(order), texts) == days
