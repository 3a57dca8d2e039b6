"""The wire's ids of calls: `<company>_<key>`, or `<company>_<pbx>_<key>` for a company's second and further PBX.

Pure. A key that comes again after its call was told is a new call: `-2`, `-3`. The memory of keys is bounded; older
ones the ledger knows, and refuses (`CallMachine.another_id`).
"""

from __future__ import annotations

from typing import Final

USED_LIMIT: Final = 20_000


class CallIds:
    def __init__(self, company: str, pbx: str, *, short: bool) -> None:
        self.prefix = f"{company}_" if short else f"{company}_{pbx}_"
        self._used: dict[str, int] = {}

    def new(self, key: str) -> str:
        """The id of a call that is told now."""
        return self._numbered(key, self._used.pop(key, 0) + 1)

    def took(self, key: str, call: str) -> None:
        """The key's latest call is this one, told before a restart."""
        number = call.removeprefix(self.prefix).removeprefix(key).removeprefix("-")
        self._numbered(key, int(number) if number.isascii() and number.isdigit() else 1)

    def another(self, call: str) -> str:
        """An id for the call that has this one, which was used before."""
        name = call.removeprefix(self.prefix)
        if name in self._used:
            return self.new(name)
        key, dash, number = name.rpartition("-")
        if dash and number.isascii() and number.isdigit() and key in self._used:
            return self.new(key)
        return self._numbered(name, 2)

    def _numbered(self, key: str, number: int) -> str:
        self._used[key] = number
        if len(self._used) > USED_LIMIT:
            del self._used[next(iter(self._used))]
        return f"{self.prefix}{key}" if number == 1 else f"{self.prefix}{key}-{number}"
