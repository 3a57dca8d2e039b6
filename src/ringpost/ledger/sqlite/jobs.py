"""What the writer's thread is asked to do: accept events, record attempts, or one change of another kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import apsw
from msgspec import Struct

from ringpost.ledger.ledger import NO_FAILINGS, Named, Remember, Result
from ringpost.model.event import NewEvent
from ringpost.model.failing import Failing


class Commit(Struct, frozen=True):
    events: Sequence[NewEvent]
    remember: Remember | None


class Record(Struct, frozen=True):
    results: Sequence[Result]
    failings: Mapping[Named, Failing | None] = NO_FAILINGS


class Change(Struct, frozen=True):
    """run: called in the writer's thread, within a transaction; what it returns is the answer, what it raises undoes
    all of it. notices: accepted in the same transaction; where there are any, the answer is the verdicts on them."""

    run: Callable[[apsw.Connection], object]
    remember: Remember | None = None
    notices: Sequence[NewEvent] = ()


Job = Commit | Record | Change


def weight(job: Job) -> int:
    """How much of a transaction a job takes, in events."""
    match job:
        case Commit(events=events):
            return len(events)
        case Record(results=results):
            return len(results)
        case Change():
            return 1
