"""Lanes: which deliveries to attempt now, in which order.

The unit of order is the lane (integration, call): its deliveries go strictly in event order, one at a time. Lanes
never wait for each other. Companies and their integrations take turns, each holds its fair share (see `fairness`), and
of an integration whose breaker is open one delivery goes at a time (see `breaker`). Pure; the dispatcher alone calls
it, with the time (ms). Costs: `poll` grows with what it starts, with the integrations whose time has come and with the
attempts that turned out slow, the other calls with log n at most (`drop`: with what it gives back).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from heapq import heapify, heappop, heappush
from operator import attrgetter
from typing import Final

from msgspec import Struct

from ringpost.model.delivery import Owed
from ringpost.model.outcome import BUSY, Outcome

from .breaker import Closed, Opened, Wait
from .fairness import SLOW, Rota, Slots
from .share import Health, Lane, LaneStatistics, PutOff, Share

_seq = attrgetter("seq")
_SPARE_ALARMS: Final = 64  # stale entries that are not worth clearing away


class Start(Struct, frozen=True):
    """The command to attempt this delivery now; `finished` must follow."""

    owed: Owed


class Lanes:
    """All lanes of one dispatcher, with bounds on the attempts under way: for each integration, and in all."""

    def __init__(self, per_integration: int, total: int) -> None:
        self._slots = Slots(per_integration, total)
        self._shares: dict[str, Share] = {}
        self._healths: dict[str, Health] = {}  # of integrations without a share
        self._paused: set[str] = set()
        self._open: set[str] = set()  # integrations whose breaker is open
        self._prompt: Rota[Share] = Rota()  # integrations that may start something
        self._on_trial: Rota[Share] = Rota()
        self._is_turn_on_trial = False
        self._watch: deque[tuple[int, int, Share, Lane]] = deque()  # starts that may yet be slow: (when, turn, …)
        self._alarms: list[tuple[int, int, Share]] = []  # a heap of (due, number, share); stale: the number differs
        self._armed = 0  # how many of the alarms are not stale
        self._number = 0
        self._waiting = 0
        self._lanes = 0

    def offer(self, owed: Owed, now: int) -> bool:
        """Take a delivery into its lane, by its event's number. False: it is there already, waiting or under way."""
        share = self._shares.get(owed.integration)
        if share is None:
            health = self._healths.pop(owed.integration, None) or Health()
            share = self._shares[owed.integration] = Share(owed.company, owed.integration, health)
        lane = share.lanes.get(owed.call)
        if lane is None:
            lane = share.lanes[owed.call] = Lane(owed.call, owed)
            self._lanes += 1
            self._place(share, lane, owed.due, now)
        elif not self._insert(share, lane, owed, now):
            return False
        self._waiting += 1
        share.held += 1
        self._settle(share, now)
        return True

    def poll(self, now: int) -> list[Start]:
        """What to attempt now: due heads of free lanes, within the bounds; one of each integration in turn."""
        self._find_slow(now)
        while self._alarms and self._alarms[0][0] <= now:
            _, number, share = heappop(self._alarms)
            if share.alarm == number:
                self._disarm(share)
                self._settle(share, now)
        starts: list[Start] = []
        while (rota := self._next_rota()) is not None:
            share = rota.pop()
            share.listed = False
            if self._may_start_now(share, now) and (owed := self._take(share, now)) is not None:
                starts.append(Start(owed))
            self._settle(share, now)
        return starts

    def finished(
        self, owed: Owed, again: Owed | None, now: int, outcome: Outcome | None = None, jitter: float = 0.5
    ) -> Opened | Closed | None:
        """An attempt under way ended.

        again: the same delivery, to be tried at its `due`; None: it ended for good. outcome: None, where nothing was
        attempted in the end; jitter: see `breaker`. Says so when the integration's breaker opened or closed.
        """
        share = self._shares[owed.integration]
        lane = share.lanes[owed.call]
        self._free(share, lane)
        is_of_now = lane.health is share.health  # it was not deleted and installed anew meanwhile
        told = self._learn(share, lane, owed, outcome, now, jitter) if is_of_now else None
        if again is not None and lane.head is not None:
            lane.rest = lane.rest or []
            insort(lane.rest, again, key=_seq)  # first, unless an earlier event was replayed meanwhile
            self._waiting += 1
            share.held += 1
        if lane.rest:
            lane.head = lane.rest.pop(0)
            self._place(share, lane, lane.head.due, now)
        else:
            del share.lanes[lane.call]
            self._lanes -= 1
        self._judge(share)
        self._settle(share, now)
        self._forget_if_empty(share)
        return told

    def pause(self, integration: str) -> None:
        """Start nothing of this integration any more; what it is owed is kept."""
        self._paused.add(integration)
        if (share := self._shares.get(integration)) is not None:
            self._disarm(share)

    def resume(self, integration: str, now: int) -> None:
        """Start what is due again. It may have been edited, so an open breaker need not wait for its next probe."""
        self._paused.discard(integration)
        if (share := self._shares.get(integration)) is not None:
            share.health.breaker.hurry(now)
            self._settle(share, now)
        elif (health := self._healths.get(integration)) is not None:
            health.breaker.hurry(now)

    def drop(self, integration: str) -> list[Owed]:
        """Forget a deleted integration and give back what it was owed; attempts under way end by themselves."""
        self._paused.discard(integration)
        self._open.discard(integration)
        self._healths.pop(integration, None)
        share = self._shares.get(integration)
        if share is None:
            return []
        dropped: list[Owed] = []
        for lane in list(share.lanes.values()):
            dropped += lane.waiting()
            if not lane.under_way:
                del share.lanes[lane.call]
                self._lanes -= 1
            lane.head = lane.rest = None
        share.ready.clear()
        share.replayed.clear()
        share.later.clear()
        self._disarm(share)
        self._waiting -= len(dropped)
        share.held = 0
        share.health = Health()
        self._judge(share)
        self._forget_if_empty(share)
        return dropped

    def drop_lane(self, integration: str, call: str) -> list[Owed]:
        """Forget what waits in one lane and give it back; an attempt under way ends by itself."""
        share = self._shares.get(integration)
        lane = None if share is None else share.lanes.get(call)
        if share is None or lane is None:
            return []
        dropped = lane.waiting()
        if not lane.under_way:
            share.take_out(lane)
            self._lanes -= 1
        lane.head = lane.rest = None
        share.held -= len(dropped)
        self._waiting -= len(dropped)
        self._forget_if_empty(share)
        return dropped

    def put_off(self, integration: str, until: int, keep: int, limit: int) -> list[PutOff]:
        """Let go of lanes that wait for a time after `until` (ms), until no more than so many deliveries of the
        integration wait here; so many lanes at most. Who asks for it brings them back."""
        share = self._shares.get(integration)
        if share is None:
            return []
        before = share.held
        taken = share.put_off(until, keep, limit)
        self._lanes -= len(taken)
        self._waiting -= before - share.held
        self._forget_if_empty(share)
        return taken

    def held(self, integration: str) -> int:
        """How many deliveries of an integration wait here."""
        share = self._shares.get(integration)
        return 0 if share is None else share.held

    def is_under_way(self, owed: Owed) -> bool:
        """Whether this delivery is being attempted, and was not dropped meanwhile."""
        share = self._shares.get(owed.integration)
        lane = None if share is None else share.lanes.get(owed.call)
        return lane is not None and lane.under_way and lane.head is not None and lane.head.seq == owed.seq

    def has_lane(self, integration: str, call: str) -> bool:
        """Whether a delivery of this lane waits here or is under way."""
        share = self._shares.get(integration)
        return share is not None and call in share.lanes

    def is_paused(self, integration: str) -> bool:
        return integration in self._paused

    @property
    def waiting(self) -> int:
        """How many deliveries wait here in all."""
        return self._waiting

    def wake_at(self) -> int | None:
        """When to poll again (ms; 0: at once), unless something is offered, finished or resumed before; None: never."""
        if self._may_start_on_trial or self._may_start_prompt:
            return 0
        alarms = self._alarms
        while alarms and alarms[0][2].alarm != alarms[0][1]:
            heappop(alarms)
        return alarms[0][0] if alarms else None

    def statistics(self) -> LaneStatistics:
        return LaneStatistics(
            waiting=self._waiting,
            under_way=self._slots.under_way,
            lanes=self._lanes,
            integrations=len(self._shares),
            breakers_open=len(self._open),
        )

    def _insert(self, share: Share, lane: Lane, owed: Owed, now: int) -> bool:
        head, rest = lane.head, lane.rest
        if head is not None and owed.seq == head.seq:
            return False
        if head is not None and owed.seq < head.seq and not lane.under_way:  # a replay of an earlier event
            lane.head, lane.rest = owed, [head, *(rest or ())]
            if lane.turn:
                self._place(share, lane, owed.due, now)
        elif not rest:
            lane.rest = [owed]
        elif owed.seq > rest[-1].seq:
            rest.append(owed)
        else:
            place = bisect_left(rest, owed.seq, key=_seq)
            if rest[place].seq == owed.seq:
                return False
            rest.insert(place, owed)
        return True

    def _place(self, share: Share, lane: Lane, due: int, now: int) -> None:
        """Let a lane with a new head wait where it belongs: for its turn, or for its time."""
        if due <= now:
            share.wait_for_turn(lane, now)
        else:
            self._number += 1
            share.wait_for_time(lane, due, self._number)

    def _take(self, share: Share, now: int) -> Owed | None:
        """The next of an integration, which is under way then."""
        share.join_one(now)
        while (lane := share.next_ready()) is not None:
            head = lane.head
            if head is not None and head.due > now:  # an earlier event came into the lane that waits for its time
                self._place(share, lane, head.due, now)
                continue
            self._number += 1
            lane.turn, lane.since, lane.under_way = self._number, now, True
            lane.health = share.health
            self._watch.append((now, lane.turn, share, lane))
            share.under_way += 1
            self._slots.take(prompt=share.is_prompt)
            self._waiting -= 1
            share.held -= 1
            if share.health.breaker.begin():
                share.probe = lane
            return head
        return None

    def _free(self, share: Share, lane: Lane) -> None:
        lane.under_way = False
        share.under_way -= 1
        self._slots.give_back(prompt=share.is_prompt)
        if lane in share.slow:
            share.slow.remove(lane)

    def _learn(
        self, share: Share, lane: Lane, owed: Owed, outcome: Outcome | None, now: int, jitter: float
    ) -> Opened | Closed | None:
        """Let an attempt's end count for its integration's health."""
        made = None if outcome is None or outcome.error == BUSY else outcome
        if made is not None:
            share.health.is_quick = now - lane.since < SLOW
        told = share.health.breaker.tell(made, now, jitter, probe=share.probe is lane, replay=owed.replay > 0)
        if isinstance(told, Opened):
            self._open.add(share.integration)
        elif isinstance(told, Closed):
            self._open.discard(share.integration)
        return told

    def _find_slow(self, now: int) -> None:
        """Bring on trial whose attempts are under way for long, without waiting for their end."""
        watch = self._watch
        while watch and not 0 <= now - watch[0][0] < SLOW:
            began, turn, share, lane = watch.popleft()
            if lane.under_way and lane.turn == turn and began <= now:  # else it ended, or the clock was set back
                share.slow.append(lane)
                self._judge(share)

    def _judge(self, share: Share) -> None:
        """Count an integration as prompt or on trial, as it is now."""
        if share.is_prompt == share.deserves_prompt:
            return
        if share.listed:
            self._rota_of(share).remove(share)
        share.is_prompt = not share.is_prompt
        self._slots.move(share.under_way, prompt=share.is_prompt)
        if share.listed:
            self._rota_of(share).add(share)

    def _rota_of(self, share: Share) -> Rota[Share]:
        return self._prompt if share.is_prompt else self._on_trial

    @property
    def _may_start_prompt(self) -> bool:
        return bool(self._prompt) and self._slots.is_free(prompt=True)

    @property
    def _may_start_on_trial(self) -> bool:
        return bool(self._on_trial) and self._slots.is_free(prompt=False)

    def _next_rota(self) -> Rota[Share] | None:
        """The prompt and those on trial take turns, where both may start something."""
        prompt, on_trial = self._may_start_prompt, self._may_start_on_trial
        if prompt and on_trial:
            self._is_turn_on_trial = not self._is_turn_on_trial
            return self._on_trial if self._is_turn_on_trial else self._prompt
        if prompt:
            return self._prompt
        return self._on_trial if on_trial else None

    def _starts_at(self, share: Share, now: int) -> int | None:
        """When an integration may start something, for all that concerns it alone; None: something must end before."""
        if share.under_way >= self._slots.limit(prompt=share.is_prompt) or share.integration in self._paused:
            return None
        due = share.next_due()
        answer = share.health.breaker.ask(now)
        if due is None or not isinstance(answer, Wait):
            return due
        return None if answer.until is None else max(due, answer.until)

    def _may_start_now(self, share: Share, now: int) -> bool:
        at = self._starts_at(share, now)
        return at is not None and at <= now

    def _settle(self, share: Share, now: int) -> None:
        """Put an integration into its rota if it may start something now, or set its alarm for when it may."""
        if share.listed:
            return
        at = self._starts_at(share, now)
        if at is not None and at <= now:
            share.listed = True
            self._rota_of(share).add(share)
        elif at is not None and (not share.alarm or at < share.alarm_due):
            self._arm(share, at)

    def _arm(self, share: Share, due: int) -> None:
        self._disarm(share)
        if len(self._alarms) > 2 * self._armed + _SPARE_ALARMS:
            self._alarms = [entry for entry in self._alarms if entry[2].alarm == entry[1]]
            heapify(self._alarms)
        self._number += 1
        share.alarm, share.alarm_due = self._number, due
        self._armed += 1
        heappush(self._alarms, (due, self._number, share))

    def _disarm(self, share: Share) -> None:
        if share.alarm:
            share.alarm = 0
            self._armed -= 1

    def _forget_if_empty(self, share: Share) -> None:
        if not share.lanes:
            self._disarm(share)
            if share.listed:
                self._rota_of(share).remove(share)
            del self._shares[share.integration]
            if not share.health.is_blank:
                self._healths[share.integration] = share.health
