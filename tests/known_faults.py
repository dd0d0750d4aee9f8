"""`make audit`: whether a package that is installed here has a fault that the world knows of.

pip-audit asks PyPI, and by its own exit status a package that it could not ask about is as good as
one without faults. Here the two are told apart: an unanswered question is said, and fails nothing.
Some indexes answer only for a package's newest version: where that is the one installed here, this
is asked too.
"""

import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from packaging.utils import canonicalize_name

NEWEST = "https://pypi.org/pypi/{}/json"
TIMEOUT = 15
AT_ONCE = 8

ACCEPTED: dict[str, str] = {}
"""A fault's id → why it does not reach us."""

FAULT, NOT_ASKED = 1, 0


def installed() -> str:
    """Every package of this environment, as pip lists them for a requirements file."""
    freeze = [sys.executable, "-m", "pip", "freeze", "--all"]
    return subprocess.run(freeze, capture_output=True, text=True, check=True).stdout


def asked(requirements: str) -> dict[str, Any] | None:
    """pip-audit's report on them, or None where it got no answer at all."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write(requirements)
        file.flush()
        done = subprocess.run(
            [sys.executable, "-m", "pip_audit", "--format=json", "--progress-spinner=off",
             "--no-deps", "--disable-pip", "--timeout=15", f"--requirement={file.name}"],
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
    report: dict[str, Any] | None = json.loads(done.stdout) if done.stdout.strip() else None
    return report


def versions(requirements: str) -> dict[str, str]:
    """Each package's version, by its name."""
    pairs = (line.split("==") for line in requirements.splitlines() if line.count("==") == 1)
    return {canonicalize_name(name): version for name, version in pairs}


def newest(name: str) -> dict[str, Any] | None:
    """What PyPI says of a package's newest version, or None without an answer."""
    try:
        with urlopen(NEWEST.format(name), timeout=TIMEOUT) as answer:
            found: dict[str, Any] = json.load(answer)
    except (URLError, TimeoutError, ValueError):
        return None
    return found


def as_asked(package: dict[str, Any], version: str, found: dict[str, Any] | None) -> dict[str, Any]:
    """A package that was skipped, with the faults of its newest version if it is that one."""
    if not found or found["info"]["version"] != version or "vulnerabilities" not in found:
        return package
    faults = [
        {"id": one["id"], "aliases": one["aliases"], "fix_versions": one["fixed_in"]}
        for one in found["vulnerabilities"]
        if not one.get("withdrawn")
    ]
    return {"name": package["name"], "version": version, "vulns": faults}


def asked_once_more(report: dict[str, Any] | None, requirements: str) -> dict[str, Any] | None:
    """The report, with an answer for each skipped package whose newest version is installed."""
    if report is None:
        return None
    known = versions(requirements)
    skipped = [
        one
        for one in report["dependencies"]
        if "skip_reason" in one and canonicalize_name(one["name"]) in known
    ]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = threads.map(newest, [one["name"] for one in skipped])
        more = {
            one["name"]: as_asked(one, known[canonicalize_name(one["name"])], found)
            for one, found in zip(skipped, answers, strict=True)
        }
    return {**report, "dependencies": [more.get(x["name"], x) for x in report["dependencies"]]}


def judged(report: dict[str, Any] | None) -> tuple[int, str]:
    """An exit status, and in words what is known and what is not."""
    packages = report["dependencies"] if report else []
    answered = [one for one in packages if "skip_reason" not in one]
    faults = [
        f"{one['name']} {one['version']}: {fault['id']}, mended in "
        f"{', '.join(fault['fix_versions']) or 'no version yet'}"
        for one in answered
        for fault in one["vulns"]
        if not {fault["id"], *fault["aliases"]} & ACCEPTED.keys()
    ]
    if faults:
        return FAULT, "\n".join(["Packages with known faults:", *faults])
    if not answered:
        return NOT_ASKED, (
            "Known faults of packages: NOT CHECKED. PyPI's list of them was not reached from here."
        )
    unknown = [one["name"] for one in packages if "skip_reason" in one]
    more = f"; not checked: {', '.join(unknown)}" if unknown else ""
    return 0, f"Known faults of packages: none in {len(answered)}{more}."


def main() -> int:
    requirements = installed()
    status, words = judged(asked_once_more(asked(requirements), requirements))
    print(words, file=sys.stderr if status else sys.stdout)
    return status


if __name__ == "__main__":
    sys.exit(main())
