"""Overwriting what SQLite leaves of rows in the free middle of a page when it merges pages.

`secure_delete` overwrites what is deleted, but where rows move to another page while pages are merged, their old bytes
may stay between a page's cell pointers and its cells. Such pages of `events` are found in the file (a reader), and a
row of each is made longer, by so much that SQLite must put the page in order, which clears its middle, and then as it
was (the writer). The format is that of https://www.sqlite.org/fileformat2.html, "B-tree Pages".
"""

from __future__ import annotations

from typing import Final

import apsw
from msgspec import Struct

from .sql import QUERIES

_TABLE_LEAF: Final = 0x0D
_LEAF_HEADER: Final = 8
_COLUMNS: Final = 10  # of events
_READ_AT_ONCE: Final = 128  # pages
_SLACK: Final = 6  # bytes that a longer payload adds to the head of its cell and of its record


class Leftover(Struct, frozen=True):
    """A row of a page that is to be cleared, and by how many bytes to make it longer for that."""

    seq: int
    longer: int


def find(connection: apsw.Connection, after: int, limit: int) -> tuple[list[Leftover], int | None]:
    """What is left in so many pages of the file after one, and the last page looked at (None: that was all)."""
    size: int = connection.pragma("page_size")
    count: int = connection.pragma("page_count")
    usable = size - connection.read("main", 0, 20, 1)[1][0]
    found = []
    last = min(after + limit, count)
    for first in range(max(after, 1), last, _READ_AT_ONCE):
        pages = min(_READ_AT_ONCE, last - first)
        _, content = connection.read("main", 0, first * size, pages * size)
        for start in range(0, len(content), size):
            leftover = _leftover(content[start : start + size], usable)
            if leftover is not None:
                found.append(leftover)
    return found, None if last == count else last


def clear(connection: apsw.Connection, leftovers: list[Leftover]) -> None:
    """In the writer's transaction. A row that is gone meanwhile is left out."""
    for leftover in leftovers:
        data = connection.execute(QUERIES["data_of_event"], (leftover.seq,)).get
        if data is not None:
            connection.execute(QUERIES["set_data"], (data + bytes(leftover.longer), leftover.seq))
            connection.execute(QUERIES["set_data"], (data, leftover.seq))


def _leftover(page: bytes, usable: int) -> Leftover | None:
    if page[0] != _TABLE_LEAF:
        return None
    cells = int.from_bytes(page[3:5])
    low, high = _LEAF_HEADER + 2 * cells, int.from_bytes(page[5:7]) or 65_536
    if not cells or low >= high or not any(page[low:high]):
        return None
    free = _free(page, high - low)
    best, least = None, usable
    for place in range(_LEAF_HEADER, low, 2):
        offset = int.from_bytes(page[place : place + 2])
        payload, head = _varint(page, offset)
        seq, head = _varint(page, head)
        if not _is_event(page, head):
            return None
        # As long as nearly all that is free: no single free part of the page then holds it.
        longer, short = _longer(payload, free - _SLACK, usable)
        if longer > 0 and short < least:
            best, least = Leftover(seq, longer), short
    return best


def _free(page: bytes, middle: int) -> int:
    """All bytes that are free in a page: its middle, the list of its free blocks, and fragments."""
    total, block = middle + page[7], int.from_bytes(page[1:3])
    while block and total < len(page):
        total += int.from_bytes(page[block + 2 : block + 4])
        following = int.from_bytes(page[block : block + 2])
        block = following if following > block else 0  # they are in the order of their places, in a sound page
    return total


def _longer(payload: int, room: int, usable: int) -> tuple[int, int]:
    """By how much to make a payload longer so that its cell takes up the most of this room, and what is left of it."""
    now = _local(payload, usable)
    if payload + room <= usable - 35:
        return room, 0
    found = [(room - _local(payload + longer, usable) + now, longer) for longer in range(1, usable)]
    left, longer = min(((left, longer) for left, longer in found if left >= 0), default=(usable, 0))
    return longer, left


def _is_event(page: bytes, at: int) -> bool:
    """By its columns: as many as an event has, the last one a blob."""
    size, head = _varint(page, at)
    kinds = []
    while head < at + size and head < len(page):
        kind, head = _varint(page, head)
        kinds.append(kind)
    return len(kinds) == _COLUMNS and kinds[-1] >= 12 and kinds[-1] % 2 == 0


def _local(payload: int, usable: int) -> int:
    """How many bytes a cell takes in its page, but for its head: "B-tree Cell Format"."""
    most, least = usable - 35, (usable - 12) * 32 // 255 - 23
    if payload <= most:
        return payload
    local = least + (payload - least) % (usable - 4)
    return (local if local <= most else least) + 4


def _varint(page: bytes, at: int) -> tuple[int, int]:
    """The number at a place, and the place after it."""
    value = 0
    for index in range(8):
        byte = page[at + index] if at + index < len(page) else 0
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    return value << 8 | page[at + 8], at + 9
