"""Walking the chains: whether every event is there, in its place, as it was recorded."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple
from uuid import UUID

from organizations.audit.chain import beginning, hash_of
from organizations.audit.event import AuditEvent
from organizations.database.snapshot import one_snapshot

AT_ONCE = 2000


class Head(NamedTuple):
    """Where a chain ends: whoever knows it can tell later whether the chain still holds it."""

    number: int
    hash: str


class Verified(NamedTuple):
    """A chain's head as far as it is whole, and the first fault, in words; "" for none."""

    head: Head
    fault: str


def verify(organization_id: UUID, noted: Head | None = None) -> Verified:
    """Walks an organization's chain from its beginning to its end or to its first fault.

    That rows are missing at the end shows by nothing in the chain, but by a head that was `noted`
    earlier: the event of this number must still be there with this hash.
    """
    last = Head(0, beginning(organization_id))
    seen = {last.number: last.hash}
    with one_snapshot():
        for event in events(organization_id):
            fault = fault_of(event, last)
            if fault:
                return Verified(last, fault)
            last = Head(event.number, event.hash)
            if noted and last.number == noted.number:
                seen[last.number] = last.hash
    if noted and noted.number not in seen:
        missing = f"it ends at {last.number}, and had {noted.number} events when its head was noted"
        return Verified(last, f"event {last.number + 1} is missing: {missing}")
    if noted and seen[noted.number] != noted.hash:
        return Verified(last, f"event {noted.number} is not the one whose hash was noted")
    return Verified(last, "")


def events(organization_id: UUID) -> Iterator[AuditEvent]:
    rows = AuditEvent.objects.for_organization(organization_id).order_by("number")
    return rows.iterator(AT_ONCE)


def fault_of(event: AuditEvent, last: Head) -> str:
    """What is wrong with the event that comes after `last`."""
    if event.number != last.number + 1:
        return f"event {last.number + 1} is missing: after {last.number} comes {event.number}"
    name = f"event {event.number} ({event.pk})"
    if event.previous_hash != last.hash:
        return f"{name} does not carry the hash of the one before it"
    if event.hash != hash_of(event):
        return f"{name} is not as it was recorded: its content has another hash"
    return ""


def read_heads(lines: Iterator[str]) -> Mapping[UUID, Head]:
    """Heads as `manage.py verify_audit` prints them. Raises ValueError, naming the line."""
    heads = {}
    for position, line in enumerate(lines, 1):
        try:
            organization_id, number, head = line.split()
            heads[UUID(organization_id)] = Head(int(number), head)
        except ValueError as error:
            raise ValueError(f"line {position}: write it as ORG NUMBER HASH") from error
    return heads
