#!/usr/bin/env python3
"""Recomputes every figure of this folder from its CSVs, on a bare Python 3.8 or newer.

    python3 verify.py [FOLDER]

It knows nothing of the program that wrote the files: read it, it is short. A line's figure is
quantity × conversion × factor. A bill's lines of one year carry the differences of its running
total, rounded half up to 6 decimals, so that they add up to its product rounded once. Bills are
the sums of their lines, facilities and totals too. It exits 0 when every digit agrees, and else
names what does not.
"""

from __future__ import annotations

import csv
import hashlib
import sys
from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any, Iterator

FIGURES = ("co2e", "co2e_market", "co2e_biomass")
SHOWN = 50
MICRO = 10**6


def rounded(number: Fraction) -> int:
    """Half up, away from zero, in millionths."""
    sign = -1 if number < 0 else 1
    return sign * int(abs(number) * MICRO + Fraction(1, 2))


def millionths(text: str) -> int:
    """A figure in millionths. Raises ValueError for one with more decimals."""
    number = Fraction(text) * MICRO
    if number.denominator != 1:
        raise ValueError(f"{text} has more than 6 decimals")
    return int(number)


class Check:
    """One folder and what is wrong with it."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.faults: list[str] = []
        self.counts: dict[str, int] = {}
        self.units: dict[str, dict[str, str]] = {}
        self.factors: set[tuple[str, ...]] = set()
        self.unused: set[tuple[str, ...]] = set()
        self.bills: Any = defaultdict(lambda: [Fraction(), 0, 0, 0, 0])
        self.facilities: Any = defaultdict(lambda: [0, 0, 0])
        self.totals: Any = defaultdict(lambda: [0, 0, 0])

    def fault(self, sentence: str) -> None:
        self.faults.append(sentence)

    def rows(self, name: str) -> Iterator[dict[str, str]]:
        with (self.folder / name).open(encoding="utf-8", newline="") as file:
            count = 0
            for count, row in enumerate(csv.DictReader(file), 1):
                if None in row or None in row.values():
                    self.fault(f"{name} row {count}: another number of cells than columns")
                    continue
                yield row
            self.counts[name] = count

    def run(self) -> list[str]:
        self.hashes()
        self.units = {row["unit"]: row for row in self.rows("units.csv")}
        self.factors = {self.key(row) for row in self.rows("factors.csv")}
        self.unused = set(self.factors)
        self.lines()
        self.sums("bills.csv", ("consumption_id", "facility_id"), self.bills)
        self.sums("facilities.csv", ("facility_id",), self.facilities)
        self.sums("totals.csv", ("scope", "category"), self.totals)
        for key in sorted(self.unused):
            self.fault(f"factors.csv: {key[0]} with {key[1]} is used by no line")
        return self.faults

    def hashes(self) -> None:
        """The SHA-256 of every file but the list itself."""
        listed = {}
        for line in (self.folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
            digest, _, name = line.partition("  ")
            listed[name] = digest
        found = {one.name for one in self.folder.iterdir() if one.is_file()} - {"SHA256SUMS"}
        for name in sorted(found | set(listed)):
            if name not in found:
                self.fault(f"{name} is missing")
            elif name not in listed:
                self.fault(f"{name} is not in SHA256SUMS")
            elif hashlib.sha256((self.folder / name).read_bytes()).hexdigest() != listed[name]:
                self.fault(f"{name} has been changed: another SHA-256 than SHA256SUMS says")

    @staticmethod
    def key(row: dict[str, str]) -> tuple[str, ...]:
        return row["factor_id"], row["value"], row["biomass"], row["unit"], row["used_for"]

    def lines(self) -> None:
        bill, last_day = "", ""
        running = dict.fromkeys(FIGURES, Fraction())
        for row in self.rows("lines.csv"):
            if row["consumption_id"] != bill:
                bill, last_day = row["consumption_id"], ""
                running = dict.fromkeys(FIGURES, Fraction())
            if row["start_date"] <= last_day or row["end_date"] < row["start_date"]:
                self.fault(f"line {row['line_id']}: its days overlap those before it")
            last_day = row["end_date"]
            try:
                figures = self.line(row, running)
            except (KeyError, ValueError, ZeroDivisionError) as error:
                self.fault(f"line {row['line_id']}: cannot be computed: {error}")
                continue
            of_bill = self.bills[row["consumption_id"], row["facility_id"]]
            of_bill[0] += Fraction(row["quantity"])
            of_bill[1] += 1
            for place, figure in enumerate(figures):
                of_bill[2 + place] += figure
                self.facilities[(row["facility_id"],)][place] += figure
                self.totals[row["scope"], row["category"]][place] += figure

    def line(self, row: dict[str, str], running: dict[str, Fraction]) -> list[int]:
        """The figures of a line, in millionths, held to what it says."""
        quantity = Fraction(row["quantity"])
        products = {
            "co2e": quantity * self.per_unit(row, "location", "value"),
            "co2e_market": quantity * self.per_unit(row, "market", "value"),
            "co2e_biomass": quantity * self.per_unit(row, "location", "biomass"),
        }
        figures = []
        for name in FIGURES:
            before = rounded(running[name])
            running[name] += products[name]
            figure = rounded(running[name]) - before
            if figure != millionths(row[name]):
                said = f"{row[name]}, computed {Fraction(figure, MICRO)}"
                self.fault(f"line {row['line_id']}: {name} is {said}")
            figures.append(figure)
        return figures

    def per_unit(self, row: dict[str, str], method: str, what: str) -> Fraction:
        """kg for one unit of the line's quantity."""
        value, unit = row[f"{method}_value"], row[f"{method}_unit"]
        biomass = row["location_biomass"] if method == "location" else ""
        key = (row[f"{method}_factor_id"], value, biomass, unit, method)
        if key not in self.factors:
            self.fault(f"line {row['line_id']}: its {method} factor is not in factors.csv")
        self.unused.discard(key)
        mine, its = self.units[row["unit"]], self.units[unit]
        if mine["dimension"] != its["dimension"]:
            raise ValueError(f"{row['unit']} does not convert to {unit}")
        conversion = Fraction(mine["size"]) / Fraction(its["size"])
        return conversion * Fraction(value if what == "value" else biomass)

    def sums(self, name: str, key_names: tuple[str, ...], computed: dict[Any, Any]) -> None:
        """Every row of a file of sums is what was added up, and nothing is missing from it."""
        left = dict(computed)
        for row in self.rows(name):
            key = tuple(row[one] for one in key_names)
            sums = left.pop(key, None)
            if sums is None:
                self.fault(f"{name} {' '.join(key)}: it has no lines, or stands there twice")
                continue
            try:
                said: list[Any] = [millionths(row[one]) for one in FIGURES]
                if name == "bills.csv":
                    said = [Fraction(row["quantity_in_year"]), int(row["lines"]), *said]
            except ValueError as error:
                self.fault(f"{name} {' '.join(key)}: {error}")
                continue
            if said != sums:
                self.fault(f"{name} {' '.join(key)}: it is not the sum of its lines")
        for key in sorted(left):
            self.fault(f"{name}: {' '.join(key)} is missing")


def main() -> int:
    folder = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent
    check = Check(folder)
    try:
        faults = check.run()
    except (OSError, UnicodeDecodeError, KeyError, csv.Error) as error:
        faults = [*check.faults, f"{type(error).__name__}: {error}"]
    for sentence in faults[:SHOWN]:
        print(sentence)
    if faults:
        print(f"{len(faults)} faults. The figures do not follow from these files.")
        return 1
    counted = ", ".join(f"{count} in {name}" for name, count in check.counts.items())
    print(f"Every figure follows from its line, factor and unit: {counted}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
