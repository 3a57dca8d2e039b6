"""What a person standing by the phones would say of calls through dialplans as people write them: follow me, groups of
local channels, hunts, call confirmation, trunk failover, queues that overflow, surveys, feature codes by keys.

`tests/recordings/dialplans` has what a real Asterisk 22 said of each to a user with the least rights.
"""

from __future__ import annotations

from tests.calls.table import Told

_IN = "CONNECTING +15005550123>1001, RINGING, TALKING, HOLD, "


def _inside(path: str, by: str | None, destination: str, cause: str = "16", **more: str) -> Told:
    return Told(path, cause, by, "INTERNAL", destination=destination, queue=more.get("queue"))


def _from_outside(path: str, by: str, destination: str = "+15005550001") -> Told:
    return Told(_IN + path, "16", by, "INBOUND", destination=destination, trunk="SIPTRUNK")


def _from_queue(path: str, by: str, destination: str = "+15005550002") -> Told:
    start = "CONNECTING +15005550123>nobody, RINGING +15005550123>1001, "
    return Told(start + path, "16", by, "INBOUND", destination=destination, trunk="SIPTRUNK", queue="support")


def _to_mobile(path: str) -> Told:
    return Told(path, "16", "CALLEE", "INTERNAL", destination="610", trunk="SIPTRUNK")


DIALPLANS: dict[str, Told | None] = {
    "01-followme-desk": _inside("CONNECTING 1002>nobody, RINGING 1002>1001, TALKING", "CALLEE", "610"),
    "02-followme-mobile-accepts": _to_mobile(
        "CONNECTING 1002>nobody, RINGING 1002>1001, RINGING 1002>+15005550142, TALKING"
    ),
    "03-followme-mobile-declines": _inside(
        "CONNECTING 1002>nobody, RINGING 1002>+15005550142, RINGING 1002>1001, TALKING", "CALLER", "610"
    ),
    "04-group-locals": _inside("CONNECTING 1003>nobody, RINGING 1003>1002, TALKING", "CALLEE", "611"),
    "05-hunt": _inside("CONNECTING 1003>1001, RINGING, RINGING 1003>1002, TALKING", "CALLEE", "612"),
    "06-confirm-accept": _inside("CONNECTING 1001>1002, RINGING, TALKING", "CALLEE", "613"),
    "07-confirm-caller-hangs-up-first": _inside("CONNECTING 1001>1002, RINGING", "CALLER", "613"),
    "08-trunk-failover": Told(
        "CONNECTING 1001>+15005550503, RINGING 1001>+15005550123, TALKING",
        "16",
        "CALLEE",
        "OUTBOUND",
        destination="614",
        trunk="SIPTRUNK",
    ),
    "09-queue-then-voicemail": Told(
        "CONNECTING 1003>nobody, RINGING 1003>1002, TALKING 1003>nobody",
        "16",
        "CALLER",
        "INTERNAL",
        destination="615",
        queue="support",
        service="voicemail",
        flags=("voicemail",),
    ),
    "10-queue-survey": _inside("CONNECTING 1003>nobody, RINGING 1003>1002, TALKING", "CALLEE", "616", queue="support"),
    "11-dial-g-survey": _inside("CONNECTING 1001>1002, RINGING, TALKING", None, "617"),
    "12-announce-to-callee": _inside("CONNECTING 1001>1002, RINGING, TALKING", "CALLEE", "618"),
    "13-queue-overflow": _inside(
        "CONNECTING 1003>nobody, RINGING 1003>1002, TALKING", "CALLEE", "619", queue="support-local"
    ),
    "14-ivr-to-phone": _inside("CONNECTING 1001>nobody, RINGING 1001>1002, TALKING", "CALLEE", "620"),
    "15-local-in-local": _inside("CONNECTING 1001>nobody, RINGING 1001>1002, TALKING", "CALLEE", "621"),
    "16-scanner": None,
    "17-dial-limit": _inside("CONNECTING 1001>1002, RINGING, TALKING", None, "631"),
    "18-page": Told(
        "CONNECTING 1001>1002, TALKING 1001>1003, TALKING 1001>nobody",
        "16",
        "CALLER",
        "INTERNAL",
        destination="632",
        service="2027251676",
    ),
    "20-echo": _inside("CONNECTING 1001>nobody", "CALLER", "634"),
    "21-atxfer-dtmf": _from_outside("TALKING +15005550123>1002", "CALLEE"),
    "22-blind-dtmf": _from_outside("RINGING +15005550123>1002, TALKING", "CALLEE", "1002"),
    "23-atxfer-dtmf-no-answer-returns": _from_outside("TALKING", "CALLER"),
    "24-atxfer-dtmf-blonde": _from_outside("RINGING +15005550123>1002, TALKING", "CALLEE"),
    "25-park-dtmf": _from_outside("HOLD +15005550123>nobody, TALKING +15005550123>1002", "CALLER"),
    "26-redirect-ami": _inside("CONNECTING 1001>1002, RINGING, TALKING, RINGING 1001>1003, TALKING", "CALLEE", "1002"),
    "28-originate-both-local": Told(
        "CONNECTING 1001>nobody, RINGING 1001>1002, TALKING",
        "16",
        "CALLEE",
        "INTERNAL",
        destination="1002",
        flags=("click2call",),
    ),
    "30-atxfer-threeway": _from_outside("TALKING, TALKING +15005550123>1002", "CALLEE"),
    "31-atxfer-swap-complete": _from_outside("TALKING, HOLD, TALKING +15005550123>1002", "CALLEE"),
    "32-atxfer-abort": _from_outside("TALKING", "CALLER"),
    "33-pickup-of-a-queue-call": _from_queue("TALKING +15005550123>1003", "CALLER"),
    "34-queue-agent-blind-transfers": _from_queue("TALKING, RINGING +15005550123>1003, TALKING", "CALLEE", "1003"),
    "35-queue-agent-attended-transfers": _from_queue("TALKING, HOLD, TALKING +15005550123>1003", "CALLEE"),
    "36-transfer-to-queue": Told(
        "CONNECTING +15005550123>1001, RINGING, TALKING, RINGING +15005550123>1002, TALKING",
        "16",
        "CALLEE",
        "INBOUND",
        destination="500",
        trunk="SIPTRUNK",
        queue="support",
    ),
    "38-transfer-outside": Told(
        "CONNECTING 1003>1001, RINGING, TALKING, RINGING 1003>+390461234567, TALKING",
        "16",
        "CALLEE",
        "INTERNAL",
        destination="+390461234567",
        trunk="SIPTRUNK",
    ),
    "40-chain-of-two-blind-transfers": Told(
        "CONNECTING +15005550123>1001, RINGING, TALKING, RINGING +15005550123>1002, TALKING, "
        "RINGING +15005550123>1003, TALKING",
        "16",
        "CALLEE",
        "INBOUND",
        destination="1003",
        trunk="SIPTRUNK",
    ),
}

CONSULTATIONS: dict[str, Told] = {
    "35-queue-agent-attended-transfers": Told(
        "CONNECTING 1001>1003, RINGING, TALKING",
        "16",
        "CALLER",
        "INTERNAL",
        destination="1003",
        flags=("transferred",),
    )
}
