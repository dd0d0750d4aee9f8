"""The README's pictures of the admin, from the demo: `make screenshots`.

Runs the service on a database of its own in a temporary folder, so that what is on the pictures is
the demo and nothing else.
"""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Page, sync_playwright

from tests.browser.chromium import CHROMIUM, NO_CHROMIUM

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "screenshots"
SIZE = {"width": 1280, "height": 860}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(url: str) -> None:
    for _ in range(100):
        try:
            urlopen(f"{url}/healthz", timeout=1).close()
            return
        except (URLError, OSError):
            time.sleep(0.2)
    raise SystemExit(f"The service does not answer at {url}.")


def take(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=PICTURES / f"{name}.png")
    print(PICTURES / f"{name}.png")


def pictures(page: Page, scheme: str) -> None:
    """The dashboard, a facility and a factor's preview."""
    page.goto("/admin/")
    take(page, f"dashboard-{scheme}")
    page.goto("/admin/facilities/facility/?q=Main+Treatment")
    page.click("#result_list >> text=Main Treatment Plant")
    page.locator("#monthly").scroll_into_view_if_needed()
    page.evaluate("document.querySelector('#monthly').scrollIntoView({ block: 'center' })")
    take(page, f"facility-{scheme}")
    page.goto("/admin/emissions/emissionfactor/?q=CA-ON")
    page.click("#result_list >> text=Grid electricity")
    page.fill("#id_co2e", "0.035")
    page.click("button[name=_save]")
    page.wait_for_selector("#preview")
    take(page, f"preview-{scheme}")


def main() -> None:
    if CHROMIUM is None:
        raise SystemExit(NO_CHROMIUM)
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "DEBUG": "1", "DATABASE_URL": f"sqlite:///{folder}/demo.db"}

        def manage(*arguments: str) -> str:
            command = [sys.executable, "manage.py", *arguments]
            return subprocess.run(
                command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
            ).stdout

        manage("migrate", "--verbosity", "0")
        manage("load_emission_factors")
        login = re.search(r"admin login\s+(\S+)\s+(\S+)", manage("demo"))
        assert login
        port = str(free_port())
        url = f"http://127.0.0.1:{port}"
        server = subprocess.Popen(
            [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", port,
             "--blocking-threads", "4", "--no-ws", "config.wsgi:application"],
            cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            wait_for(url)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=CHROMIUM, args=["--no-sandbox"]
                )
                for scheme in ("light", "dark"):
                    page = browser.new_page(
                        base_url=url,
                        viewport=SIZE,  # type: ignore[arg-type]
                        color_scheme="dark" if scheme == "dark" else "light",
                    )
                    page.goto("/admin/")
                    page.fill("input[name=username]", login[1])
                    page.fill("input[name=password]", login[2])
                    page.click("button[type=submit]")
                    page.wait_for_url("**/admin/")
                    pictures(page, scheme)
                browser.close()
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
