"""Makes docs/calls.md: each kind of call and the events that it makes, as the recordings yield them.

`./run docs` writes the page; `test_page` fails where the committed one is another.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from ringpost.calls.causes import cause_text
from ringpost.calls.events import CallEvent
from ringpost.calls.machine import COALESCE, HOLD
from ringpost.model.data import CallData, Party
from tests.calls.kinds import GROUPS, Kind
from tests.calls.table import TABLE
from tests.recordings.play import play

PAGE: Final = Path(__file__).parents[2] / "docs" / "calls.md"

_INTRODUCTION: Final = f"""\
# Calls and their events

<!-- Made by ./run docs from the tests of the call machine (tests/calls). Do not edit it by hand. -->

For each kind of call, this page shows what happened in the room and the events that a receiver gets. All of it is
recorded from a real Asterisk and played by Ringpost's own code; a test fails when this page is not what comes out.

In the examples 1001, 1002 and 1003 are phones in the house, and +15005550123 is somebody outside, behind the trunk
SIPTRUNK. Columns that would be empty are left out, and so are the other keys of the parties (name, e-mail …), which
[the README shows](../README.md#what-a-receiver-gets).

## The rules

**Each call has one `id`, one call:start and one call:end.** call:start comes first, call:end last, and `time` never
goes back. Between them come as many call:update as there is news; each event says the whole state, so the last one is
all that you need.

**When call:start comes.** Once somebody is called, the call is answered, or it enters a queue; {HOLD / 1_000:g} s after
it appeared at the latest (`start_hold_ms`). What vanishes before that, as scanners from the internet do, or becomes
part of another call, as a pickup code does, is not told. A call to an emergency number is told at once, with the tag
`emergency`.

**When call:update comes.** When something that is told has changed. Changes within {COALESCE} ms come as one
(`coalesce_ms`), so a state that lasts shorter may not be seen; what is left is told before call:end.

**`status`**

| status | what is going on |
| --- | --- |
| CONNECTING | the caller is alone: before a phone rings, in a queue, in a menu, with an announcement |
| RINGING | at least one phone of somebody who is called rings |
| TALKING | two people are connected, or a mailbox records; never merely because the PBX answered |
| HOLD | there was talk, and one holds the other, or who is left is parked |

It can go back: after a transfer to a phone that rings, TALKING becomes RINGING. call:end keeps the last status, so it
shows how far the call came: TALKING or HOLD mean that it was answered.

**`caller`, `callee`, `destination`.** The caller and the callee are the people as they are now: `LOCAL` in the house,
`REMOTE` outside, null where nobody is known. The extension of a person stays, whatever number the PBX shows outside.
`destination` is what was dialled; only a blind transfer changes it.

**`endCause`** is a Q.850 cause as text, `endCauseStr` Asterisk's own words for it. **`endBy`** is the side whose
leaving ended the call; one that is busy, declines or does not exist is the `CALLEE`. It is null where the PBX did it (a
time-out, an announcement that is over, an administrator, a shutdown): nobody is guessed. One member of a group or queue
who declines ends nothing; if all of a group do, it was the `CALLEE`.
"""

_CAUSES_SAID: Final = {
    "1": "the number does not exist",
    "16": "it was hung up, also before an answer",
    "17": "the called one is busy",
    "19": "nobody answered",
    "20": "the phone is not reachable (not registered)",
    "21": "the called one declined, or all of a group did",
    "31": "the end was not seen (flag `reconciled`)",
    "34": "no line is free, or the provider fails",
}
_AFTER_CAUSES: Final = """\
Others are passed on as the PBX says them, but for 0, 26 and 127, which say nothing of a call and are never told.

**`flags` and `tags`**

| flag | when |
| --- | --- |
| `transferred` | this call was the question before a transfer; it ends, and the first call goes on with its new party |
| `merged` | this call became part of another before anybody was called in it |
| `voicemail` | a mailbox answered: nobody should count it as answered by a person |
| `click2call` | a program made the call |
| `resumed` | the call was found going on when Ringpost connected; what was before is not known |
| `reconciled` | its end was not seen, say because the connection to the PBX was lost; it ended at this time or before |

The tag `emergency` marks a call to an emergency number, `conference` one in which three or more talk.

**`direction`** is INBOUND, OUTBOUND or INTERNAL, and stays through transfers. call:end also has **`waitTime`** (until
two people talked; a mailbox is nobody), **`talkTime`** (all talk, hold included) and **`duration`**, in ms. The setting
`extra_keys = false` leaves these four out.

**Duplicates.** An event can be delivered twice, with the same `webhook-id`. Deduplicate on that, not on `id`, which all
events of a call have in common.
"""

_COLUMNS: Final = (
    "call", "type", "status", "caller", "callee", "destination", "queueName", "service", "flags", "tags",
)  # fmt: skip


def page() -> str:
    """The whole page."""
    parts = [_INTRODUCTION, _causes(), _AFTER_CAUSES, "## The kinds of calls\n", _contents()]
    for group in GROUPS:
        parts.append(f"## {group.title}\n\n{_wrapped(group.about)}\n")
        parts.extend(_kind(kind) for kind in group.kinds)
    return "\n".join(parts)


def _causes() -> str:
    rows = [[cause, cause_text(int(cause)), said] for cause, said in _CAUSES_SAID.items()]
    return _table(("endCause", "endCauseStr", "when"), rows)


def causes_told() -> set[str]:
    """Every cause that a call of the tests' table ends with."""
    return {told.cause for calls in TABLE.values() for told in calls}


def causes_explained() -> set[str]:
    return set(_CAUSES_SAID)


def _contents() -> str:
    lines = []
    for group in GROUPS:
        kinds = " · ".join(f"[{kind.title}](#{_anchor(kind.title)})" for kind in group.kinds)
        lines.append(f"- **[{group.title}](#{_anchor(group.title)})**: {kinds}")
    return "\n".join(lines) + "\n"


def _anchor(title: str) -> str:
    """As the usual Markdown sites make it."""
    return title.casefold().replace(" ", "-")


def _kind(kind: Kind) -> str:
    return f"### {kind.title}\n\n{_wrapped(kind.story)}\n\n{_events(play(kind.recording))}"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)


def _events(events: Sequence[CallEvent]) -> str:
    if not events:
        return "No event.\n"
    names = {call: chr(ord("A") + place) for place, call in enumerate(dict.fromkeys(one.call for one in events))}
    began = events[0].time
    rows = [_row(event, names) for event in events]
    shown = [name for name in _COLUMNS if any(row[name] for row in rows) and (name != "call" or len(names) > 1)]
    cells = [
        [f"{(event.time - began) / 1_000:.1f} s", *(row[name] for name in shown)]
        for event, row in zip(events, rows, strict=True)
    ]
    ends = "".join(f"- {line}\n" for line in _ends(events, names))
    return f"{_table(('after', *shown), cells)}\n{ends}"


def _row(event: CallEvent, names: dict[str, str]) -> dict[str, str]:
    data = event.data
    return {
        "call": names[event.call],
        "type": event.type,
        "status": data.status,
        "caller": _party(data.caller),
        "callee": _party(data.callee),
        "destination": data.destination or "",
        "queueName": data.queueName or "",
        "service": data.service or "",
        "flags": " ".join(data.flags),
        "tags": " ".join(data.tags),
    }


def _party(party: Party | None) -> str:
    return "" if party is None else party.phone or "anonymous"


def _ends(events: Sequence[CallEvent], names: dict[str, str]) -> Iterator[str]:
    for event in events:
        if event.type == "call:end":
            yield (f"{names[event.call]}: " if len(names) > 1 else "") + _end(event.data)


def _end(data: CallData) -> str:
    said = [
        f"endCause `{data.endCause}` ({data.endCauseStr})",
        f"endBy `{data.endBy}`" if data.endBy else "endBy null",
        str(data.direction),
        *([f"trunk {data.trunkName}"] if data.trunkName else []),
        f"waited {(data.waitTime or 0) / 1_000:.1f} s",
        f"talked {(data.talkTime or 0) / 1_000:.1f} s",
    ]
    return ", ".join(said)


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
