"""Which layout a file is in, and on which of its sheets it stands."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from organizations.importing.layouts.known import layouts_of, named
from organizations.importing.layouts.layout import OURS, Layout, recognised
from organizations.importing.options import Options
from organizations.importing.tables.header import find_header, plain_name
from organizations.importing.tables.table import Table
from organizations.importing.tables.unreadable import Unreadable
from organizations.models import Organization


class FileKind(Protocol):
    """What an importer says of its files."""

    @property
    def kind(self) -> str: ...
    @property
    def required(self) -> Sequence[str]: ...
    @property
    def aliases(self) -> Mapping[str, str]: ...

    def column_names(self) -> list[str]: ...


def find_sheet(
    kind: FileKind, organization: Organization | None, table: Table, options: Options
) -> Layout:
    """The layout of a file, after it was turned to the first of its sheets that is known; a
    workbook may begin with a page of explanations."""
    begin = layout = choose(kind, organization, table.head(), options)
    if fits(kind, table.head(), layout, options):
        return layout
    first, *others = table.sheets() or [""]
    for sheet in others:
        try:
            table.turn_to(sheet)
        except Unreadable:  # it is empty
            continue
        layout = choose(kind, organization, table.head(), options)
        if fits(kind, table.head(), layout, options):
            return layout
    if others:
        table.turn_to(first)
    return begin


def fits(kind: FileKind, rows: list[list[str]], layout: Layout, options: Options) -> bool:
    """Whether one of the rows is a header of the layout, or has what is needed of ours."""
    if layout.is_theirs:
        return any(map(layout.is_of, rows))
    position = find_header(rows, kind.column_names())
    if position is None:
        return False
    found = {kind.aliases.get(one, one) for one in map(plain_name, rows[position])}
    return found | said_of_all(options) >= set(kind.required)


def said_of_all(options: Options) -> set[str]:
    """Our columns that an option says for every row."""
    return {*options.constants, *(["facility_id"] if options.facility else [])}


def choose(
    kind: FileKind, organization: Organization | None, rows: list[list[str]], options: Options
) -> Layout:
    """The layout of a file: the one that is asked for, else our own columns where the header
    has those that are needed, else the one that has all of its columns there."""
    if isinstance(options.layout, Layout):
        return options.layout
    said = said_of_all(options) & {"facility_id"}
    layouts = [one.beside(said) for one in layouts_of(organization, kind.kind)]
    if options.layout:
        return named(layouts, options.layout)
    if fits(kind, rows, OURS, options):
        return OURS
    return recognised(layouts, rows) or OURS
