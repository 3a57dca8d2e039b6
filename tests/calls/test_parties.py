"""Which way a call goes, which queue it is in, and which numbers are one: where the directory has a word in it, too."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import structs

from ringpost.calls.events import CallEvent
from ringpost.calls.machine import CallMachine
from ringpost.calls.observation import Alive, Dials, JoinsQueue, Leg, LegAppeared, Snapshot
from ringpost.calls.parties import is_same_phone
from ringpost.directory.directory import Directory
from ringpost.model.call import Call
from ringpost.model.data import CallData, Party, to_wire

T = 1_700_000_000_000
DIRECTORY = Directory(queues={"500": "Support"}, region="IT")


def machine() -> CallMachine:
    return CallMachine(company="acme", pbx="hq", short=True, coalesce=0, describe=DIRECTORY.described)


def leg(number: str, endpoint: str, shown: str, *, dialled: str | None = None) -> Leg:
    return Leg(id=number, call="1.1", endpoint=endpoint, number=shown, state="up", dialled=dialled)


def started(dialled: str) -> CallData:
    """The call:start of a phone that has dialled this and is not connected yet."""
    desk = machine()
    events = desk.observe(LegAppeared(leg("1.1", "1001", "1001", dialled=dialled)), T)
    return (events or desk.poll(T + 1_000))[0].data


@pytest.mark.parametrize(
    ("dialled", "direction"),
    [("1002", "INTERNAL"), ("*8", "INTERNAL"), ("#72", "INTERNAL"), ("0461123456", "OUTBOUND"), ("112", "OUTBOUND")],
)
def test_what_was_dialled_says_which_way_a_call_goes_until_somebody_is_called(dialled: str, direction: str) -> None:
    assert started(dialled).direction == direction


def between(machine: CallMachine, caller: str, callee: str, dialled: str) -> list[CallData]:
    """What is told before anybody is called, and once somebody is."""
    one, other = leg("1.1", caller, caller, dialled=dialled), leg("1.2", callee, callee)
    events = [*machine.observe(LegAppeared(one), T), *machine.poll(T + 1_000)]
    return [event.data for event in (*events, *machine.observe(Dials(one, other), T + 2_000))]


def test_an_extension_that_is_known_is_one_whatever_its_form() -> None:
    numbers = frozenset({"alice", "10010001"})
    before, after = between(
        CallMachine(company="acme", pbx="hq", short=True, coalesce=0, extensions=numbers),
        "alice", "10010001", "10010001",
    )  # fmt: skip
    assert before.caller == after.caller == Party(type="LOCAL", phone="alice", userExtension="alice")
    assert after.callee == Party(type="LOCAL", phone="10010001", userExtension="10010001")
    assert (before.direction, after.direction, after.trunkName) == ("INTERNAL", "INTERNAL", None)


def test_a_named_trunk_is_one_though_an_extension_is_called_like_it() -> None:
    numbers = frozenset({"alice"})
    told = CallMachine(company="acme", pbx="hq", short=True, coalesce=0, trunks=["alice"], extensions=numbers)
    assert between(told, "1001", "alice", "0461123456")[-1].direction == "OUTBOUND"


@pytest.mark.parametrize("inside", [True, False, None])
def test_where_trunks_are_named_it_does_not_matter_what_a_source_makes_of_an_endpoint(inside: bool | None) -> None:
    for endpoint, kind in (("acme", "REMOTE"), ("other", "LOCAL")):
        desk = CallMachine(company="acme", pbx="hq", short=True, coalesce=0, trunks=["acme"])
        caller = structs.replace(leg("1.1", endpoint, "0461123456"), inside=inside)
        (start,) = desk.observe(JoinsQueue(caller, "500"), T)
        assert start.data.caller is not None
        assert start.data.caller.type == kind


def test_extensions_that_become_known_are_those_of_the_calls_that_come() -> None:
    desk = CallMachine(company="acme", pbx="hq", short=True, coalesce=0)
    desk.renumber([], [], frozenset({"alice"}))
    assert between(desk, "alice", "1001", "1001")[-1].direction == "INTERNAL"


def test_a_queue_is_told_by_the_pbxs_own_name() -> None:
    for queue, name in (("500", "Support"), ("600", "600")):
        (start,) = machine().observe(JoinsQueue(leg("1.1", "1001", "1001"), queue), T)
        assert (start.data.queueId, start.data.queueName) == (queue, name)


def stored(event: CallEvent) -> Call:
    """As the ledger keeps a call whose latest event this is."""
    return Call(
        company="acme",
        id=event.call,
        pbx="hq",
        started=T,
        updated=event.time,
        ended=None,
        events=1,
        data=msgspec.json.encode(to_wire(event.data, ended=False, extra_keys=True)),
    )


def restored(event: CallEvent, *legs: Leg) -> list[CallEvent]:
    """What a new machine tells of a call that goes on, once the PBX has listed these legs."""
    desk = machine()
    desk.restore([stored(event)])
    snapshot = Snapshot(legs=tuple(Alive(leg=one, bridge="b") for one in legs))
    return [*desk.resync(snapshot, T + 5_000), *desk.flush(T + 5_000)]


def test_a_call_whose_numbers_and_queue_the_directory_told_is_the_same_after_a_restart() -> None:
    caller, callee = leg("1.1", "trunk", "0461123456"), leg("1.2", "1001", "1001")
    desk = machine()
    events = [*desk.observe(JoinsQueue(caller, "500"), T), *desk.observe(Dials(caller, callee), T)]
    told = events[-1]
    assert told.data.caller is not None
    assert (told.data.caller.phone, told.data.queueName) == ("+390461123456", "Support")
    talking = structs.replace(told, data=structs.replace(told.data, status="TALKING"))
    assert restored(talking, caller, callee) == []


def test_what_more_was_known_of_a_callee_before_a_restart_is_kept_though_the_number_is_written_otherwise() -> None:
    caller, callee = leg("1.1", "1001", "1001", dialled="0461123456"), leg("1.2", "trunk", "0461123456")
    told = machine().observe(Dials(caller, callee), T)[-1]
    assert told.data.callee is not None
    party = structs.replace(told.data.callee, name="Anna", company="Acme")
    talking = structs.replace(told, data=structs.replace(told.data, status="TALKING", callee=party))
    assert restored(talking, caller, callee) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+390461123456", "0461123456"),
        ("+390461123456", "00390461123456"),
        ("+442079460000", "02079460000"),
        ("+15005550142", "5005550142"),
        ("1001", "1001"),
        ("anonymous", "anonymous"),
        (None, None),
    ],
)
def test_a_number_in_its_international_form_is_the_same(one: str | None, other: str | None) -> None:
    assert is_same_phone(one, other)
    assert is_same_phone(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1001", "1002"),
        ("1001", "+39046101001"),
        ("+390461123456", "0461123457"),
        ("1001", None),
        ("abc1234567", "1234567"),
    ],
)
def test_other_numbers_are_not(one: str | None, other: str | None) -> None:
    assert not is_same_phone(one, other)
    assert not is_same_phone(other, one)
