"""Answers that may be a second old: read from a replica where one has the caller's last write."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from django.http import FileResponse, Http404
from rest_framework.request import Request

from organizations.database import replicas
from organizations.database.postgresql.connections import long_job
from organizations.database.unavailable import unavailable, was_too_slow
from organizations.tenancy import caller

Handler = Callable[..., Any]


def from_a_replica(handler: Handler) -> Handler:
    """A handler of a GET that reads all it needs from one replica, or all from the primary.

    The primary answers too where the replica fails meanwhile, and where the replica does not know
    what was asked for, which may be new. Not where it was too slow: the primary would be as well.
    """

    def answer(request: Request, *args: Any, **kwargs: Any) -> Any:
        alias = replicas.chosen(caller(request).position)
        if alias is None:
            return handler(request, *args, **kwargs)
        try:
            with replicas.reading(alias):
                return begun(handler(request, *args, **kwargs), alias)
        except Http404:
            pass
        except Exception as error:
            if not unavailable(error) or was_too_slow(error):
                raise
            replicas.let_go(alias)
        return handler(request, *args, **kwargs)

    return answer


def begun(response: Any, alias: str) -> Any:
    """An answer whose first rows have been read, where it is read while it is sent: until then the
    primary can still answer instead."""
    if response.streaming and not isinstance(response, FileResponse):
        content = iter(response.streaming_content)
        with long_job():
            first = next(content, b"")
        response.streaming_content = _rest(chain([first], content), alias)
    return response


def _rest(content: Iterable[bytes], alias: str) -> Iterator[bytes]:
    with replicas.reading(alias):
        yield from content
