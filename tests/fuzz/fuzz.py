"""Fuzzing of the Asterisk source: bytes through frames, session, observe and the call machine.

    ./run fuzz                                        1,000,000 messages, about 2 minutes
    ./run fuzz --messages 20000 --seed 7              fewer, of another seed
    ./run fuzz --round 7:123                          one round again, the one that a failure named

Each round is a stream of spoiled recordings (`storm`) to a session that reconnects, is answered with lists of channels,
pinged, cut off and restarted. Checked: nothing raises; one start first and one end last for each call, time never going
back, each event fit for the wire (`witness`); no leg is kept that a snapshot, or two audits in a row, did not have; the
reader keeps no more than its limits; after a last, empty list no call is open and nothing is left to do.
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from typing import Final, NamedTuple

from ringpost.calls.machine import CallMachine
from ringpost.calls.observation import Snapshot
from ringpost.sources.asterisk.boot import Boot
from ringpost.sources.asterisk.frames import MESSAGE_LIMIT
from ringpost.sources.asterisk.session import Command, Failed, Listed, Observed, Send, Session
from tests.fuzz.storm import cut, pieces, storm, value
from tests.fuzz.witness import Witness

MESSAGES: Final = 1_000_000
_LONG: Final = 20  # every so many rounds one is long, so that what grows shows
_BEGIN: Final = 1_700_000_000_000  # ms


class Result(NamedTuple):
    """messages: that were sent; told: call events; calls: that ended; failures: of sessions."""

    messages: int = 0
    told: int = 0
    calls: int = 0
    failures: int = 0

    def plus(self, other: Result) -> Result:
        return Result(*(one + two for one, two in zip(self, other, strict=True)))


class Round:
    """One machine, and one connection after the other to it."""

    def __init__(self, seed: str, messages: int) -> None:
        self._chance = random.Random(seed)
        self._messages = messages
        self._now = _BEGIN
        self._witness = Witness()
        self._machine = self._new_machine()
        self._session = Session("ringpost", "secret", self._now)
        self._boot = Boot()
        self._run_of_pbx = 1
        self._calm = False
        self._sent = self._failures = 0
        self._answers: list[bytes] = []
        self._alive: dict[bytes, bytes] = {}  # a channel's latest message, by its id
        self._missed: frozenset[str] = frozenset()  # legs that the audit before did not have

    def run(self) -> Result:
        """Raises AssertionError, or what was raised."""
        self._connect()
        stream = storm(self._chance, self._messages)
        while stream:
            count = self._chance.randint(1, 60)
            part, stream = stream[:count], stream[count:]
            for message in part:
                self._remember(message)
            self._sent += len(part)
            for piece in pieces(self._chance, b"".join(part)):
                self._hear(piece)
            self._pass_time()
            self._answer()
            if self._chance.random() < 0.005:
                self._restart()
        self._end()
        return Result(self._sent, self._witness.events, self._witness.ended, self._failures)

    # --- the connection --------------------------------------------------------------------------------------------
    def _connect(self) -> None:
        """A PBX that answers, at times one that was restarted. The bytes begin anew."""
        self._run_of_pbx += self._chance.random() < 0.1
        self._session = Session("ringpost", "secret", self._now, self._boot)
        self._answers.clear()
        self._missed = frozenset()
        self._hear(b"Asterisk Call Manager/11.0.0\r\n")
        for _ in range(3):
            self._answer()

    def _hear(self, data: bytes) -> None:
        self._do(self._session.received(data, self._now))
        assert len(self._session._reader._rest) <= MESSAGE_LIMIT + 2, "the reader keeps too much"

    def _do(self, commands: list[Command]) -> None:
        failed = False
        for command in commands:
            match command:
                case Send(data):
                    self._answers.append(self._answer_to(data))
                case Observed(observation):
                    self._witness.take(self._machine.observe(observation, self._now), self._machine)
                case Listed(snapshot):
                    self._witness.take(self._machine.resync(snapshot, self._now), self._machine)
                    self._check_legs(snapshot)
                case Failed():
                    failed = True
        if failed:
            self._failures += 1
            self._boot = self._session.boot
            self._connect()

    def _check_legs(self, snapshot: Snapshot) -> None:
        listed = {alive.leg.id for alive in snapshot.legs}
        kept = frozenset(self._machine._roster.board.legs) - listed
        if snapshot.audit:
            assert not kept & self._missed, "a leg is kept that two audits did not have"
            self._missed = kept
        else:
            assert not kept, "a leg is kept that the snapshot did not have"
            self._missed = frozenset()

    # --- the PBX's side --------------------------------------------------------------------------------------------
    def _remember(self, message: bytes) -> None:
        leg = value(message, b"Uniqueid")
        if leg and message.startswith((b"Event: Newchannel", b"Event: Newstate", b"Event: BridgeEnter")):
            self._alive[leg] = message
        elif message.startswith(b"Event: Hangup\r"):
            self._alive.pop(leg, None)
        if len(self._alive) > 200:
            del self._alive[next(iter(self._alive))]

    def _answer_to(self, action: bytes) -> bytes:
        head = b"Response: Success\r\nActionID: " + value(action, b"ActionID") + b"\r\n"
        match action.partition(b"\r\n")[0].removeprefix(b"Action: "):
            case b"Challenge":
                return head + b"Challenge: 1\r\n\r\n"
            case b"Login":
                return head + b"\r\nEvent: FullyBooted\r\nUptime: %d\r\n\r\n" % self._chance.randint(0, 10_000)
            case b"CoreSettings":
                return head + b"AsteriskVersion: 22.5.2\r\n\r\n"
            case b"CoreStatus":
                return head + b"CoreStartupDate: 2026-01-%02d\r\nCoreStartupTime: 10:00:00\r\n\r\n" % (
                    self._run_of_pbx % 28 + 1
                )
            case b"CoreShowChannels":
                return head + b"\r\n" + self._list(value(action, b"ActionID"))
        return head + b"\r\n"

    def _list(self, action: bytes) -> bytes:
        there = [message for message in self._alive.values() if self._chance.random() < 0.8]
        said = [b"Event: CoreShowChannel\r\nActionID: " + action + b"\r\n" + one.partition(b"\r\n")[2] for one in there]
        return b"".join((*said, b"Event: CoreShowChannelsComplete\r\nActionID: " + action + b"\r\n\r\n"))

    def _answer(self) -> None:
        answers, self._answers = self._answers, []
        for answer in answers:
            spoiled = not self._calm and self._chance.random() < 0.02
            self._hear(cut(self._chance, answer) if spoiled else answer)

    # --- time ------------------------------------------------------------------------------------------------------
    def _pass_time(self) -> None:
        """Mostly a moment, at times long; now and then the clock is set back."""
        waits, weights = (0, 1, 20, 300, 5_000, 14_000, 61_000, -2_000), (8, 8, 8, 8, 8, 12, 0.2, 1)
        self._now += self._chance.choices(waits, weights)[0]
        self._do(self._session.poll(self._now))
        self._witness.take(self._machine.poll(self._now), self._machine)
        due = self._machine.wake_at()
        assert due is None or due > self._now, "what is due was not done"

    def _restart(self) -> None:
        """Ringpost is restarted: the calls that go on are in the ledger."""
        self._witness.take(self._machine.flush(self._now), self._machine)
        self._machine = self._new_machine()
        self._machine.restore(self._witness.open_calls)
        self._boot = Boot()
        self._connect()

    def _end(self) -> None:
        """All legs are gone, and the PBX says so."""
        self._alive.clear()
        self._calm = True
        self._connect()
        assert self._session.live, "it did not come to stand again"
        statistics = self._machine.statistics()
        assert (statistics.open, statistics.legs) == (0, 0), statistics
        assert not self._witness.open_calls, "a call is left open"
        assert self._machine.wake_at() is None, "something is left to do"

    def _new_machine(self) -> CallMachine:
        trunks = ("SIPTRUNK",) if self._chance.random() < 0.5 else ()
        return CallMachine(company="acme", pbx="hq", short=True, trunks=trunks)


def rounds(seed: int, messages: int, *, progress: bool = False) -> Result:
    """Rounds until so many messages were sent. Raises AssertionError that names the round."""
    total, number, began, shown = Result(), 0, time.monotonic(), 0.0
    while total.messages < messages:
        total = total.plus(play(f"{seed}:{number}"))
        number += 1
        elapsed = time.monotonic() - began
        if progress and elapsed > shown + 5:
            shown = elapsed
            show(total, elapsed)
    if progress:
        show(total, time.monotonic() - began)
    return total


def play(name: str) -> Result:
    """One round, by its name `<seed>:<number>`."""
    number = int(name.partition(":")[2])
    try:
        return Round(name, 20_000 if number % _LONG == _LONG - 1 else 1_000).run()
    except Exception as error:
        raise AssertionError(f"round {name}: {error!r}") from error


def show(total: Result, elapsed: float) -> None:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_024
    print(
        f"{total.messages:>10,} messages, {total.messages / elapsed:,.0f}/s; {total.told:,} call events, "
        f"{total.calls:,} calls, {total.failures:,} sessions failed; {memory} MB",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run fuzz", description="Fuzz the Asterisk source.")
    parser.add_argument("--messages", type=int, default=MESSAGES, help="how many to send (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="what the rounds are made of (default: %(default)s)")
    parser.add_argument("--round", help="only this one, as <seed>:<number>")
    arguments = parser.parse_args()
    if arguments.round:
        show(play(arguments.round), 1.0)
        return
    rounds(arguments.seed, arguments.messages, progress=True)
    print("No fault was found.")


if __name__ == "__main__":
    main()
