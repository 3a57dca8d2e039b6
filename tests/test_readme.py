"""What README.md shows is true: its code verifies what is sent, its events are accepted, its commands exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from ringpost.cli.main import COMMANDS
from ringpost.intake.validate import check_event
from ringpost.settings import PbxSettings
from ringpost.wire import canonical
from ringpost.wire.signature import x_signature

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_there_are_exactly_two_set_up_commands() -> None:
    assert blocks("sh") == ["./run demo\n", "./run test\n"]


def test_the_example_of_an_event_is_one_of_the_wire_byte_for_byte() -> None:
    example = blocks("json")[0].strip().encode()
    document = canonical.parse(example)
    assert canonical.encode(document) == example
    assert check_event(document).type == "call:end"


def test_the_example_of_an_event_to_send_is_a_good_event() -> None:
    assert check_event(canonical.parse(blocks("json")[1].encode())).type == "call:start"


def test_the_python_that_verifies_accepts_what_is_sent_and_nothing_else() -> None:
    names: dict[str, object] = {}
    exec(blocks("python")[0], names)
    is_genuine = names["is_genuine"]
    assert callable(is_genuine)
    body = blocks("json")[0].strip().encode()
    signature = x_signature(SECRET, body)
    assert is_genuine(body, signature, SECRET)
    assert not is_genuine(body + b" ", signature, SECRET)
    assert not is_genuine(body, signature, SECRET + "x")
    assert not is_genuine(body, "é" * 64, SECRET)


def test_the_javascript_that_verifies_accepts_what_is_sent_and_nothing_else(node: Path) -> None:
    body = blocks("json")[0].strip()
    cases = [
        [body, x_signature(SECRET, body.encode()), SECRET],
        [body + " ", x_signature(SECRET, body.encode()), SECRET],
        [body, "é" * 64, SECRET],
    ]
    script = f"{blocks('js')[0]}\nconsole.log({json.dumps(cases)}.map((one) => isGenuine(...one)).join());"
    done = subprocess.run([node, "-e", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "true,false,false"


def test_the_example_of_a_pbx_is_good_settings() -> None:
    [settings] = blocks("toml")
    [pbx] = msgspec.toml.decode(settings)["pbx"]
    assert msgspec.convert(pbx, PbxSettings).serial == "pbx1"


def test_every_command_that_is_named_is_there() -> None:
    named = set(re.findall(r"(?:\./run|ringpost) ([a-z]+)", README)) - {"passes", "test"}
    assert named <= set(COMMANDS)
    assert {"serve", "doctor", "integrations", "keys", "send", "settings"} <= named


@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no shell")
def test_every_option_of_run_that_is_named_is_in_its_help() -> None:
    told = subprocess.run([ROOT / "run", "--help"], capture_output=True, text=True, check=True).stdout
    for option in set(re.findall(r"\./run test (--[a-z]+)", README)) - {"--help"}:
        assert option in told
