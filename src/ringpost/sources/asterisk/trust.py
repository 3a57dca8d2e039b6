"""What is believed of the messages of one connection to a PBX: which are its own, and which a caller put in.

Told of every message in turn. How each gives itself away is in `shape`, why and what remains in `frames`. Everything
that is remembered is bounded. Pure; for `frames` alone.
"""

from __future__ import annotations

from typing import Final

from .shape import KNOWN_LIMIT, known_shape_of, shape_of

DISTRUSTED: Final = 2_048  # bytes after a message that was cut in two; longer than such a message, with all its values

# Of these no value but the PBX's own is possible, so that two different ones mean that one was put in.
_ONE_VALUE: Final = frozenset(
    prefix + key for prefix in ("", "dest") for key in ("channel", "channelstate", "uniqueid", "linkedid")
)
_REPEATED: Final = "variable"  # keys that end like this come once for each variable
_ANYTHING: Final = "UserEvent"  # the dialplan writes its keys
# Other code of the PBX writes these, not in all versions with all keys.
_LISTED: Final = frozenset({"CoreShowChannel", "Status"})
_UNLIKE_LIMIT: Final = 20  # after so many that never came with all keys, this is how the PBX writes them
_NAMES_LIMIT: Final = 500  # names of events that are remembered; Asterisk has about 200
_NAME_LIMIT: Final = 64  # characters of one
_FIELDS_LIMIT: Final = 1_000  # of one message; the longest of Asterisk, the answer to ListCommands, has about 200


class Trust:
    """live: the connection is to a PBX itself, whose channels all have the same keys."""

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self._distrusted = 0  # bytes
        self._missing: frozenset[str] = frozenset()  # keys of the rest of the message that was cut in two
        self._whole: set[str] = set()  # names of events that came with all keys of their channels
        self._unlike: dict[str, int] = {}  # how many of other names came with some of them

    def passes(self, size: int) -> bool:
        """Whether a message of so many bytes comes when anything is believed."""
        believed = self._distrusted <= 0
        self._distrusted -= size
        return believed

    def may_differ(self, key: str, fields: dict[str, str]) -> bool:
        """Whether a key may come again with another value. fields: those before it."""
        event = fields.get("event", _ANYTHING)
        if event == _ANYTHING or key.endswith(_REPEATED):
            return True
        return key not in _ONE_VALUE and not self._is_strict_with(event)

    def takes(self, fields: dict[str, str], size: int) -> bool:
        """Whether a message has the shape of one of the PBX. size: bytes."""
        if len(fields) > _FIELDS_LIMIT:
            return False
        event, keys = fields.get("event", ""), tuple(fields)
        look = known_shape_of if size <= KNOWN_LIMIT else shape_of
        shape = look(keys, strict=self._is_strict_with(event))
        if shape.missing:
            self._distrusted, self._missing = DISTRUSTED, shape.missing
            if event not in self._whole and not look(keys, strict=False).missing and self._remembers(event):
                self._unlike[event] = self._unlike.get(event, 0) + 1
            return False
        if shape.whole and self._live and event not in self._whole and self._remembers(event):
            self._whole.add(event)
        return not shape.forged or event == _ANYTHING

    def see_rest(self, fields: dict[str, str]) -> None:
        """What begins like no message: it may be the rest of the one that was cut in two."""
        if self._missing and self._missing <= fields.keys():
            self._distrusted = 0

    def _is_strict_with(self, event: str) -> bool:
        if event in self._whole:
            return True
        return bool(self._whole) and event not in _LISTED and self._unlike.get(event, 0) < _UNLIKE_LIMIT

    def _remembers(self, event: str) -> bool:
        return len(event) <= _NAME_LIMIT and len(self._whole) + len(self._unlike) < _NAMES_LIMIT
