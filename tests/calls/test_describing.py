"""What is known beside the PBX is in every event, and a reason for an update only where it shows."""

from __future__ import annotations

from msgspec.structs import replace

from ringpost.calls.events import CallEvent
from ringpost.calls.machine import COALESCE, HOLD, CallMachine
from ringpost.calls.observation import Dials, HungUp, Leg, LegAppeared, LegChanged, Rings
from ringpost.model.data import CallData

T = 1_700_000_000_000
ALICE = Leg(id="1.1", call="1.1", endpoint="1001", number="1001", dialled="1002")
BOB = Leg(id="1.2", call="1.1", endpoint="1002", number="1002")


class Names:
    """Gives every caller the name that it holds now."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, data: CallData) -> CallData:
        return data if data.caller is None else replace(data, caller=replace(data.caller, name=self.name))


def callers(events: list[CallEvent]) -> list[tuple[str, str | None]]:
    return [(event.type, event.data.caller.name if event.data.caller else None) for event in events]


def test_what_is_known_is_in_every_event_and_hides_what_the_pbx_shows() -> None:
    names = Names("Alice Rossi")
    machine = CallMachine(company="acme", pbx="hq", short=True, describe=names)
    told = machine.observe(LegAppeared(replace(ALICE, name="1st")), T)
    told += machine.observe(Dials(ALICE, BOB), T + 10)
    told += machine.observe(Rings(ALICE, BOB), T + 20)
    told += machine.poll(T + 20 + COALESCE)
    assert set(callers(told)) == {("call:start", "Alice Rossi"), ("call:update", "Alice Rossi")}
    assert machine.observe(LegChanged(replace(ALICE, name="2nd")), T + 1_000) == []
    assert machine.wake_at() is None  # nothing that would show is other
    names.name = "Alice Bianchi"
    assert machine.observe(LegChanged(replace(ALICE, name="3rd")), T + 2_000) == []
    assert callers(machine.poll(T + 2_000 + COALESCE)) == [("call:update", "Alice Bianchi")]
    machine.observe(HungUp(BOB, 16), T + 3_000)
    assert callers(machine.observe(HungUp(ALICE, 16), T + 3_000))[-1] == ("call:end", "Alice Bianchi")


def directions(machine: CallMachine, name: str, endpoint: str) -> set[str | None]:
    """Of a call from there to an extension."""
    caller, callee = (
        replace(leg, id=f"{name}.{leg.id}", call=f"{name}.1.1", endpoint=of)
        for leg, of in ((ALICE, endpoint), (BOB, "1002"))
    )
    told = machine.observe(LegAppeared(caller), T)
    told += machine.observe(Dials(caller, callee), T)
    told += machine.observe(HungUp(callee, 16), T) + machine.observe(HungUp(caller, 16), T)
    return {event.data.direction for event in told if event.type == "call:end"}


def test_other_trunks_are_those_of_the_calls_that_come() -> None:
    machine = CallMachine(company="acme", pbx="hq", short=True, trunks=["300"])
    assert directions(machine, "a", "300") == {"INBOUND"}
    machine.renumber(["2*"], [])
    assert directions(machine, "b", "300") == {"INTERNAL"}
    assert directions(machine, "c", "200") == {"INBOUND"}


def test_other_emergency_numbers_are_told_at_once() -> None:
    machine = CallMachine(company="acme", pbx="hq", short=True)
    assert machine.observe(LegAppeared(replace(ALICE, dialled="118")), T) == []
    machine.renumber([], ["118"])
    leg = replace(ALICE, id="2.1", call="2.1", dialled="118")
    assert [event.type for event in machine.observe(LegAppeared(leg), T + HOLD // 2)] == ["call:start"]
