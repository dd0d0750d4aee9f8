"""On which line of a file each key stood first, in 12 to 24 bytes a key."""

from array import array
from collections.abc import Iterable, Iterator

MASK = 2**63 - 1


class FirstLines:
    """A map of key → line by the keys' 63-bit hashes, in two flat arrays.

    A dict of two million rows would take 200 MB. Two keys are taken for one where their hashes
    meet: among a million rows with a chance of one in ten million.
    """

    def __init__(self) -> None:
        self._resize(1 << 12)

    def _resize(self, size: int) -> None:
        self._size, self._used = size, 0
        self._hashes = array("q", bytes(8 * size))
        self._lines = array("i", bytes(4 * size))

    def line(self, key: object) -> int:
        """The first line of a key, or 0."""
        code, hashes, lines, last = hash(key) & MASK, self._hashes, self._lines, self._size - 1
        slot = code & last
        while lines[slot] and hashes[slot] != code:
            slot = (slot + 1) & last
        return lines[slot]

    def add(self, key: object, line: int) -> int:
        """Notes a key's first line, counted from 1; its earlier line if it has one, else 0."""
        return self.add_all([key], [line])[0]

    def add_all(self, keys: Iterable[object], lines: Iterable[int]) -> list[int]:
        """Notes many keys in their order; their earlier lines."""
        codes = [hash(key) & MASK for key in keys]
        while (self._used + len(codes)) * 3 > self._size * 2:
            old = zip(self._hashes, self._lines, strict=True)
            self._resize(self._size * 2)
            for _ in self._put(one for one in old if one[1]):
                pass
        return list(self._put(zip(codes, lines, strict=True)))

    def _put(self, entries: Iterable[tuple[int, int]]) -> Iterator[int]:
        hashes, lines, last = self._hashes, self._lines, self._size - 1
        for code, line in entries:
            slot = code & last
            while (at := lines[slot]) and hashes[slot] != code:
                slot = (slot + 1) & last
            if not at:
                hashes[slot], lines[slot] = code, line
                self._used += 1
            yield at
