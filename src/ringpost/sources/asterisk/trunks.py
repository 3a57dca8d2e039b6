"""Which endpoints of a PBX lead outside, guessed from what it says of them, where nobody configured that.

Evidence is weighed for each endpoint: its name; the dialplan context that its calls come in by; whether it is called
by itself or with a number to go on to; whether those who call from it show an extension or a number from outside;
whether an extension's hint names it; and whether it is a member of a queue. Without any, a name of digits is a phone,
and any other a trunk. It may listen for years: memory is bounded. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from ringpost.calls.parties import is_extension

from .frames import Message
from .observe import endpoint_of

NO_TRUNK: Final = ""  # a pattern that fits no endpoint: all are phones

_TRUNK_NAME: Final = re.compile(
    r"trunk|pstn|provider|carrier|gateway|(^|[-_])gw([-_]|$)|isdn|gsm|voip|outbound|outgoing|uplink|upstream|"
    r"telekom|sipgate|twilio|(^|[-_])(itsp|pri|bri|e1|t1|wan|did|ext(ern(al)?)?)([-_\d]|$)",
    re.IGNORECASE,
)
_OUTSIDE: Final = re.compile(
    r"pstn|trunk|extern|outside|inbound|incoming|ingress|provider|carrier|from-did|from-sip-|public|did-in",
    re.IGNORECASE,
)
_INSIDE: Final = re.compile(
    r"intern|phone|user|account|local|office|extension|staff|handset|agent|desk|default-out|outbound|outgoing",
    re.IGNORECASE,
)
_OUTSIDE_ALONE: Final = frozenset({"from-dahdi", "from-pstn", "from-trunk"})  # FreePBX gives these to trunks alone
_TRUNK_TECHNOLOGY: Final = re.compile(r"^(DAHDI/[ig]\d|mISDN/|CAPI/|Motif/|OOH323/|Dongle/|Quectel/)", re.IGNORECASE)
_SHORT, _LONG = 7, 20  # digits of a number from outside
_ATTACHED: Final = ("interface", "stateinterface", "location")  # keys of queue events that name a member's channel
_AT_FIRST_SIGHT: Final = frozenset({"name", "technology", "context"})  # kinds of evidence
_ENDPOINTS_LIMIT: Final = 10_000  # callers from anywhere may each make one
_LEGS_LIMIT: Final = 50_000
_PHONE_TECHNOLOGIES: Final = frozenset({"PJSIP", "SIP", "IAX2", "SCCP", "Skinny", "DAHDI", "MGCP", "USTM"})


class _Evidence:
    def __init__(self) -> None:
        self.weight = 0
        self.shown = ""
        self.seen: set[str] = set()
        self.appeared = False  # a call came from there or went there

    def add(self, kind: str, weight: int) -> None:
        """Each kind of evidence counts once."""
        if kind not in self.seen:
            self.seen.add(kind)
            self.weight += weight


class TrunkGuess:
    """phones: endpoints that are known to be none."""

    def __init__(self, phones: Collection[str] = ()) -> None:
        self._phones = frozenset(phones)
        self._endpoints: dict[str, _Evidence] = {}
        self._legs: dict[str, None] = {}

    def see(self, message: Message) -> None:
        match message.event:
            case "Newchannel" | "CoreShowChannel" | "Newstate" | "Status":
                self._appears(message)
            case "DialBegin" | "Dial":
                self._called(message)
            case "ExtensionStatus":
                for device in devices_of(message):
                    self._is_attached(device, "hint", -3)
            case event if event.startswith(("Queue", "Agent")):
                for key in _ATTACHED:
                    self._is_attached(message.get(key), "member", -3)

    def leads_outside(self, name: str) -> bool:
        """By all that was seen so far."""
        return self._judge(name, self._endpoints.get(name) or _evidence_of(name))

    def knows(self, name: str) -> bool:
        """Whether more is known of it than how it is called and where its calls would come in."""
        evidence = self._endpoints.get(name)
        return name in self._phones or (evidence is not None and not evidence.seen <= _AT_FIRST_SIGHT)

    def trunks(self) -> tuple[str, ...]:
        """Patterns of all endpoints that lead outside; one that fits nothing where there are none."""
        seen = self._endpoints.items()
        names = sorted(name for name, evidence in seen if evidence.appeared and self._judge(name, evidence))
        return tuple(_literally(name) for name in names) or (NO_TRUNK,)

    def _judge(self, name: str, evidence: _Evidence) -> bool:
        if name in self._phones:
            return False
        return evidence.weight > 0 or (evidence.weight == 0 and not name.lstrip("+").isdigit())

    def _endpoint(self, channel: str) -> tuple[str, _Evidence] | None:
        name = endpoint_of(channel)
        if name is None or channel.startswith("Local/"):
            return None
        evidence = self._evidence(name)
        evidence.appeared = True
        if _TRUNK_TECHNOLOGY.match(channel):
            evidence.add("technology", 3)
        return name, evidence

    def _is_attached(self, device: str, kind: str, weight: int) -> None:
        technology, _, name = device.partition("/")
        if name and technology != "Local":
            self._evidence(name).add(kind, weight)

    def _evidence(self, name: str) -> _Evidence:
        evidence = self._endpoints.get(name)
        if evidence is None:
            evidence = self._endpoints[name] = _evidence_of(name)
            _keep(self._endpoints, _ENDPOINTS_LIMIT)
        return evidence

    def _appears(self, message: Message) -> None:
        found = self._endpoint(message.get("channel"))
        leg = message.get("uniqueid")
        if found is None or leg in self._legs:
            return
        self._legs[leg] = None
        _keep(self._legs, _LEGS_LIMIT)
        name, evidence = found
        context = message.get("context")
        if _OUTSIDE.search(context):
            begins = message.event == "Newchannel" and context.casefold() in _OUTSIDE_ALONE
            evidence.add("context", 5 if begins else 3)
        elif _INSIDE.search(context):
            evidence.add("context", -3)
        calls = message.get("channelstate") == "4" or message.get("exten") not in {"", "s"}
        number = message.get("calleridnum")
        if calls and leg == message.get("linkedid"):
            self._shows(name, evidence, number)
        elif not calls and message.event == "Newchannel" and is_extension(number):
            evidence.add("own extension", -2)  # of its settings, before anybody is called

    def _shows(self, name: str, evidence: _Evidence, number: str) -> None:
        """Who calls from there shows this number."""
        digits = number.lstrip("+")
        if number == name:
            evidence.add("own number", -3)
        elif is_extension(number):
            evidence.add("extension", -2)
        elif digits.isdigit() and _SHORT <= len(digits) <= _LONG:
            evidence.add("number from outside", 2)
            if evidence.shown not in {"", digits}:
                evidence.add("many numbers", 2)
            evidence.shown = digits

    def _called(self, message: Message) -> None:
        found = self._endpoint(message.get("destchannel") or message.get("destination"))
        called = message.get("dialstring")
        if found is None or not called:
            return
        name, evidence = found
        parts = [part for part in re.split(r"[/@]", called.partition("!")[0]) if part]
        others = [part for part in parts if part != name and part.removeprefix("sip:") != name]
        if any(_is_number(part) for part in others):
            evidence.add("called with a number", 3)
        elif name in parts:
            evidence.add("called by itself", -3)


def devices_of(message: Message) -> list[str]:
    """The phones that an ExtensionStatus names, as `PJSIP/1001`: its hint is like `PJSIP/1001&Custom:DND1001`."""
    if not is_extension(message.get("exten")):
        return []
    devices = (device.strip().partition("/") for device in re.split(r"[&,]", message.get("hint")))
    return [f"{technology}/{name}" for technology, _, name in devices if technology in _PHONE_TECHNOLOGIES and name]


def _evidence_of(name: str) -> _Evidence:
    evidence = _Evidence()
    if is_extension(name):
        evidence.add("name", -4)
    elif _TRUNK_NAME.search(name):
        evidence.add("name", 4)
    return evidence


def _keep(known: dict[str, _Evidence] | dict[str, None], limit: int) -> None:
    """Forget what is oldest beyond the limit."""
    if len(known) > limit:
        del known[next(iter(known))]


def _is_number(text: str) -> bool:
    return text.removeprefix("+").isdigit() and len(text) >= 2


def _literally(name: str) -> str:
    """The pattern that fits this name alone."""
    return re.sub(r"([*?\[])", r"[\1]", name)
