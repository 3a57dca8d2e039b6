"""Our scripts: small, and sound in their types where Node.js and TypeScript are there."""

from __future__ import annotations

import subprocess
from importlib.resources import files
from pathlib import Path

from ringpost.console.assets import assets
from tests.real import prerequisites

FOLDER = Path(str(files("ringpost.console").joinpath("static")))
OURS = sorted(name for name in assets() if name.endswith(".js") and "/" not in name)
BANNED = ("eval(", "new Function", "document.write", "http:", "https:")


def test_no_script_of_ours_makes_code_of_text_or_names_an_address() -> None:
    for name in OURS:
        text = assets()[name].content.decode()
        assert not [word for word in BANNED if word in text], name


def test_every_script_is_a_module_that_node_can_read(node: Path, tmp_path: Path) -> None:
    for name in OURS:
        copy = tmp_path / name.replace(".js", ".mjs")
        copy.write_bytes(assets()[name].content)
        subprocess.run([node, "--check", copy], check=True, capture_output=True)


def test_the_types_of_our_scripts_are_sound(node: Path) -> None:
    tsc = prerequisites.npm_package("typescript@5.9.3", ".bin/tsc")
    told = subprocess.run([tsc, "-p", FOLDER / "jsconfig.json"], check=False, capture_output=True, text=True)
    assert told.returncode == 0, told.stdout
