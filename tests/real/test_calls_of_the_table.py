"""Real calls, made live, are told as the table of the recordings says: through a whole node, to a real receiver.

All scenes that a run asks for are played first, several at once, each on a PBX that it has for itself meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.calls.table import TABLE, Told
from tests.real.conftest import asterisks_in
from tests.real.playing import Played, play_scenes
from tests.real.scenes import SCENES

pytestmark = pytest.mark.real

LANES = 4


@pytest.fixture(scope="module")
def played(
    request: pytest.FixtureRequest, pbx_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Played]]:
    items = (item for item in request.session.items if isinstance(item, pytest.Function) and item.path == request.path)
    names = [str(item.callspec.params["name"]) for item in items]
    with asterisks_in(pbx_folder, min(LANES, len(names))) as asterisks:
        yield asyncio.run(play_scenes(names, asterisks, tmp_path_factory.mktemp("scenes")))


@pytest.mark.timeout(300)  # the first one plays them all
@pytest.mark.parametrize("name", SCENES)
def test_a_real_call_is_told_right(name: str, played: dict[str, Played]) -> None:
    scene = played[name]
    where = f"{scene.fault}\n(the PBX's words are in {scene.recording})"
    assert [as_slow_as_may_be(call) for call in scene.told] == [as_slow_as_may_be(call) for call in TABLE[name]], where
    assert scene.fault is None, where


def as_slow_as_may_be(call: Told) -> Told:
    """Between a dial and the ringing, a busy machine may need longer than what is told in one: then the dial is told
    by itself, or whom it reaches is known at once. Both are left out."""
    steps: list[tuple[str, str]] = []
    for step in call.path.split(", "):
        status, _, who = step.partition(" ")
        steps.append((status, who or steps[-1][1]))
    kept = [
        f"{status} {who}"
        for (status, who), (then, whom) in zip(steps, [*steps[1:], ("", "")], strict=True)
        if not (status == "CONNECTING" and then == "RINGING" and who.split(">")[0] == whom.split(">")[0])
    ]
    return call._replace(path=", ".join(kept))
