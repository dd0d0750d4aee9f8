"""OpenAPI links: what may be asked with the id of what a POST has just made.

They say in words that programs read what the `Location` of the answer says: `/v1/facilities` and
everything below `/v1/facilities/{id}` are about one row, so that a 201 of the former leads to all
of the latter.
"""

from collections.abc import Iterator
from typing import Any

from organizations.access.authentication import ORGANIZATION_HEADER

MADE = ("201", "202")
ID = "id"
LOCATION = {
    "description": "The path of what was made.",
    "schema": {"type": "string", "format": "uri-reference"},
}


def link(description: dict[str, Any]) -> None:
    """Adds the links, and the `Location` that they follow, to the whole description."""
    paths = description["paths"]
    links: dict[str, Any] = {}
    for path, operations in paths.items():
        item = f"{path.partition('/{')[0]}/{{{ID}}}"
        made = [one for status, one in operations.get("post", {}).get("responses", {}).items()
                if status in MADE]  # fmt: skip
        for answer in made:
            answer["headers"] = {**answer.get("headers", {}), "Location": LOCATION}
            targets = list(_operations_below(paths, item))
            links.update((name, _link(name)) for name in targets)
            answer["links"] = {name: {"$ref": f"#/components/links/{name}"} for name in targets}
    description["components"]["links"] = dict(sorted(links.items()))


def _operations_below(paths: dict[str, Any], item: str) -> Iterator[str]:
    """The ids of the operations on a row and on what is below it."""
    for path, operations in paths.items():
        if path == item or path.startswith(f"{item}/"):
            yield from (operation["operationId"] for operation in operations.values())


def _link(name: str) -> dict[str, Any]:
    return {
        "operationId": name,
        "parameters": {
            ID: f"$response.body#/{ID}",
            ORGANIZATION_HEADER: f"$request.header.{ORGANIZATION_HEADER}",
        },
    }
