"""Requests of many organizations, one after the other, on the database that DATABASE_URL names:
`python -m benchmarks.cluster`. Run on one PostgreSQL and on a Citus cluster (docs/scale.md), it
tells what the coordinator adds to one request. Prints the median and the 95th percentile in ms.
"""

import json
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.test import Client  # noqa: E402

from organizations.database.wall import process_sees_everybody  # noqa: E402
from organizations.models import APIKey, Organization, Role  # noqa: E402

ORGANIZATIONS, ROUNDS = 200, 3
BILL = {"category": "electricity", "quantity": 1000, "unit": "kWh"}


class Sender:
    """An organization with a key, a facility and some bills."""

    def __init__(self, number: int) -> None:
        organization = Organization.objects.create(name=f"Bench {number}")
        key = APIKey.issue(organization=organization, name="bench", role=Role.EDITOR).key
        self.headers = {"x-organization-id": str(organization.pk), "x-api-key": key}
        self.client, self.bills = Client(), 0
        body = {"name": "Site", "type": "office", "country": "ES"}
        self.site = self.send("POST", "/v1/facilities", body)["id"]
        self.bill = self.new_bill()

    def send(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.client.generic(
            method,
            path,
            json.dumps(body) if body is not None else b"",
            content_type="application/json",
            headers=self.headers,
        )
        assert answer.status_code in (200, 201), answer.content
        return json.loads(answer.content)

    def new_bill(self) -> str:
        self.bills += 1
        day = f"2023-{self.bills:02}-"
        dates = {"start_date": f"{day}01", "end_date": f"{day}28"}
        body = {"facility_id": self.site, **BILL, **dates}
        return str(self.send("POST", "/v1/consumptions", body)["id"])


WHAT: dict[str, Callable[[Sender], object]] = {
    "GET one": lambda one: one.send("GET", f"/v1/facilities/{one.site}"),
    "list": lambda one: one.send("GET", "/v1/consumptions?size=50"),
    "list, filtered and sorted": lambda one: one.send(
        "GET", "/v1/consumptions?category=electricity&sort=-co2e"
    ),
    "totals by month": lambda one: one.send("GET", "/v1/emissions?group_by=month"),
    "POST of a bill": lambda one: one.new_bill(),
    "PATCH of a bill": lambda one: one.send(
        "PATCH", f"/v1/consumptions/{one.bill}", {"quantity": one.bills}
    ),
}


def main() -> None:
    process_sees_everybody()
    settings.REQUESTS_PER_KEY = settings.REQUESTS_PER_ADDRESS = 0
    senders = [Sender(number) for number in range(ORGANIZATIONS)]
    took: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(ROUNDS):
        for one in senders:
            for name, ask in WHAT.items():
                begin = time.perf_counter()
                ask(one)
                took[name].append((time.perf_counter() - begin) * 1000)
    for name, times in took.items():
        p95 = statistics.quantiles(times, n=20)[-1]
        print(f"{name:<28} {statistics.median(times):7.1f} {p95:7.1f}")


if __name__ == "__main__":
    main()
