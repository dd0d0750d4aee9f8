"""Many cases of one test, on one stage.

pytest makes the stage of a test (the organization, its people, facilities and bills) anew for each
parameter, which mostly takes longer than the case itself.
"""

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Model

Test = Callable[..., None]


def each(
    names: str | Sequence[str],
    cases: Iterable[Any],
    ids: Sequence[str] | Callable[[Any], Any] | None = None,
) -> Callable[[Test], Test]:
    """In the place of `pytest.mark.parametrize`, for tests whose transaction is not committed.

    What a case stores is taken back after it, so that the next finds the stage as the fixtures left
    it. A case that fails is named, and the others are tried all the same.
    """
    keys = [one.strip() for one in names.split(",")] if isinstance(names, str) else list(names)
    rows = [(row,) if len(keys) == 1 else tuple(row) for row in cases]
    labels = ids if isinstance(ids, Sequence) else [said(row, ids or repr) for row in rows]

    def on_one_stage(test: Test) -> Test:
        asked = dict(inspect.signature(test).parameters)
        inner = "subtests" in asked  # where one `each` stands above another
        asked["subtests"] = inspect.Parameter("subtests", inspect.Parameter.KEYWORD_ONLY)
        for key in keys:
            del asked[key]

        @functools.wraps(test)
        def tried(*, subtests: pytest.Subtests, **stage: Any) -> None:
            for label, row in zip(labels, rows, strict=True):
                own_stage = {name: copied(value) for name, value in stage.items()}
                if inner:
                    own_stage["subtests"] = subtests
                with subtests.test(label[:100]), taken_back(), undone(own_stage):
                    test(**dict(zip(keys, row, strict=True)), **own_stage)

        tried.__signature__ = inspect.Signature(list(asked.values()))  # type: ignore[attr-defined]
        return tried

    return on_one_stage


def said(row: tuple[Any, ...], words: Callable[[Any], Any]) -> str:
    return ", ".join(str(words(value) or value) for value in row)


def copied(value: Any) -> Any:
    """What a case may change in memory, each has for itself."""
    return deepcopy(value) if isinstance(value, dict | list | Model) else value


@contextmanager
def taken_back() -> Iterator[None]:
    """Whatever is stored inside is not there afterwards; without a database nothing is stored."""
    if not connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        yield
        if connection.vendor == "postgresql":
            connection.check_constraints()  # of deferred ones, as at the end of a test
        transaction.set_rollback(True)


@contextmanager
def undone(stage: dict[str, Any]) -> Iterator[None]:
    """What a case replaces is put back, and what was logged and printed before it is forgotten."""
    if "caplog" in stage:
        stage["caplog"].clear()
    if "capsys" in stage:
        stage["capsys"].readouterr()
    if "monkeypatch" not in stage:
        yield
        return
    with stage["monkeypatch"].context() as stage["monkeypatch"]:
        yield
