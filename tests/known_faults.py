"""`make audit`: whether a package that is installed here has a fault that the world knows of.

pip-audit asks PyPI, and by its own exit status a package that it could not ask about is as good as
one without faults. Here the two are told apart: an unanswered question is said, and fails nothing.
"""

import json
import subprocess
import sys
import tempfile
from typing import Any

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
    status, words = judged(asked(installed()))
    print(words, file=sys.stderr if status else sys.stdout)
    return status


if __name__ == "__main__":
    sys.exit(main())
