"""Which layouts there are: an organization's own, and those that are shipped."""

from collections.abc import Sequence
from uuid import NAMESPACE_URL, uuid5

from organizations.importing.layouts.layout import NONE, Layout
from organizations.importing.layouts.shipped import CONSUMPTION, SHIPPED
from organizations.importing.tables.unreadable import Unreadable
from organizations.models import ImportLayout, Organization

UNKNOWN_LAYOUT = "unknown_layout"


def layouts_of(organization: Organization | None, kind: str) -> list[Layout]:
    """The layouts for files of a kind: an organization's own, then those that are shipped."""
    mine = ImportLayout.objects.for_organization(organization.pk if organization else None)
    as_saved = kind.replace(" ", "-")  # a layout names its kind as /v1/imports does
    own = [as_layout(row) for row in mine.filter(kind=as_saved)]
    return own + [one for one in SHIPPED if one.kind == kind]


def named(layouts: Sequence[Layout], name: str) -> Layout:
    """The layout of a name, or else of an id. Raises Unreadable where there is none."""
    for layout in layouts:
        if layout.name == name:
            return layout
    for layout in layouts:
        if name.lower() == (layout.pk or shipped_id(layout)):
            return layout
    names = ", ".join(one.name for one in layouts) or "none yet"
    raise Unreadable(f"There is no layout “{name[:100]}”. There are: {names}.", code=UNKNOWN_LAYOUT)


def shipped_id(layout: Layout) -> str:
    """The id of a layout that is not stored is made of its name."""
    return str(uuid5(NAMESPACE_URL, f"import-layout:{layout.name}"))


def as_layout(row: ImportLayout) -> Layout:
    """A saved layout as the engine takes it."""
    reader = ""
    if row.kind == CONSUMPTION:
        reader = "sums" if row.sum_by != NONE else "" if "quantity" in row.columns else "months"
    return Layout(
        row.name,
        row.kind,
        row.columns,
        {name: str(value) for name, value in row.constants.items()},
        row.activities,
        row.units,
        row.decimal or None,
        row.dates or None,
        row.sum_by,
        own=True,
        reader=reader,
        shape="months" if reader == "months" else "",
        pk=str(row.pk),
    )
