"""What is said about a file that is brought in: the same over HTTP, in the admin, by command."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from organizations.importing.layouts.layout import Layout

ABORT, SKIP = "abort", "skip"


@dataclass(frozen=True)
class Options:
    """How a file is read, and what becomes of bad rows."""

    dry_run: bool = False
    """Judge every row and store nothing."""
    on_error: str = ABORT
    """abort: store nothing unless every row is good; skip: store the good ones."""
    allow: Sequence[str] = ()
    """Codes of faults that are only warned of."""
    layout: Layout | str = ""
    """One, or the name of one; without it the header shows which one it is."""
    constants: Mapping[str, str] = field(default_factory=dict)
    """Our column → the text that every row has, beside the layout's."""
    facility: str = ""
    """The facility of every row, by external_id, id, CUPS or meter."""
    decimal: str | None = None
    """How numbers are written, `point` or `comma`, where the file does not prove it."""
    dates: str | None = None
    """How days are written, `ymd`, `dmy` or `mdy`, where the file does not prove it."""
    started_by: str = ""
    """Who brings it in, for the record."""

    def as_json(self) -> dict[str, Any]:
        """For a file that waits."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Self:
        layout = said["layout"]
        return cls(**{**said, "layout": Layout(**layout) if isinstance(layout, dict) else layout})
