"""The documentation's nginx in front of the service, with a certificate that it signs itself."""

import json
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPSConnection
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.faults.documented import blocks, free_port
from tests.faults.service import Answer, Service

NAME = "co2.example.com"
SOMEBODY = "127.0.0.2"
"""Where a client of the tests sits."""

SLOW = 20
"""Clients that send slowly: more than the service has threads."""

SITE = b'{"name": "Madrid Office", "type": "office", "country": "ES"}'


def certificate(folder: Path) -> tuple[Path, Path]:
    pem, key = folder / "tls.pem", folder / "tls.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},IP:127.0.0.1", "-out", pem,
         "-keyout", key],
        capture_output=True,
        check=True,
    )  # fmt: skip
    return pem, key


@dataclass
class Proxy:
    """Where it listens, with and without TLS, and the certificate to trust."""

    port: int
    plain: int
    pem: Path


@contextmanager
def nginx(service: Service, folder: Path) -> Iterator[Proxy]:
    """The documentation's server blocks, checked with `nginx -t` and run."""
    folder.mkdir()
    pem, key = certificate(folder)
    proxy = Proxy(free_port(), free_port(), pem)
    [servers] = blocks("Behind a proxy that ends TLS", "nginx")
    for old, new in {
        "listen 80": f"listen 127.0.0.1:{proxy.plain}",
        "listen 443": f"listen 127.0.0.1:{proxy.port}",
        f"/etc/ssl/{NAME}.pem": str(pem),
        f"/etc/ssl/{NAME}.key": str(key),
        "127.0.0.1:8000": urlsplit(service.url).netloc,
    }.items():
        assert old in servers, old
        servers = servers.replace(old, new)
    own = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    settings = folder / "nginx.conf"
    settings.write_text(
        f"pid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{own}{servers}}}\n"
    )
    for path in (folder.parent, folder):
        path.chmod(0o755)  # as root it works as another user
    command = ["nginx", "-c", str(settings), "-e", str(folder / "error.log")]
    subprocess.run([*command, "-t"], check=True, capture_output=True)
    process = subprocess.Popen([*command, "-g", "daemon off;"])
    try:
        for _ in range(50):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", proxy.port)) == 0:
                    break
            assert process.poll() is None, (folder / "error.log").read_text()
            time.sleep(0.1)
        yield proxy
    finally:
        process.terminate()
        process.wait()


@dataclass
class Browser:
    """Somebody elsewhere who asks for the service by its name and keeps its cookies."""

    proxy: Proxy
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)

    def connection(self) -> HTTPSConnection:
        context = ssl.create_default_context(cafile=str(self.proxy.pem))
        return HTTPSConnection(
            "127.0.0.1", self.proxy.port, timeout=60, context=context, source_address=(SOMEBODY, 0)
        )

    def call(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        began = time.monotonic()
        sent = {"host": NAME, **self.headers, **headers}
        sent["cookie"] = "; ".join(f"{one}={value}" for one, value in self.cookies.items())
        connection = self.connection()
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        text = answer.read().decode()
        for line in answer.headers.get_all("set-cookie", []):
            for name, one in SimpleCookie(line).items():
                assert one["secure"], line
                self.cookies[name] = one.value
        connection.close()
        return Answer(answer.status, answer.headers, text, time.monotonic() - began)


def log_in(browser: Browser, email: str, password: str) -> None:
    """Into the admin, with the form that it shows."""
    page = browser.call("GET", "/admin/login/")
    found: Any = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    form = {"username": email, "password": password, "csrfmiddlewaretoken": found[1],
            "next": "/admin/"}  # fmt: skip
    kind = {"content-type": "application/x-www-form-urlencoded", "origin": f"https://{NAME}"}
    answer = browser.call("POST", "/admin/login/", urlencode(form).encode(), **kind)
    assert answer.status == 302, answer
    assert answer.headers["location"] == "/admin/", answer.headers
    page = browser.call("GET", "/admin/")
    assert page.status == 200, page
    assert "http://" not in "".join(re.findall(r'(?:href|src|action)="(http://[^"]+)"', page.text))


def meet_slow_clients(browser: Browser) -> None:
    """Many who send half a body each keep nobody waiting, and are answered when it is whole."""
    slow = []
    for _ in range(SLOW):
        connection = browser.connection()
        connection.putrequest("POST", "/v1/facilities", skip_host=True)
        sent = {"host": NAME, "content-type": "application/json", **browser.headers}
        for name, value in {**sent, "content-length": str(len(SITE))}.items():
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(SITE[:9])
        slow.append(connection)
    for _ in range(10):
        answer = browser.call("GET", "/v1/facilities")
        assert (answer.status, answer.seconds < 2) == (200, True), answer
    for connection in slow:
        connection.send(SITE[9:])
    assert [one.getresponse().status for one in slow] == [201] * SLOW
    for connection in slow:
        connection.close()


def go_through(proxy: Proxy, service: Service, email: str, password: str) -> None:
    """What people and programs do, through TLS."""
    with socket.create_connection(("127.0.0.1", proxy.plain)) as plain:
        plain.sendall(f"GET /admin/?a=b HTTP/1.0\r\nHost: {NAME}\r\n\r\n".encode())
        redirect = plain.recv(10_000).decode()
    assert f"\r\nLocation: https://{NAME}/admin/?a=b\r\n" in redirect, redirect
    browser = Browser(proxy, service.headers)
    forged = {"x-forwarded-for": "203.0.113.9"}
    assert browser.call("GET", "/v1/facilities", b"", **forged).status == 200
    keys = json.loads(browser.call("GET", "/v1/api-keys").text)["items"]
    assert [one["last_used_from"] for one in keys] == [SOMEBODY], keys
    log_in(Browser(proxy), email, password)
    meet_slow_clients(browser)
    rows = "".join(f"S-{number},Depot {number},depot,ES\n" for number in range(60_000))
    path = "/v1/imports?kind=facilities&dry_run=true"
    file = b"external_id,name,type,country\n" + rows.encode()
    answer = browser.call("POST", path, file, **{"content-type": "text/csv"})
    assert answer.status == 202, answer
    done = json.loads(answer.text)
    deadline = time.monotonic() + 120
    while done["status"] in ("queued", "running"):
        assert time.monotonic() < deadline, done
        time.sleep(0.5)
        done = json.loads(browser.call("GET", f"/v1/imports/{done['id']}").text)
    assert (done["status"], done["created"]) == ("checked", 60_000), done


def find_nobody(proxy: Proxy) -> None:
    """While the service is not there the answer has the shape of its own."""
    answer = Browser(proxy).call("GET", "/v1/facilities")
    assert (answer.status, answer.body["code"]) == (503, "unavailable"), answer
    assert answer.headers["retry-after"] == "5"
    assert answer.headers["content-type"] == "application/json"
