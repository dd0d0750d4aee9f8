"""Whole numbers in few bytes, exactly: a month of hourly readings fits 2 kB.

Three ways are tried and the shortest is kept: every number in as many bits as the widest needs; the
numbers, or the differences between neighbours, byte by byte through zlib.
"""

import zlib
from array import array
from collections.abc import Sequence

BITS, PLAIN, DIFFERENCES = b"b", b"p", b"d"
WIDTH = 8
"""Bytes of a number in an array."""


def pack(numbers: Sequence[int]) -> bytes:
    """Numbers from 0 to 2⁶³ − 1 as bytes. `unpack` gives them back."""
    if not numbers:
        return b""
    ways = (bits(numbers), PLAIN + planes(numbers), DIFFERENCES + planes(differences(numbers)))
    return min(ways, key=len)


def unpack(packed: bytes, count: int) -> list[int]:
    """The numbers that were packed, of which there were `count`."""
    if not count:
        return []
    way, rest = packed[:1], packed[1:]
    if way == BITS:
        width, low = rest[0], int.from_bytes(rest[1:9])
        if not width:
            return [low] * count
        text = format(int.from_bytes(rest[9:]), f"0{width * count}b")
        return [low + int(text[at : at + width], 2) for at in range(0, width * count, width)]
    numbers = from_planes(rest, count)
    return numbers if way == PLAIN else summed(numbers)


def bits(numbers: Sequence[int]) -> bytes:
    low = min(numbers)
    width = (max(numbers) - low).bit_length()
    head = BITS + bytes([width]) + low.to_bytes(8)
    if not width:
        return head
    text = "".join([format(one - low, f"0{width}b") for one in numbers])
    return head + int(text, 2).to_bytes(-(-len(text) // 8))


def planes(numbers: Sequence[int]) -> bytes:
    """First the lowest byte of every number, then the next: each is like its neighbours."""
    data = array("Q", numbers).tobytes()
    used = -(-max(numbers).bit_length() // 8)
    return bytes([used]) + zlib.compress(b"".join(data[at::WIDTH] for at in range(used)), 9)


def from_planes(packed: bytes, count: int) -> list[int]:
    used, data = packed[0], zlib.decompress(packed[1:])
    spread = bytearray(WIDTH * count)
    for at in range(used):
        spread[at::WIDTH] = data[at * count : (at + 1) * count]
    numbers = array("Q")
    numbers.frombytes(bytes(spread))
    return numbers.tolist()


def differences(numbers: Sequence[int]) -> list[int]:
    """Each number less the one before, with the sign in the lowest bit."""
    before = [0, *numbers[:-1]]
    return [
        (one - last) << 1 if one >= last else (last - one << 1) - 1
        for one, last in zip(numbers, before, strict=True)
    ]


def summed(numbers: Sequence[int]) -> list[int]:
    total, found = 0, []
    for one in numbers:
        total += -(one + 1 >> 1) if one & 1 else one >> 1
        found.append(total)
    return found


def pack_flags(flags: Sequence[bool]) -> bytes:
    """Yes or no for each place; no bytes where all are no."""
    if not any(flags):
        return b""
    text = "".join(["1" if one else "0" for one in flags])
    return zlib.compress(int(text, 2).to_bytes(-(-len(text) // 8)), 9)


def unpack_flags(packed: bytes, count: int) -> list[bool]:
    """The flags that were packed, of which there were `count`."""
    if not packed:
        return [False] * count
    text = format(int.from_bytes(zlib.decompress(packed)), f"0{count}b")
    return [one == "1" for one in text]
