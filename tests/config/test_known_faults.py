"""`make audit` fails for a fault that is known, and says so where nobody could be asked."""

from typing import Any

import django
import pytest

from tests.known_faults import ACCEPTED, as_asked, asked, installed, judged

FAULT = {"id": "PYSEC-2024-1", "aliases": ["CVE-2024-1"], "fix_versions": ["4.2.1"],
         "description": "…"}  # fmt: skip
GOOD = {"name": "good", "version": "1.0", "vulns": []}
BAD = {"name": "bad", "version": "4.2.0", "vulns": [FAULT]}
SKIPPED = {"name": "odd", "skip_reason": "Dependency not found on PyPI"}


def report(*packages: dict[str, Any]) -> dict[str, Any]:
    return {"dependencies": [*packages], "fixes": []}


def test_a_known_fault_fails_and_is_named_with_the_version_that_mends_it() -> None:
    status, words = judged(report(GOOD, BAD))
    assert status == 1
    assert "bad 4.2.0: PYSEC-2024-1, mended in 4.2.1" in words


def test_a_fault_that_does_not_reach_us_is_accepted_by_any_of_its_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(ACCEPTED, "CVE-2024-1", "we do not use that part")
    assert judged(report(BAD))[0] == 0


@pytest.mark.parametrize("answer", [None, report(), report(SKIPPED)])
def test_where_nobody_answers_it_says_so_and_fails_nothing(answer: dict[str, Any] | None) -> None:
    status, words = judged(answer)
    assert (status, "NOT CHECKED" in words) == (0, True)


def test_a_package_that_could_not_be_asked_about_is_named() -> None:
    assert judged(report(GOOD, SKIPPED)) == (
        0,
        "Known faults of packages: none in 1; not checked: odd.",
    )


FOUND = {
    "info": {"version": "4.2.0"},
    "vulnerabilities": [
        {"id": "PYSEC-2024-1", "aliases": ["CVE-2024-1"], "fixed_in": ["4.2.1"], "withdrawn": None},
        {"id": "PYSEC-2024-2", "aliases": [], "fixed_in": [], "withdrawn": "2024-02-01T00:00:00Z"},
    ],
}


def test_what_an_index_says_of_the_newest_version_counts_for_that_one_alone() -> None:
    answered = as_asked(SKIPPED, "4.2.0", FOUND)
    assert judged(report(answered)) == (
        1,
        "Packages with known faults:\nodd 4.2.0: PYSEC-2024-1, mended in 4.2.1",
    )
    assert as_asked(SKIPPED, "4.1.0", FOUND) == SKIPPED
    assert as_asked(SKIPPED, "4.2.0", None) == SKIPPED


def test_every_package_of_this_environment_is_asked_about() -> None:
    assert {f"Django=={django.__version__}", f"pytest=={pytest.__version__}"} <= {
        *installed().splitlines()
    }
    answer = asked("Django==5.2.19\n")
    assert answer is None or [one["name"] for one in answer["dependencies"]] == ["django"]
