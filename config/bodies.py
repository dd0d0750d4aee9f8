"""Bodies are taken whole or not at all: half of a file would pass for a small one."""

from collections.abc import Callable, Iterable
from typing import Any

from django.core.exceptions import BadRequest

BODILESS = ("GET", "HEAD")


class NotWhole(BadRequest):
    """A body that is not known to be whole."""

    status_code, code, detail = 400, "incomplete_body", "The body ended before its Content-Length."


class WithoutLength(NotWhole):
    """It came in chunks: the server cannot tell one that broke off from one that is whole."""

    status_code, code = 411, "length_required"
    detail = "Say the length of the body in Content-Length; chunks are not taken."


class Whole:
    """A `wsgi.input` that gives as many bytes as it is asked for, or raises.

    Django asks for no more than Content-Length, so that fewer have been lost on the way.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        data: bytes = self._stream.read(size)
        while len(data) < size:
            if not (more := self._stream.read(size - len(data))):
                raise NotWhole
            data += more
        return data

    def readline(self, size: int) -> bytes:
        line: bytes = self._stream.readline(size)
        if size and not line:
            raise NotWhole
        return line


class Unmeasured:
    """A `wsgi.input` for a body whose length nobody has said: who reads it raises."""

    def read(self, size: int) -> bytes:
        raise WithoutLength

    readline = read


def whole_bodies(application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """WSGI middleware: a view that reads a body which is not whole is answered 400 or 411."""

    def around(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] in BODILESS:
            return application(environ, start_response)
        stream = environ["wsgi.input"]
        if environ.get("CONTENT_LENGTH") and "HTTP_TRANSFER_ENCODING" not in environ:
            environ["wsgi.input"] = Whole(stream)
        else:
            environ["CONTENT_LENGTH"] = str(len(stream.read(1)))
            environ["wsgi.input"] = Unmeasured()
        return application(environ, start_response)

    return around
