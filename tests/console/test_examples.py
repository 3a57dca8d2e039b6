"""The code that verifies, in each language: what is shown runs where that is here, and takes what is genuine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from ringpost.console.examples import examples_for
from ringpost.wire.signature import x_signature

SECRET: Final = "whsec_c2VjcmV0"
ASKED: Final = (("{}", x_signature(SECRET, b"{}")), ("{} ", x_signature(SECRET, b"{}")), ("{}", "00"))
EXPECTED: Final = ["true", "false", "false"]


def code_in(language: str) -> str:
    return next(example.code for example in examples_for("webhook") if example.language == language)


def program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/local/go/bin")
    if found is None:
        pytest.skip(f"{name} is not here")
    return found


def run(*command: str, folder: Path, **environment: str) -> list[str]:
    told = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "RINGPOST_SECRET": SECRET, **environment},
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    return told.stdout.split()


def test_the_python_that_is_shown_verifies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGPOST_SECRET", SECRET)
    names: dict[str, object] = {}
    exec(code_in("Python"), names)
    is_genuine = names["is_genuine"]
    assert callable(is_genuine)
    assert [str(is_genuine(body.encode(), given)).lower() for body, given in ASKED] == EXPECTED


def test_the_javascript_that_is_shown_verifies(node: Path, tmp_path: Path) -> None:
    asks = [f'console.log(isGenuine(Buffer.from("{body}"), "{given}"))' for body, given in ASKED]
    assert run(str(node), "-e", "\n".join([code_in("Node"), *asks]), folder=tmp_path) == EXPECTED


def test_the_php_that_is_shown_verifies(tmp_path: Path) -> None:
    php = program("php")
    asks = [f"echo is_genuine('{body}', '{given}') ? 'true' : 'false', PHP_EOL;" for body, given in ASKED]
    (tmp_path / "receiver.php").write_text("\n".join([code_in("PHP"), *asks]))
    assert run(php, "receiver.php", folder=tmp_path) == EXPECTED


@pytest.mark.slow  # it is compiled
def test_the_go_that_is_shown_verifies(tmp_path: Path) -> None:
    go = program("go")
    (tmp_path / "receiver").mkdir()
    (tmp_path / "go.mod").write_text("module example\n\ngo 1.18\n")
    (tmp_path / "receiver" / "receiver.go").write_text(code_in("Go"))
    asks = [f'fmt.Println(receiver.IsGenuine([]byte("{body}"), "{given}"))' for body, given in ASKED]
    imports = 'package main\n\nimport (\n"fmt"\n"example/receiver"\n)\n\n'
    (tmp_path / "main.go").write_text(f"{imports}func main() {{\n" + "\n".join(asks) + "\n}\n")
    told = run(go, "run", ".", folder=tmp_path, GOPROXY="off", GOFLAGS="-mod=mod", GOTOOLCHAIN="local")
    assert told == EXPECTED


def test_the_c_sharp_that_is_shown_does_as_the_others_do() -> None:
    """No compiler is at hand: the facts that make the others right are in it."""
    code = code_in("C#")
    assert re.search(r"Encoding\.UTF8\.GetBytes\(Environment\.GetEnvironmentVariable\(\"RINGPOST_SECRET\"\)", code)
    assert "HMACSHA256.HashData(secret, body)" in code
    assert ".ToLowerInvariant()" in code
    assert "CryptographicOperations.FixedTimeEquals(" in code


def test_each_language_takes_the_right_place_of_the_signature() -> None:
    assert all("header x-signature" in example.code for example in examples_for("webhook"))
    assert all("attribute X-SIGNATURE" in example.code for example in examples_for("sqs"))
