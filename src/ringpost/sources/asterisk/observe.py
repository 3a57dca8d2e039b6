"""AMI events as observations: what each event says, in the call machine's words.

Pure, and without memory: one event, the observations that it makes, in order. Events that say nothing of a call make
none. Channels that the PBX makes for itself are no legs.
Events: https://docs.asterisk.org/Latest_API/API_Documentation/AMI_Events/
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ringpost.calls.observation import (
    Alive,
    DialEnded,
    Dials,
    HangupRequested,
    Holds,
    HungUp,
    JoinsBridge,
    JoinsQueue,
    LeavesBridge,
    LeavesQueue,
    Leg,
    LegAppeared,
    LegChanged,
    LegState,
    LocalPair,
    Observation,
    Purpose,
    Unholds,
)

from .frames import Message

ID_LIMIT: Final = 149  # AST_MAX_PUBLIC_UNIQUEID of include/asterisk/channel.h

_STATES: Final[dict[str, LegState]] = {"4": "calling", "5": "ringing", "6": "up"}  # ast_channel_state; others: down
_NOT_LEGS: Final = (
    "Announcer/",
    "AsyncGoto/",
    "Bridge/",
    "CBAnn/",
    "CBRec/",
    "ConfBridgeRecorder/",
    "Message/",
    "Recorder/",
    "Snoop/",
    "Surrogate/",
)
_NOBODY: Final = frozenset({"", "<unknown>", "anonymous", "private", "restricted", "unavailable", "unknown"})
_SPECIAL_EXTENSIONS: Final = frozenset({"", "s", "h", "i", "t", "e", "o", "a", "T", "fax", "failed"})
_PURPOSES: Final[dict[str, Purpose]] = {"basic": "talk", "stasis": "talk", "parking": "wait", "holding": "wait"}


def observe(message: Message) -> list[Observation]:
    """What an event tells; empty for one that tells nothing of a call."""
    maker = _MAKERS.get(message.event)
    return [] if maker is None else maker(message)


def leg_of(message: Message, prefix: str = "") -> Leg | None:
    """The leg that the keys with this prefix (`dest`, `localone` …) tell of; None where they tell of none."""
    channel = message.get(prefix + "channel")
    leg, call = message.get(prefix + "uniqueid"), message.get(prefix + "linkedid")
    if not (0 < len(leg) <= ID_LIMIT and 0 < len(call) <= ID_LIMIT):
        return None
    if channel.startswith(_NOT_LEGS) or channel.endswith("<ZOMBIE>"):
        return None
    local = channel.startswith("Local/")
    dialled = message.get(prefix + "exten")
    return Leg(
        id=leg,
        call=call,
        kind="local" if local else "real",
        endpoint=None if local else endpoint_of(channel),
        state=_STATES.get(message.get(prefix + "channelstate"), "down"),
        number=_somebody(message.get(prefix + "calleridnum")),
        name=_somebody(message.get(prefix + "calleridname")),
        dialled=None if dialled in _SPECIAL_EXTENSIONS else dialled,
    )


def alive_of(message: Message) -> Alive | None:
    """A line of the answer to CoreShowChannels."""
    leg = leg_of(message)
    return None if leg is None else Alive(leg=leg, bridge=message.get("bridgeid") or None)


def endpoint_of(channel: str) -> str | None:
    """`PJSIP/1001-0000000a` is a leg of the endpoint 1001."""
    _, slash, rest = channel.partition("/")
    endpoint = rest.rpartition("-")[0] or rest
    return endpoint if slash and endpoint else None


def _somebody(text: str) -> str | None:
    return None if text.strip().casefold() in _NOBODY else text


def _cause(message: Message) -> int | None:
    text = message.get("cause")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else None


_OneLeg = Callable[[Leg, Message], Observation]


def _about_leg(make: _OneLeg) -> Callable[[Message], list[Observation]]:
    def maker(message: Message) -> list[Observation]:
        leg = leg_of(message)
        return [] if leg is None else [make(leg, message)]

    return maker


def _dial_begin(message: Message) -> list[Observation]:
    to = leg_of(message, "dest")
    return [] if to is None else [Dials(leg_of(message), to)]


def _dial_end(message: Message) -> list[Observation]:
    to = leg_of(message, "dest")
    return [] if to is None else [DialEnded(leg_of(message), to, message.get("dialstatus"))]


def _local_bridge(message: Message) -> list[Observation]:
    one, two = leg_of(message, "localone"), leg_of(message, "localtwo")
    return [] if one is None or two is None else [LocalPair(one, two)]


def _bridge_enter(message: Message) -> list[Observation]:
    leg, bridge = leg_of(message), message.get("bridgeuniqueid")
    if leg is None or not bridge:
        return []
    purpose = _PURPOSES.get(message.get("bridgetype"), "conference")
    return [JoinsBridge(leg, bridge, purpose, message.get("swapuniqueid") or None)]


_MAKERS: Final[dict[str, Callable[[Message], list[Observation]]]] = {
    "Newchannel": _about_leg(lambda leg, _: LegAppeared(leg)),
    "Newstate": _about_leg(lambda leg, _: LegChanged(leg)),
    "NewCallerid": _about_leg(lambda leg, _: LegChanged(leg)),
    "DialBegin": _dial_begin,
    "DialEnd": _dial_end,
    "BridgeEnter": _bridge_enter,
    "BridgeLeave": _about_leg(lambda leg, message: LeavesBridge(leg, message.get("bridgeuniqueid"))),
    "LocalBridge": _local_bridge,
    "QueueCallerJoin": _about_leg(lambda leg, message: JoinsQueue(leg, message.get("queue"))),
    "QueueCallerLeave": _about_leg(lambda leg, message: LeavesQueue(leg, message.get("queue"))),
    "QueueCallerAbandon": _about_leg(lambda leg, message: LeavesQueue(leg, message.get("queue"), abandoned=True)),
    "Hold": _about_leg(lambda leg, _: Holds(leg)),
    "Unhold": _about_leg(lambda leg, _: Unholds(leg)),
    "HangupRequest": _about_leg(lambda leg, message: HangupRequested(leg, _cause(message))),
    "Hangup": _about_leg(lambda leg, message: HungUp(leg, _cause(message))),
}
