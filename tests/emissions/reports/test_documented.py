"""docs/figures.md goes from a bill to the report of a year: its requests are sent, its answers held
to what is answered, and its lines recomputed."""

import json
import re
import shlex
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Person
from tests.emissions.figures import lines_of

pytestmark = pytest.mark.django_db

DOCS = Path(__file__).resolve().parents[3] / "docs" / "figures.md"
NAMES = ("FACILITY", "BILL")


def steps() -> list[tuple[str, str]]:
    """The requests of the first section, each with the answer that stands under it."""
    section = DOCS.read_text(encoding="utf-8").split("\n## ")[1]
    blocks = re.findall(r"```\n(.*?)```", section, re.DOTALL)
    commands = [step for block in blocks for step in re.split(r"^\$ ", block, flags=re.MULTILINE)]
    parted = (step.partition("\n") for step in commands if step)
    return [(command, answer) for command, _, answer in parted]


def holds(said: Any, answered: Any, where: str) -> None:
    """What is said is answered; an answer may say more, but for lists."""
    if isinstance(said, dict):
        for name, value in said.items():
            holds(value, answered[name], f"{where}.{name}")
    elif isinstance(said, list):
        assert len(said) == len(answered), where
        for number, (one, other) in enumerate(zip(said, answered, strict=True)):
            holds(one, other, f"{where}.{number}")
    else:
        assert said == answered, where


def test_the_way_from_a_bill_to_the_report_is_as_documented(erin: Person) -> None:
    rows: dict[str, dict[str, Any]] = {}
    sent = steps()
    assert len(sent) == 6
    for command, shown in sent:
        for name, row in rows.items():
            command, shown = command.replace(name, row["id"]), shown.replace(name, row["id"])
        _, path, *body = shlex.split(command)
        answer = erin.post(path, json.loads(body[1])) if body else erin.get(path)
        assert answer.status in (200, 201), answer.body
        said = json.loads(shown, parse_float=Decimal)
        if said.get("id") in NAMES:
            rows[said.pop("id")] = answer.body
        holds(said, answer.body, path)
    assert len(lines_of(erin, rows["BILL"])) == 2
