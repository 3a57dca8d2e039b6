"""The directory over the API: who is who, trunks, emergency numbers, queues, the region, and files."""

from __future__ import annotations

from typing import Any

import pytest

from ringpost.errors import RingpostError
from ringpost.model.directory import Person
from tests.api.world import OURS, START, World

ALICE = {"name": "Alice Rossi", "email": "alice@example.com", "userId": "u-1", "groupId": "7"}
PEOPLE = "/v1/directory/people"
NOTHING: dict[str, Any] = {
    "region": None, "trunks": [], "emergency": [], "queues": {}, "people": 0, "learned": 0, "companyId": OURS,
}  # fmt: skip


async def test_a_person_who_was_entered_is_shown_changed_and_removed(world: World) -> None:
    entered = await world.done("PUT", f"{PEOPLE}/1001", ALICE)
    assert entered == {
        "extension": "1001", "name": "Alice Rossi", "email": "alice@example.com", "userId": "u-1", "department": None,
        "group": None, "groupId": "7", "company": None, "known": "entered", "learned": [], "updated": START,
    }  # fmt: skip
    assert await world.done("GET", f"{PEOPLE}/1001") == entered
    again = await world.done("PUT", f"{PEOPLE}/1001", {"name": "  Alice Bianchi ", "email": " "})
    assert (again["name"], again["email"], again["groupId"]) == ("Alice Bianchi", None, None)
    assert await world.done("DELETE", f"{PEOPLE}/1001") == again
    await world.refused("person_not_found", "GET", f"{PEOPLE}/1001")
    await world.refused("person_not_found", "DELETE", f"{PEOPLE}/1001")
    assert await world.done("GET", PEOPLE) == []


@pytest.mark.parametrize("extension", ["*8", "%2321", "%2B390461", "a.b_c-d", "0" * 40])
async def test_every_extension_has_its_address(world: World, extension: str) -> None:
    entered = await world.done("PUT", f"{PEOPLE}/{extension}", {"name": "A"})
    assert entered["extension"] == extension.replace("%23", "#").replace("%2B", "+")
    assert await world.done("GET", f"{PEOPLE}/{extension}") == entered


@pytest.mark.parametrize(
    ("extension", "body", "code", "field"),
    [
        ("10%2001", {}, "invalid_value", "extension"),
        ("0" * 41, {}, "invalid_value", "extension"),
        ("1001", {"email": "alice"}, "invalid_value", "email"),
        ("1001", {"userId": "a\nb"}, "invalid_value", "userId"),
        ("1001", {"name": "A" * 257}, "invalid_value", "name"),
        ("1001", {"name": "A\u2028B"}, "invalid_value", "name"),
        ("1001", {"name": 7}, "wrong_type", "name"),
        ("1001", {"phone": "7"}, "unknown_field", "phone"),
    ],
)
async def test_a_bad_person_is_refused_with_the_field(
    world: World, extension: str, body: dict[str, Any], code: str, field: str
) -> None:
    error = await world.refused(code, "PUT", f"{PEOPLE}/{extension}", body)
    assert error["field"] == field
    assert await world.done("GET", PEOPLE) == []


async def test_what_was_entered_goes_before_what_was_learned(world: World) -> None:
    await world.done("PUT", f"{PEOPLE}/1001", {"name": "Alice Rossi"})
    changed: list[str] = []
    world.directories._on_change = changed.append
    seen = [Person(extension="1001", name="A. R.", email="a@example.com"), Person(extension="1002", name="Bob")]
    world.directories.learn(OURS, seen)
    assert world.directories._learning is not None
    await world.directories._learning
    assert changed == [OURS]
    alice, bob = await world.done("GET", PEOPLE)
    assert (alice["name"], alice["email"]) == ("Alice Rossi", "a@example.com")
    assert (alice["known"], alice["learned"]) == ("entered", ["email"])
    assert (bob["name"], bob["known"], bob["learned"]) == ("Bob", "pbx", ["name"])
    told = await world.done("GET", "/v1/directory")
    assert (told["people"], told["learned"]) == (1, 1)
    assert (await world.ask("GET", "/v1/directory/export")).text.splitlines()[1:] == ["1001,Alice Rossi,,,,,,,,,"]
    everybody = (await world.ask("GET", "/v1/directory/export?learned=true")).text.splitlines()
    assert everybody[1:] == ["1001,Alice Rossi,a@example.com,,,,,,,,", "1002,Bob,,,,,,,,,"]


async def test_people_are_listed_page_by_page_and_found_by_name_extension_and_address(world: World) -> None:
    for extension, name in (("1001", "Alice Größner"), ("1002", "Bob"), ("20", "Carla"), ("3", None)):
        body = {"name": name, "email": f"x{extension}@Example.com"}
        await world.done("PUT", f"{PEOPLE}/{extension}", body)
    cursor, found = "", []
    while True:
        page = (await world.ask("GET", f"{PEOPLE}?limit=2{cursor}")).json()
        found += [person["extension"] for person in page["result"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert found == ["1001", "1002", "20", "3"]

    async def those(search: str) -> list[str]:
        return [person["extension"] for person in await world.done("GET", f"{PEOPLE}?search={search}")]

    assert await those("GR%C3%96%C3%9FNER") == ["1001"]
    assert await those("00") == ["1001", "1002"]
    assert await those("X20%40example") == ["20"]
    assert await those("nobody") == []
    await world.refused("cursor_invalid", "GET", f"{PEOPLE}?cursor=%C3%A9")
    await world.refused("cursor_invalid", "GET", f"{PEOPLE}?cursor=a")


async def test_numbers_are_edited_and_what_is_left_out_stays(world: World) -> None:
    assert await world.done("GET", "/v1/directory") == NOTHING
    first = {"region": "it", "trunks": ["SIP*", " provider ", "SIP*"], "emergency": ["118"], "queues": {"500": "Help"}}
    kept = {"region": "IT", "trunks": ["SIP*", "provider"], "emergency": ["118"], "queues": {"500": "Help"}}
    assert await world.done("PATCH", "/v1/directory", first) == NOTHING | kept
    assert await world.done("PATCH", "/v1/directory", {"region": None}) == NOTHING | kept | {"region": None}
    told = await world.done("PATCH", "/v1/directory", {"trunks": [], "queues": {}})
    assert told == NOTHING | {"emergency": ["118"]} == await world.done("GET", "/v1/directory")
    assert world.directories.of(OURS).emergency == ("118",)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"region": "XX"}, "region"),
        ({"region": "Italy"}, "region"),
        ({"trunks": ["a", " "]}, "trunks[1]"),
        ({"trunks": ["a\tb"]}, "trunks[0]"),
        ({"trunks": [f"t{number}" for number in range(1_001)]}, "trunks"),
        ({"emergency": ["1 1 2"]}, "emergency[0]"),
        ({"queues": {"500": ""}}, "queues"),
        ({"queues": {"500": "A" * 257}}, "queues.500"),
    ],
)
async def test_bad_numbers_are_refused_with_the_field(world: World, body: dict[str, Any], field: str) -> None:
    error = await world.refused("invalid_value", "PATCH", "/v1/directory", body | {"emergency": ["118"]} | body)
    assert error["field"] == field
    assert await world.done("GET", "/v1/directory") == NOTHING


async def test_a_dry_run_tells_what_would_change_and_changes_nothing(world: World) -> None:
    await world.done("PUT", f"{PEOPLE}/1001", ALICE)
    await world.done("PUT", f"{PEOPLE}/1003", {"name": "Carla"})
    await world.done("PATCH", "/v1/directory", {"trunks": ["old"], "emergency": ["118"]})
    before = await world.done("GET", PEOPLE), await world.done("GET", "/v1/directory")
    raw = b"extension,name,Mobile,trunk\n1001,Alice Bianchi,7,\n1002,Bob,,\n,,,SIP*\n"
    merged = await world.done("POST", "/v1/directory/import?dryRun=true", raw)
    assert merged == {
        "dryRun": True, "mode": "merge", "added": 1, "changed": 1, "removed": 0, "unchanged": 0, "unlisted": 0,
        "changes": [
            {"extension": "1001", "kind": "changed",
             "fields": [{"field": "name", "old": "Alice Rossi", "new": "Alice Bianchi"}]},
            {"extension": "1002", "kind": "added", "fields": [{"field": "name", "old": None, "new": "Bob"}]},
        ],
        "trunks": {"added": ["SIP*"], "removed": []}, "emergency": {"added": [], "removed": []},
        "queues": {"added": [], "removed": []}, "columnsLeftOut": ["Mobile"],
    }  # fmt: skip
    replaced = await world.done("POST", "/v1/directory/import?dryRun=true&mode=replace", raw)
    assert (replaced["added"], replaced["changed"], replaced["removed"]) == (1, 1, 1)
    assert [change["extension"] for change in replaced["changes"]] == ["1001", "1003", "1002"]
    assert {field["field"] for field in replaced["changes"][0]["fields"]} == {"name", "email", "userId", "groupId"}
    assert (replaced["trunks"], replaced["emergency"]["removed"]) == ({"added": ["SIP*"], "removed": ["old"]}, [])
    assert (await world.done("GET", PEOPLE), await world.done("GET", "/v1/directory")) == before


async def test_a_file_is_imported_and_its_export_changes_nothing(world: World) -> None:
    raw = 'Ext;Full Name;trunk;queue\n1001;"Größner; ""J""";;\n;;T*;\n;Support;;500\n'.encode()
    await world.done("POST", "/v1/directory/import", raw)
    assert (await world.done("GET", f"{PEOPLE}/1001"))["name"] == 'Größner; "J"'
    assert (await world.done("GET", "/v1/directory"))["queues"] == {"500": "Support"}
    reply = await world.ask("GET", "/v1/directory/export", key="viewer")
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    again = await world.done("POST", "/v1/directory/import?mode=replace", reply.content)
    assert (again["added"], again["changed"], again["removed"], again["unchanged"]) == (0, 0, 0, 1)
    assert again["trunks"] == again["queues"] == {"added": [], "removed": []}


async def test_a_bad_file_is_refused_with_its_line_and_none_of_it_is_kept(world: World) -> None:
    for raw, message in (
        (b"extension,name\n1001,A\n10 02,B\n", "line 3, column extension"),
        (b"name\nA\n", "column `extension` is missing"),
        (b"\xff", "not in UTF-8"),
        (b"", "empty"),
    ):
        assert message in (await world.refused("directory_invalid", "POST", "/v1/directory/import", raw))["message"]
    await world.refused("body_too_large", "POST", "/v1/directory/import", b" " * 8_388_609)
    await world.refused("invalid_value", "POST", "/v1/directory/import?mode=all", b"extension\n1\n")
    assert await world.done("GET", PEOPLE) == []


async def test_a_full_disk_is_told_and_nothing_shows_that_is_not_kept(world: World) -> None:
    await world.done("PUT", f"{PEOPLE}/1001", ALICE)
    before = await world.done("GET", PEOPLE)
    world.failing.failure = RingpostError("ledger_full")
    await world.refused("ledger_full", "PUT", f"{PEOPLE}/1001", {"name": "B"})
    await world.refused("ledger_full", "DELETE", f"{PEOPLE}/1001")
    await world.refused("ledger_full", "PATCH", "/v1/directory", {"region": "IT"})
    await world.refused("ledger_full", "POST", "/v1/directory/import", b"extension\n1002\n")
    assert await world.done("GET", PEOPLE) == before
    assert await world.done("GET", "/v1/directory") == NOTHING | {"people": 1}


async def test_an_operator_names_the_company(world: World) -> None:
    error = await world.refused("company_missing", "GET", "/v1/directory", key="operator")
    assert error["field"] == "company"
    await world.done("PUT", f"{PEOPLE}/1?company=wildix_srl", {"company": "Wildix"}, key="operator")
    assert (await world.done("GET", f"{PEOPLE}/1", key="foreign"))["company"] == "Wildix"
    assert await world.done("GET", PEOPLE) == []
