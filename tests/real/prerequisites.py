"""What the tests with real servers need from the machine, and what the user left out. `./run test` sets all of it up.

A part that is missing fails the tests that need it; only what the user named with `--without` is skipped.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def skip_if_left_out(part: str) -> None:
    """Skip the test that runs now if the user said `./run test --without <part>`."""
    if part in os.environ.get("RINGPOST_TEST_WITHOUT", "").split(","):
        pytest.skip(f"{part} was left out (--without {part})")


def asterisk_cache() -> Path:
    """The folder that setup-asterisk.sh filled."""
    skip_if_left_out("asterisk")
    return _found("RINGPOST_TEST_ASTERISK", ROOT / ".cache/asterisk", "bin/asterisk", "Asterisk")


def sipp() -> Path:
    """The SIPp program, which plays the phones."""
    skip_if_left_out("sipp")
    return _found("RINGPOST_TEST_SIPP", ROOT / ".cache/asterisk/bin/sipp", "", "SIPp")


def node() -> Path:
    """Node.js, which a machine need not have."""
    return _optional("node", "Node.js")


def php() -> Path:
    """PHP's command line, which a machine need not have."""
    return _optional("php", "PHP")


def go() -> Path:
    """Go, which a machine need not have."""
    return _optional("go", "Go")


def _optional(part: str, name: str) -> Path:
    skip_if_left_out(part)
    found = shutil.which(part)
    if found is None:
        pytest.skip(f"{name} is not on this machine (it is optional)")
    return Path(found)


def chromium() -> Path:
    """The browser that shows the console."""
    skip_if_left_out("chromium")
    if not os.environ.get("RINGPOST_TEST_CHROMIUM") and (installed := shutil.which("chromium")):
        return Path(installed)
    return _found("RINGPOST_TEST_CHROMIUM", ROOT / ".cache/chromium/bin/chromium", "", "Chromium")


def npm_package(name: str, file: str) -> Path:
    """A file of a package from npm, which goes with Node.js; the test is skipped where it was not fetched."""
    skip_if_left_out("node")
    cache = Path(os.environ.get("RINGPOST_CACHE") or ROOT / ".cache")
    found = cache / "npm" / name / "node_modules" / file
    if not found.exists():
        pytest.skip(f"{name} is not there; ./run test fetches it where npm is")
    return found


def _found(variable: str, usual: Path, program: str, name: str) -> Path:
    place = Path(os.environ.get(variable) or usual)
    if not os.access(place / program, os.X_OK):
        pytest.fail(
            f"{name} is not in {place}. ./run test sets it up; --without leaves it out on purpose.", pytrace=False
        )
    return place
