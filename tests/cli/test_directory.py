"""The directory on the command line."""

from __future__ import annotations

import json
import re
import shlex
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import Done, Running, ringpost, running

pytestmark = pytest.mark.slow

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
FILE = "extension,name,e-mail,Mobile\n1001,Alice Rossi,alice@example.com,7\n1002,Bob,,\n"


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Running]:
    service = await running(tmp_path, "serve", "--port", "0")
    await service.wait_for(lambda lines: any("listens at" in line for line in lines))
    yield service
    await service.stop(signal.SIGKILL)


@pytest.fixture
def folder(tmp_path: Path, service: Running) -> Path:
    return tmp_path


async def done(folder: Path, *words: str, stdin: str = "") -> str:
    told = await ringpost(folder, "directory", *words, "--company", "acme", stdin=stdin)
    assert told.code == 0, told.err
    return told.out


async def refused(folder: Path, *words: str, stdin: str = "") -> Done:
    told = await ringpost(folder, "directory", *words, "--company", "acme", stdin=stdin)
    assert told.code != 0
    assert "Traceback" not in told.err
    return told


async def shown(folder: Path) -> Any:
    return json.loads(await done(folder, "list", "--json"))


async def test_a_person_is_set_changed_listed_and_removed(folder: Path) -> None:
    assert await done(folder, "list") == (
        "There is nobody. Begin: directory set 1001 --name …, or directory import FILE.csv\n"
    )
    assert "Alice Rossi" in await done(folder, "set", "1001", "--name", "Alice Rossi", "--email", "a@example.com")
    await done(folder, "set", "1001", "--department", "Sales", "--email", "", "--of-company", "Acme GmbH")
    [alice] = await shown(folder)
    assert (alice["name"], alice["email"], alice["department"]) == ("Alice Rossi", None, "Sales")
    assert alice["company"] == "Acme GmbH"
    assert await done(folder, "list", "--search", "rossi") == "1001\tAlice Rossi\t\tSales\t\tentered\n"
    assert (await refused(folder, "remove", "1001", stdin="n\n")).err == "Nothing was done.\n"
    assert "Removed 1001." in await done(folder, "remove", "1001", stdin="y\n")
    assert "person_not_found" in (await refused(folder, "remove", "1001", "--yes")).err
    assert "invalid_value (email)" in (await refused(folder, "set", "1001", "--email", "nonsense")).err


async def test_numbers_are_shown_and_set(folder: Path) -> None:
    assert await done(folder, "region") == "none\n"
    assert await done(folder, "region", "it") == "IT\n"
    assert await done(folder, "trunks", "SIP*", "provider") == "SIP*, provider\n"
    assert await done(folder, "emergency", "118", "--json") == '[\n  "118"\n]\n'
    assert await done(folder, "queues", "500=Support", "600=Sales") == "500=Support, 600=Sales\n"
    assert (await done(folder, "show")).splitlines() == [
        "region     IT",
        "trunks     SIP*, provider",
        "emergency  118",
        "queues     500=Support, 600=Sales",
        "people     0 entered, 0 more that the PBX showed",
    ]
    assert await done(folder, "trunks", "--none") == "none\n"
    assert await done(folder, "region", "none") == "none\n"
    assert await done(folder, "emergency") == "118\n"
    assert (await refused(folder, "trunks", "a", "--none")).code == 2
    assert "QUEUE=NAME" in (await refused(folder, "queues", "500")).err
    assert "invalid_value (region)" in (await refused(folder, "region", "Italy")).err


async def test_an_import_shows_what_it_changes_and_asks(folder: Path) -> None:
    (folder / "people.csv").write_text(FILE)
    assert "Imported" not in await done(folder, "import", "people.csv", "--dry-run")
    told = await refused(folder, "import", "people.csv", stdin="n\n")
    assert told.out.splitlines()[:4] == [
        "+ 1001     name: Alice Rossi, email: alice@example.com",
        "+ 1002     name: Bob",
        "Columns that are left out: Mobile.",
        "People: 2 new, 0 changed, 0 removed, 0 as they are.",
    ]
    assert await shown(folder) == []
    assert "Imported." in await done(folder, "import", "people.csv", stdin="y\n")
    assert [person["extension"] for person in await shown(folder)] == ["1001", "1002"]
    assert "Nothing changes." in await done(folder, "import", "people.csv")


async def test_an_import_that_replaces_removes_whoever_is_not_in_the_file(folder: Path) -> None:
    await done(folder, "import", "-", "--yes", stdin=FILE)
    told = await done(folder, "import", "-", "--yes", "--replace", stdin="extension,name\n1001,Alice Bianchi\n")
    assert told.splitlines() == [
        "~ 1001     name: Alice Rossi → Alice Bianchi, email: alice@example.com → (unknown)",
        "- 1002     name: Bob",
        "People: 0 new, 1 changed, 1 removed, 0 as they are.",
        "Imported.",
    ]
    assert [person["name"] for person in await shown(folder)] == ["Alice Bianchi"]


async def test_an_export_comes_back_as_it_was(folder: Path) -> None:
    await done(folder, "import", "-", "--yes", stdin=FILE)
    await done(folder, "trunks", "SIP*")
    exported = await done(folder, "export")
    await done(folder, "export", "out.csv")
    assert (folder / "out.csv").read_text() == exported
    assert exported.splitlines()[1] == "1001,Alice Rossi,alice@example.com,,,,,,,,"
    assert "Nothing changes." in await done(folder, "import", "out.csv", "--replace")


async def test_a_bad_file_and_a_question_that_nobody_hears_are_refused(folder: Path) -> None:
    wrong = "extension,email\n1,nonsense\n"
    assert "line 2, column email" in (await refused(folder, "import", "-", "--yes", stdin=wrong)).err
    assert (await refused(folder, "import", "-", stdin=FILE)).code == 2
    large = "extension\n" + "\n" * 8_388_608
    assert "body_too_large" in (await refused(folder, "import", "-", "--yes", stdin=large)).err


async def test_what_the_readme_shows_does_what_it_says(folder: Path) -> None:
    section = README.partition("## Say who is who")[2].partition("\n## ")[0]
    (folder / "people.csv").write_text(re.findall(r"^```csv\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[0])
    commands = re.findall(r"^    ringpost (directory .*)$", section, re.MULTILINE)
    outputs = []
    for command in commands:
        told = await ringpost(folder, *shlex.split(command))
        assert told.code == 0, told.err
        outputs.append(told.out)
    assert len(commands) == 8
    names = [person["name"] for person in await shown(folder)]
    assert names == ["Alice Rossi", "Bob Weber", "Carla Neri"]
    assert outputs[-1].splitlines()[:4] == [
        "region     IT",
        "trunks     provider-*",
        "emergency  113, 115, 118",
        "queues     500=Support",
    ]
    assert "Carla Neri" in (folder / "backup.csv").read_text()


async def test_every_command_is_in_the_help(tmp_path: Path) -> None:
    told = (await ringpost(tmp_path, "directory", "--help")).out
    for name in ("show", "list", "set", "remove", "region", "trunks", "emergency", "queues", "import", "export"):
        assert name in told
    assert "--replace" in (await ringpost(tmp_path, "directory", "import", "--help")).out
