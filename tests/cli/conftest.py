from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.program import kill_what_is_left


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield
    kill_what_is_left()
