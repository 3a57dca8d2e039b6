"""Fair shares of the attempts that may be under way: who is next, and how much each may hold.

Turns: companies take turns, then the integrations of a company; so one company's flood costs another no more than one
turn. Holdings: an integration is *prompt* while its last attempt ended within `SLOW` ms, none of those under way is
older, and its breaker is closed; else it is *on trial*, as every one is before its first attempt. The rule: one on
trial begins no more than a quarter of what an integration may hold, and all of them together no more than three
quarters of the total. So whatever number of receivers hangs, a quarter stays for those that answer. (Many that were
prompt until a moment ago can hold more between them: what they began in their last prompt second, until it times out.)
Pure; the lanes alone call it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, Generic, Protocol, TypeVar

SLOW: Final = 1_000  # ms; of a receiver that is well, few attempts take longer


class Member(Protocol):
    """What takes turns."""

    @property
    def company(self) -> str: ...

    @property
    def integration(self) -> str: ...


M = TypeVar("M", bound=Member)


class Rota(Generic[M]):
    """Integrations that want to start something, in turn."""

    def __init__(self) -> None:
        self._companies: OrderedDict[str, OrderedDict[str, M]] = OrderedDict()  # each in the order of its turns

    def __bool__(self) -> bool:
        return bool(self._companies)

    def add(self, member: M) -> None:
        """Let it wait for its turn, which is the last one of its company."""
        self._companies.setdefault(member.company, OrderedDict())[member.integration] = member

    def remove(self, member: M) -> None:
        members = self._companies[member.company]
        del members[member.integration]
        if not members:
            del self._companies[member.company]

    def pop(self) -> M:
        """The next one. Its company's turn is over then."""
        company, members = self._companies.popitem(last=False)
        _, member = members.popitem(last=False)
        if members:
            self._companies[company] = members
        return member


class Slots:
    """How many attempts are under way, and how many may be: for each integration, and in all."""

    def __init__(self, per_integration: int, total: int) -> None:
        self._per_integration = per_integration
        self._per_integration_on_trial = max(per_integration // 4, 1)
        self._total = total
        self._total_on_trial = max(total - max(total // 4, 1), 1)
        self.under_way = 0
        self._on_trial = 0

    def limit(self, *, prompt: bool) -> int:
        """How many attempts one integration may have under way."""
        return self._per_integration if prompt else self._per_integration_on_trial

    def is_free(self, *, prompt: bool) -> bool:
        """Whether one more attempt may be begun in all."""
        return self.under_way < self._total and (prompt or self._on_trial < self._total_on_trial)

    def take(self, *, prompt: bool) -> None:
        self.under_way += 1
        self._on_trial += not prompt

    def give_back(self, *, prompt: bool) -> None:
        self.under_way -= 1
        self._on_trial -= not prompt

    def move(self, count: int, *, prompt: bool) -> None:
        """An integration with so many attempts under way became prompt, or came on trial."""
        self._on_trial += -count if prompt else count
