"""Bodies are here before a transaction begins."""

from django.core.exceptions import RequestDataTooBig
from django.http.request import RawPostDataException
from rest_framework.request import Request


def take_the_body(request: Request) -> None:
    """Waits for all of a body, so that a transaction never waits for a slow client: on SQLite
    nobody else could write meanwhile. One over the limit is read up to it and refused (413):
    who is still sending would not see an answer that came at once."""
    try:
        _ = request._request.body
    except RequestDataTooBig:
        _ = request.data
    except RawPostDataException:  # it has been read
        pass
