"""A workbook of one sheet, written row by row: its memory is the same however long it is.

The parts are those that ECMA-376 asks for and no more. Texts stand in their cells (`inlineStr`), so
that no table of them has to be kept, and numbers as they are, to the last digit.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

AT_ONCE = 500
"""Rows that are packed together."""

QUICK = 1
"""Level of compression: the next ones take much longer and save little of such text."""

ZERO = date(1899, 12, 30)
"""Days are counted from here; before March 1900 spreadsheets disagree."""

CERTAIN = date(1900, 3, 1)
NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML cannot hold."""

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{TYPE}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{TYPE}.styles+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    "</Relationships>",
    "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{OFFICE}"><sheets>'
    '<sheet name="Sheet" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f"<styleSheet {MAIN}>"
    '<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts>'
    '<fonts count="1"><font/></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="2"><xf/><xf numFmtId="164" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    "</styleSheet>",
}
BEGIN = (
    f'<worksheet {MAIN}><sheetViews><sheetView workbookViewId="0">'
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    "</sheetView></sheetViews><sheetData>"
)
END = "</sheetData></worksheet>"


def write_sheet(file: IO[bytes], rows: Iterable[Sequence[Any]]) -> None:
    """Writes a workbook whose sheet has these rows; the first one, its header, stays in sight."""
    with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=QUICK) as archive:
        for name, text in PARTS.items():
            archive.writestr(name, HEAD + text)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            block = [HEAD, BEGIN]
            for row in rows:
                block.append(f"<row>{''.join(map(cell, row))}</row>")
                if len(block) >= AT_ONCE:
                    sheet.write("".join(block).encode())
                    block = []
            sheet.write("".join([*block, END]).encode())


def cell(value: Any) -> str:
    """A value as XML: numbers and days as such, other things as text.

    >>> cell(Decimal("1047.50"))
    '<c><v>1047.50</v></c>'
    """
    if value is None or value == "":
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, Decimal | int):
        return (
            f"<c><v>{value:f}</v></c>" if isinstance(value, Decimal) else f"<c><v>{value}</v></c>"
        )
    if isinstance(value, date) and not isinstance(value, datetime) and value >= CERTAIN:
        return f'<c s="1"><v>{(value - ZERO).days}</v></c>'
    text = value.isoformat() if isinstance(value, date) else str(value)
    text = escape(NO_TEXT.sub("\N{REPLACEMENT CHARACTER}", text))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
