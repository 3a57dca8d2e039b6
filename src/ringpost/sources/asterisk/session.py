"""One connection to an Asterisk's manager interface: from the greeting to a live stream of observations.

Pure: bytes and `now` (ms) in, commands out. Greeting, MD5 challenge, login, version and start of the PBX, then the list
of all channels; what is observed while the list is under way waits until the list is complete, then follows it. After
that pings (an Asterisk may hold events back until it is spoken to, asterisk issue 2145), an audit of the channels now
and then, questions about channels that the PBX answered itself (`asking`), and about its phones (`phones`). A list that
lacks channels ends no call: it is asked for again, and an audit is left out. A clock that is set back makes nothing
late.
After `Failed` the session is over: close the connection and begin another.

The shell does what the commands say, in order, and arms one timer for `wake_at()`. The secret is in no command but the
answer to the challenge, in no text and in no `repr`.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final, Literal

from msgspec import Struct, structs

from ringpost.calls.observation import Alive, Observation, Snapshot
from ringpost.calls.reconcile import catch_up

from .asking import Asking
from .boot import Boot, known_of, restarted, started_of, uptime_of
from .frames import FrameReader, Message, action
from .observe import alive_of, observe, runs_of
from .phones import ACTIONS, Learned, Phones, Question

LOGIN_LIMIT: Final = 10_000  # ms from the connection to the list, and from one channel in it to the next
PING_EVERY: Final = 5_000  # ms
SILENCE_LIMIT: Final = 15_000  # ms without a byte; pings are answered at once
AUDIT_EVERY: Final = 60_000  # ms
WAITING_LIMIT: Final = 100_000  # observations that wait for the list
LIST_TRIES: Final = 3  # lists that lack channels before one is taken as it is: a channel may be unreadable
OLDEST: Final = 14  # the first Asterisk with Linkedid in every event

_MASK: Final = "system,call,agent"

State = Literal["greeting", "challenge", "login", "list", "live", "over"]


class Send(Struct, frozen=True, tag=True):
    """Write these bytes."""

    data: bytes

    def __repr__(self) -> str:
        return f"Send({len(self.data)} bytes)"


class LoggedIn(Struct, frozen=True, tag=True):
    """The PBX took the login."""


class Version(Struct, frozen=True, tag=True):
    """What the PBX says that it runs, as `22.5.2`."""

    version: str


class Listed(Struct, frozen=True, tag=True):
    """All legs that the PBX has."""

    snapshot: Snapshot


class Observed(Struct, frozen=True, tag=True):
    observation: Observation


class Failed(Struct, frozen=True, tag=True):
    """The session is over. code: one of `errors.ERRORS`; message: for a person."""

    code: str
    message: str


Command = Send | LoggedIn | Version | Listed | Observed | Learned | Failed


class Session:
    """One connection. boot: what is known of the PBX's start from the sessions before; phones: what is known of its
    phones, None where nothing is to be asked of them."""

    def __init__(
        self,
        user: str,
        secret: str,
        now: int,
        boot: Boot = Boot(),  # noqa: B008 - frozen
        phones: Phones | None = None,
    ) -> None:
        action("Login", [("Username", user)])  # refuses what cannot be sent before a connection is made
        self._user = user
        self._secret = secret
        self._reader = FrameReader(live=True)
        self._state: State = "greeting"
        self._boot_before = boot
        self._boot_now = Boot()
        self._was_live = False
        self.heard_call = False
        self._legs: list[Alive] = []
        self._items = 0
        self._tries = 0
        self._at_first: frozenset[str] = frozenset()
        self._listed_before: frozenset[str] = frozenset()
        self._waiting: list[Observed] = []
        self._number = 0
        self._pending: dict[str, str] = {}
        self._listing = ""
        self._looked = self._heard_at = now
        self._deadline = now + LOGIN_LIMIT
        self._ping_at = self._audit_at = 0
        self._asking = Asking()
        self._phones = phones
        if phones is not None:
            phones.begin()

    @property
    def live(self) -> bool:
        return self._state == "live"

    @property
    def boot(self) -> Boot:
        """What is known of the PBX's start now, for the next session. A session that had no snapshot leaves it as it
        was: the calls of before are not ended yet."""
        return known_of(self._boot_before, self._boot_now) if self._was_live else self._boot_before

    @property
    def heard_boot(self) -> bool:
        """Whether the user may read of the PBX's boot."""
        return self._boot_now.uptime is not None

    @property
    def dropped(self) -> int:
        """Messages that were broken or too large."""
        return self._reader.dropped

    def received(self, data: bytes, now: int) -> list[Command]:
        self._look(now)
        self._heard_at = now
        commands: list[Command] = []
        for message in self._reader.feed(data):
            if self._state == "over":
                break
            commands += self._message(message, now)
        learned = self._phones.take_learned() if self._phones is not None else None
        return commands if learned is None else [*commands, learned]

    def closed(self) -> list[Command]:
        """The connection was closed by the PBX."""
        if self._state == "over":
            return []
        if self._state == "greeting":
            return self._fail("pbx_unreachable", "The PBX closed the connection before its greeting.")
        if self._state in {"challenge", "login"}:
            return self._fail("pbx_login_refused", "The PBX closed the connection instead of taking the login.")
        return self._fail("pbx_unreachable", "The PBX closed the connection.")

    def poll(self, now: int) -> list[Command]:
        """What is due by now."""
        if self._state == "over":
            return []
        self._look(now)
        if self._state != "live":
            if now >= self._deadline:
                return self._fail("pbx_unreachable", f"The PBX did not finish the {self._state} in time.")
            return []
        if now >= self._heard_at + SILENCE_LIMIT:
            return self._fail("pbx_unreachable", "The PBX has gone silent.")
        commands: list[Command] = []
        if now >= self._ping_at:
            self._ping_at = now + PING_EVERY
            commands.append(self._send("Ping"))
        if now >= self._audit_at:
            self._audit_at = now + AUDIT_EVERY
            # The text of the start may change while the PBX runs: with its time zone, or as its boot ends.
            commands += [self._send("CoreStatus"), self._list(), *self._ask_of_phones(now)]
        commands += [self._send("Status", ("Channel", channel)) for channel in self._asking.due(now)]
        return commands

    def wake_at(self) -> int | None:
        """When `poll` is to be called next (ms)."""
        if self._state == "over":
            return None
        if self._state != "live":
            return self._deadline
        ask_at = self._asking.wake_at()
        due = min(self._heard_at + SILENCE_LIMIT, self._ping_at, self._audit_at)
        return due if ask_at is None else min(due, ask_at)

    def _look(self, now: int) -> None:
        """Where the clock was set back since the last look, all that is due later moves back with it."""
        back, self._looked = max(self._looked - now, 0), now
        if back:
            self._heard_at, self._deadline = self._heard_at - back, self._deadline - back
            self._ping_at, self._audit_at = self._ping_at - back, self._audit_at - back
            self._asking.move_back(back)

    # --- messages --------------------------------------------------------------------------------------------------
    def _message(self, message: Message, now: int) -> list[Command]:
        if "banner" in message.fields:
            self._state = "challenge"
            return [self._send("Challenge", ("AuthType", "MD5"))]
        if self._state == "greeting":
            return self._fail("pbx_unreachable", "What answers there is no Asterisk manager interface.")
        if message.event:
            return self._event(message, now)
        asked = self._pending.pop(message.get("actionid"), None)
        if self._phones is not None and asked in ACTIONS:
            return self._question(self._phones.answered(asked, message))
        return [] if asked is None else self._response(asked, message)

    def _response(self, asked: str, message: Message) -> list[Command]:
        success = message.get("response").casefold() == "success"
        match asked:
            case "Challenge":
                return self._challenged(message.get("challenge") if success else "")
            case "Login" if success:
                self._state = "list"
                return [LoggedIn(), self._send("CoreSettings"), self._send("CoreStatus"), self._list()]
            case "Login":
                return self._fail("pbx_login_refused", "The PBX refused the login: check user, secret and permit.")
            case "CoreSettings" if success:
                return self._version(message.get("asteriskversion"))
            case "CoreStatus" if success:
                self._boot_now = structs.replace(self._boot_now, started=started_of(message))
            case "CoreShowChannels" if not success:
                text = "The PBX refused CoreShowChannels: the manager user needs write=reporting."
                return self._fail("pbx_permission_missing", text)
            case "Status" if not success and "permission" in message.get("message").casefold():
                self._asking.stop()
        return []

    def _challenged(self, challenge: str) -> list[Command]:
        if not challenge:
            return self._fail("pbx_login_refused", "The PBX offers no MD5 challenge.")
        self._state = "login"
        digest = hashlib.md5((challenge + self._secret).encode(), usedforsecurity=False).hexdigest()
        fields = (("AuthType", "MD5"), ("Username", self._user), ("Key", digest), ("Events", _MASK))
        return [self._send("Login", *fields)]

    def _version(self, version: str) -> list[Command]:
        number = re.search(r"(\d{1,4})(\.\d+)+", version)
        if number is None:
            return [Version(version)] if version else []  # built from a branch: it may be anything
        if int(number[1]) < OLDEST:
            return self._fail("pbx_too_old", f"The PBX runs Asterisk {number[0]}; {OLDEST} or later is needed.")
        return [Version(number[0])]

    def _event(self, message: Message, now: int) -> list[Command]:
        if self._phones is not None:
            self._phones.see(message)
        of_list = self._listing != "" and message.get("actionid") == self._listing
        match message.event:
            case "CoreShowChannel" if of_list:
                self._items += 1
                self._deadline = now + LOGIN_LIMIT  # a long list over a slow line
                alive = alive_of(message)
                if alive is not None:
                    self._legs.append(alive if self._phones is None else self._phones.place_alive(alive))
                return []
            case "CoreShowChannelsComplete" if of_list:
                return self._listed(message.get("listitems"), now)
            case "FullyBooted":
                self._boot_now = structs.replace(self._boot_now, at=now, uptime=uptime_of(message))
                return [self._send("CoreStatus")] if self._state == "live" else []
        if self._state == "live":
            self._asking.see(message, now)
        said = runs_of(message) if message.event == "Status" else observe(message)
        if self._phones is not None:
            said = [self._phones.place(observation, message.event) for observation in said]
        observed = [Observed(observation) for observation in said]
        self.heard_call = self.heard_call or bool(observed)
        if self._state == "live":
            return list[Command](observed)
        self._waiting += observed
        if len(self._waiting) > WAITING_LIMIT:
            return self._fail("pbx_unreachable", "The PBX sent too much before it had listed its channels.")
        return []

    def _listed(self, told: str, now: int) -> list[Command]:
        """The list is complete. told: how many channels the PBX says that it listed."""
        legs, self._legs, self._listing = tuple(self._legs), [], ""
        first = self._state == "list"
        if told.isascii() and told.isdigit() and int(told[:9]) > self._items:
            if not first:
                return []
            self._tries += 1
            if self._tries < LIST_TRIES:
                return [self._list()]
        ids = frozenset(alive.leg.id for alive in legs)
        if first:
            self._at_first = ids
        elif not self.heard_call and ids & self._listed_before - self._at_first:
            text = "The PBX has new calls and told of none: the manager user needs read=call."
            return self._fail("pbx_permission_missing", text)
        self._listed_before = ids
        if not first:
            return [Listed(Snapshot(legs=legs, audit=True))]
        self._state, self._was_live = "live", True
        self._ping_at, self._audit_at = now + PING_EVERY, now + AUDIT_EVERY
        waiting, self._waiting = self._waiting, []
        alive, later = catch_up(legs, (one.observation for one in waiting))
        snapshot = Snapshot(legs=alive, restarted=restarted(self._boot_before, self._boot_now))
        return [Listed(snapshot), *map(Observed, later), *self._ask_of_phones(now)]

    # --- commands --------------------------------------------------------------------------------------------------
    def _list(self) -> Send:
        self._legs, self._items = [], 0
        send = self._send("CoreShowChannels")
        self._listing = f"ringpost-{self._number}"
        return send

    def _ask_of_phones(self, now: int) -> list[Command]:
        return [] if self._phones is None else self._question(self._phones.ask(now))

    def _question(self, question: Question | None) -> list[Command]:
        return [] if question is None else [self._send(question.action, *question.fields)]

    def _send(self, name: str, *fields: tuple[str, str]) -> Send:
        self._number += 1
        number = f"ringpost-{self._number}"
        if name != "Ping":  # all that its answer says is that bytes come; one that is never answered is kept nowhere
            self._pending[number] = name
        return Send(action(name, (("ActionID", number), *fields)))

    def _fail(self, code: str, message: str) -> list[Command]:
        self._state = "over"
        return [Failed(code, message)]
