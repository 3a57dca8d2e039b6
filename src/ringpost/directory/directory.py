"""The directory: who is behind an extension, which endpoints are trunks, how queues are called, which numbers are
emergency numbers, and in which region numbers are dialled.

Promise: what it adds to an event depends on the event and on the directory alone, and adding it twice changes nothing.
What the company wrote down of a person goes before what the PBX shows; what it did not write down stays as the PBX has
it. With a region, the numbers of people outside are told in their international form; what was dialled (`destination`)
stays as it was dialled, and so does an extension. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import structs

from ringpost.calls.parties import EMERGENCY
from ringpost.model.data import CallData, Party
from ringpost.model.directory import Person

from .phones import in_e164, region_of


class Directory:
    """trunks: names or patterns (`*` matches any text); emergency: numbers beside the usual ones; queues: the names of
    queues by the PBX's own (`500`: `Support`); region: a country's two letters, None to leave numbers as they are.
    Raises `invalid_value` for a region that there is not."""

    def __init__(
        self,
        people: Iterable[Person] = (),
        *,
        trunks: Iterable[str] = (),
        emergency: Iterable[str] = (),
        queues: Mapping[str, str] | None = None,
        region: str | None = None,
    ) -> None:
        self._people = {person.extension: person for person in people}
        self.trunks = tuple(trunks)
        self.emergency = tuple(emergency)
        self.queues = dict(queues or {})
        self.region = None if region is None else region_of(region)
        self._untouched = frozenset((*self._people, *self.emergency, *EMERGENCY))

    @property
    def extensions(self) -> frozenset[str]:
        return frozenset(self._people)

    @property
    def people(self) -> tuple[Person, ...]:
        return tuple(self._people.values())

    def person(self, extension: str | None) -> Person | None:
        return None if extension is None else self._people.get(extension)

    def described(self, data: CallData) -> CallData:
        """What an event says, with what is known of the people and the queue in it."""
        caller, callee = self._known(data.caller), self._known(data.callee)
        queue = data.queueName if data.queueId is None else self.queues.get(data.queueId, data.queueName)
        if caller is data.caller and callee is data.callee and queue == data.queueName:
            return data
        return structs.replace(data, caller=caller, callee=callee, queueName=queue)

    def _known(self, party: Party | None) -> Party | None:
        if party is None or party.type != "LOCAL":
            return self._outside(party)
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

    def _outside(self, party: Party | None) -> Party | None:
        if party is None or party.phone is None or self.region is None:
            return party
        phone = in_e164(party.phone, self.region, self._untouched)
        return party if phone == party.phone else structs.replace(party, phone=phone)
