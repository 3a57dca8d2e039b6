"""Whether a message of the manager interface can be the PBX's own: what its keys, in their order, give away.

Asterisk writes a caller's number, extension and dial string as they came, line breaks and all. So a caller can end a
line, or the whole message, inside such a value and go on in the PBX's words. But Asterisk tells of every channel by the
same keys in the same order, the ids last (`ast_manager_build_channel_state_string_prefix` of main/manager_channels.c),
and that shows where something was put in, or where a message was cut in two. Pure; for `trust` alone.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from msgspec import Struct

_STATE: Final = "channelstate"
_IDS: Final = ("uniqueid", "linkedid")
# Every Asterisk has these between a channel's state and its ids; the others are of some versions.
_CALLER_IDS: Final = frozenset({"calleridnum", "calleridname", "connectedlinenum", "connectedlinename"})
_BETWEEN: Final = _CALLER_IDS | {"accountcode", "context", "exten", "priority"}
_BETWEEN_TOO: Final = frozenset({"channelstatedesc", "language", "tenantid"})


class Shape(Struct, frozen=True):
    """whole: it tells of a channel, with all keys; forged: something is in it that the PBX did not write; missing: keys
    that have to follow, as an empty line in a value came before them."""

    whole: bool = False
    forged: bool = False
    missing: frozenset[str] = frozenset()


def shape_of(keys: tuple[str, ...], *, strict: bool) -> Shape:
    """keys: each once, in lower case. strict: every channel has all of its keys, in the PBX's order."""
    places = {key: place for place, key in enumerate(keys)}
    whole = forged = False
    missing: set[str] = set()
    for key, place in places.items():
        if not key.endswith(_STATE):
            forged = forged or (strict and key.endswith(_IDS[1]) and key[: -len(_IDS[1])] + _STATE not in places)
            continue
        prefix = key.removesuffix(_STATE)
        end = places.get(prefix + _IDS[0])
        between = {other.removeprefix(prefix) for other in keys[place + 1 : end]}
        if end is None:
            missing |= {prefix + other for other in (*_IDS, *(_BETWEEN - between if strict else ()))}
        elif not strict:
            whole = whole or between >= _BETWEEN
        elif not between >= _BETWEEN:
            missing |= {prefix + other for other in _BETWEEN - between}
        else:
            whole = True
            forged = forged or not between <= _BETWEEN | _BETWEEN_TOO
    return Shape(whole, forged, frozenset(missing))


KNOWN_LIMIT: Final = 8_192  # bytes of a message whose shape is remembered
known_shape_of: Final = lru_cache(maxsize=1_024)(shape_of)  # a PBX has a few hundred
