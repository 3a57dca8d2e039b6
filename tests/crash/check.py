"""What must be true when a service that was killed has come to rest: accepted, received and ledger agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import apsw
import msgspec

from ringpost.model.delivery import delivery_id
from ringpost.model.event import encode_seq
from ringpost.wire.signature import verify_standard, verify_x
from tests.crash.inbox import Arrival, Inbox
from tests.crash.load import Book, Key

DELIVERED = 2


@dataclass(frozen=True)
class Kept:
    """An event of the ledger; states: of its deliveries, by integration."""

    seq: int
    type: str
    sequence: int
    states: dict[str, int]


def read_ledger(path: Path) -> dict[Key, Kept]:
    """All events of a ledger that nobody has open, by what their sender numbered them; the file is sound."""
    connection = apsw.Connection(f"file:{path}?immutable=1", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    try:
        assert not path.with_name(path.name + "-wal").exists(), "a clean stop leaves no log"
        assert connection.pragma("integrity_check") == "ok"
        states: dict[int, dict[str, int]] = defaultdict(dict)
        for seq, integration, state in connection.execute("SELECT seq, integration, state FROM deliveries"):
            states[seq][integration] = state
        kept: dict[Key, Kept] = {}
        for seq, call, type_, sequence, data in connection.execute(
            "SELECT seq, call, type, sequence, data FROM events"
        ):
            key = (call, msgspec.json.decode(data)["number"])
            assert key not in kept, f"{key} is in the ledger twice"
            kept[key] = Kept(seq, type_, sequence, states.pop(seq))
        assert not states, "there are deliveries without an event"
        return kept
    finally:
        connection.close()


def check_ledger(book: Book, kept: dict[Key, Kept], integrations: set[str]) -> None:
    """Every accepted event is there and delivered; no other is, but such as were sent and never answered."""
    for key, event_id in book.accepted.items():
        assert key in kept, f"{key} was accepted and is lost"
        assert event_id == f"evt_{encode_seq(kept[key].seq)}", f"{key} has another id in the ledger"
    for key, event in kept.items():
        assert key in book.accepted or key in book.unknown, f"{key} is in the ledger and was not accepted"
        assert event.type == book.sent[key]
        assert event.sequence == key[1], f"{key} is number {event.sequence} in its call"
        assert event.states == dict.fromkeys(integrations, DELIVERED), f"{key} was not delivered: {event.states}"


def check_inbox(inbox: Inbox, kept: dict[Key, Kept]) -> None:
    """All that the ledger has was received: in order, signed, and again only where that could not be helped."""
    by_delivery: dict[str, list[Arrival]] = defaultdict(list)
    taken: set[Key] = set()  # answered with 200
    for arrival in inbox.arrivals:
        _check_signed(inbox, arrival)
        key = arrival.key
        assert key in kept, f"{key} was received, and the ledger does not know it"
        assert arrival.delivery == delivery_id(kept[key].seq, inbox.integration)
        call, number = key
        assert number == 1 or (call, number - 1) in taken, f"{key} came before the one before it was taken"
        if arrival.answered == 200:
            taken.add(key)
        by_delivery[arrival.delivery].append(arrival)
    assert taken == set(kept), f"{len(kept.keys() - taken)} were never taken"
    for arrivals in by_delivery.values():
        _check_repeats(arrivals)


def _check_signed(inbox: Inbox, arrival: Arrival) -> None:
    request = arrival.request
    header = {name.lower(): value for name, value in request.headers}
    assert arrival.event["integrationId"] == inbox.integration
    assert header["x-ringpost-sequence"] == str(arrival.event["data"]["number"])
    assert verify_x(inbox.secret, request.body, header["x-signature"])
    assert verify_standard(
        inbox.secret, header["webhook-id"], header["webhook-timestamp"], request.body, header["webhook-signature"]
    )


def _check_repeats(arrivals: Sequence[Arrival]) -> None:
    """Of one delivery: the same each time, and none after a 200 in the same life of the service."""
    first = arrivals[0]
    taken_in: set[int] = set()
    for arrival in arrivals:
        assert arrival.request.body == first.request.body, f"{first.delivery} came with another body"
        assert arrival.life not in taken_in, f"{first.delivery} came again though it was taken and nobody was killed"
        if arrival.answered == 200:
            taken_in.add(arrival.life)
