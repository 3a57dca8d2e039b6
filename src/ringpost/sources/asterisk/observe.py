"""AMI events as observations: what each event says, in the call machine's words.

Pure, and without memory: one event, the observations that it makes, in order. Events that say nothing of a call make
none. Channels that the PBX makes for itself are no legs.
Events: https://docs.asterisk.org/Latest_API/API_Documentation/AMI_Events/
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from ringpost.calls.observation import (
    Alive,
    DialEnded,
    Dials,
    Ends,
    EntersConference,
    HandsOver,
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
    Parks,
    PicksUp,
    Purpose,
    QueueCallEnds,
    Rings,
    Runs,
    SendsOn,
    Service,
    Unholds,
    Unparks,
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
_NUMBER: Final = re.compile(r"[+*#]?[0-9]{3,32}", re.ASCII)
_ZOMBIE: Final = "<ZOMBIE>"
_NOBODY: Final = frozenset({"", "<unknown>", "anonymous", "private", "restricted", "unavailable", "unknown"})
_SPECIAL_EXTENSIONS: Final = frozenset({"", "s", "h", "i", "t", "e", "o", "a", "T", "fax", "failed"})
_PURPOSES: Final[dict[str, Purpose]] = {"basic": "talk", "stasis": "talk", "parking": "park"}  # by BridgeType
# Contexts that FreePBX gives to its endpoints; what others are called says nothing.
_INSIDE: Final = {"from-internal": True, "from-trunk": False, "from-pstn": False, "from-dahdi": False}
_HEARD_EARLY: Final = frozenset({"RINGING", "PROGRESS"})  # DialStatus of DialState; many trunks send 183 and no 180
_SERVICES: Final[dict[str, Service]] = {  # by application
    "background": "ivr",
    "backgrounddetect": "ivr",
    "directory": "ivr",
    "minivmrecord": "voicemail",
    "read": "ivr",
    "voicemail": "voicemail",
    "waitexten": "ivr",
}
_ROOMS: Final = frozenset({"confbridge", "meetme"})  # applications whose first argument is the room's name


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
    if channel.startswith(_NOT_LEGS) or channel.endswith(_ZOMBIE):
        return None
    local = channel.startswith("Local/")
    dialled = message.get(prefix + "exten")
    return Leg(
        id=leg,
        call=call,
        kind="local" if local else "real",
        endpoint=channel.rpartition(";")[0] or None if local else endpoint_of(channel),
        state=_STATES.get(message.get(prefix + "channelstate"), "down"),
        number=_somebody(message.get(prefix + "calleridnum")),
        name=_somebody(message.get(prefix + "calleridname")),
        dialled=None if dialled in _SPECIAL_EXTENSIONS else dialled,
        inside=_INSIDE.get(message.get(prefix + "context").casefold()),
    )


def alive_of(message: Message) -> Alive | None:
    """A line of the answer to CoreShowChannels."""
    leg = leg_of(message)
    if leg is None:
        return None
    application = message.get("application").casefold()
    room = message.get("applicationdata").partition(",")[0] if application in _ROOMS else ""
    return Alive(
        leg=leg,
        bridge=message.get("bridgeid") or None,
        service=_SERVICES.get(application),
        conference=room or None,
    )


def runs_of(message: Message) -> list[Observation]:
    """A line of the answer to Status, or a step of the dialplan: what an application does with the leg."""
    leg, service = leg_of(message), _SERVICES.get(message.get("application").casefold())
    return [] if leg is None or service is None else [Runs(leg, service)]


def endpoint_of(channel: str) -> str | None:
    """`PJSIP/1001-0000000a` is a leg of the endpoint 1001, `DAHDI/i1/5550100-1` one of the span i1."""
    _, slash, rest = channel.partition("/")
    endpoint = (rest.rpartition("-")[0] or rest).partition("/")[0]
    return endpoint if slash and endpoint else None


def number_in(dialstring: str) -> str | None:
    """The number that a dial string sends to a trunk: `+15550100@trunk`, `trunk/0155`, `trunk/sip:0155@host`."""
    last = dialstring.rpartition("/")[2]
    number = last.removeprefix("sip:").partition("@")[0].partition(":")[0]
    return number if _NUMBER.fullmatch(number) else None


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
    return [] if to is None else [Dials(leg_of(message), to, number_in(message.get("dialstring")))]


def _dial_end(message: Message) -> list[Observation]:
    to = leg_of(message, "dest")
    return [] if to is None else [DialEnded(leg_of(message), to, message.get("dialstatus"))]


def _dial_state(message: Message) -> list[Observation]:
    to = leg_of(message, "dest")
    heard = message.get("dialstatus").upper() in _HEARD_EARLY
    return [Rings(leg_of(message), to)] if to is not None and heard else []


def _blind_transfer(message: Message) -> list[Observation]:
    leg = leg_of(message, "transferer")
    if leg is None or not _succeeded(message):
        return []
    return [SendsOn(leg, leg_of(message, "transferee"), message.get("extension") or None)]


def _attended_transfer(message: Message) -> list[Observation]:
    first, second = leg_of(message, "origtransferer"), leg_of(message, "secondtransferer")
    if not _succeeded(message) or (first is None and second is None):
        return []
    if message.get("desttype").casefold() == "threeway":
        return []  # who transferred stays, and talks with both: the bridges tell it
    one = first or second
    other = second or first
    return [] if one is None or other is None else [HandsOver(one, other)]


def _succeeded(message: Message) -> bool:
    return message.get("result").casefold() in {"", "success"}


def _pickup(message: Message) -> list[Observation]:
    leg, target = leg_of(message), leg_of(message, "target")
    return [] if leg is None or target is None else [PicksUp(leg, target)]


def _parks(message: Message) -> list[Observation]:
    leg = leg_of(message, "parkee")
    return [] if leg is None else [Parks(leg)]


def _unparks(message: Message) -> list[Observation]:
    leg = leg_of(message, "parkee")
    return [] if leg is None else [Unparks(leg, gave_up=message.event == "ParkedCallGiveUp")]


def _agent_complete(message: Message) -> list[Observation]:
    leg = leg_of(message)
    by_caller = {"caller": True, "agent": False}.get(message.get("reason").casefold())
    return [] if leg is None else [QueueCallEnds(leg, message.get("queue"), by_caller)]


def _conference_join(message: Message) -> list[Observation]:
    leg, room = leg_of(message), message.get("conference")
    return [] if leg is None or not room else [EntersConference(leg, room)]


def _meetme_join(message: Message) -> list[Observation]:
    """MeetMe mixes without a bridge of the PBX: the room itself stands for it."""
    leg, room = leg_of(message), message.get("meetme")
    if leg is None or not room:
        return []
    return [EntersConference(leg, room), JoinsBridge(leg, f"meetme-{room}", "conference")]


def _local_bridge(message: Message) -> list[Observation]:
    one, two = leg_of(message, "localone"), leg_of(message, "localtwo")
    return [] if one is None or two is None else [LocalPair(one, two)]


def _hangup(message: Message) -> list[Observation]:
    """Also of a channel whose place another took: it ends under a name of its own, with the id that the leg had."""
    leg = leg_of(Message({**message.fields, "channel": message.get("channel").removesuffix(_ZOMBIE)}))
    return [] if leg is None else [HungUp(leg, _cause(message))]


def _bridge_enter(message: Message) -> list[Observation]:
    leg, bridge = leg_of(message), message.get("bridgeuniqueid")
    if leg is None or not bridge:
        return []
    by_technology: Purpose = "wait" if message.get("bridgetechnology") == "holding_bridge" else "conference"
    purpose = _PURPOSES.get(message.get("bridgetype"), by_technology)
    return [JoinsBridge(leg, bridge, purpose, message.get("swapuniqueid") or None)]


_MAKERS: Final[dict[str, Callable[[Message], list[Observation]]]] = {
    "Newchannel": _about_leg(lambda leg, _: LegAppeared(leg)),
    "Newstate": _about_leg(lambda leg, _: LegChanged(leg)),
    "NewCallerid": _about_leg(lambda leg, _: LegChanged(leg)),
    "DialBegin": _dial_begin,
    "DialState": _dial_state,
    "DialEnd": _dial_end,
    "BlindTransfer": _blind_transfer,
    "AttendedTransfer": _attended_transfer,
    "Pickup": _pickup,
    "ParkedCall": _parks,
    "ParkedCallTimeOut": _unparks,
    "ParkedCallGiveUp": _unparks,
    "UnParkedCall": _unparks,
    "ConfbridgeJoin": _conference_join,
    "MeetmeJoin": _meetme_join,
    "MeetmeLeave": _about_leg(lambda leg, message: LeavesBridge(leg, f"meetme-{message.get('meetme')}")),
    "AgentComplete": _agent_complete,
    "Newexten": runs_of,
    "SoftHangupRequest": _about_leg(lambda leg, _: Ends(leg)),
    "BridgeEnter": _bridge_enter,
    "BridgeLeave": _about_leg(lambda leg, message: LeavesBridge(leg, message.get("bridgeuniqueid"))),
    "LocalBridge": _local_bridge,
    "AgentCalled": _about_leg(lambda leg, message: JoinsQueue(leg, message.get("queue"))),
    "AgentConnect": _about_leg(lambda leg, message: JoinsQueue(leg, message.get("queue"))),
    "QueueCallerJoin": _about_leg(lambda leg, message: JoinsQueue(leg, message.get("queue"))),
    "QueueCallerLeave": _about_leg(lambda leg, message: LeavesQueue(leg, message.get("queue"))),
    "QueueCallerAbandon": _about_leg(lambda leg, message: LeavesQueue(leg, message.get("queue"), abandoned=True)),
    "Hold": _about_leg(lambda leg, _: Holds(leg)),
    "Unhold": _about_leg(lambda leg, _: Unholds(leg)),
    "HangupRequest": _about_leg(lambda leg, message: HangupRequested(leg, _cause(message))),
    "Hangup": _hangup,
}
