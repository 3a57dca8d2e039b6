"""Events kept in memory until their first attempts."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from ringpost.dispatch.bodies import ENTRY_BYTES, Bodies
from ringpost.model.event import Event


def event(seq: int, size: int = 100) -> Event:
    return Event(
        company="it", seq=seq, call="it_1", sequence=1, pbx="p", time=0, type="call:start", accepted=0, data=b"x" * size
    )


def test_the_last_taker_takes_an_event_away() -> None:
    bodies = Bodies(10_000)
    bodies.put(event(1), 2)
    assert bodies.take(1) == event(1)
    assert bodies.bytes == 100 + ENTRY_BYTES
    assert bodies.take(1) == event(1)
    assert (bodies.take(1), bodies.bytes, len(bodies)) == (None, 0, 0)


def test_what_came_first_goes_first_when_more_comes_than_fits() -> None:
    bodies = Bodies(2 * (100 + ENTRY_BYTES))
    for seq in (1, 2, 3):
        bodies.put(event(seq), 1)
    assert [bodies.take(seq) is not None for seq in (1, 2, 3)] == [False, True, True]


@given(st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 3)), max_size=40), st.integers(0, 20_000))
def test_it_never_holds_more_bytes_than_it_may(entries: list[tuple[int, int]], limit: int) -> None:
    bodies = Bodies(limit)
    for seq, (size, takers) in enumerate(entries):
        bodies.put(event(seq, size), takers)
        assert bodies.bytes <= limit
    for seq, (_, takers) in enumerate(entries):
        for _ in range(takers):
            bodies.take(seq)
    assert (bodies.bytes, len(bodies)) == (0, 0)
