"""Recordings of a manager interface as timed messages: what `ringpost record` writes, and what others captured.

Three forms are told apart by their content: frames `@ <unix time> <direction> <bytes>` with so many raw bytes after
each (`<` received, `>` sent, `!` a note); plain messages (`Event: …`, an empty line between them); JSON, as a list of
events or one a line. Times that a form does not have come from `Timestamp` headers, and stand still without them.
Promise: any bytes can be read; what cannot be understood is left out and counted. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from msgspec import Struct

from .frames import FrameReader, Message, clean, unescape

HEAD: Final = b"# ami-recording v1"
CLOSED: Final = b"closed by server"

_FRAME: Final = re.compile(rb"^@ (\d{1,12})(?:\.(\d{1,9}))? ([<>!]) (\d{1,10})\r?\n", re.MULTILINE)
_BANNER: Final = re.compile(rb"^Asterisk Call Manager/", re.MULTILINE)
_NAMES: Final = ("calleridname", "connectedlinename")
_TIME: Final = re.compile(r"(\d{9,10})(?:\.(\d{1,9}))?")
_EPOCH: Final = re.compile(r"(?:^|-)(\d{9,10})\.\d+$")  # Asterisk's own Uniqueid, after the system's name
_TIME_KEYS: Final = ("time", "timestamp", "ts", "at")
_EVENT_KEYS: Final = ("event", "message", "data")


class Heard(Struct, frozen=True):
    """One message of the PBX and when it came (ms since the epoch); None: the connection was closed."""

    time: int
    message: Message | None


class Recording(Struct, frozen=True):
    """heard: in order, times never decrease; still: no time was said, so that the clock stands still; dropped: messages
    that were broken or too large, and pieces that were none."""

    heard: tuple[Heard, ...]
    still: bool = False
    dropped: int = 0


class Frame(Struct, frozen=True):
    """time: ms; direction: `<` received, `>` sent, `!` a note."""

    time: int
    direction: str
    data: bytes


def read_recording(raw: bytes) -> Recording:
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if _FRAME.search(raw, 0, 4_096):
        return _of_frames(raw)
    if raw.lstrip()[:1] in {b"[", b"{"}:
        return _of_json(raw)
    return _of_blocks(raw)


def frames(raw: bytes) -> Iterator[Frame]:
    """The frames of a recording. Where a length does not fit (the file was cut, or its line ends were converted), the
    frame goes on to the next line that begins one."""
    match = _FRAME.search(raw)
    while match is not None:
        time = _ms(match[1].decode(), (match[2] or b"").decode())
        end = match.end() + int(match[4])
        following = _frame_at(raw, end)
        if following is None and (end > len(raw) or raw[end:].strip()):
            following = _FRAME.search(raw, match.end())
            end = len(raw) if following is None else following.start()
        yield Frame(time, match[3].decode(), raw[match.end() : end])
        match = following


def frame(time: int, direction: str, data: bytes) -> bytes:
    """A frame as it is written. time: ms."""
    return f"@ {time // 1_000}.{time % 1_000:03d}000 {direction} {len(data)}\n".encode() + data + b"\n"


def _frame_at(raw: bytes, place: int) -> re.Match[bytes] | None:
    while raw[place : place + 1] in {b"\n", b"\r"}:
        place += 1
    return _FRAME.match(raw, place)


def _of_frames(raw: bytes) -> Recording:
    reader = FrameReader()
    heard: list[Heard] = []
    now = dropped = 0
    for frame in frames(raw):
        now = max(now, frame.time)
        closed = frame.direction == "!" and b"closed" in frame.data
        if closed or (frame.direction == "<" and _BANNER.match(frame.data)):
            dropped += reader.dropped
            reader = FrameReader()
        if closed:
            heard.append(Heard(now, None))
        elif frame.direction == "<":
            heard += [Heard(now, message) for message in reader.feed(frame.data)]
    return Recording(tuple(heard), dropped=dropped + reader.dropped)


def _of_blocks(raw: bytes) -> Recording:
    messages: list[Message] = []
    dropped = 0
    starts = [0, *(match.start() for match in _BANNER.finditer(raw) if match.start() > 0), len(raw)]
    for start, end in pairwise(starts):
        reader = FrameReader()
        messages += reader.feed(raw[start:end] + b"\n\n")
        dropped += reader.dropped
    return _timed([(None, message) for message in messages], dropped)


def _of_json(raw: bytes) -> Recording:
    items, dropped = _documents(raw)
    messages: list[tuple[int | None, Message]] = []
    for item in items:
        read = _item(item)
        dropped += read is None
        if read is not None:
            messages.append(read)
    return _timed(messages, dropped)


def _documents(raw: bytes) -> tuple[list[object], int]:
    """The events of one document, or of a document a line, and how many lines were none."""
    text = raw.decode("utf-8", "replace")
    try:
        return _listed(json.loads(text)), 0
    except (ValueError, RecursionError):
        pass
    items: list[object] = []
    dropped = 0
    for line in text.splitlines():
        if not line.strip():
            continue
        try:
            items += _listed(json.loads(line))
        except (ValueError, RecursionError):
            dropped += 1
    return items, dropped


def _listed(document: object) -> list[object]:
    if isinstance(document, list):
        return document
    if isinstance(document, dict) and isinstance(document.get("events"), list):
        return list(document["events"])
    return [document]


def _item(item: object) -> tuple[int | None, Message] | None:
    """An event as an object, or wrapped in one that says its time."""
    if not isinstance(item, dict):
        return None
    keys = {str(key).casefold(): value for key, value in item.items()}
    inner = next((keys[key] for key in _EVENT_KEYS if isinstance(keys.get(key), dict)), None)
    if inner is None:
        message = _message(item)
        return None if message is None else (None, message)
    message = _message(inner)
    times = (_time_of(str(keys[key])) for key in _TIME_KEYS if key in keys)
    return None if message is None else (next(times, None), message)


def _message(fields: dict[object, object]) -> Message | None:
    read: dict[str, str] = {}
    for raw_key, given in fields.items():
        value = given[0] if isinstance(given, list) and given else given
        if isinstance(value, (dict, list)):
            continue
        key = clean(_bytes(raw_key)).strip().lower()
        text = _bytes("" if value is None else value)
        read.setdefault(key, unescape(text) if key.endswith(_NAMES) else clean(text))
    return Message(read) if "event" in read or "response" in read else None


def _bytes(value: object) -> bytes:
    return str(value).encode("utf-8", "surrogatepass")


def _timed(messages: list[tuple[int | None, Message]], dropped: int) -> Recording:
    times = [_time_of(message.get("timestamp")) if time is None else time for time, message in messages]
    first = next((time for time in times if time is not None), None)
    now = _began(messages) if first is None else first
    heard = []
    for time, (_, message) in zip(times, messages, strict=True):
        now = now if time is None else max(now, time)
        heard.append(Heard(now, message))
    return Recording(tuple(heard), still=first is None, dropped=dropped)


def _began(messages: list[tuple[int | None, Message]]) -> int:
    """When the first channel was made, as its id says (ms); 0 where no id says that."""
    for _, message in messages:
        match = _EPOCH.search(message.get("uniqueid"))
        if match is not None:
            return int(match[1]) * 1_000
    return 0


def _time_of(text: str) -> int | None:
    """Seconds since the epoch, or milliseconds where there are 12 or 13 digits."""
    if text.isascii() and text.isdigit() and len(text) in {12, 13}:
        return int(text)
    match = _TIME.fullmatch(text.strip())
    return None if match is None else _ms(match[1], match[2] or "")


def _ms(seconds: str, fraction: str) -> int:
    return int(seconds) * 1_000 + int(fraction[:3].ljust(3, "0"))
