"""A slice of the fuzzing: `./run fuzz` is the long one."""

from __future__ import annotations

import random

import pytest

from ringpost.sources.asterisk.frames import FrameReader
from tests.fuzz.fuzz import play, rounds
from tests.fuzz.storm import pieces, storm


def test_no_spoiled_stream_breaks_a_promise() -> None:
    total = rounds(seed=1, messages=19_000)
    assert total.calls > 100
    assert total.failures > 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_longer_spoiled_stream_breaks_a_promise() -> None:
    assert rounds(seed=2, messages=200_000).calls > 1_000


def test_a_round_can_be_made_again() -> None:
    assert play("3:0") == play("3:0")
    first, second = (b"".join(storm(random.Random("x"), 100)) for _ in range(2))
    assert first == second
    assert b"".join(pieces(random.Random(1), first)) == first


@pytest.mark.parametrize("live", [True, False])
def test_however_a_spoiled_stream_is_cut_the_same_messages_come_out(live: bool) -> None:
    for seed in range(5):
        chance = random.Random(seed)
        raw = b"".join(storm(chance, 300))
        whole, cut = FrameReader(live=live), FrameReader(live=live)
        expected = whole.feed(raw)
        assert [message for piece in pieces(chance, raw) for message in cut.feed(piece)] == expected
        assert cut.dropped == whole.dropped > 0
