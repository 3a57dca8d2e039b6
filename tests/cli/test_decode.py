"""`ringpost decode`, on recordings of a real Asterisk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ringpost.cli.decode import command
from ringpost.errors import RingpostError
from ringpost.wire import canonical
from tests.recordings.play import play, recording
from tests.recordings.reader import FOLDER, NAMES


def decode(file: Path, *words: str) -> Result:
    result = CliRunner().invoke(command, [str(file), *words])
    assert result.exception is None, result.exception
    return result


def bodies(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout_bytes.splitlines()]


@pytest.mark.parametrize("name", NAMES)
def test_without_options_every_recording_tells_what_it_tells_with_its_trunk_named(name: str) -> None:
    told = [(body["id"].removeprefix("test"), body["type"], body["time"], body["data"]["status"],
             body["data"]["trunkName"], body["data"]["direction"])
            for body in bodies(decode(FOLDER / f"{name}.ami"))]  # fmt: skip
    assert told == [
        (event.call.removeprefix("acme"), event.type, event.time, event.data.status,
         event.data.trunkName, event.data.direction)
        for event in play(name)
    ]  # fmt: skip


def test_each_line_is_a_body_as_on_the_wire() -> None:
    result = decode(FOLDER / "01-internal-caller-hangup.ami", "--company", "acme")
    for line in result.stdout_bytes.splitlines():
        body = json.loads(line)
        assert list(body) == ["id", "pbx", "time", "company", "type", "integrationId", "data"]
        assert (body["company"], body["integrationId"]) == ("acme", "000000")
        assert body["id"].startswith("acme_")
        assert line == canonical.encode(body)
    assert result.stderr == ""


@pytest.mark.parametrize("name", NAMES[::10])
def test_the_same_file_gives_the_same_bytes(name: str) -> None:
    assert decode(FOLDER / f"{name}.ami").stdout_bytes == decode(FOLDER / f"{name}.ami").stdout_bytes


def test_a_call_that_is_open_at_the_end_is_named_and_not_ended(tmp_path: Path) -> None:
    raw = (FOLDER / "01-internal-caller-hangup.ami").read_bytes()
    file = tmp_path / "cut.ami"
    file.write_bytes(raw[: raw.index(b"Event: HangupRequest")])
    result = decode(file)
    assert [body["type"] for body in bodies(result)] == ["call:start", "call:update", "call:update"]
    assert result.stderr == "Still open at the end: test_1795573019.0 (TALKING)\n"


def test_what_is_held_back_and_gathered_can_be_set_as_for_the_service() -> None:
    file = FOLDER / "01-internal-caller-hangup.ami"
    every = bodies(decode(file, "--coalesce-ms", "0"))
    few = bodies(decode(file, "--coalesce-ms", "10000"))
    assert [body["data"]["status"] for body in every] == ["CONNECTING", "RINGING", "TALKING", "TALKING"]
    assert [body["data"]["status"] for body in few] == ["CONNECTING", "TALKING", "TALKING"]
    pickup = FOLDER / "50-group-pickup.ami"
    held, told = (bodies(decode(pickup, "--hold-ms", hold)) for hold in ("1000", "0"))
    assert len({body["id"] for body in held}) == 1
    assert len({body["id"] for body in told}) == 2  # the picker's own call, too


def test_the_directory_describes_people_and_names_trunks(tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("extension,name,email,trunk\n1001,Alice R.,alice@example.com,\n,,,1002\n")
    for body in bodies(decode(FOLDER / "01-internal-caller-hangup.ami", "--directory", str(people))):
        assert (body["data"]["caller"]["name"], body["data"]["caller"]["email"]) == ("Alice R.", "alice@example.com")
        assert (body["data"]["callee"]["type"], body["data"]["trunkName"]) == ("REMOTE", "1002")


def test_the_directory_names_queues(tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("queue,name\nsupport,Customer care\n")
    told = bodies(decode(FOLDER / "22-queue-ringall.ami", "--directory", str(people)))
    assert {(body["data"]["queueId"], body["data"]["queueName"]) for body in told[1:]} == {("support", "Customer care")}


def test_with_a_region_numbers_of_the_outside_have_their_country_and_what_was_dialled_stays(tmp_path: Path) -> None:
    raw = (FOLDER / "14-trunk-in-did.ami").read_bytes()
    file = tmp_path / "local.ami"
    file.write_bytes(raw.replace(b"+15005550123", b"(500)5550123"))
    for words in ((), ("--directory", str(tmp_path / "people.csv"))):
        (tmp_path / "people.csv").write_text("extension\n1001\n")
        for body in bodies(decode(file, "--region", "us", *words)):
            assert body["data"]["caller"]["phone"] == "+15005550123"
            assert body["data"]["destination"] == "+15005550001"
    assert {body["data"]["caller"]["phone"] for body in bodies(decode(file))} == {"(500)5550123"}


def test_a_region_that_there_is_not_is_refused() -> None:
    with pytest.raises(RingpostError) as caught:
        CliRunner().invoke(command, [str(FOLDER / f"{NAMES[0]}.ami"), "--region", "EU"], catch_exceptions=False)
    assert caught.value.field == "region"


def test_trunks_that_are_named_are_the_only_ones() -> None:
    calls = bodies(decode(FOLDER / "14-trunk-in-did.ami", "--trunk", "OTHER", "--trunk", "100*"))
    assert {body["data"]["caller"]["type"] for body in calls} == {"LOCAL"}
    assert {body["data"]["trunkName"] for body in calls} == {"1001"}


WITHOUT_A_CLOCK = sorted(set(NAMES) - {"09-wrong-number-announcement"})  # nobody is called, and no second passes


@pytest.mark.parametrize("name", WITHOUT_A_CLOCK[::2])
@pytest.mark.parametrize("form", ["plain", "json"])
def test_a_capture_without_times_tells_the_same_ends(name: str, form: str, tmp_path: Path) -> None:
    """A clock that stands still holds nothing back and gathers nothing: there may be more updates, never fewer."""
    messages = [one.message.fields for one in recording(name).heard if one.message is not None]
    events = [fields for fields in messages if "event" in fields]
    file = tmp_path / "capture"
    if form == "json":
        file.write_text(json.dumps(events))
    else:
        blocks = (
            "".join(f"{key}: {value}\r\n" for key, value in fields.items())
            for fields in messages
            if "banner" not in fields
        )
        file.write_text("\r\n".join(blocks), newline="")
    expected = {event.call.removeprefix("acme"): event.data for event in play(name) if event.type == "call:end"}
    told = {body["id"].removeprefix("test"): body for body in bodies(decode(file)) if body["type"] == "call:end"}
    for call, data in expected.items():
        if "reconciled" in data.flags or "resumed" in data.flags:
            continue  # that a connection was lost is not in a capture
        assert (told[call]["data"]["endCause"], told[call]["data"]["endBy"]) == (data.endCause, data.endBy)
        assert told[call]["data"]["status"] == data.status


def test_a_file_of_something_else_is_told(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"\x00\xff nothing")
    result = decode(file)
    assert result.stdout == ""
    assert result.stderr == "There is no message of a manager interface in the file.\n"


def test_a_company_that_cannot_be_is_refused() -> None:
    with pytest.raises(RingpostError) as caught:
        CliRunner().invoke(command, [str(FOLDER / f"{NAMES[0]}.ami"), "--company", "No!"], catch_exceptions=False)
    assert caught.value.field == "company"
