"""Who a leg is: a person inside or a number outside, and which way a call goes.

Pure. A trunk is an endpoint that one of the configured patterns names; without patterns, what the PBX's own settings
show as one, or else every endpoint whose name is not an extension (2 to 6 digits). What is inside keeps the extension
of its phone, whatever caller id the dialplan puts on the leg: an outside number that a company shows is no person.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from fnmatch import translate
from typing import Final

from ringpost.model.data import Direction, Party

from .records import CallRecord, LegRecord

EMERGENCY: Final = ("112", "911", "933")  # 933: the test number beside 911
_TELLING: Final = 7  # digits that are enough to tell a number by


def is_extension(text: str | None) -> bool:
    return text is not None and 2 <= len(text) <= 6 and text.isascii() and text.isdigit()


def is_same_phone(one: str | None, other: str | None) -> bool:
    """Whether these are one number, also where one is written in its international form: a call that the ledger kept
    is told by what the directory made of its numbers."""
    if one is None or other is None or one == other:
        return one == other
    digits, others = (text.removeprefix("+").lstrip("0") for text in (one, other))
    short, long = sorted((digits, others), key=len)
    return len(short) >= _TELLING and short.isdigit() and long.isdigit() and long.endswith(short)


class Numbering:
    """The company's numbering. trunks: names of endpoints that lead outside, `*` for any text; emergency: numbers;
    extensions: those that are known, whatever their form."""

    def __init__(
        self, trunks: Sequence[str], emergency: Sequence[str] = EMERGENCY, extensions: Container[str] = frozenset()
    ) -> None:
        self._trunks = [re.compile(translate(trunk), re.IGNORECASE) for trunk in trunks]
        self._emergency = frozenset(emergency)
        self._extensions = extensions

    def is_own(self, number: str | None) -> bool:
        """Whether it is an extension of the house."""
        return is_extension(number) or (number is not None and number in self._extensions)

    def is_emergency(self, number: str | None) -> bool:
        return number in self._emergency

    def is_outside(self, leg: LegRecord) -> bool:
        if leg.endpoint is None or leg.kind == "local":
            return False
        if self._trunks:
            return any(trunk.match(leg.endpoint) for trunk in self._trunks)
        if leg.endpoint in self._extensions:
            return False
        if leg.inside is not None:
            return not leg.inside
        # An account's name, as 150010001 or 201-desk, of which the PBX knows the extension.
        known = leg.endpoint[:1].isdigit() and is_extension(leg.first_number)
        return not known and not is_extension(leg.endpoint)

    def party(self, leg: LegRecord, dialled: str | None = None) -> Party:
        """Who is at the far end; dialled: the number that led there, where the leg itself shows none."""
        number = leg.number or dialled
        name = None if leg.name == number else leg.name
        if self.is_outside(leg):
            return Party(type="REMOTE", phone=number, name=name)
        # Where phones have account names, the dialplan shows the extension; of two, the first is the person's.
        extension = next((text for text in (leg.endpoint, leg.number, leg.extension) if self.is_own(text)), None)
        return Party(type="LOCAL", phone=extension or number or leg.endpoint, name=name, userExtension=extension)

    def is_party(self, leg: LegRecord, party: Party) -> bool:
        """Whether the leg is of this person, by the number."""
        return is_same_phone(party.phone, self.party(leg).phone)

    def trunk_of(self, call: CallRecord) -> str | None:
        """The trunk that a call came in by, or else the one that it goes out by."""
        for leg in (call.caller, call.callee):
            if leg is not None and self.is_outside(leg):
                return leg.endpoint
        return call.trunk

    def direction_of(self, call: CallRecord) -> Direction | None:
        """From the parties there are now; None while that is not known. One of those called who is inside is enough: a
        phone that a mobile rings beside is no call to the outside."""
        if call.caller is None or call.callee is None:
            return None
        inside = next((leg for leg in call.tried if not self.is_outside(leg)), call.callee)
        return self.direction(call, self.party(call.caller), self.party(inside))

    def direction(self, call: CallRecord, caller: Party | None, callee: Party | None) -> Direction | None:
        if caller is not None and caller.type == "REMOTE":
            return "INBOUND"
        if callee is not None:
            return "INTERNAL" if callee.type == "LOCAL" else "OUTBOUND"
        if caller is None or call.destination is None:
            return None
        if self.is_emergency(call.destination):
            return "OUTBOUND"  # as short as an extension
        inside = self.is_own(call.destination) or call.destination.startswith(("*", "#")) or call.queue is not None
        return "INTERNAL" if inside else "OUTBOUND"
