"""What a directory adds to events: numbers in their international form, and the names of queues."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from ringpost.directory.directory import Directory
from ringpost.model.data import CallData, Party
from ringpost.model.directory import Person

ITALIAN = Directory(
    [Person(extension="1001", name="Alice"), Person(extension="0461999999", name="Door")],
    emergency=["0461118118"],
    queues={"500": "Support"},
    region="it",
)
parties = st.none() | st.builds(
    Party,
    type=st.sampled_from(["LOCAL", "REMOTE"]),
    phone=st.none() | st.from_regex(r"(\+|00|0|)[0-9]{1,14}|anonymous|\*[0-9]{2}", fullmatch=True),
    name=st.none() | st.text(max_size=5),
)


def described(**data: Party | str | None) -> CallData:
    return ITALIAN.described(structs.replace(CallData(status="RINGING"), **data))


def test_people_outside_are_told_with_their_country() -> None:
    told = described(caller=Party(type="REMOTE", phone="0461123456"), callee=Party(type="LOCAL", phone="1001"))
    assert told.caller == Party(type="REMOTE", phone="+390461123456")
    assert told.callee == Party(type="LOCAL", phone="1001", name="Alice", userExtension="1001")


def test_what_was_dialled_is_told_as_it_was_dialled() -> None:
    told = described(callee=Party(type="REMOTE", phone="0461123456"), destination="0461123456")
    assert told.destination == "0461123456"
    assert told.callee == Party(type="REMOTE", phone="+390461123456")


def test_the_companys_own_numbers_and_those_of_phones_stay_as_they_are() -> None:
    for phone in ("0461999999", "0461118118", "112"):
        assert described(caller=Party(type="REMOTE", phone=phone)).caller == Party(type="REMOTE", phone=phone)
    inside = Party(type="LOCAL", phone="0461123456")
    assert described(caller=inside).caller == inside


def test_without_a_region_every_number_stays_as_the_pbx_shows_it() -> None:
    told = CallData(status="RINGING", caller=Party(type="REMOTE", phone="0461123456"))
    assert Directory().described(told) is told


def test_a_queue_is_told_by_the_name_that_people_know() -> None:
    told = described(queueName="500", queueId="500")
    assert (told.queueId, told.queueName) == ("500", "Support")
    told = described(queueName="600", queueId="600")
    assert (told.queueId, told.queueName) == ("600", "600")


@given(parties, parties, st.sampled_from([None, "500", "600"]))
def test_an_event_that_was_described_stays_so(caller: Party | None, callee: Party | None, queue: str | None) -> None:
    once = ITALIAN.described(CallData(status="RINGING", caller=caller, callee=callee, queueName=queue, queueId=queue))
    assert ITALIAN.described(once) == once
