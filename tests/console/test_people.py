"""The screens of people: entering, finding and removing them, a file with a look at what it changes, the numbering."""

from __future__ import annotations

import re

import pytest

from tests.console.world import OURS, World

CSV = "extension,name,email\n1001,Alice Rossi,alice@example.com\n1002,<b>Bob</b>,bob@example.com\n"


async def test_a_person_is_entered_found_and_removed(world: World) -> None:
    browser = await world.signed_in("admin")
    fields = {"extension": "1001", "name": "Alice <Rossi>", "email": "alice@example.com", "firm": "Acme"}
    assert "Extension 1001 is entered" in (await browser.follow(await browser.submit("/people", fields))).text
    person = world.directories.get(OURS, "1001").person
    assert (person.name, person.email, person.company) == ("Alice <Rossi>", "alice@example.com", "Acme")
    assert "Alice &lt;Rossi&gt;" in (await browser.get("/people?q=rossi")).text
    assert "Nobody matches." in (await browser.get("/people?q=carla")).text
    assert "alice@example.com" in (await browser.get("/people/1001")).text
    gone = await browser.submit("/people/1001", {}, to="/people/1001/remove")
    assert "Extension 1001 is removed." in (await browser.follow(gone)).text
    assert "Nobody is known yet." in (await browser.get("/people")).text


async def test_an_operator_enters_people_of_the_company_that_was_chosen(world: World) -> None:
    browser = await world.signed_in("operator")
    fields = {"extension": "1001", "name": "Alice", "company": OURS}
    reply = await browser.submit(f"/people?company={OURS}", fields, to="/people")
    assert (await browser.follow(reply)).status_code == 200
    assert world.directories.get(OURS, "1001").person.company is None


@pytest.mark.parametrize(("change", "field"), [({"extension": "1 1"}, "extension"), ({"email": "alice"}, "email")])
async def test_what_is_wrong_of_a_person_is_said(world: World, change: dict[str, str], field: str) -> None:
    browser = await world.signed_in("admin")
    reply = await browser.submit("/people", {"extension": "1001", "name": "Alice"} | change)
    assert reply.status_code == 422
    assert field in reply.text
    assert 'value="Alice"' in reply.text
    assert world.directories.count(OURS) == (0, 0)


async def test_a_file_is_shown_before_it_is_taken(world: World) -> None:
    browser = await world.signed_in("admin")
    await browser.submit("/people", {"extension": "1001", "name": "Alice"})
    shown = (await browser.submit("/people", {"file": CSV, "mode": "merge"}, to="/people/preview")).text
    assert "<strong>1</strong> added, <strong>1</strong> changed, <strong>0</strong> removed" in shown
    assert "Alice Rossi" in shown
    assert "&lt;b&gt;Bob&lt;/b&gt;" in shown
    assert world.directories.count(OURS) == (1, 0)
    reply = await browser.submit("/people", {"file": CSV, "mode": "merge"}, to="/people/import")
    assert "1 added, 1 changed, 0 removed." in (await browser.follow(reply)).text
    assert world.directories.get(OURS, "1002").person.email == "bob@example.com"


async def test_a_file_that_is_wrong_is_refused_with_its_line(world: World) -> None:
    browser = await world.signed_in("admin")
    reply = await browser.submit("/people", {"file": "extension,email\n1001,nobody\n"}, to="/people/preview")
    assert reply.status_code == 422
    assert "line 2" in reply.text
    assert "1001,nobody" in reply.text  # what was pasted is still there


async def test_trunks_emergency_numbers_and_the_region_are_changed(world: World) -> None:
    browser = await world.signed_in("admin")
    fields = {"trunks": "provider-* SIPTRUNK", "emergency": "118", "region": "it"}
    assert "is changed" in (await browser.follow(await browser.submit("/people", fields, to="/people/numbering"))).text
    plan = world.directories.plan(OURS)
    assert (plan.trunks, plan.emergency, plan.region) == (("provider-*", "SIPTRUNK"), ("118",), "IT")
    wrong = await browser.submit("/people", {"region": "Atlantis"}, to="/people/numbering")
    assert wrong.status_code == 422
    assert world.directories.plan(OURS) == plan


async def test_a_person_who_is_entered_is_changed_on_a_page_that_shows_what_is_there(world: World) -> None:
    browser = await world.signed_in("admin")
    await browser.submit(
        "/people", {"extension": "1001", "name": "Alice", "email": "alice@example.com", "groupId": "7"}
    )
    again = await browser.submit("/people", {"extension": "1001", "department": "Sales"})
    assert again.status_code == 422
    assert "is entered already" in again.text
    assert world.directories.get(OURS, "1001").person.name == "Alice"
    page = (await browser.get("/people/1001")).text
    fields = dict(re.findall(r'<input id="f-([a-zA-Z]+)"[^>]* value="([^"]*)"', page))
    assert (fields["name"], fields["email"], fields["groupId"], fields["department"]) == (
        "Alice", "alice@example.com", "7", "",
    )  # fmt: skip
    changed = fields | {"department": "Sales", "email": ""}
    assert (await browser.submit("/people/1001", changed, to="/people/1001/edit")).status_code == 303
    person = world.directories.get(OURS, "1001").person
    assert (person.name, person.department, person.email, person.group_id) == ("Alice", "Sales", None, "7")


async def test_a_preview_shows_trunks_and_queues_too(world: World) -> None:
    browser = await world.signed_in("admin")
    text = "extension,name,trunk,queue\n1001,Alice,,\n,,provider-*,\n,Support,,500\n"
    shown = (await browser.submit("/people", {"file": text, "mode": "merge"}, to="/people/preview")).text
    assert re.search(r"Trunks:.*provider-\*", shown)
    assert re.search(r"Queues:.*500: Support", shown)


async def test_a_viewer_is_told_who_can_fill_the_directory(world: World) -> None:
    page = (await (await world.signed_in("viewer")).get("/people")).text
    assert "An admin adds people" in page
    assert "Add people above" not in page
