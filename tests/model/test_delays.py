"""A retry schedule as people write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpost.errors import RingpostError
from ringpost.model.delays import read_delays, write_delays


@pytest.mark.parametrize(
    ("text", "delays"),
    [
        ("5s,30s,2m", [5_000, 30_000, 120_000]),
        ("250ms, 1h ,1d", [250, 3_600_000, 86_400_000]),
        ("0s", [0]),
        ("none", []),
        ("default", None),
    ],
)
def test_a_schedule_is_read_with_its_units(text: str, delays: list[int] | None) -> None:
    assert read_delays(text) == delays


@pytest.mark.parametrize(
    ("text", "place"), [("", 0), ("5", 0), ("5s,", 1), ("5s,x", 1), ("5s,-1s", 1), ("1.5s", 0), ("5 s", 0), ("5S", 0)]
)
def test_what_is_no_wait_is_refused_at_its_place(text: str, place: int) -> None:
    with pytest.raises(RingpostError) as refused:
        read_delays(text)
    assert (refused.value.code, refused.value.field) == ("invalid_value", f"retryDelaysMs[{place}]")


@given(st.none() | st.lists(st.integers(0, 2_592_000_000), max_size=5))
def test_a_schedule_that_was_written_is_read_as_it_was(delays: list[int] | None) -> None:
    assert read_delays(write_delays(delays)) == delays


def test_a_schedule_is_written_in_the_longest_units() -> None:
    assert write_delays((5_000, 90_000, 3_600_000, 172_800_000, 250, 0)) == "5s,90s,1h,2d,250ms,0s"
