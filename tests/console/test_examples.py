"""The code that verifies, as the pages show it, run by each language itself: what it takes, and what it must not take.

C# is not run: its calls are compared with what .NET's reference says of them.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from ringpost.console.examples import examples_for
from ringpost.model.integration import TRANSMISSION_TYPES, TransmissionType
from tests.real.prerequisites import ROOT

GOLDEN: Final = Path(__file__).parents[1] / "wire" / "golden.json"
CODE: Final = {example.language: example.code for example in examples_for("webhook")}

# Each takes lines as `secret body signature`, in hex, the secret `-` where it is not set, and tells what the code says.
NODE: Final = """
for (const line of require("node:fs").readFileSync(0, "utf8").trim().split("\\n")) {
  const [secret, body, signature] = line.split(" ").map((text) => Buffer.from(text, "hex"));
  if (line.startsWith("-")) delete process.env.RINGPOST_SECRET;
  else process.env.RINGPOST_SECRET = secret.toString();
  try { console.log(String(isGenuine(body, signature.toString()))); } catch { console.log("failed"); }
}
"""
PHP: Final = """
foreach (file("php://stdin", FILE_IGNORE_NEW_LINES) as $line) {
    [$secret, $body, $signature] = explode(" ", $line);
    putenv($secret === "-" ? "RINGPOST_SECRET" : "RINGPOST_SECRET=" . hex2bin($secret));
    try {
        echo is_genuine(hex2bin($body), hex2bin($signature)) ? "true\\n" : "false\\n";
    } catch (RuntimeException) {
        echo "failed\\n";
    }
}
"""
GO: Final = """package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"shown/receiver"
)

func told(body []byte, signature string) (says string) {
	defer func() {
		if recover() != nil {
			says = "failed"
		}
	}()
	return fmt.Sprint(receiver.IsGenuine(body, signature))
}

func main() {
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadString('\\n')
		if err != nil {
			return
		}
		parts := strings.Split(strings.TrimRight(line, "\\n"), " ")
		os.Unsetenv("RINGPOST_SECRET")
		if parts[0] != "-" {
			secret, _ := hex.DecodeString(parts[0])
			os.Setenv("RINGPOST_SECRET", string(secret))
		}
		body, _ := hex.DecodeString(parts[1])
		signature, _ := hex.DecodeString(parts[2])
		fmt.Println(told(body, string(signature)))
	}
}
"""


class Case(NamedTuple):
    """What the code is asked, and what it has to say: true, false or failed. secret: None where it is not set."""

    secret: str | None
    body: str
    signature: str
    says: str


def cases() -> list[Case]:
    """What a program that shares no code with ours signed, as it is and spoiled; and no secret."""
    asked = []
    for row in json.loads(GOLDEN.read_text("utf-8")):
        secret, body, signature = row["secret"], row["body"], row["x-signature"]
        asked.append(Case(secret, body, signature, "true"))
        asked += [
            Case(other, changed, wrong, "false")
            for other, changed, wrong in (
                (secret, body + " ", signature),
                (secret + "x", body, signature),
                (secret, body, signature[:-1]),
                (secret, body, signature + "0"),
                (secret, body, "é" * len(signature)),
                (secret, body, "x"),
            )
        ]
    # HMAC-SHA256 of nothing with an empty key: what anybody can make
    empty = "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"
    return [*asked, Case(None, "", empty, "failed"), Case("", "", empty, "failed")]


def tells(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> list[str]:
    """What a program says to every case."""
    lines = "".join(
        f"{'-' if one.secret is None else one.secret.encode().hex()} {one.body.encode().hex()}"
        f" {one.signature.encode().hex()}\n"
        for one in cases()
    )
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True, env=environment)
    return done.stdout.split()


def right() -> list[str]:
    return [one.says for one in cases()]


def test_the_python_that_is_shown_verifies(monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, Callable[[bytes, str], bool]] = {}
    exec(CODE["Python"], names)
    told = []
    for one in cases():
        monkeypatch.delenv("RINGPOST_SECRET", raising=False)
        if one.secret is not None:
            monkeypatch.setenv("RINGPOST_SECRET", one.secret)
        try:
            told.append(str(names["is_genuine"](one.body.encode(), one.signature)).lower())
        except (KeyError, RuntimeError):
            told.append("failed")
    assert told == right()


def test_the_javascript_that_is_shown_verifies(node: Path) -> None:
    assert tells([node, "-e", CODE["Node"] + NODE]) == right()


def test_the_javascript_that_is_shown_takes_a_request_without_a_signature_for_a_forged_one(node: Path) -> None:
    ask = 'console.log(isGenuine(Buffer.from("{}"), undefined))'
    environment = {**os.environ, "RINGPOST_SECRET": "whsec_c2VjcmV0"}
    done = subprocess.run([node, "-e", CODE["Node"] + ask], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "false"


def test_the_php_that_is_shown_verifies(php: Path, tmp_path: Path) -> None:
    script = tmp_path / "receiver.php"
    script.write_text(CODE["PHP"] + PHP, "utf-8")
    assert tells([php, "-n", "-d", "display_errors=stderr", script]) == right()


@pytest.mark.slow  # the first time it compiles its library, for ten seconds
def test_the_go_that_is_shown_verifies(go: Path, tmp_path: Path) -> None:
    (tmp_path / "receiver").mkdir()
    (tmp_path / "go.mod").write_text("module shown\n\ngo 1.19\n", "utf-8")
    (tmp_path / "receiver" / "receiver.go").write_text(CODE["Go"], "utf-8")
    (tmp_path / "main.go").write_text(GO, "utf-8")
    cache = Path(os.environ.get("RINGPOST_CACHE") or ROOT / ".cache")
    alone = {
        "GOCACHE": str(cache / "go"),
        "GOTOOLCHAIN": "local",
        "GOPROXY": "off",
        "GOFLAGS": "",
        "HOME": str(tmp_path),
    }
    command: list[str | Path] = [go, "build", "-o", "shown", "."]
    built = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, **alone}, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    assert tells([tmp_path / "shown"]) == right()


def test_the_csharp_that_is_shown_calls_what_the_reference_of_net_has() -> None:
    code = CODE["C#"]
    for part in (
        # HMACSHA256.HashData(byte[] key, byte[] source): the key goes first
        "HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), body)",
        # Convert.ToHexString(byte[]) gives upper-case letters
        "Convert.ToHexString(hash).ToLowerInvariant()",
        # CryptographicOperations.FixedTimeEquals(ReadOnlySpan<byte>, ReadOnlySpan<byte>): false for another length
        "CryptographicOperations.FixedTimeEquals(\n        Encoding.ASCII.GetBytes(expected), Encoding.ASCII",
        "if (string.IsNullOrEmpty(secret)) throw",
        "using System;\nusing System.Security.Cryptography;\nusing System.Text;\n",
    ):
        assert part in code


@pytest.mark.parametrize("transmission", TRANSMISSION_TYPES)
def test_each_language_takes_the_right_place_of_the_signature(transmission: TransmissionType) -> None:
    place = {"webhook": "header x-signature", "sqs": "attribute X-SIGNATURE"}[transmission]
    examples = examples_for(transmission)
    assert [example.language for example in examples] == ["Python", "Node", "PHP", "Go", "C#"]
    assert all(place in example.code for example in examples)
    assert not any("{{" in example.code or "}}" in example.code for example in examples)
