"""Every type of call event with its JSON Schema and an example, for the API reference, OpenAPI's `webhooks` and docs.

Notices have a catalogue of their own (`notices`).

Promise: the keys are those of `ringpost.model.data`, in the wire's order, so that what is documented is what is sent.
A schema stands alone (no `$ref`), so it can be put into any document. It says what receivers may rely on: keys may be
added, so none of the objects is closed.
"""

from __future__ import annotations

from typing import Any, Final, cast

from ringpost.model.data import DATA_KEYS, EXTRA_KEYS, PARTY_KEYS, TIME_KEYS, CallData, Party, to_wire
from ringpost.model.event import CALL_END, CALL_START, CALL_UPDATE

from . import canonical
from .schema import (
    EventKind,
    Schema,
    body_schema,
    choice_or_null,
    milliseconds,
    object_of,
    text_or_null,
    texts,
)

_PARTY: Final[dict[str, Schema]] = {
    "type": {"type": "string", "enum": ["LOCAL", "REMOTE"], "description": "LOCAL: of this PBX; REMOTE: outside."},
    "phone": text_or_null("The number, as the PBX has it; of the outside, where a region is set, as +390461234567."),
    "name": text_or_null("The name to show."),
    "company": text_or_null("The company that the person belongs to."),
    "email": text_or_null("The person's e-mail address."),
    "userId": text_or_null("The user's id in the PBX."),
    "userExtension": text_or_null("The user's extension."),
    "userDepartment": text_or_null("The user's department."),
    "groupId": text_or_null("The id of the user's group."),
    "groupName": text_or_null("The name of the user's group."),
    "userAgent": text_or_null("What the phone says it is."),
    "userDevice": text_or_null("The kind of device in use."),
}

_DATA: Final[dict[str, Schema]] = {
    "status": {
        "type": "string",
        "examples": ["CONNECTING", "RINGING", "TALKING", "HOLD"],
        "description": (
            "CONNECTING, RINGING, TALKING or HOLD; a client of the API may send others. "
            "call:end keeps the last status of the call, which shows whether it was answered."
        ),
    },
    "service": text_or_null("The service of the PBX that the call is for."),
    "destination": text_or_null("The number that was dialled, as it was dialled."),
    "trunkName": text_or_null("The trunk that the call came in or went out by."),
    "queueName": text_or_null("The name of the call queue: the directory's, or else the PBX's own."),
    "queueId": text_or_null("The PBX's own name or number of the call queue."),
    "tags": texts("Marks that people or the dialplan gave the call."),
    "flags": texts("Marks of the call's course; `resumed` and `reconciled`: seen again after an interruption."),
    "endCause": text_or_null("The Q.850 cause as a string, as in 16. Null until call:end."),
    "endCauseStr": text_or_null("The cause in words. Null until call:end."),
    "endBy": choice_or_null("Who hung up; null: the PBX. Null until call:end.", "CALLER", "CALLEE"),
    "direction": choice_or_null("Which way the call goes; null: not known.", "INBOUND", "OUTBOUND", "INTERNAL"),
    "waitTime": milliseconds("How long the call waited for an answer, in ms. In call:end alone."),
    "talkTime": milliseconds("How long there was talk, in ms. In call:end alone."),
    "duration": milliseconds("How long the call took from start to end, in ms. In call:end alone."),
}
_END_KEYS: Final = ("endCause", "endCauseStr", "endBy")


def _party_schema(description: str) -> Schema:
    properties = {key: _PARTY[key] for key in PARTY_KEYS}
    return object_of(properties, PARTY_KEYS, description) | {"type": ["object", "null"]}


def _data_schema(kind: str) -> Schema:
    """`data`: DATA_KEYS are always there; an operator may have switched off EXTRA_KEYS."""
    parts = _DATA | {
        "caller": _party_schema("Who calls; null: not known."),
        "callee": _party_schema("Who is called; null: not known yet."),
    }
    keys = (*DATA_KEYS, *EXTRA_KEYS)
    if kind != CALL_END:
        parts |= {key: {"type": "null", "description": "Null until call:end."} for key in _END_KEYS}
        keys = tuple(key for key in keys if key not in TIME_KEYS)
    return object_of({key: parts[key] for key in keys}, DATA_KEYS, "The state of the call.")


_CALLER: Final = Party(type="REMOTE", phone="+390461000112", name="Bianchi Srl")
_CALLEE: Final = Party(
    type="LOCAL",
    phone="204",
    name="Anna Conti",
    email="anna.conti@example.com",
    userId="1257",
    userExtension="204",
    userDepartment="Support",
    groupId="3",
    groupName="Default",
)


def _example(kind: str, time: int, status: str, callee: Party | None, **end: Any) -> dict[str, Any]:
    data = CallData(
        status=status,
        caller=_CALLER,
        callee=callee,
        destination="+390461000204",
        trunkName="trunk-trento",
        queueName="Support",
        queueId="7",
        tags=("vip",),
        direction="INBOUND",
        **end,
    )
    body = canonical.splice(
        call="it_w000042_1693389850.110",
        pbx="221100000042",
        time=time,
        company="it_w000042",
        type=kind,
        integration="8qkmnq",
        data=canonical.encode(to_wire(data, ended=kind == CALL_END, extra_keys=True)),
    )
    return cast("dict[str, Any]", canonical.parse(body))


def _kind(kind: str, summary: str, description: str, example: dict[str, Any]) -> EventKind:
    schema = body_schema(
        kind,
        summary,
        id_is="The call's id, the same in all of its events. To deduplicate, use the header webhook-id.",
        pbx_is="The serial of the PBX, or `api`.",
        data=_data_schema(kind),
    )
    return EventKind(type=kind, summary=summary, description=description, schema=schema, example=example)


_KINDS: Final = (
    _kind(
        CALL_START,
        "A call has begun.",
        "The first event of every call. Sent as soon as the call is seen, before anybody is rung.",
        _example(CALL_START, 1693389850810, "CONNECTING", None),
    ),
    _kind(
        CALL_UPDATE,
        "A call has changed.",
        "Sent when something that `data` shows has changed: it rings, is answered, is held, is transferred.",
        _example(CALL_UPDATE, 1693389852202, "TALKING", _CALLEE),
    ),
    _kind(
        CALL_END,
        "A call has ended.",
        "The last event of every call; nothing follows it. It says why the call ended and how long it took.",
        _example(
            CALL_END,
            1693389921613,
            "TALKING",
            _CALLEE,
            endCause="16",
            endCauseStr="Normal Clearing",
            endBy="CALLER",
            waitTime=1392,
            talkTime=69411,
            duration=70803,
        ),
    ),
)

EVENT_CATALOG: Final[dict[str, EventKind]] = {kind.type: kind for kind in _KINDS}
"""Every type of call event, by its name, in the order of a call's life."""
