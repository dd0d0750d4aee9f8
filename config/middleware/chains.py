"""What a browser needs (a session, forms, messages, who is logged in) is not done for the API."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

API = "/v1/"

Handler = Callable[[HttpRequest], HttpResponse]


class Chain:
    """Middlewares around the views of some addresses, as Django has those of settings.MIDDLEWARE
    around all; of their further hooks `process_view` alone is called."""

    def __init__(self, get_response: Handler, paths: list[str]) -> None:
        self.answer: Callable[..., Any] = get_response
        self.process_views: list[Callable[..., Any]] = []
        for path in reversed(paths):
            middleware = import_string(path)(self.answer)
            if hasattr(middleware, "process_view"):
                self.process_views.insert(0, middleware.process_view)
            self.answer = convert_exception_to_response(middleware)


class ByAddress:
    """Sends a request of the API through API_MIDDLEWARE, and every other through
    PAGE_MIDDLEWARE."""

    def __init__(self, get_response: Handler) -> None:
        self.api = Chain(get_response, settings.API_MIDDLEWARE)
        self.pages = Chain(get_response, settings.PAGE_MIDDLEWARE)

    def chain(self, request: HttpRequest) -> Chain:
        return self.api if request.path.startswith(API) else self.pages

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.chain(request).answer(request)

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponse | None:
        for process_view in self.chain(request).process_views:
            if (response := process_view(request, *view)) is not None:
                return response
        return None


def finish_answers(get_response: Handler) -> Handler:
    """Middleware of the API: refuses a host that is not ours (Django answers 400), and gives an
    answer the headers that pages have from CommonMiddleware and XFrameOptionsMiddleware."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.get_host()
        response = get_response(request)
        if not response.has_header("X-Frame-Options"):
            response.headers["X-Frame-Options"] = "DENY"
        if not response.streaming and not response.has_header("Content-Length"):
            response.headers["Content-Length"] = str(len(response.content))
        return response

    return middleware
