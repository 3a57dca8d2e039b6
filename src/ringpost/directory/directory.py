"""The directory: who is behind an extension, which endpoints are trunks, which numbers are emergency numbers.

Promise: what it adds to an event depends on the event and on the directory alone. What the company wrote down of a
person goes before what the PBX shows; what it did not write down stays as the PBX has it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, structs

from ringpost.calls.events import CallEvent
from ringpost.model.data import Party


class Person(Struct, frozen=True, kw_only=True):
    """A person (or a room, or a door) behind an extension; what is unknown is None."""

    extension: str
    name: str | None = None
    email: str | None = None
    user_id: str | None = None
    department: str | None = None
    group_id: str | None = None
    group: str | None = None
    company: str | None = None


class Directory:
    """trunks: names or patterns (`*` matches any text); emergency: numbers beside the usual ones."""

    def __init__(
        self, people: Iterable[Person] = (), *, trunks: Iterable[str] = (), emergency: Iterable[str] = ()
    ) -> None:
        self._people = {person.extension: person for person in people}
        self.trunks = tuple(trunks)
        self.emergency = tuple(emergency)

    @property
    def extensions(self) -> frozenset[str]:
        return frozenset(self._people)

    def person(self, extension: str | None) -> Person | None:
        return None if extension is None else self._people.get(extension)

    def describe(self, event: CallEvent) -> CallEvent:
        """The event with what is known of the people in it."""
        caller, callee = self._known(event.data.caller), self._known(event.data.callee)
        if caller is event.data.caller and callee is event.data.callee:
            return event
        return structs.replace(event, data=structs.replace(event.data, caller=caller, callee=callee))

    def _known(self, party: Party | None) -> Party | None:
        if party is None or party.type != "LOCAL":
            return party
        person = self.person(party.userExtension) or self.person(party.phone)
        if person is None:
            return party
        return Party(
            type=party.type,
            phone=party.phone,
            name=person.name or party.name,
            company=person.company or party.company,
            email=person.email or party.email,
            userId=person.user_id or party.userId,
            userExtension=person.extension,
            userDepartment=person.department or party.userDepartment,
            groupId=person.group_id or party.groupId,
            groupName=person.group or party.groupName,
            userAgent=party.userAgent,
            userDevice=party.userDevice,
        )
