"""Green Button files (ESPI, NAESB REQ.21) as rows: one an interval reading, with all it depends on.

The XML is read as a stream, without entities of any kind (defusedxml), and forgotten as it is read.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse

from organizations.importing.tables.unreadable import Unreadable

COLUMNS = [
    "meter",
    "start",
    "duration",
    "quantity",
    "data_quality",
    "size",
    "zone",
    "category",
    "activity",
    "unit",
]

QUALITY, UNIT = COLUMNS.index("data_quality"), COLUMNS.index("unit")

UNITS = {
    "72": ("kWh", Fraction(1, 1000)),
    "169": ("therm", Fraction(1)),
    "132": ("MMBtu", Fraction(1, 10**6)),
    "42": ("m3", Fraction(1)),
    "134": ("L", Fraction(1)),
    "128": ("gal_us", Fraction(1)),
    "119": ("ft3", Fraction(1)),
}
"""ESPI's uom → our unit, and how many of it one is: watt-hours become kWh."""

SERVICES = {"0": ("electricity", "grid"), "1": ("heat", "natural_gas"), "2": ("water", "supply")}
"""ESPI's kind of service → category and activity."""

ESTIMATED = {"8", "9", "10", "12"}
"""ESPI's qualities of readings that were estimated, interpolated, questionable or projected."""

ZONES = {
    (-14_400, True): "America/Halifax",
    (-18_000, True): "America/New_York",
    (-21_600, True): "America/Chicago",
    (-25_200, True): "America/Denver",
    (-28_800, True): "America/Los_Angeles",
    (-32_400, True): "America/Anchorage",
    (-12_600, True): "America/St_Johns",
}
"""Seconds east of UTC, and whether there is summer time → a zone whose clocks do so."""


INTERVALS = {"", "0", "4", "9"}
"""ESPI's accumulationBehaviour of quantities that belong to their interval alone: said nowhere,
delta data, sums. A register that counts on is none."""

PASSED_OVER = "passed_over"
"""In place of the quality of a reading: it stands for a block that is not consumption, and the
reason stands in place of its unit."""

UTF_16 = (b"\xff\xfe<\x00", b"\xfe\xff\x00<")


def is_xml(head: bytes) -> bool:
    """Whether a file begins as XML does."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<") or head[:4] in UTF_16


class Feed:
    """What of a feed has been read so far that its readings depend on."""

    def __init__(self) -> None:
        self.zone, self.usage_point = "UTC", ""
        self.services: dict[str, str] = {}
        """Usage point → its service."""
        self.types: dict[str, dict[str, str]] = {}
        self.related: dict[str, str] = {}


def readings(path: Path) -> Iterator[list[str]]:
    """The cells of each reading by COLUMNS. Raises Unreadable."""
    try:
        yield from entries(path)
    except (ParseError, DefusedXmlException, ValueError) as error:
        what = str(error) or type(error).__name__
        raise Unreadable(f"The XML cannot be read ({what[:200]}).", code="invalid_xml") from error


def entries(path: Path) -> Iterator[list[str]]:
    feed, root, any_entry, any_reading = Feed(), None, False, False
    reason = "The file has no readings."
    for event, one in iterparse(str(path), events=("start", "end"), forbid_dtd=True):
        if event == "start":
            root = one if root is None else root
            continue
        if local(one) == "entry":
            any_entry = True
            for cells in entry(feed, one):
                if cells[QUALITY] == PASSED_OVER:
                    reason = cells[UNIT]
                any_reading = any_reading or cells[QUALITY] != PASSED_OVER
                yield cells
            if root is not None:
                root.clear()
    if not any_entry:
        raise Unreadable(
            "This XML is no Green Button file: it has no feed of entries.", code="unknown_header"
        )
    if not any_reading:
        raise Unreadable(reason, code="unknown_unit" if "unit" in reason else "unreadable")


def entry(feed: Feed, one: Any) -> Iterator[list[str]]:
    """Takes an entry of the feed; the readings in it, if it has any."""
    links = {link.get("rel"): link.get("href", "") for link in one if local(link) == "link"}
    for found in one.iter():
        name = local(found)
        if name == "UsagePoint":
            kinds = [text(part, "kind") for part in found if local(part) == "ServiceCategory"]
            feed.usage_point = last_part(links.get("self", ""), "UsagePoint")
            feed.services[feed.usage_point] = kinds[0] if kinds else "0"
        elif name == "LocalTimeParameters":
            feed.zone = zone_of(text(found, "tzOffset"), text(found, "dstOffset"))
        elif name == "ReadingType":
            said = {local(part): part.text or "" for part in found}
            feed.types[links.get("self", "")] = said
        elif name == "MeterReading":
            for link in one:
                if link.get("rel") == "related" and "ReadingType" in link.get("href", ""):
                    feed.related[links.get("self", "")] = link.get("href", "")
        elif name == "IntervalBlock":
            yield from block(feed, found, links)


def block(feed: Feed, one: Any, links: dict[str, str]) -> Iterator[list[str]]:
    """The readings of an IntervalBlock."""
    kind = type_of(feed, links)
    usage_point = last_part(links.get("self", "") or links.get("up", ""), "UsagePoint")
    usage_point = usage_point or feed.usage_point
    service = feed.services.get(usage_point) or feed.services.get(feed.usage_point, "0")
    if reason := no_consumption(kind, service):
        yield [usage_point, "", "", "", PASSED_OVER, "", "", "", "", reason]
        return
    uom = kind["uom"]
    unit, size = UNITS[uom]
    power = int(kind.get("powerOfTenMultiplier") or 0)
    if not -12 <= power <= 12:
        raise Unreadable("The readings have a multiplier out of all bounds.")
    size *= Fraction(10) ** power
    category, activity = SERVICES[service]
    for reading in one:
        if local(reading) != "IntervalReading":
            continue
        parts = {local(part): part for part in reading}
        period = parts.get("timePeriod")
        qualities = {text(part, "quality") for part in reading if local(part) == "ReadingQuality"}
        if period is None:
            raise Unreadable("A reading has no period.")
        yield [
            usage_point,
            str(int(text(period, "start"))),
            str(int(text(period, "duration") or kind.get("intervalLength") or 0)),
            (parts["value"].text or "") if "value" in parts else "",
            "estimated" if qualities & ESTIMATED else "actual",
            str(size),
            feed.zone,
            category,
            activity,
            unit,
        ]


def no_consumption(kind: Mapping[str, str], service: str) -> str:
    """Why readings are not of what was used in their intervals, or nothing."""
    if kind.get("flowDirection", "1") not in ("", "0", "1"):
        return "The file has energy that was fed in, which is not consumption."
    uom, counted = kind.get("uom", ""), kind.get("accumulationBehaviour", "")
    if uom not in UNITS or service not in SERVICES:
        return (
            f"The readings are of unit {uom or 'unknown'} and service {service}, which are not "
            "read; electricity, gas and water in Wh, therms and volumes are."
        )
    if counted not in INTERVALS:
        return (
            f"The readings are what a register shows (accumulationBehaviour {counted}), not what "
            "was used in each interval."
        )
    return ""


def type_of(feed: Feed, links: dict[str, str]) -> dict[str, str]:
    """What kind of readings a block has. Raises Unreadable where that is not clear."""
    for meter_reading, reading_type in feed.related.items():
        if meter_reading and f"{links.get('up', '')}/".startswith(f"{meter_reading}/"):
            for href, said in feed.types.items():
                if href and (ends_like(href, reading_type) or ends_like(reading_type, href)):
                    return said
    different = {tuple(sorted(said.items())): said for said in feed.types.values()}
    if len(different) == 1:
        return next(iter(different.values()))
    raise Unreadable("The file does not say of which kind its readings are.")


def ends_like(href: str, other: str) -> bool:
    """Whether an address is another one's end, part by part: ReadingType/1 is not that of /11."""
    return f"/{href}".endswith(f"/{other.lstrip('/')}")


def zone_of(offset: str, summer: str) -> str:
    """The zone of a feed's LocalTimeParameters: its clocks, in winter and in summer."""
    seconds, dst = int(offset or 0), int(summer or 0)
    if (seconds, bool(dst)) in ZONES:
        return ZONES[seconds, bool(dst)]
    if seconds % 3600 or not -12 <= seconds // 3600 <= 14:
        raise Unreadable(f"No time zone is {seconds} seconds off UTC.")
    return f"Etc/GMT{-seconds // 3600:+d}" if seconds else "UTC"


def text(one: Any, name: str) -> str:
    """The text of a child, or nothing."""
    return next(((part.text or "").strip() for part in one if local(part) == name), "")


def last_part(href: str, name: str) -> str:
    """The id in an address: …/UsagePoint/01/MeterReading/02 → 01."""
    parts = href.split("/")
    return parts[parts.index(name) + 1] if name in parts[:-1] else ""


def local(one: Any) -> str:
    return str(one.tag).rpartition("}")[2]
