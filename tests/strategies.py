"""Hypothesis strategies for what goes over the wire, for the tests of every room.

`wire_*` make what the wire carries; `nasty_*` make what people and programs really send, half of which is refused.
"""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from ringpost.model.data import CallData, Party, to_wire

SAFE_INTEGER = 2**53 - 1

# ---- texts -----------------------------------------------------------------------------------------------------------
_EDGE_TEXTS = st.sampled_from(
    ["", "\0", "\x1f", "\x7f", "\u2028", "\u2029", "\ufeff", "\ufffd", "\U0001fffe", '"', "\\", "/", "</script>", "📞"]
)
_BAD_TEXTS = st.sampled_from(["\ud800", "\udfff", "a\ud83d", "\udcde\ud83d", "\ufffe", "x\uffff"])
wire_texts: st.SearchStrategy[str] = _EDGE_TEXTS | st.text().filter(
    lambda text: "\ufffe" not in text and "\uffff" not in text
)
nasty_texts: st.SearchStrategy[str] = wire_texts | _BAD_TEXTS | st.text(st.characters(exclude_categories=()))

# ---- keys: also those that JavaScript keeps in an order of its own, or has a meaning for -----------------------------
_EDGE_KEYS = st.sampled_from(
    ["0", "1", "00", "01", "-0", "-1", "1.5", "1e3", "4294967294", "4294967295", "٣", "größe", "__proto__", "toJSON"]
)
wire_keys: st.SearchStrategy[str] = _EDGE_KEYS | st.integers(0, 2**33).map(str) | wire_texts
nasty_keys: st.SearchStrategy[str] = wire_keys | nasty_texts

# ---- numbers ---------------------------------------------------------------------------------------------------------
_EDGE_FLOATS = st.sampled_from([
    0.0, -0.0, 1.0, 0.1, 1e-4, 1e-5, 1e-6, 1e-7, 1.5e-7, 1.23456789e-5, 1e15, 1e16, 2.0**53, 2.0**53 + 2, 1e20,
    123456789012345680000.0, 1e21, 1.5e21, 1e22, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308,
])  # fmt: skip
wire_floats: st.SearchStrategy[float] = _EDGE_FLOATS | st.floats(allow_nan=False, allow_infinity=False)
wire_integers: st.SearchStrategy[int] = st.integers(-SAFE_INTEGER, SAFE_INTEGER)
nasty_numbers: st.SearchStrategy[float] = (
    wire_floats
    | st.floats()
    | st.integers()
    | st.sampled_from([SAFE_INTEGER, SAFE_INTEGER + 1, SAFE_INTEGER + 2, -SAFE_INTEGER, -SAFE_INTEGER - 1, 10**400])
)


# ---- values ----------------------------------------------------------------------------------------------------------
def _values(leaves: st.SearchStrategy[Any], keys: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.none() | st.booleans() | leaves,
        lambda children: st.lists(children, max_size=5) | st.dictionaries(keys, children, max_size=5),
        max_leaves=20,
    )


def nested(depth: int, leaf: object = None) -> object:
    """A leaf inside of that many lists and objects, in turn."""
    for level in range(depth):
        leaf = {"a": leaf} if level % 2 else [leaf]
    return leaf


wire_values: st.SearchStrategy[Any] = _values(wire_texts | wire_integers | wire_floats, wire_keys)
nasty_values: st.SearchStrategy[Any] = _values(nasty_texts | nasty_numbers, nasty_keys) | st.builds(
    nested, st.integers(28, 36), st.none() | nasty_numbers
)


def _duplicated(document: str) -> str:
    """The same document, in an object that has it twice."""
    return f'{{"a":{document},"b":0,"a":{document}}}'


def nasty_documents() -> st.SearchStrategy[bytes]:
    """JSON as clients write it: any value, spaces and escapes; and such bytes with something broken in them."""
    forms: list[Callable[[object], str]] = [
        json.dumps,
        lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
        lambda value: " " + json.dumps(value, indent=1) + "\n",
        lambda value: _duplicated(json.dumps(value)),
    ]
    whole = st.builds(lambda form, value: form(value), st.sampled_from(forms), nasty_values).map(
        lambda text: text.encode("utf-8", "surrogatepass")
    )
    broken = st.builds(
        lambda raw, at, new: raw[: at % (len(raw) + 1)] + new + raw[at % (len(raw) + 1) + 1 :],
        whole,
        st.integers(0, 10_000),
        st.sampled_from([b"", b'"', b"\\", b"{", b"]", b",", b":", b"0", b"-", b"\xff", b"\0", b"NaN", b'"a":1,']),
    )
    return whole | broken | st.binary(max_size=30)


def has_long_whole_number(value: object) -> bool:
    """Whether a float in it is written by JavaScript as an integer that only a float can be."""
    if isinstance(value, float):
        return math.isfinite(value) and SAFE_INTEGER < abs(value) < 1e21
    if isinstance(value, dict):
        return any(map(has_long_whole_number, value.values()))
    return isinstance(value, list) and any(map(has_long_whole_number, value))


# ---- events ----------------------------------------------------------------------------------------------------------
_maybe_texts = st.none() | wire_texts
_durations = st.integers(0, 10**9)

parties: st.SearchStrategy[Party] = st.builds(
    Party,
    type=st.sampled_from(["LOCAL", "REMOTE"]),
    **{key: _maybe_texts for key in Party.__struct_fields__[1:]},  # noqa: C420 - dict.fromkeys types it as Any
)
_common: dict[str, st.SearchStrategy[Any]] = {
    "status": st.sampled_from(["CONNECTING", "RINGING", "TALKING", "HOLD"]),
    "caller": st.none() | parties,
    "callee": st.none() | parties,
    "service": _maybe_texts,
    "destination": _maybe_texts,
    "trunkName": _maybe_texts,
    "queueName": _maybe_texts,
    "queueId": _maybe_texts,
    "tags": st.lists(wire_texts, max_size=3).map(tuple),
    "flags": st.lists(wire_texts, max_size=3).map(tuple),
    "direction": st.sampled_from([None, "INBOUND", "OUTBOUND", "INTERNAL"]),
}
call_data: st.SearchStrategy[CallData] = st.builds(CallData, **_common)
ended_call_data: st.SearchStrategy[CallData] = st.builds(
    CallData,
    **_common,
    endCause=st.integers(1, 127).map(str),
    endCauseStr=wire_texts,
    endBy=st.sampled_from(["CALLER", "CALLEE", None]),
    waitTime=_durations,
    talkTime=_durations,
    duration=_durations,
)
# The wire's `data`, of any event: sources' own, and with keys that an API client added.
wire_data: st.SearchStrategy[dict[str, Any]] = st.builds(
    lambda data, added: {**data, **{key: value for key, value in added.items() if key not in data}},
    st.builds(lambda data, extra: to_wire(data, ended=False, extra_keys=extra), call_data, st.booleans())
    | st.builds(lambda data, extra: to_wire(data, ended=True, extra_keys=extra), ended_call_data, st.booleans()),
    st.just({}) | st.dictionaries(wire_keys, wire_values, max_size=4),
)
call_ids: st.SearchStrategy[str] = st.from_regex(
    r"[a-z]{2}_[a-z0-9]{4,8}_[0-9]{10}\.[0-9]{1,4}(-[2-9])?", fullmatch=True
)
integration_ids: st.SearchStrategy[str] = st.from_regex(r"[0-9a-z]{6}", fullmatch=True)
times: st.SearchStrategy[int] = st.integers(0, 253_402_300_799_999)  # ms, to the end of the year 9999

# ---- secrets ---------------------------------------------------------------------------------------------------------
generated_secrets: st.SearchStrategy[str] = st.binary(min_size=24, max_size=64).map(
    lambda key: "whsec_" + b64encode(key).decode()
)
foreign_secrets: st.SearchStrategy[str] = st.text(
    st.characters(codec="utf-8").filter(str.isprintable), min_size=8, max_size=256
).filter(lambda secret: not secret.startswith("whsec_"))
