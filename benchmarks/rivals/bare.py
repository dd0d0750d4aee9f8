"""The limit of this design: the service's own SQL, answered by WSGI and psycopg and nothing else.

Django writes the SQL down, once for every query string. Who calls is found by the same statement,
under the same row-level security. Left out is all that Django and DRF do with a request: routes,
roles, limits, rules of parameters, headers, logs.
"""

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
from django.core.wsgi import get_wsgi_application

get_wsgi_application()

from django.http import QueryDict  # noqa: E402

from facilities.serializers import FacilitySerializer  # noqa: E402
from facilities.views import FacilityViewSet  # noqa: E402
from organizations.access.authentication import BY_KEY, read_by_key  # noqa: E402
from organizations.access.keys import digest  # noqa: E402
from organizations.database.statements import Statement  # noqa: E402
from organizations.rest.reading import kept_page, one_object, page_of_all  # noqa: E402

PATH = "/v1/facilities"
OF_THREAD = threading.local()


def connection() -> psycopg.Connection[Any]:
    """A connection for each thread, which prepares what it sends."""
    if not hasattr(OF_THREAD, "connection"):
        OF_THREAD.connection = psycopg.connect(
            os.environ["DATABASE_URL"], autocommit=True, prepare_threshold=0
        )
    return OF_THREAD.connection


def sent(statement: Statement, values: dict[str, Any], prepare: bool = True) -> Any:
    """The one row that a statement finds."""
    sql, params, _ = statement.filled(**values)
    return connection().execute(sql, params, prepare=prepare).fetchall()[0]


@cache
def chosen(query: str) -> Statement:
    """What the service asks for a list that is filtered or sorted."""
    params = QueryDict(query)
    request = SimpleNamespace(query_params=params, GET=params, META={"QUERY_STRING": query})
    view = FacilityViewSet(request=request, action="list", format_kwarg=None)
    return kept_page(view)


ONE = read_by_key(one_object(FacilityViewSet, FacilitySerializer))
PAGE = read_by_key(page_of_all(FacilityViewSet, FacilitySerializer, 0, 50))


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answers what benchmarks.http asks; anything else is an error."""
    organization_id = UUID(environ["HTTP_X_ORGANIZATION_ID"])
    who = {"digest": digest(environ["HTTP_X_API_KEY"]), "now": datetime.now(UTC)}
    mine = {"organization_id": organization_id}
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    if path != PATH:
        *caller, line, _ = sent(ONE, {**who, **mine, "pk": UUID(path.removeprefix(PATH + "/"))})
    elif query == "size=50":
        *caller, total, items = sent(PAGE, {**who, **mine})
    else:
        caller = sent(BY_KEY, who)
        total, items = sent(chosen(query), mine, prepare=False)
    if caller[1] != organization_id:
        raise PermissionError("another organization's key")
    if path == PATH:
        line = f'{{"items":[{items}],"total":{total},"page":1,"size":50,"pages":{-(-total // 50)}}}'
    body = line.encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]
