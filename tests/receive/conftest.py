from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def golden() -> list[dict[str, str]]:
    """Events, secrets and signatures, written by a program that shares no code with either side."""
    rows: list[dict[str, str]] = json.loads(Path(__file__).parents[1].joinpath("wire/golden.json").read_text("utf-8"))
    return rows
