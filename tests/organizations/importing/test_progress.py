"""A bar on a terminal; elsewhere plain lines, and not too many."""

from io import StringIO

import pytest

from organizations.importing import progress
from organizations.importing.progress import Rows


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_with_count_and_rate_and_lines_beside_it() -> None:
    stream = Terminal()
    with Rows(stream, "importing bills", 200) as rows:
        rows.advance(200)
        rows.say("line 3: [quantity] is wrong")
    shown = stream.getvalue()
    assert "importing bills" in shown
    assert "200/200" in shown
    assert "/s" in shown
    assert "line 3: [quantity] is wrong" in shown


def test_elsewhere_a_line_says_how_far_it_is_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(progress, "monotonic", lambda: now)
    stream = StringIO()
    with Rows(stream, "importing bills", 4000) as rows:
        for now in (1.0, 5.0, 6.0):  # noqa: B007 — read by the clock
            rows.advance(1000)
    assert stream.getvalue() == "importing bills: 2,000 of 4,000, 400/s, 5 s left"
