from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def golden() -> list[dict[str, str]]:
    """Events, secrets and signatures, written by a program that shares no code with ours."""
    rows: list[dict[str, str]] = json.loads(Path(__file__).with_name("golden.json").read_text("utf-8"))
    return rows
