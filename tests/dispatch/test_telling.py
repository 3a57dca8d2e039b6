"""Which notices the dispatcher gives, and that they are not too many."""

from __future__ import annotations

from typing import Final

from ringpost.dispatch.fitness import Warned
from ringpost.dispatch.telling import EXHAUSTED_EVERY, Exhausted, Exhaustions, failing_notice
from ringpost.model.delivery import Owed
from ringpost.model.integration import Integration

NOW: Final = 1_700_000_000_000
CRM: Final = Integration(
    company="it", id="aaaaaa", type="webhook", name="CRM", url="https://example.com/?token=very-secret", filter=("*",),
    state="active", created=NOW, updated=NOW, sealed=b"",
)  # fmt: skip


def owed(seq: int) -> Owed:
    return Owed(company="it", integration="aaaaaa", call="it_1.1", seq=seq)


def exhausted(seq: int, error: str = "timeout") -> Exhausted:
    return Exhausted(CRM, owed(seq), 10, error)


def test_the_first_exhausted_delivery_is_told_at_once_and_the_others_once_an_hour_with_their_number() -> None:
    told = Exhaustions()
    told.add(exhausted(1), NOW)
    [first] = told.due(NOW)
    assert (first.count, first.delivery, first.reason, first.integration) == (1, owed(1).id, "timeout", "aaaaaa")
    assert told.wake_at() is None
    for seq in range(2, 51):
        told.add(exhausted(seq, "status"), NOW + seq)
        assert told.due(NOW + seq) == []
    assert told.wake_at() == NOW + EXHAUSTED_EVERY
    [later] = told.due(NOW + EXHAUSTED_EVERY)
    assert (later.count, later.delivery, later.reason) == (49, owed(50).id, "status")
    assert told.wake_at() is None


def test_a_clock_that_is_set_far_back_silences_nothing() -> None:
    told = Exhaustions()
    told.add(exhausted(1), NOW)
    told.due(NOW)
    told.add(exhausted(2), NOW - 2 * EXHAUSTED_EVERY)
    assert len(told.due(NOW - 2 * EXHAUSTED_EVERY)) == 1


def test_each_integration_is_told_of_by_itself_and_forgotten_with_it() -> None:
    told = Exhaustions()
    told.add(exhausted(1), NOW)
    told.due(NOW)
    told.add(exhausted(2), NOW)
    told.forget("aaaaaa")
    assert told.wake_at() is None
    told.add(exhausted(3), NOW)
    assert [notice.count for notice in told.due(NOW)] == [1]


def test_a_warning_says_how_long_and_what_will_be_without_the_url() -> None:
    notice = failing_notice(CRM, Warned(NOW - 60 * 3_600_000, 30 * 3_600_000, "timeout"), NOW)
    assert notice.message == (
        "Integration aaaaaa (CRM) has only failed for 2.5 days (last: timeout). If that goes on for 30 hours it is "
        "paused; what it is owed is kept."
    )
    assert (notice.since, notice.reason, notice.company) == (NOW - 60 * 3_600_000, "timeout", "it")
