"""A real browser, Debian's chromium, on the running service.

Without one these tests are skipped with the reason; REQUIRE_BROWSER=1, which CI sets, makes that a
failure. Every page is watched: a request to another host, a broken script or a breach of the
content policy fails the test.
"""

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from organizations.models import User
from tests.browser.chromium import CHROMIUM, NO_CHROMIUM
from tests.conftest import PASSWORD, Person

Visit = Callable[[Person], Page]


@pytest.fixture(scope="session")
def live_server(django_db_setup: None) -> Iterator[LiveServer]:
    """The running service; it stops, with every request, before its database goes."""
    server = LiveServer("localhost")
    yield server
    server.stop()
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:  # a daemon: nobody else waits for it
            thread.join(timeout=10)


@pytest.fixture(scope="module")
def browser(live_server: LiveServer) -> Iterator[Browser]:
    """One for each module: an idle browser takes half a processor from the tests that follow."""
    if CHROMIUM is None:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(NO_CHROMIUM)
        pytest.skip(NO_CHROMIUM)
    # Playwright's own loop runs in this thread; Django's guard would take the tests for async code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def visit(browser: Browser, committed: None, live_server: LiveServer) -> Iterator[Visit]:
    """Opens the admin's first page as somebody who has logged in through its form."""
    wrong: list[str] = []
    contexts: list[Any] = []

    def open_page(person: Person) -> Page:
        User.objects.filter(pk=person.user.pk).update(is_staff=True)
        context = browser.new_context(base_url=live_server.url, color_scheme="light")
        contexts.append(context)
        context.set_default_timeout(60_000)  # a busy machine makes no page wrong
        page = context.new_page()
        page.on("request", lambda request: note_outside(request.url))
        page.on("pageerror", lambda error: wrong.append(f"script: {error}"))
        page.on(
            "console",
            lambda message: (
                wrong.append(f"console: {message.text}")
                if message.type == "error" and "status of 4" not in message.text
                else None
            ),
        )
        page.goto("/admin/")
        page.fill("input[name=username]", person.user.email)
        page.fill("input[name=password]", PASSWORD)
        page.click("button[type=submit]")
        page.wait_for_url("**/admin/")
        return page

    def note_outside(url: str) -> None:
        if not url.startswith((live_server.url, "data:", "blob:")):
            wrong.append(f"a request to {url}")

    yield open_page
    for context in contexts:
        for page in context.pages:
            page.wait_for_load_state("networkidle")
        context.close()
    assert wrong == []
