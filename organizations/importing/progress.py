"""How far a long command is: a bar on a terminal, otherwise a plain line now and then."""

from time import monotonic
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

SECONDS_BETWEEN_LINES = 5


class RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.finished_speed or task.speed or 0:,.0f}/s")


class Rows:
    """Counts rows towards a total, on stderr; `say` writes a line without breaking the bar."""

    def __init__(self, stream: Any, what: str, total: int) -> None:
        self._stream, self._what, self._total = stream, what, total
        self._done = 0
        self._started = self._last_line = monotonic()
        self._bar: Progress | None = None
        if stream.isatty():
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                RateColumn(),
                TimeRemainingColumn(),
                console=Console(file=stream),
            )
            self._task = self._bar.add_task(what, total=total)

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()

    def advance(self, rows: int) -> None:
        self._done += rows
        if self._bar:
            self._bar.update(self._task, completed=self._done)
            return
        now = monotonic()
        if now - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = now
            rate = self._done / (now - self._started)
            left = (self._total - self._done) / rate
            done = f"{self._done:,} of {self._total:,}"
            self._stream.write(f"{self._what}: {done}, {rate:,.0f}/s, {left:,.0f} s left")

    def say(self, line: str) -> None:
        if self._bar:
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            self._stream.write(line)


class Quiet:
    """In the place of `Rows` where nobody looks on."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing was begun."""

    def advance(self, rows: int) -> None:
        """So many rows more are done."""

    def say(self, line: str) -> None:
        """A message for whoever looks on."""
