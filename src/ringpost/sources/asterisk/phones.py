"""What an Asterisk tells of its phones: which endpoints are phones and which lead outside, and whose they are.

Kept over all connections to one PBX. It hears every event; after a login, and when the PBX read its settings anew, it
has questions, one after the other, which a reader of call events may ask (write=reporting): the extensions with the
phones that they stand for, devices, members of queues, mailboxes, the caller id of each phone. A question that is
refused is passed over.

Promises: a name is learned only of an extension that is a phone of the house, and never one that is a number or says
that there is none; an endpoint counts as a phone or as a trunk for a whole call, however the guess changes meanwhile.
Memory is bounded. Pure; used by `session`.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Final, Literal

from msgspec import Struct, structs

from ringpost.calls.observation import Alive, Leg, Observation
from ringpost.calls.parties import is_extension
from ringpost.model.directory import Person

from .frames import Message
from .observe import endpoint_of
from .trunks import TrunkGuess, devices_of

PHONES_LIMIT: Final = 20_000
ASK_EVERY: Final = 6 * 3_600_000  # ms; phones that a PBX keeps in a database come without a reload
IN_VAIN: Final = 5  # phones without a caller id, and none with one, before no more are asked for: each may log an error

_SETTLED_LIMIT: Final = 20_000  # endpoints in calls
_NAME_LIMIT: Final = 256  # characters, as in the directory's file
_LEGS: Final = frozenset({"leg", "to", "other", "second", "of", "one", "two"})  # fields of observations
_BEFORE_A_DIAL: Final = frozenset({"Newchannel", "NewCallerid"})  # what is told of a called leg before it is dialled
_PLAIN: Final = re.compile(r"PJSIP/([A-Za-z0-9_.+-]{1,80})")  # a device whose name may stand in a question
_CALLER_ID: Final = re.compile(r'\s*"?([^"<]*)"?\s*<')  # "Alice Rossi" <1001>
_EMAIL: Final = re.compile(r"[^@\s,;|<>]{1,64}@[^@\s,;|<>]{1,190}")
# In lower case: what stands in the place of a name. FreePBX gives `device` to phones of its older driver.
_NO_NAMES: Final = frozenset(
    {
        "(null)",
        "<unknown>",
        "anonymous",
        "asterisk",
        "device",
        "none",
        "private",
        "restricted",
        "unavailable",
        "unknown",
    }
)

# By which way a name came, the best first: the phone's own settings, its mailbox, a queue, the first call.
_Way = Literal["settings", "mailbox", "queue", "call"]
_WAYS: Final[tuple[_Way, ...]] = ("settings", "mailbox", "queue", "call")

_LISTS: Final = ("ExtensionStateList", "DeviceStateList", "QueueStatus", "VoicemailUsersList")
ACTIONS: Final = frozenset({*_LISTS, "Getvar"})  # of all questions


class Question(Struct, frozen=True):
    """An action, and its fields."""

    action: str
    fields: tuple[tuple[str, str], ...] = ()


class Learned(Struct, frozen=True, tag=True):
    """People of whom the PBX told something new, each with all that it told so far."""

    people: tuple[Person, ...]


class Phones:
    def __init__(self) -> None:
        self._guess = TrunkGuess()
        self._settled: dict[tuple[str, str], bool] = {}
        self._extensions: dict[str, str] = {}  # of phones, by their endpoints
        self._devices: dict[str, None] = {}  # phones whose settings can be asked for
        self._mailboxes: dict[str, Message | None] = {}  # of the list that is being read, None where there are two
        self._names: dict[str, dict[_Way, str]] = {}
        self._emails: dict[str, str] = {}
        self._told: dict[str, Person] = {}
        self._changed: dict[str, None] = {}
        self._questions: deque[Question] = deque()
        self._asked_at = 0
        self._is_due = True
        self._in_vain = 0

    # --- who is inside ---------------------------------------------------------------------------------------------
    def place(self, observation: Observation, event: str) -> Observation:
        """The observation, with what is known of its legs being inside. event: the PBX's, that it was made of."""
        placed: dict[str, Leg] = {}
        for field in observation.__struct_fields__:
            leg = getattr(observation, field) if field in _LEGS else None
            if isinstance(leg, Leg):
                # Of a leg that is called, most is known once it is; until then it may be placed nowhere.
                placed[field] = self._placed(leg, settle=event not in _BEFORE_A_DIAL or leg.id == leg.call)
        return structs.replace(observation, **placed) if placed else observation

    def place_alive(self, alive: Alive) -> Alive:
        return structs.replace(alive, leg=self._placed(alive.leg, settle=True))

    def _placed(self, leg: Leg, *, settle: bool) -> Leg:
        if leg.endpoint is None or leg.kind == "local":
            return leg
        key = (leg.call, leg.endpoint)
        inside = self._settled.get(key)
        if inside is None and (settle or self._guess.knows(leg.endpoint)):
            inside = self._settled[key] = not self._guess.leads_outside(leg.endpoint)
            if len(self._settled) > _SETTLED_LIMIT:
                del self._settled[next(iter(self._settled))]
        return leg if leg.inside == inside else structs.replace(leg, inside=inside)

    # --- what is asked ---------------------------------------------------------------------------------------------
    def begin(self) -> None:
        """A new connection: what was asked on the one before gets no answer any more."""
        self._questions.clear()
        self._is_due = True

    def ask(self, now: int) -> Question | None:
        """The first question, where it is time to ask; the next comes with each answer."""
        if self._questions or not (self._is_due or now >= self._asked_at + ASK_EVERY):
            return None
        self._is_due, self._asked_at, self._in_vain = False, now, 0
        self._questions += [Question(name) for name in _LISTS]
        return self._questions.popleft()

    def answered(self, action: str, message: Message) -> Question | None:
        """The answer to a question, also one that refuses it; the lines of a list follow it as events."""
        success = message.get("response").casefold() == "success"
        if action == "Getvar":
            self._configured(message.get("variable"), message.get("value"))
            if not success or self._in_vain >= IN_VAIN:
                self._questions.clear()  # nor is there an answer for the other phones
        elif action == _LISTS[-1]:
            names = (found[1] for device in self._devices if (found := _PLAIN.fullmatch(device)))
            variables = (f"PJSIP_ENDPOINT({name},callerid)" for name in names)
            self._questions += [Question("Getvar", (("Variable", variable),)) for variable in variables]
        return self._questions.popleft() if self._questions else None

    # --- what is heard ---------------------------------------------------------------------------------------------
    def see(self, message: Message) -> None:
        """An event, before anything else is made of it."""
        self._guess.see(message)
        match message.event:
            case "Newchannel" | "NewCallerid":
                self._calls(message)
            case "ExtensionStatus":
                devices = devices_of(message)
                for device in devices:
                    self._is_phone(device, message.get("exten"), alone=len(devices) == 1)
            case "DeviceStateChange" if is_extension(message.get("device").partition("/")[2]):
                device = message.get("device")
                self._is_phone(device, device.partition("/")[2], alone=True)
            case "QueueMember" | "QueueMemberAdded":
                self._is_member(message)
            case "VoicemailUserEntry":
                mailbox = message.get("voicemailbox")
                # Two of one number are of two houses, and say nothing of this one's phones.
                self._mailboxes[mailbox] = None if mailbox in self._mailboxes else message
            case "VoicemailUserEntryComplete":
                self._have_mailboxes()
            case "Reload":
                self._is_due = True

    def take_learned(self) -> Learned | None:
        """What was learned since this was asked last."""
        people: list[Person] = []
        for extension in self._changed:
            names = self._names.get(extension, {})
            name = next((names[way] for way in _WAYS if way in names), None)
            person = Person(extension=extension, name=name, email=self._emails.get(extension))
            if self._told.get(extension) != person:
                self._told[extension] = person
                people.append(person)
        self._changed.clear()
        return Learned(tuple(people)) if people else None

    def _is_phone(self, device: str, extension: str, *, alone: bool) -> None:
        """alone: the extension stands for this phone alone, and not for a group."""
        endpoint = device.partition("/")[2]
        if self._guess.leads_outside(endpoint) or len(self._extensions) >= PHONES_LIMIT:
            return
        if is_extension(endpoint):
            extension = endpoint
        if alone or endpoint not in self._extensions:
            self._extensions[endpoint] = extension
        self._devices[device] = None

    def _calls(self, message: Message) -> None:
        """The first name that a phone shows with its own number, as it calls."""
        endpoint = endpoint_of(message.get("channel")) or ""
        number = message.get("calleridnum")
        own = number == self._extension_of(endpoint) and message.get("uniqueid") == message.get("linkedid")
        if own and "call" not in self._names.get(number, {}):
            self._learn(endpoint, "call", message.get("calleridname"))

    def _configured(self, variable: str, caller_id: str) -> None:
        endpoint = variable.partition("(")[2].partition(",")[0]
        found = _CALLER_ID.match(caller_id)
        if found is None:
            self._in_vain += 1
        else:
            self._in_vain = -PHONES_LIMIT  # it answers: no more than a phone without one
            self._learn(endpoint, "settings", found[1])

    def _is_member(self, message: Message) -> None:
        name = message.get("name") or message.get("membername")
        for key in ("stateinterface", "interface", "location"):
            device = message.get(key)
            technology, _, endpoint = device.partition("/")
            if device.startswith("hint:"):  # as FreePBX has it: hint:1001@ext-local
                self._name(device.removeprefix("hint:").partition("@")[0], "queue", name)
            elif endpoint and technology != "Local":
                self._learn(endpoint, "queue", name)
            else:
                continue
            return

    def _have_mailboxes(self) -> None:
        """A mailbox has the number of its phone, by custom."""
        phones = {extension: endpoint for endpoint, extension in self._extensions.items()}
        for number, message in self._mailboxes.items():
            endpoint = phones.get(number)
            if message is None or endpoint is None:
                continue
            self._learn(endpoint, "mailbox", message.get("fullname"))
            email = _EMAIL.match(message.get("email").strip())  # of several, the first
            if email is not None:
                self._emails[number] = email[0]
                self._changed[number] = None
        self._mailboxes.clear()

    def _learn(self, endpoint: str, way: _Way, name: str) -> None:
        extension = self._extension_of(endpoint)
        if extension is not None and name.strip() != endpoint and not self._guess.leads_outside(endpoint):
            self._name(extension, way, name)

    def _name(self, extension: str, way: _Way, name: str) -> None:
        name = name.strip()
        if not _is_name(name) or not is_extension(extension):
            return
        if extension in self._names or len(self._names) < PHONES_LIMIT:
            self._names.setdefault(extension, {})[way] = name
            self._changed[extension] = None

    def _extension_of(self, endpoint: str) -> str | None:
        return self._extensions.get(endpoint) or (endpoint if is_extension(endpoint) else None)


def _is_name(text: str) -> bool:
    return 0 < len(text) <= _NAME_LIMIT and text.casefold() not in _NO_NAMES and any(map(str.isalpha, text))
