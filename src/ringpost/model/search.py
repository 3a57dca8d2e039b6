"""What a person looks for in calls: a number or a name, as it was typed. Pure.

A number is found in whatever way it was typed: spaces and signs do not count, nor do the zeros or the plus before it,
and with its country code it is found where the PBX leaves that out. A name is found by any part of it, in capitals or
not.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from msgspec import Struct

TEXT_LIMIT: Final = 100  # characters that are looked for
_PARTY: Final = ("phone", "name", "company", "email", "userId", "userExtension", "groupName")
_OF_CALL: Final = ("destination", "service", "trunkName", "queueName", "queueId")
_NUMBER: Final = re.compile(r"[+0-9()./ -]+")
_ENDING: Final = 7  # digits that a number outside has at least
_PLAIN: Final = re.compile(r"[0-9A-Za-z@. ]+")


class Search(Struct, frozen=True):
    """text: as it was typed; digits: those of a number, empty for other text.

    `ending` and `letters` are in the bytes of each data that `is_in` finds it in, whatever its form, save numbers that
    are written with signs between their last digits: by them much is left out without being read.
    """

    text: str
    digits: str

    @property
    def ending(self) -> str:
        """The last digits of a number, empty for other text."""
        return self.digits[-_ENDING:]

    @property
    def letters(self) -> str:
        """The longest part of a name that is plain letters, digits and spaces, in lower case; empty where none is."""
        return max(_PLAIN.findall(self.text), key=len, default="").lower()

    def is_in(self, data: bytes) -> bool:
        """Whether the parties, the destination, the queue or the trunk of an event's data have it."""
        try:
            read = msgspec.json.decode(data)
        except msgspec.DecodeError:
            return False
        if not isinstance(read, dict):
            return False
        return any(self._matches(text) for text in _texts(read))

    def _matches(self, text: str) -> bool:
        if not self.digits:
            return self.text.casefold() in text.casefold()
        if not _NUMBER.fullmatch(text):
            return self.digits in text
        told = _all_digits(text)
        return self.digits in told or _is_ending(_without_zeros(told), self.digits)


def search_for(typed: str) -> Search | None:
    """What was typed as a search; None where that is nothing."""
    text = " ".join(typed[:TEXT_LIMIT].split())
    if not text:
        return None
    return Search(text, _without_zeros(_all_digits(text)) if _NUMBER.fullmatch(text) else "")


def _all_digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isdigit())


def _without_zeros(digits: str) -> str:
    """0049… and 049… are +49… elsewhere; what is as short as an extension stays as it is."""
    return digits.lstrip("0") or digits if len(digits) >= _ENDING else digits


def _is_ending(told: str, digits: str) -> bool:
    return len(told) >= _ENDING and digits.endswith(told)


def _texts(data: dict[str, Any]) -> list[str]:
    found = [data.get(key) for key in _OF_CALL]
    for party in (data.get("caller"), data.get("callee")):
        if isinstance(party, dict):
            found += [party.get(key) for key in _PARTY]
    return [text for text in found if isinstance(text, str)]
