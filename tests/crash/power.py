"""A disk whose power is cut: of what was written and not synced, it keeps whatever it likes.

For each file it knows what was synced, and each state that a sector of 512 bytes, or the length, had since. After a cut
each of them has one of those: so writes are dropped, torn and reordered. A file that was made or deleted may be there
or not, until its folder was synced, which SQLite does with the first sync of a log (unixSync in os_unix.c).
`beneath.py` puts it beneath SQLite.
"""

from __future__ import annotations

import random
import threading
from pathlib import Path
from typing import Final

CUTS: Final = 10  # of one run
SECTOR: Final = 512
_BESIDE: Final = ("-wal", "-journal")  # the database; after them comes the log's index, which is made anew
MODES: Final = ("nothing", "everything", "up to a moment", "some writes", "sectors")

Change = tuple[int, bytes] | int  # bytes at an offset, or a new length


class OnDisk:
    """A file as the disk has it: what was synced, and what was done to it since."""

    def __init__(self, synced: bytes = b"") -> None:
        self.synced = bytearray(synced)
        self.changes: list[Change] = []
        self.is_named = False  # its name would outlive a cut

    def sync(self) -> None:
        for change in self.changes:
            _apply(self.synced, change)
        self.changes.clear()

    def after_a_cut(self, mode: str, chance: random.Random) -> bytes:
        match mode:
            case "nothing":
                done: list[Change] = []
            case "everything":
                done = self.changes
            case "up to a moment":
                done = self.changes[: chance.randint(0, len(self.changes))]
            case "some writes":
                done = [change for change in self.changes if chance.random() < 0.5]
            case _:
                return self._sectors(chance)
        image = bytearray(self.synced)
        for change in done:
            _apply(image, change)
        return bytes(image)

    def _sectors(self, chance: random.Random) -> bytes:
        """Each sector, and the length, as it was at a moment of its own."""
        image = bytearray(self.synced)
        lengths = [len(image)]
        states: dict[int, list[bytes]] = {}
        for change in self.changes:
            before = len(image)
            first = min(change, before) if isinstance(change, int) else min(change[0], before)
            end = max(change, before) if isinstance(change, int) else change[0] + len(change[1])
            _apply(image, change)
            lengths.append(len(image))
            for sector in range(first // SECTOR, -(-end // SECTOR)):
                states.setdefault(sector, [_sector(self.synced, sector)]).append(_sector(image, sector))
        for sector, contents in states.items():
            _apply(image, (sector * SECTOR, chance.choice(contents)))
        _apply(image, chance.choice(lengths))
        return bytes(image)


class Disk:
    """cut_at: the write, truncation or sync (from 1) at which the power goes; nothing can be written from then on."""

    def __init__(self, path: Path, chance: random.Random, cut_at: int) -> None:
        self.is_off = False
        self.done = 0
        self._path = path
        self._chance = chance
        self._cut_at = cut_at
        self._lock = threading.Lock()  # the writer and the checkpoints have threads of their own
        self._handles: dict[int, OnDisk] = {}  # by the address of SQLite's file
        self._logs: set[int] = set()  # handles of logs that were not synced yet
        self._names: dict[str, OnDisk] = {}
        self._deleted: dict[str, OnDisk] = {}  # that a cut may bring back
        for name in self._watched():
            if Path(name).exists():
                kept = self._names[name] = OnDisk(Path(name).read_bytes())
                kept.is_named = True

    def watches(self, name: str) -> bool:
        return name in self._watched()

    def opened(self, handle: int, name: str) -> None:
        with self._lock:
            self._handles[handle] = self._names.setdefault(name, OnDisk())
            self._logs.discard(handle)
            if name != str(self._path):
                self._logs.add(handle)

    def delete(self, name: str, *, durably: bool) -> bool:
        """False: the power is off."""
        with self._lock:
            kept = None if self.is_off else self._names.pop(name, None)
            if kept is not None and not durably:
                self._deleted[name] = kept
            return not self.is_off

    def change(self, handle: int, change: Change) -> bool:
        """False: the power is off."""
        with self._lock:
            if self._goes_on():
                self._handles[handle].changes.append(change)
            return not self.is_off

    def sync(self, handle: int) -> bool:
        """False: the power is off."""
        with self._lock:
            if self._goes_on():
                self._handles[handle].sync()
                if handle in self._logs:
                    self._sync_folder()
                    self._logs.discard(handle)
            return not self.is_off

    def come_back(self) -> str:
        """Put what a cut leaves in the place of the files; the mode of the losses."""
        mode = self._chance.choice(MODES)
        for name in self._watched():
            kept = self._names.get(name)
            if kept is None or (not kept.is_named and self._chance.random() < 0.5):
                kept = self._deleted.get(name) if self._chance.random() < 0.5 else None
            elif Path(name).exists():
                there = kept.after_a_cut("everything", self._chance)
                assert there == Path(name).read_bytes(), f"a change of {name} went unseen"
            Path(name).unlink(missing_ok=True)
            if kept is not None:
                Path(name).write_bytes(kept.after_a_cut(mode, self._chance))
        index = self._path.with_name(self._path.name + "-shm")
        index.unlink(missing_ok=True)
        if self._chance.random() < 0.5:
            index.write_bytes(self._chance.randbytes(32_768))
        return mode

    def _sync_folder(self) -> None:
        for kept in self._names.values():
            kept.is_named = True
        self._deleted.clear()

    def _watched(self) -> list[str]:
        return [str(self._path), *(str(self._path) + ending for ending in _BESIDE)]

    def _goes_on(self) -> bool:
        self.done += 1
        self.is_off = self.is_off or self.done >= self._cut_at
        return not self.is_off


def _sector(image: bytearray, number: int) -> bytes:
    return bytes(image[number * SECTOR : (number + 1) * SECTOR]).ljust(SECTOR, b"\0")


def _apply(image: bytearray, change: Change) -> None:
    if isinstance(change, int):
        del image[change:]
        image.extend(bytes(change - len(image)))
        return
    offset, data = change
    image.extend(bytes(max(0, offset - len(image))))
    image[offset : offset + len(data)] = data
