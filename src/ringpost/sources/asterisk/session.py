"""One connection to an Asterisk's manager interface: from the greeting to a live stream of observations.

Pure: bytes and `now` (ms) in, commands out. Greeting, MD5 challenge, login, version, then the list of all channels;
what is observed while the list is under way waits until the list is complete, then follows it. After that pings (an
Asterisk may hold events back until it is spoken to, asterisk issue 2145), an audit of the channels now and then, and
questions about channels that the PBX answered itself (`asking`).
After `Failed` the session is over: close the connection and begin another.

The shell does what the commands say, in order, and arms one timer for `wake_at()`. The secret is in no command but the
answer to the challenge, in no text and in no `repr`.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final, Literal

from msgspec import Struct

from ringpost.calls.observation import Alive, Observation, Snapshot

from .asking import Asking
from .frames import FrameReader, Message, action
from .observe import alive_of, observe, runs_of

LOGIN_LIMIT: Final = 10_000  # ms from the connection to the complete list
PING_EVERY: Final = 5_000  # ms
SILENCE_LIMIT: Final = 15_000  # ms without a byte; pings are answered at once
AUDIT_EVERY: Final = 60_000  # ms
WAITING_LIMIT: Final = 100_000  # observations that wait for the list
RESTART_SLACK: Final = 5  # s by which an uptime may be off before it means a restart
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


Command = Send | LoggedIn | Version | Listed | Observed | Failed


class Boot(Struct, frozen=True):
    """When the PBX was up for how long: kept over sessions, to tell a restart."""

    at: int  # ms
    uptime: int  # s


class Session:
    """One connection. boot: what the session before learned of the PBX's start, None where there was none."""

    def __init__(self, user: str, secret: str, now: int, boot: Boot | None = None) -> None:
        action("Login", [("Username", user)])  # refuses what cannot be sent before a connection is made
        self._user = user
        self._secret = secret
        self._reader = FrameReader()
        self._state: State = "greeting"
        self._boot_before = boot
        self.boot: Boot | None = None
        self.heard_call = False
        self._restarted = False
        self._legs: list[Alive] = []
        self._at_first: frozenset[str] = frozenset()
        self._listed_before: frozenset[str] = frozenset()
        self._waiting: list[Observed] = []
        self._number = 0
        self._pending: dict[str, str] = {}
        self._listing = ""
        self._heard_at = now
        self._deadline = now + LOGIN_LIMIT
        self._ping_at = self._audit_at = 0
        self._asking = Asking()

    @property
    def live(self) -> bool:
        return self._state == "live"

    @property
    def dropped(self) -> int:
        """Messages that were broken or too large."""
        return self._reader.dropped

    def received(self, data: bytes, now: int) -> list[Command]:
        self._heard_at = now
        commands: list[Command] = []
        for message in self._reader.feed(data):
            if self._state == "over":
                break
            commands += self._message(message, now)
        return commands

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
            commands.append(self._list())
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
        return [] if asked is None else self._response(asked, message)

    def _response(self, asked: str, message: Message) -> list[Command]:
        success = message.get("response").casefold() == "success"
        match asked:
            case "Challenge":
                return self._challenged(message.get("challenge") if success else "")
            case "Login" if success:
                self._state = "list"
                return [LoggedIn(), self._send("CoreSettings"), self._list()]
            case "Login":
                return self._fail("pbx_login_refused", "The PBX refused the login: check user, secret and permit.")
            case "CoreSettings" if success:
                return self._version(message.get("asteriskversion"))
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
        of_list = self._listing != "" and message.get("actionid") == self._listing
        match message.event:
            case "CoreShowChannel" if of_list:
                alive = alive_of(message)
                if alive is not None:
                    self._legs.append(alive)
                return []
            case "CoreShowChannelsComplete" if of_list:
                return self._listed(now)
            case "FullyBooted":
                self._booted(message.get("uptime"), now)
                return []
        if self._state == "live":
            self._asking.see(message, now)
        said = runs_of(message) if message.event == "Status" else observe(message)
        observed = [Observed(observation) for observation in said]
        self.heard_call = self.heard_call or bool(observed)
        if self._state == "live":
            return list[Command](observed)
        self._waiting += observed
        if len(self._waiting) > WAITING_LIMIT:
            return self._fail("pbx_unreachable", "The PBX sent too much before it had listed its channels.")
        return []

    def _booted(self, uptime: str, now: int) -> None:
        if not (uptime.isascii() and uptime.isdigit()):
            return
        self.boot = Boot(now, int(uptime))
        before = self._boot_before
        if before is not None:
            expected = before.uptime + (now - before.at) // 1_000
            self._restarted = self.boot.uptime + RESTART_SLACK < expected

    def _listed(self, now: int) -> list[Command]:
        legs, self._legs, self._listing = tuple(self._legs), [], ""
        ids = frozenset(alive.leg.id for alive in legs)
        first = self._state == "list"
        if first:
            self._at_first = ids
        elif not self.heard_call and ids & self._listed_before - self._at_first:
            text = "The PBX has new calls and told of none: the manager user needs read=call."
            return self._fail("pbx_permission_missing", text)
        self._listed_before = ids
        if not first:
            return [Listed(Snapshot(legs=legs, audit=True))]
        self._state = "live"
        self._ping_at, self._audit_at = now + PING_EVERY, now + AUDIT_EVERY
        waiting, self._waiting = self._waiting, []
        return [Listed(Snapshot(legs=legs, restarted=self._restarted)), *waiting]

    # --- commands --------------------------------------------------------------------------------------------------
    def _list(self) -> Send:
        self._legs = []
        send = self._send("CoreShowChannels")
        self._listing = f"ringpost-{self._number}"
        return send

    def _send(self, name: str, *fields: tuple[str, str]) -> Send:
        self._number += 1
        number = f"ringpost-{self._number}"
        self._pending[number] = name
        return Send(action(name, (("ActionID", number), *fields)))

    def _fail(self, code: str, message: str) -> list[Command]:
        self._state = "over"
        return [Failed(code, message)]
