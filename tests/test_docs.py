"""What docs/pbx.md shows is what the program says, and what README.md and the pages link to is there."""

from __future__ import annotations

import re
from pathlib import Path

import click
import msgspec
import pytest

from ringpost.cli.main import root
from ringpost.directory.table import read_directory
from ringpost.errors import ERRORS
from ringpost.model.notice import NOTICE_TYPES
from ringpost.settings import PbxSettings, Settings
from ringpost.sources.asterisk.probe import manager_stanza
from ringpost.sources.asterisk.session import OLDEST

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "pbx.md").read_text("utf-8")
OURS = "192.0.2.20"
PAGES = ("README.md", "docs/pbx.md", "docs/calls.md", "docs/console.md")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def the_pbx() -> PbxSettings:
    [pbx] = msgspec.toml.decode(blocks("toml")[0])["pbx"]
    return msgspec.convert(pbx, PbxSettings)


def test_the_sections_are_those_that_doctor_prints() -> None:
    assert blocks("ini")[:2] == [manager_stanza(the_pbx(), OURS), manager_stanza(the_pbx(), OURS, "freepbx")]


def test_each_right_of_the_section_is_explained() -> None:
    granted = re.findall(r"^(read|write) = (.*)$", manager_stanza(the_pbx(), OURS), re.MULTILINE)
    rights = {f"{way}={right}" for way, named in granted for right in named.split(",")}
    assert set(re.findall(r"^\| `((?:read|write)=\w+)` \|", PAGE, re.MULTILINE)) == rights


def test_all_settings_that_are_shown_are_good() -> None:
    whole = "".join(blocks("toml"))
    [pbx] = msgspec.toml.decode(whole)["pbx"]
    assert msgspec.convert(pbx, PbxSettings).trunks == ("provider-*", "SIPTRUNK")


def test_every_setting_that_is_named_is_there() -> None:
    named = set(re.findall(r"`([a-z]+_[a-z_]+)`", PAGE)) - set(ERRORS)
    assert named <= {*Settings.__struct_fields__, *PbxSettings.__struct_fields__}
    assert "end_lost_calls_after_ms" in named


def test_every_notice_that_is_named_is_there() -> None:
    named = set(re.findall(r"`(notice:[a-z-]+)`", PAGE))
    assert named == {kind for kind in NOTICE_TYPES if "pbx" in kind}


def test_every_code_of_the_pbx_is_explained_in_the_words_of_the_program() -> None:
    told = {code: row for code, *row in re.findall(r"^\| `([a-z_]+)` \| (.*?) \| (.*?) \|$", PAGE, re.MULTILINE)}
    codes = {code for code, kind in ERRORS.items() if code.startswith("pbx_") and kind.status == 503} | {
        "settings_invalid"
    }
    assert {code: told.get(code) for code in codes} == {
        code: [ERRORS[code].meaning, ERRORS[code].help] for code in codes
    }


def test_the_version_is_the_one_that_is_taken() -> None:
    assert f"Asterisk {OLDEST} or later" in PAGE


def test_the_example_of_a_directory_is_taken_whole() -> None:
    table = read_directory(blocks("csv")[0].encode())
    assert (table.unused, sorted(table.directory.extensions)) == ((), ["1001", "1002"])


def test_every_command_is_there_with_its_options() -> None:
    lines = re.findall(r"^    ringpost (.+)$", PAGE, re.MULTILINE) + re.findall(r"`ringpost ([a-z]+[^`]*)`", PAGE)
    assert len(lines) > 10
    for line in lines:
        command: click.Command = root
        words = line.split()
        while isinstance(command, click.Group) and words:
            found = command.get_command(click.Context(command), words.pop(0))
            assert found is not None, line
            command = found
        known = {name for option in command.params for name in option.opts}
        assert {word for word in words if word.startswith("--")} <= known, line


@pytest.mark.parametrize("name", PAGES)
def test_every_link_of_a_page_leads_somewhere(name: str) -> None:
    page = ROOT / name
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if target.startswith("http"):
            continue
        file, _, anchor = target.partition("#")
        to = page.parent / file if file else page
        assert to.is_file(), target
        if not anchor:
            continue
        titles = re.findall(r"^#+ (.+)$", to.read_text("utf-8"), re.MULTILINE)
        assert anchor in {anchor_of(title) for title in titles}, target


def anchor_of(title: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", title.casefold()).replace(" ", "-")


def test_the_command_that_makes_a_page_is_told() -> None:
    assert "./run docs" in (ROOT / "docs" / "calls.md").read_text("utf-8")
    assert re.search(r"^  \./run docs ", (ROOT / "run").read_text("utf-8"), re.MULTILINE)


def test_the_pages_are_linked_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    connect = readme.split("## Connect your phone system")[1].split("\n## ")[0]
    more = readme.split("## More")[1]
    for page in ("docs/pbx.md", "docs/calls.md"):
        assert f"]({page})" in connect
        assert f"]({page})" in more
