"""What a body tells, as typed and frozen values. Nothing that was sent gets lost. Pure.

Names are those of the wire in Python's spelling (`endCauseStr` is `end_cause_str`). Keys that this version does not
know, and values of another type than the one that is promised, are kept in `extra`; `Event.raw` is the whole of what
was sent. Times are milliseconds since the Unix epoch, and durations milliseconds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Optional, TypeVar, Union

_Made = TypeVar("_Made", bound="Union[Party, CallData, Notice]")


@dataclass(frozen=True)
class Party:
    """Who calls, or who is called. type: LOCAL (of this PBX) or REMOTE."""

    type: Optional[str] = None
    phone: Optional[str] = None
    name: Optional[str] = None
    company: Optional[str] = None
    email: Optional[str] = None
    user_id: Optional[str] = None
    user_extension: Optional[str] = None
    user_department: Optional[str] = None
    group_id: Optional[str] = None
    group_name: Optional[str] = None
    user_agent: Optional[str] = None
    user_device: Optional[str] = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CallData:
    """The state of a call. end_…: None until `call:end`; wait_time, talk_time, duration: ms, in `call:end` alone."""

    status: Optional[str] = None
    caller: Optional[Party] = None
    callee: Optional[Party] = None
    service: Optional[str] = None
    destination: Optional[str] = None
    trunk_name: Optional[str] = None
    queue_name: Optional[str] = None
    queue_id: Optional[str] = None
    tags: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    end_cause: Optional[str] = None
    end_cause_str: Optional[str] = None
    end_by: Optional[str] = None
    direction: Optional[str] = None
    wait_time: Optional[int] = None
    talk_time: Optional[int] = None
    duration: Optional[int] = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Notice:
    """What a `notice:…` tells: of an integration that is paused, a PBX that is lost."""

    message: Optional[str] = None
    integration: Optional[str] = None
    pbx: Optional[str] = None
    delivery: Optional[str] = None
    reason: Optional[str] = None
    since: Optional[int] = None
    count: Optional[int] = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """One event. id: the call's, the same in all of its events; time: ms; data: of a type that is not known here, as it
    was sent; extra: keys of the envelope that are not known here; raw: all that was sent."""

    id: str
    pbx: str
    time: int
    company: str
    type: str
    integration_id: str
    data: Union[CallData, Notice, Mapping[str, Any]]
    extra: Mapping[str, Any]
    raw: Mapping[str, Any]

    @property
    def call(self) -> CallData:
        """The data of a call event. Raises TypeError for any other."""
        if isinstance(self.data, CallData):
            return self.data
        raise TypeError(f"{self.type} is no call event")


@dataclass(frozen=True)
class Delivery:
    """An event as it was delivered. id: the same at each try, to know it again by; attempt: from 1; sequence: the
    event's number within its call, from 1; replay: which replay it is, 0 for none; timestamp: of the attempt, in
    seconds, None where it was not signed. What the sender did not say is None."""

    id: Optional[str]
    event: Event
    timestamp: Optional[int]
    attempt: Optional[int]
    sequence: Optional[int]
    replay: int = 0


def parse_event(body: bytes) -> Event:
    """Raises ValueError where the body is no event. It says nothing of who sent it: `verify` does."""
    raw = json.loads(body)
    if not isinstance(raw, dict):
        raise ValueError("the body is no JSON object")
    known = {"id": str, "pbx": str, "time": int, "company": str, "type": str, "integrationId": str}
    for name, kind in known.items():
        if not isinstance(raw.get(name), kind) or isinstance(raw[name], bool):
            raise ValueError(f"the body is no event: `{name}` is missing, or no {kind.__name__}")
    if not isinstance(raw.get("data"), dict):
        raise ValueError("the body is no event: `data` is missing, or no object")
    return Event(
        id=raw["id"],
        pbx=raw["pbx"],
        time=raw["time"],
        company=raw["company"],
        type=raw["type"],
        integration_id=raw["integrationId"],
        data=_data(raw["type"], raw["data"]),
        extra={name: value for name, value in raw.items() if name not in known and name != "data"},
        raw=raw,
    )


def _data(kind: str, sent: Mapping[str, Any]) -> Union[CallData, Notice, Mapping[str, Any]]:
    if kind.startswith("call:"):
        return _made(CallData, sent)
    return _made(Notice, sent) if kind.startswith("notice:") else sent


def _made(kind: type[_Made], sent: Mapping[str, Any]) -> _Made:
    """One of ours out of what was sent."""
    names = {_wire_name(one.name): one.name for one in fields(kind) if one.name != "extra"}
    values: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for key, value in sent.items():
        name = names.get(key)
        if name is not None and (value is None or _fits(name, value)):
            if value is not None:
                values[name] = _typed(name, value)
        else:
            extra[key] = value
    return kind(**values, extra=extra)


def _wire_name(name: str) -> str:
    return re.sub(r"_(.)", lambda found: found[1].upper(), name)


_PARTIES = ("caller", "callee")
_LISTS = ("tags", "flags")
_NUMBERS = ("wait_time", "talk_time", "duration", "since", "count")


def _fits(name: str, value: object) -> bool:
    if name in _PARTIES:
        return isinstance(value, dict)
    if name in _LISTS:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if name in _NUMBERS:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, str)


def _typed(name: str, value: Any) -> Any:
    if name in _PARTIES:
        return _made(Party, value)
    return tuple(value) if name in _LISTS else value
