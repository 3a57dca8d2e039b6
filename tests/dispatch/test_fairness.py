"""Fair shares: turns of companies and integrations, and what stays free however many receivers hang."""

from __future__ import annotations

from typing import Final

import hypothesis.strategies as st
from hypothesis import given, settings
from msgspec.structs import replace

from ringpost.dispatch.breaker import IN_A_ROW
from ringpost.dispatch.fairness import SLOW, Rota, Slots
from ringpost.dispatch.lanes import Lanes
from ringpost.dispatch.share import Health, Share
from ringpost.model.delivery import Owed
from ringpost.model.outcome import Outcome

OK: Final = Outcome(status=200)
TIMEOUT: Final = Outcome(error="timeout")
DEADLINE: Final = 5_000  # ms, of an attempt
HEALTHY: Final = "health"
bounds = {"per_integration": st.integers(1, 20), "total": st.integers(2, 64)}


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), unique=True, min_size=1))
def test_companies_take_turns_then_their_integrations(members: list[tuple[int, int]]) -> None:
    rota: Rota[Share] = Rota()
    for company, number in members:
        rota.add(Share(f"company {company}", f"{company}{number}", Health()))
    companies = {company for company, _ in members}
    turns = []
    for _ in range(10 * len(members)):
        share = rota.pop()
        rota.add(share)  # it wants another turn at once
        turns.append(share)
    for start in range(len(turns) - len(companies) + 1):
        assert len({share.company for share in turns[start : start + len(companies)]}) == len(companies)
    for company in companies:
        own = [share.integration for share in turns if share.company == f"company {company}"]
        size = len({number for of, number in members if of == company})
        assert all(len(set(own[start : start + size])) == size for start in range(len(own) - size + 1))


@given(**bounds, takes=st.lists(st.booleans(), max_size=200))
def test_those_on_trial_never_hold_the_quarter_that_is_kept(
    per_integration: int, total: int, takes: list[bool]
) -> None:
    slots, on_trial = Slots(per_integration, total), 0
    for prompt in takes:
        if slots.is_free(prompt=prompt):
            slots.take(prompt=prompt)
            on_trial += not prompt
    assert slots.under_way <= total
    assert on_trial <= total - max(total // 4, 1)
    assert slots.limit(prompt=False) <= max(slots.limit(prompt=True) // 4, 1)


def offer(lanes: Lanes, integration: str, seq: int, now: int, company: str = "it") -> Owed:
    owed = Owed(company=company, integration=integration, call=f"call {seq}", seq=seq)
    lanes.offer(owed, now)
    return owed


@given(
    **bounds,
    hanging=st.integers(0, 80),
    companies=st.integers(1, 5),
    steps=st.lists(st.sampled_from((1, 300, SLOW, 2_500)), min_size=1, max_size=25),
)
@settings(deadline=None)
def test_a_prompt_integration_starts_at_once_however_many_hang(
    per_integration: int, total: int, hanging: int, companies: int, steps: list[int]
) -> None:
    lanes, now, seq = Lanes(per_integration, total), 0, 0
    offer(lanes, HEALTHY, seq, now)
    (first,) = lanes.poll(now)
    lanes.finished(first.owed, None, now, OK)
    under_way: list[tuple[int, Owed]] = []
    for number in range(hanging):
        for _ in range(per_integration + 2):
            seq += 1
            offer(lanes, f"{number:06}", seq, now, company=f"company {number % companies}")
    for ms in steps:
        for began, owed in [entry for entry in under_way if now - entry[0] >= DEADLINE]:
            under_way.remove((began, owed))
            lanes.finished(owed, replace(owed, attempts=owed.attempts + 1, due=now + 5_000), now, TIMEOUT)
        seq += 1
        healthy = offer(lanes, HEALTHY, seq, now)
        started = [start.owed for start in lanes.poll(now)]
        assert healthy in started, "no slot for it"
        under_way += [(now, owed) for owed in started if owed != healthy]
        assert len(under_way) <= total - max(total // 4, 1)
        lanes.finished(healthy, None, now, OK)
        now += ms


@given(**bounds, hanging=st.integers(1, 80), companies=st.integers(1, 5))
def test_a_new_integration_waits_for_one_turn_of_the_companies_at_most(
    per_integration: int, total: int, hanging: int, companies: int
) -> None:
    lanes, seq = Lanes(per_integration, total), 0
    for number in range(hanging):
        for _ in range(per_integration + 10):
            seq += 1
            offer(lanes, f"{number:06}", seq, 0, company=f"company {number % companies}")
    under_way = [start.owed for start in lanes.poll(0)]
    new = offer(lanes, "newone", seq + 1, 0, company="of its own")
    ends = 0
    while new not in under_way:
        under_way += [start.owed for start in lanes.poll(0)]
        if new not in under_way:
            lanes.finished(under_way.pop(0), None, DEADLINE, TIMEOUT)
            ends += 1
    assert ends <= companies + 1


def test_a_flood_of_one_company_costs_another_one_turn() -> None:
    lanes, seq = Lanes(4, 8), 0
    for number in range(50):
        for _ in range(20):
            seq += 1
            offer(lanes, f"{number:06}", seq, 0, company="flood")
    under_way = [start.owed for start in lanes.poll(0)]
    for _ in range(100):  # all of them are well
        lanes.finished(under_way.pop(0), None, 0, OK)
        under_way += [start.owed for start in lanes.poll(0)]
    assert len(under_way) == 8, "they may hold all when nobody else wants any"
    quiet = offer(lanes, "quiet1", seq + 1, 0, company="quiet")
    started: list[Owed] = []
    ends = 0
    while quiet not in started:
        lanes.finished(under_way.pop(0), None, 0, OK)
        started = [start.owed for start in lanes.poll(0)]
        under_way += started
        ends += 1
    assert ends <= 3


def test_probes_of_any_number_of_dead_receivers_leave_the_quarter_free() -> None:
    lanes = Lanes(8, 8)
    offer(lanes, HEALTHY, 0, 0)
    lanes.finished(lanes.poll(0)[0].owed, None, 0, OK)
    for number in range(1, 11):
        for seq in range(IN_A_ROW):
            offer(lanes, f"{number:06}", 10 * number + seq, 0)
            (start,) = lanes.poll(0)  # it fails at once: it is quick, and dead
            lanes.finished(start.owed, replace(start.owed, due=1_000), 0, Outcome(error="connect"))
    assert lanes.statistics().breakers_open == 10
    assert len(lanes.poll(10_000)) == 6, "and these hang"
    healthy = offer(lanes, HEALTHY, 1, 10_000)
    assert [start.owed for start in lanes.poll(10_000)] == [healthy]


def test_a_prompt_one_whose_attempts_begin_to_hang_comes_on_trial_within_a_second() -> None:
    lanes = Lanes(16, 256)
    offer(lanes, "aaaaaa", 0, 0)
    (first,) = lanes.poll(0)
    lanes.finished(first.owed, None, 0, OK)
    for seq in range(1, 100):
        offer(lanes, "aaaaaa", seq, seq * 100)
        lanes.poll(seq * 100)
    assert lanes.statistics().under_way == 11 - 1, "one every 100 ms until the first was a second old"
