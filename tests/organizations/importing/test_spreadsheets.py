"""Tables as people send them: read as they are, or refused with a sentence that says what to do."""

import io
import os
import sys
import threading
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile

import openpyxl
import pytest

from organizations.importing.spreadsheets import Unreadable, open_table
from organizations.importing.tables.cell_errors import MARK
from organizations.importing.tables.marks import unmarked
from organizations.importing.tables.workbook import cell_text


def table(path: Path, content: bytes) -> tuple[list[str], list[tuple[int, list[str]]]]:
    file = path / "table.csv"
    file.write_bytes(content)
    with open_table(str(file)) as opened:
        return opened.columns, list(opened.rows())


def refusal(path: Path, content: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        table(path, content)
    return str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\nx,1.5\n",
        b"\xef\xbb\xbfa,b\nx,1.5\n",
        b"a;b\nx;1.5\n",
        b'"a","b"\r\n"x","1.5"\r\n',
        b"a,b,,\nx,1.5,,\n,,,\n\n",
        b"a,b\nx,1.5",
    ],
    ids=["plain", "byte order mark", "semicolons", "quoted", "empty cells and lines", "no end"],
)
def test_a_csv_of_every_kind_is_the_same_table(tmp_path: Path, content: bytes) -> None:
    assert table(tmp_path, content) == (["a", "b"], [(2, ["x", "1.5"])])


def test_a_quoted_line_break_is_in_the_cell_and_lines_are_counted_as_an_editor_does(
    tmp_path: Path,
) -> None:
    _, rows = table(tmp_path, b'a,b\n"one\ntwo",1\nx,2\n')
    assert rows == [(2, ["one\ntwo", "1"]), (4, ["x", "2"])]


def test_NA_and_numbers_and_spaces_stay_the_text_that_they_are(tmp_path: Path) -> None:
    _, rows = table(tmp_path, b"a,b\nNA, 007\n")
    assert rows == [(2, ["NA", " 007"])]


def test_a_table_can_be_read_twice(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text("a\nx\n")
    with open_table(str(file)) as opened:
        assert list(opened.rows()) == list(opened.rows()) == [(2, ["x"])]


def test_stdin_is_read_like_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"a;b\nx;y\n")))
    with open_table("-") as opened:
        assert (opened.columns, list(opened.rows())) == (["a", "b"], [(2, ["x", "y"])])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty"),
        (b"\n\n", "The file is empty"),
        (bytes(range(32)) * 9, "This is no table of text"),
        (b"\xd0\xcf\x11\xe0rest", "old Excel workbook"),
        (b"PK\x03\x04 not a workbook", "The workbook cannot be read"),
        (b'a,b\nx,y\n"never closed,1\nx,2\n', "Line 3: the quotation marks"),
        (b'a,b\n"x"y,1\n', "Line 2: the quotation marks"),
        (b"\n" * 10_000 + b"a,b\n", "The file is empty"),
        (b"a,b\n" + b"," * (2 << 20), "A line has over a million characters"),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_do(
    tmp_path: Path, content: bytes, words: str
) -> None:
    assert words in refusal(tmp_path, content)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="No such file"), open_table(str(tmp_path / "none.csv")):
        pass


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (b"a,b,Quantities", "there is no column “Quantities” (did you mean “quantity”?)"),
        (b"a,b,Consumo (kWh)", "there is no column “Consumo (kWh)” (did you mean “quantity”?)"),
        (b"a,a,quantity", "the column “a” is there twice"),
        (b"a,b", "the column “quantity” is missing"),
        (b"a,,quantity", "column 2 has no name"),
    ],
)
def test_what_is_wrong_with_a_header_is_named_with_the_nearest_columns(
    tmp_path: Path, header: bytes, words: str
) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(header + b"\n1,2,3\n")
    with open_table(str(file)) as opened, pytest.raises(Unreadable) as caught:
        opened.require(["a", "b", "quantity"], ["quantity"])
    assert words in str(caught.value)


def test_a_workbook_is_read_with_its_dates_and_its_numbers_at_their_shortest(
    tmp_path: Path,
) -> None:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(["name", "number", "day", None])
    sheet.append(["NA", 0.1, date(2024, 1, 31), None])
    sheet.append([None])
    sheet.append(["x", 1200, datetime(2024, 1, 31, 12, 30)])
    hidden = book.create_sheet("first", 0)
    hidden.sheet_state = "hidden"
    file = tmp_path / "table.xlsx"
    book.save(file)
    with open_table(str(file)) as opened:
        assert opened.columns == ["name", "number", "day"]
        assert list(opened.rows()) == [
            (2, ["NA", "0.1", "2024-01-31"]),
            (4, ["x", "1200", "2024-01-31T12:30:00"]),
        ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1047601.6, "1047601.6"),
        (1e21, "1000000000000000000000"),
        (1e-7, "0.0000001"),
        (3.0, "3"),
        (-2, "-2"),
        (True, "true"),
        ("1,5", "1,5"),
    ],
)
def test_a_number_of_a_spreadsheet_is_its_shortest_decimal_form(value: Any, text: str) -> None:
    assert cell_text(value) == text


def test_blank_lines_may_stand_before_the_header(tmp_path: Path) -> None:
    assert table(tmp_path, b"\n,,\na,b\nx,1\n") == (["a", "b"], [(4, ["x", "1"])])
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet["C4"], sheet["D4"], sheet["C5"], sheet["D5"] = "a", "b", "x", 1
    book.save(tmp_path / "table.xlsx")
    with open_table(str(tmp_path / "table.xlsx")) as opened:
        assert (opened.columns, list(opened.rows())) == (["a", "b"], [(5, ["x", "1"])])


def test_more_blank_lines_than_a_batch_may_stand_before_the_header(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("\n" * 7 + "a,b\nx,1\ny,2\n")
    with open_table(str(tmp_path / "table.csv")) as opened:
        batches = [(list(lines), rows) for lines, rows in opened.batches(3)]
    assert batches == [([9], [["x", "1"]]), ([10], [["y", "2"]])]


def test_batches_are_the_rows_with_the_lines_that_an_editor_shows(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(b'a,b\r\n"one\r\ntwo",1\r\n\r\nx,2\r\n"y\r",3\r\n"z\n\n",4\r\nlast,5\r\n')
    expected = [(2, "1"), (5, "2"), (6, "3"), (8, "4"), (11, "5")]
    with open_table(str(file)) as opened:
        for size in (1, 2, 3, 100):
            found = [
                (line, cells[1])
                for lines, rows in opened.batches(size)
                for line, cells in zip(lines, rows, strict=True)
            ]
            assert found == expected


def test_the_line_of_wrong_quotation_marks_is_counted_past_line_breaks(tmp_path: Path) -> None:
    assert refusal(tmp_path, b'a,b\n"x\ny",1\n"x"y,1\n').startswith("Line 4: the quotation marks")


@pytest.mark.parametrize("divider", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_a_file_is_read_in_every_encoding_and_with_every_divider(
    tmp_path: Path, divider: str, encoding: str
) -> None:
    lines = ["Title", "", "Name|Note", "Cádiz|a", "Málaga|1,5"]
    text = "\r\n".join([*lines, *["x|y"] * 9]).replace("|", divider).replace("1,5", '"1,5"')
    columns, rows = table(tmp_path, text.encode(encoding))
    assert rows[1:3] == [(4, ["Cádiz", "a"]), (5, ["Málaga", "1,5"])]
    assert columns == ["Title"]


def test_a_file_that_is_partly_utf_8_is_utf_8(tmp_path: Path) -> None:
    _, rows = table(tmp_path, "a,b\né,1\n".encode() + b"\xe9,2\n")
    assert rows == [(2, ["é", "1"]), (3, ["\udce9", "2"])]


def test_a_pipe_is_read_once_and_kept(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=["a,b\nx,1\n"])
    writer.start()
    with open_table(str(pipe)) as opened:
        assert list(opened.rows()) == list(opened.rows()) == [(2, ["x", "1"])]
    writer.join()


def test_the_first_sheet_is_one_with_cells(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(["a"])
    sheet.append(["x"])
    book.create_chartsheet("chart", 0)
    book.save(tmp_path / "table.xlsx")
    with open_table(str(tmp_path / "table.xlsx")) as opened:
        assert list(opened.rows()) == [(2, ["x"])]


@pytest.mark.parametrize(
    ("other", "refused"),
    [
        ([["A ", "b"], [None], ["y", 2]], True),
        ([["February"], ["a", "b"], ["y", 2]], True),
        ([["a", "b"]], False),
        ([["a", "c"], ["y", 2]], False),
        ([], False),
    ],
)
def test_rows_in_a_second_sheet_are_not_passed_over_in_silence(
    tmp_path: Path, other: list[list[Any]], refused: bool
) -> None:
    book = openpyxl.Workbook()
    first: Any = book.active
    second: Any = book.create_sheet("Feb")
    for row in [["a", "b"], ["x", 1]]:
        first.append(row)
    for row in other:
        second.append(row)
    book.save(tmp_path / "table.xlsx")
    with open_table(str(tmp_path / "table.xlsx")) as opened:
        if not refused:
            assert list(opened.rows()) == [(2, ["x", "1"])]
            return
        with pytest.raises(Unreadable, match=r"2 sheets have these columns \(“Sheet”, “Feb”\)"):
            list(opened.rows())
    second.sheet_state = "hidden"
    book.save(tmp_path / "table.xlsx")
    with open_table(str(tmp_path / "table.xlsx")) as opened:
        assert list(opened.rows()) == [(2, ["x", "1"])]


def test_an_error_and_a_formula_without_a_value_are_no_empty_cells(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for column, name in enumerate(["number", "note"], 3):
        sheet.cell(2, column, name)
    sheet["C3"], sheet["D3"] = "#N/A", "fine"
    sheet["C4"], sheet["D4"] = 1, "=1/0"
    sheet["C5"] = 1
    book.save(tmp_path / "table.xlsx")
    with open_table(str(tmp_path / "table.xlsx")) as opened:
        assert list(opened.rows()) == [
            (3, [f"{MARK}#N/A", "fine"]),
            (4, ["1", f"{MARK}=1/0"]),
            (5, ["1", ""]),
        ]


def test_a_style_whose_number_is_none_shows_nothing_and_hides_nothing(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["name", "share"])
    book.active.append(["Madrid", 0.5])
    book.active["B2"].number_format = "0.00%"
    book.save(tmp_path / "a.xlsx")
    with ZipFile(tmp_path / "a.xlsx") as made, ZipFile(tmp_path / "b.xlsx", "w") as spoiled:
        for part in made.namelist():
            content = made.read(part).replace(b'<xf numFmtId="0"', b'<xf numFmtId="none"')
            spoiled.writestr(part, content)
    with open_table(str(tmp_path / "b.xlsx")) as table:
        [(_, [row])] = table.batches()
    assert [unmarked(cell) for cell in row] == ["Madrid", "50 %"]


def test_formulas_without_a_value_beyond_all_values_are_there_too(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet["B1"], sheet["B2"], sheet["B3"] = "a", "x", "y"
    sheet["A2"], sheet["D3"], sheet["B7"] = "=1", "=2", "=3"
    book.save(tmp_path / "table.xlsx")
    with open_table(str(tmp_path / "table.xlsx")) as opened:
        assert list(opened.rows()) == [
            (2, ["x", f"{MARK}=1"]),
            (3, ["y", "", f"{MARK}=2"]),
            (7, [f"{MARK}=3"]),
        ]


@pytest.mark.parametrize(
    ("mark", "instead"),
    [
        (b"", b""),
        (b' r="', b' was="'),
        (b"<sheetData>", b'<!-- <c r="C2" s="1"/> --><sheetData>'),
        (b"<c r=", b"<c\n r="),
    ],
)
def test_formats_are_found_however_the_sheet_is_written(
    tmp_path: Path, mark: bytes, instead: bytes
) -> None:
    book = openpyxl.Workbook()
    for row in (["a", "b", "c"], [1, 0.5, 3], [2, 0.25, 4]):
        book.active.append(row)
    book.active["B2"].number_format = book.active["B3"].number_format = "0%"
    book.active["C3"].number_format = '0 "kWh"'
    book.save(tmp_path / "one.xlsx")
    with (
        ZipFile(tmp_path / "one.xlsx") as read,
        ZipFile(tmp_path / "other.xlsx", "w") as written,
    ):
        for name in read.namelist():
            sheet = name.endswith("sheet1.xml")
            text = read.read(name)
            written.writestr(name, text.replace(mark, instead) if sheet and mark else text)
    with open_table(str(tmp_path / "other.xlsx")) as table:
        assert [cells for _, cells in table.rows()] == [
            ["1", "50 %", "3"],
            ["2", "25 %", "4 kWh"],
        ]
