"""What a person looks for in calls: a number or a name, as it was typed. Pure.

A number is found in whatever way it was written: spaces and signs do not count, nor do the zeros or the plus before it.
A name is found by any part of it, in capitals or not.
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
_PLAIN: Final = re.compile(r"[0-9a-z@. ]+")


class Search(Struct, frozen=True):
    """text: as it was typed; digits: those of a number, empty for other text."""

    text: str
    digits: str

    @property
    def letters(self) -> str:
        """The longest part of a name that is the same in every data that `is_in` finds it in, whatever its form: plain
        letters, digits and spaces, in lower case. Empty where there is none."""
        return max(_PLAIN.findall(self.text.lower()), key=len, default="")

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
        return self.digits in text if self.digits else self.text.casefold() in text.casefold()


def search_for(typed: str) -> Search | None:
    """What was typed as a search; None where that is nothing."""
    text = " ".join(typed[:TEXT_LIMIT].split())
    if not text:
        return None
    return Search(text, _digits(text) if _NUMBER.fullmatch(text) else "")


def _digits(text: str) -> str:
    digits = "".join(sign for sign in text if sign.isdigit())
    # 0049… and 049… are +49… elsewhere; what is as short as an extension stays as it is.
    return digits.lstrip("0") if len(digits) >= 7 else digits


def _texts(data: dict[str, Any]) -> list[str]:
    found = [data.get(key) for key in _OF_CALL]
    for party in (data.get("caller"), data.get("callee")):
        if isinstance(party, dict):
            found += [party.get(key) for key in _PARTY]
    return [text for text in found if isinstance(text, str)]
