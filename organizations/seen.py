"""Which keys a long file has had, and on which line, in 12 to 24 bytes a row."""

from array import array

MASK = 2**63 - 1


class Seen:
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
        return self._lines[self._slot(hash(key) & MASK)]

    def add(self, key: object, line: int) -> int:
        """Notes a key's first line, counted from 1; its earlier line if it has one, else 0."""
        code = hash(key) & MASK
        slot = self._slot(code)
        if earlier := self._lines[slot]:
            return earlier
        self._hashes[slot], self._lines[slot] = code, line
        self._used += 1
        if self._used * 3 > self._size * 2:
            old = zip(self._hashes, self._lines, strict=True)
            self._resize(self._size * 2)
            for code, line in old:
                if line:
                    slot = self._slot(code)
                    self._hashes[slot], self._lines[slot] = code, line
                    self._used += 1
        return 0

    def _slot(self, code: int) -> int:
        hashes, lines, last = self._hashes, self._lines, self._size - 1
        slot = code & last
        while lines[slot] and hashes[slot] != code:
            slot = (slot + 1) & last
        return slot
