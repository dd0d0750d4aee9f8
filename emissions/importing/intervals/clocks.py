"""Local time: which moment a wall clock's time is, on days of 23, 24 and 25 hours too."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

DAY = 86_400
"""Seconds of most days."""


class Clock:
    """The time of a zone. Days are ordinals (`date.toordinal`), moments seconds since 1970."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self._zone = ZoneInfo(zone)
        self._starts: dict[int, int] = {}

    def start_of(self, day: int) -> int:
        """When a day begins."""
        if day not in self._starts:
            first = date.fromordinal(day)
            midnight = datetime(first.year, first.month, first.day, tzinfo=self._zone)
            self._starts[day] = int(midnight.timestamp())
        return self._starts[day]

    def length_of(self, day: int) -> int:
        """How many seconds a day has: 82,800, 86,400 or 90,000."""
        return self.start_of(day + 1) - self.start_of(day)

    def day_of(self, moment: int) -> int:
        """On which day a moment is."""
        near = moment // DAY + EPOCH
        for day in (near, near - 1, near + 1):
            if self.start_of(day) <= moment < self.start_of(day + 1):
                return day
        raise ValueError(moment)

    def moments_of(self, day: int, second: int) -> list[int]:
        """The moments at which a wall clock shows so many seconds past midnight of a day: one; two
        in the hour that comes twice; none in the one that is left out."""
        start = self.start_of(day)
        if self.start_of(day + 1) - start == DAY:
            return [start + second]
        if not 0 <= second < DAY:
            return []
        wall = datetime.combine(date.fromordinal(day), datetime.min.time())
        wall += timedelta(seconds=second)
        found = []
        for fold in (0, 1):
            local = wall.replace(tzinfo=self._zone, fold=fold)
            back = local.astimezone(UTC).astimezone(self._zone).replace(tzinfo=None)
            if back == wall:
                found.append(int(local.timestamp()))
        return sorted(set(found))


EPOCH = date(1970, 1, 1).toordinal()
