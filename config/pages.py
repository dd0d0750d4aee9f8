"""The page at `/`, and what pages that are only read share."""

import functools
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from config.errors import plain_response

Page = Callable[[HttpRequest], HttpResponse]


def read_only(page: Page) -> Page:
    """Answers GET and HEAD; anything else is 405 in the shape of every error."""

    @csrf_exempt
    @functools.wraps(page)
    def answer(request: HttpRequest) -> HttpResponse:
        if request.method in ("GET", "HEAD"):
            return page(request)
        body = {"code": "method_not_allowed", "detail": f"“{request.method}” is not allowed here."}
        response = plain_response(body, 405)
        response["Allow"] = "GET, HEAD"
        return response

    return answer


@read_only
def home(request: HttpRequest) -> HttpResponse:
    """What this is, with links to the docs, the schema and the admin."""
    return render(request, "home.html")
