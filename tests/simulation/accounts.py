"""What must be true of the ledger at each restart, and of everything at the end of a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Protocol

from .disk import Disk
from .life import Life
from .people import People
from .plan import Plan
from .watch import Broken, Delivery, Sent, Watch

_PENDING, _FAILING, _DELIVERED, _EXHAUSTED, _CANCELLED = range(5)


class Books(Protocol):
    """What is held against each other."""

    @property
    def plan(self) -> Plan: ...
    @property
    def disk(self) -> Disk: ...
    @property
    def watch(self) -> Watch: ...
    @property
    def people(self) -> People: ...
    @property
    def life(self) -> Life | None: ...


def check_accounts(books: Books) -> None:
    """What was accepted is there with all that it owes, each in one state that its attempts bear out."""
    states = _states(books.disk)
    _check_accepted(books, states)
    deleted = {id_ for (id_,) in books.disk.rows("SELECT id FROM integrations WHERE state = 'deleted'")}
    attempts: dict[Delivery, list[tuple[int, str | None]]] = defaultdict(list)
    for seq, integration, number, error in books.disk.rows(
        "SELECT seq, integration, number, error FROM attempts ORDER BY seq, integration, number"
    ):
        attempts[seq, integration].append((number, error))
    for delivery, (state, due, made, earlier) in states.items():
        tried = attempts.pop(delivery, [])
        if [number for number, _ in tried] != list(range(1, made + 1)):
            raise Broken(f"{delivery} has {made} attempts, and of them there are {tried}")
        if (state <= _FAILING) != (due is not None):
            raise Broken(f"{delivery} has state {state} and is due at {due}")
        if state == _CANCELLED and delivery[1] not in deleted:
            raise Broken(f"{delivery} is cancelled and its integration is not deleted")
        _check_attempts(books, delivery, state, tried, earlier)
    if attempts:
        raise Broken(f"attempts of no delivery: {attempts}")


def _check_attempts(
    books: Books, delivery: Delivery, state: int, tried: list[tuple[int, str | None]], earlier: int
) -> None:
    succeeded = any(error is None for _, error in tried)
    if state == _DELIVERED and not succeeded:
        raise Broken(f"{delivery} counts as delivered without an attempt that succeeded")
    if state == _EXHAUSTED and len(tried) - earlier <= min(
        len(books.plan.settings.retry_delays_ms), books.watch.views[delivery[1]].shortest
    ):
        raise Broken(f"{delivery} is exhausted after {len(tried) - earlier} attempts")
    if state <= _FAILING and not earlier and succeeded:
        raise Broken(f"{delivery} is pending and was delivered")


def check_owed(books: Books) -> None:
    """The dispatcher and the ledger agree on how much is owed, where nothing is on its way between them."""
    [(pending,)] = books.disk.rows(
        "SELECT count(*) FROM deliveries WHERE state IN (0, 1) "
        "AND integration NOT IN (SELECT id FROM integrations WHERE state = 'deleted')"
    )
    assert books.life is not None
    if not books.life.unrecorded() and books.life.owed() != pending:
        raise Broken(f"the dispatcher says that it owes {books.life.owed()}, and the ledger {pending}")


def check_recorded(books: Books) -> None:
    """After a gentle stop: what the receivers took is recorded, unless the ledger refused until the end."""
    assert books.life is not None
    if books.life.unrecorded():
        return
    for seq, integration, replay in sorted(books.watch.memory.taken):
        rows = books.disk.rows(
            "SELECT state FROM deliveries WHERE seq = ? AND integration = ? AND replay = ?", seq, integration, replay
        )
        if rows and rows[0][0] <= _FAILING:
            raise Broken(f"({seq}, {integration}) was taken, and a gentle stop left it pending")


def check_end(books: Books) -> None:
    """After the calm: nothing is pending, what counts as delivered was received, in order, and both books agree."""
    check_accounts(books)
    states = _states(books.disk)
    deleted = {id_ for (id_,) in books.disk.rows("SELECT id FROM integrations WHERE state = 'deleted'")}
    taken = {(sent.seq, sent.integration) for sent in books.watch.sent if sent.outcome is not None and sent.outcome.ok}
    for delivery, (state, *_) in states.items():
        if state <= _FAILING and delivery[1] not in deleted:
            raise Broken(f"{delivery} is still pending")
        if state == _DELIVERED and delivery not in taken:
            raise Broken(f"{delivery} counts as delivered and was never received")
        if state == _EXHAUSTED and delivery not in books.watch.ever_exhausted:
            raise Broken(f"{delivery} is exhausted and nobody was told")
    _check_order(books)
    assert books.life is not None
    if books.life.owed() or books.life.unrecorded():
        raise Broken(f"the dispatcher says it owes {books.life.owed()} and has {books.life.unrecorded()} to record")


def _states(disk: Disk) -> Mapping[Delivery, tuple[int, int | None, int, int]]:
    """Each delivery's state, due, attempts, and those before its last replay."""
    rows = disk.rows("SELECT seq, integration, state, due, attempts, earlier FROM deliveries ORDER BY seq, integration")
    return {(seq, integration): (state, due, made, earlier) for seq, integration, state, due, made, earlier in rows}


def _check_accepted(books: Books, states: Mapping[Delivery, object]) -> None:
    kept = {seq: (company, call) for seq, company, call in books.disk.rows("SELECT seq, company, call FROM events")}
    owed: dict[int, set[str]] = defaultdict(set)
    replayed: set[Delivery] = {
        (seq, integration)
        for seq, integration in books.disk.rows("SELECT seq, integration FROM deliveries WHERE replay > 0")
    }
    for seq, integration in states:
        owed[seq].add(integration)
        if seq not in kept:
            raise Broken(f"delivery ({seq}, {integration}) is of no event")
    for seq, event in books.people.accepted.items():
        if kept.get(seq) != (event.company, event.call):
            raise Broken(f"event {seq} of {event.call} was accepted and is lost")
        if not event.owed <= owed[seq]:
            raise Broken(f"event {seq} is not owed to {sorted(event.owed - owed[seq])}, which wanted it")
        unwanted = {one for one in event.not_owed & owed[seq] if (seq, one) not in replayed}
        if unwanted:
            raise Broken(f"event {seq} is owed to {sorted(unwanted)}, which did not want it")


def _check_order(books: Books) -> None:
    """As the receivers saw it: what comes for the first time comes in the order of its call."""
    lanes: dict[tuple[str, str], list[Sent]] = defaultdict(list)
    seen: set[Delivery] = set()
    for sent in sorted((one for one in books.watch.sent if one.arrived is not None), key=lambda one: one.arrived or 0):
        if (sent.seq, sent.integration) not in seen:
            seen.add((sent.seq, sent.integration))
            lanes[sent.integration, sent.call].append(sent)
    for lane, arrivals in lanes.items():
        latest = 0
        for sent in arrivals:
            if sent.replay or (sent.seq, sent.integration) in books.watch.ever_exhausted:
                continue
            if sent.seq < latest:
                raise Broken(f"{lane} received {sent.seq} after {latest}")
            latest = sent.seq
