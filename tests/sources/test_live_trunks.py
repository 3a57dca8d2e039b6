"""A source without configured trunks tells every recorded call, from the first on, as one that has its trunk named."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec import structs

from ringpost.calls.events import CallEvent
from ringpost.calls.machine import CallMachine
from ringpost.calls.observation import Snapshot
from ringpost.sources.asterisk.frames import Message
from ringpost.sources.asterisk.phones import Phones
from ringpost.sources.asterisk.recording import Heard
from ringpost.sources.asterisk.replay import Listener, Said, replay, said_in
from tests.recordings.play import recording
from tests.recordings.reader import NAMES

# The same calls on a PBX whose names say nothing.
OTHER_NAMES = {"SIPTRUNK": "acme", "from-trunk": "ctx-a", "from-internal": "ctx-b", "PJSIP/1001": "PJSIP/alice"}


def with_other_names(heard: Heard) -> Heard:
    if heard.message is None:
        return heard
    fields = dict(heard.message.fields)
    for key, value in fields.items():
        for name, other in OTHER_NAMES.items():
            fields[key] = fields[key].replace(name, other)
        if key == "dialstring" and value == "1001":
            fields[key] = "alice"
    return structs.replace(heard, message=Message(fields))


def said_live(heard: list[Heard]) -> Iterator[tuple[int, Said]]:
    """What a live source would have said."""
    phones, listener = Phones(), Listener()
    for one in heard:
        event = "" if one.message is None else one.message.event
        if one.message is not None:
            phones.see(one.message)
        for said in listener.hear(one):
            if isinstance(said, Snapshot):
                legs = tuple(phones.place_alive(alive) for alive in said.legs)
                yield one.time, structs.replace(said, legs=legs)
            else:
                yield one.time, phones.place(said, event)
    assert listener.finish() == []


def told(said: Iterator[tuple[int, Said]], *trunks: str) -> list[CallEvent]:
    return list(replay(CallMachine(company="acme", pbx="pbx1", short=True, trunks=trunks), said))


@pytest.mark.parametrize("name", NAMES)
def test_without_a_named_trunk_it_tells_the_same(name: str) -> None:
    heard = list(recording(name).heard)
    assert told(said_live(heard)) == told(said_in(heard), "SIPTRUNK")


@pytest.mark.parametrize("name", NAMES)
def test_where_names_say_nothing_it_tells_the_same(name: str) -> None:
    heard = [with_other_names(one) for one in recording(name).heard]
    assert told(said_live(heard)) == told(said_in(heard), "acme")
