"""Which notices still hold: the newest of each thing, while what it tells is so."""

from __future__ import annotations

import msgspec

from ringpost.console.standing import standing
from ringpost.model.event import Event
from ringpost.model.notice import Notice, NoticeData

NOW = 1_795_573_019_000


def told(kind: str, ago: int = 0, **more: str) -> Event:
    notice = Notice(company="acme", type=kind, time=NOW - ago, message=kind, **more)  # type: ignore[arg-type]
    data = {name: getattr(notice, name) for name in NoticeData.__struct_fields__}
    return Event(
        company="acme", seq=1, call=notice.lane, sequence=1, pbx="ringpost", time=notice.time, type=kind,
        accepted=notice.time, data=msgspec.json.encode(data),
    )  # fmt: skip


def types(*notices: Event, holds: bool = True) -> list[str]:
    return [notice.type.removeprefix("notice:") for notice in standing(notices, lambda *_: holds, NOW)]


def test_the_newest_of_each_thing_counts() -> None:
    assert types(told("notice:pbx-back", pbx="P1"), told("notice:pbx-lost", 5, pbx="P1")) == []
    assert types(told("notice:pbx-lost", pbx="P2"), told("notice:pbx-back", 5, pbx="P1")) == ["pbx-lost"]
    again = (
        told("notice:pbx-lost", pbx="P1"),
        told("notice:pbx-back", 5, pbx="P1"),
        told("notice:pbx-lost", 9, pbx="P1"),
    )
    assert types(*again) == ["pbx-lost"]


def test_an_integrations_notice_holds_as_long_as_it_is_so() -> None:
    paused = told("notice:paused", integration="aaaaaa")
    assert types(paused) == ["paused"]
    assert types(paused, holds=False) == []


def test_an_exhausted_delivery_is_no_state_and_hides_none() -> None:
    exhausted, failing = told("notice:exhausted", integration="aaaaaa"), told("notice:failing", 5, integration="aaaaaa")
    assert types(exhausted, failing) == ["failing"]


def test_the_ledgers_space_is_told_for_a_day() -> None:
    assert types(told("notice:ledger-nearly-full", 86_399_000)) == ["ledger-nearly-full"]
    assert types(told("notice:ledger-nearly-full", 86_400_000)) == []
