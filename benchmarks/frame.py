"""What every section shares: how a ratio is made of interleaved runs, and how it is reported.

A section is a module with `rows(quick) -> Iterable[Row]`, named in `benchmarks.__main__.SECTIONS`.
It runs in a process of its own, on a fresh PostgreSQL database with the migrations applied and the
shipped factors loaded, which `DATABASE_URL` names.
"""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median


class NotMeasured(Exception):
    """Something that a section needs is not on this machine; the sentence says how to get it."""


@dataclass(frozen=True)
class Row:
    """One ratio: what we did against what a rival did, with what is required of it."""

    name: str
    ours: str
    rival: str
    ratio: float
    required: str
    """“≥ 3” or “≤ 25”; empty when nothing is."""

    spread: str
    """The lowest and the highest ratio of the interleaved rounds."""

    @property
    def met(self) -> bool:
        if not self.required:
            return True
        sign, limit = self.required.split()
        return self.ratio >= float(limit) if sign == "≥" else self.ratio <= float(limit)


def compare(
    name: str,
    unit: str,
    ours: Sequence[float],
    rival: tuple[str, Sequence[float]],
    required: str = "",
    *,
    less_is_better: bool = False,
) -> Row:
    """A row from the measurements of interleaved rounds: the median of the rounds' ratios.

    The ratio says how many times faster we are: of rates ours over the rival's, of durations
    (`less_is_better`) the rival's over ours.
    """
    rival_name, theirs = rival
    pairs = list(zip(ours, theirs, strict=True))
    ratios = [their / our if less_is_better else our / their for our, their in pairs]
    return Row(
        name,
        figure(median(ours), unit),
        f"{rival_name}: {figure(median(theirs), unit)}",
        median(ratios),
        required,
        f"{min(ratios):.2f} … {max(ratios):.2f}",
    )


def figure(value: float, unit: str) -> str:
    """A measurement with three digits that mean something, and its unit."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 3
    return f"{value:,.{digits}f} {unit}".strip()


def interleaved(runs: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Runs everything once a round, each round from another start, so that drift hits all alike."""
    measured: dict[str, list[float]] = {name: [] for name in runs}
    order = list(runs)
    for number in range(rounds):
        turn = number % len(order)
        for name in order[turn:] + order[:turn]:
            measured[name].append(runs[name]())
        say(
            f"round {number + 1}/{rounds}",
            {name: round(of[-1], 3) for name, of in measured.items()},
        )
    return measured


def say(*words: object) -> None:
    """Progress, for whoever watches."""
    print(*words, file=sys.stderr, flush=True)


def table(rows: Iterable[Row]) -> str:
    """Rows as a Markdown table, which reads as well on a terminal."""
    cells = [
        ("", "ours", "rival", "ratio", "required", "lowest … highest", ""),
        *(
            (
                row.name,
                row.ours,
                row.rival,
                f"{row.ratio:.2f}",
                row.required,
                row.spread,
                "" if not row.required else "met" if row.met else "MISSED",
            )
            for row in rows
        ),
    ]
    widths = [max(3, *(len(line[column]) for line in cells)) for column in range(len(cells[0]))]
    lines = [
        "| "
        + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True))
        + " |"
        for line in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    path.write_text(json.dumps([asdict(row) for row in rows]), encoding="utf-8")


def read_rows(path: Path) -> list[Row]:
    return [Row(**row) for row in json.loads(path.read_text(encoding="utf-8"))]
