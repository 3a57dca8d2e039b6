"""What a person standing by the phones would say of each recording: the truth that the call machine is held to.

The words are those of the events. `path` names the statuses in order, each with caller and callee where they changed;
repeats are left out. The recordings' own words of the same are in their `*.truth.json`.
"""

from __future__ import annotations

from typing import NamedTuple


class Told(NamedTuple):
    """One call: its path, and what its call:end says."""

    path: str
    cause: str
    by: str | None
    direction: str
    destination: str | None = None
    trunk: str | None = None
    queue: str | None = None
    service: str | None = None
    flags: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


TABLE: dict[str, list[Told]] = {
    "01-internal-caller-hangup": [
        Told("CONNECTING 1001>1002, RINGING, TALKING", "16", "CALLER", "INTERNAL", destination="1002")
    ],
    "02-internal-callee-hangup": [
        Told("CONNECTING 1001>1002, RINGING, TALKING", "16", "CALLEE", "INTERNAL", destination="1002")
    ],
    "03-cancel-by-caller": [Told("CONNECTING 1001>1002, RINGING", "16", "CALLER", "INTERNAL", destination="1002")],
    "04-no-answer": [Told("CONNECTING 1001>1003, RINGING", "19", None, "INTERNAL", destination="1003")],
    "05-busy-486": [Told("CONNECTING 1001>1002", "17", "CALLEE", "INTERNAL", destination="1002")],
    "06-reject-603": [Told("CONNECTING 1001>1002, RINGING", "21", "CALLEE", "INTERNAL", destination="1002")],
    "07-unknown-extension": [],
    "08-phone-unreachable": [Told("CONNECTING 1001>1002", "19", None, "INTERNAL", destination="1002")],
    "09-wrong-number-announcement": [Told("CONNECTING 1001>nobody", "1", None, "INTERNAL", destination="1999")],
    "10-trunk-out-callee-hangup": [
        Told(
            "CONNECTING 1001>+15005550123, RINGING, TALKING",
            "16",
            "CALLEE",
            "OUTBOUND",
            destination="+15005550123",
            trunk="SIPTRUNK",
        )
    ],
    "11-trunk-out-early-media": [
        Told(
            "CONNECTING 1001>+15005550123, RINGING, TALKING",
            "16",
            "CALLER",
            "OUTBOUND",
            destination="+15005550123",
            trunk="SIPTRUNK",
        )
    ],
    "12-trunk-out-404": [
        Told("CONNECTING 1001>+15005550404", "1", "CALLEE", "OUTBOUND", destination="+15005550404", trunk="SIPTRUNK")
    ],
    "13-trunk-out-503": [
        Told("CONNECTING 1001>+15005550503", "34", None, "OUTBOUND", destination="+15005550503", trunk="SIPTRUNK")
    ],
    "14-trunk-in-did": [
        Told(
            "CONNECTING +15005550123>1001, RINGING, TALKING",
            "16",
            "CALLER",
            "INBOUND",
            destination="+15005550001",
            trunk="SIPTRUNK",
        )
    ],
    "15-trunk-in-callee-hangup-name": [
        Told(
            "CONNECTING +390461234567>1001, RINGING, TALKING",
            "16",
            "CALLEE",
            "INBOUND",
            destination="+15005550001",
            trunk="SIPTRUNK",
        )
    ],
    "16-trunk-in-cancel": [
        Told(
            "CONNECTING +15005550123>1001, RINGING",
            "16",
            "CALLER",
            "INBOUND",
            destination="+15005550001",
            trunk="SIPTRUNK",
        )
    ],
    "17-trunk-in-anonymous": [
        Told(
            "CONNECTING anonymous>1001, RINGING, TALKING",
            "16",
            "CALLER",
            "INBOUND",
            destination="+15005550001",
            trunk="SIPTRUNK",
        )
    ],
    "20-ring-group": [
        Told("CONNECTING 1003>1001, RINGING, TALKING 1003>1002", "16", "CALLER", "INTERNAL", destination="600")
    ],
    "21-ring-group-one-rejects": [
        Told("CONNECTING 1003>1001, RINGING, RINGING 1003>1002, TALKING", "16", "CALLER", "INTERNAL", destination="600")
    ],
    "22-queue-ringall": [
        Told(
            "CONNECTING +15005550123>nobody, RINGING +15005550123>1002, TALKING",
            "16",
            "CALLEE",
            "INBOUND",
            destination="+15005550002",
            trunk="SIPTRUNK",
            queue="support",
        )
    ],
    "23-queue-abandon": [
        Told(
            "CONNECTING +15005550123>nobody, RINGING +15005550123>1001",
            "16",
            "CALLER",
            "INBOUND",
            destination="+15005550002",
            trunk="SIPTRUNK",
            queue="support",
        )
    ],
    "24-queue-timeout": [
        Told("CONNECTING 1003>nobody, RINGING 1003>1002", "19", None, "INTERNAL", destination="502", queue="support")
    ],
    "25-queue-local-members": [
        Told(
            "CONNECTING +390461234567>nobody, RINGING +390461234567>1002, TALKING",
            "16",
            "CALLER",
            "INBOUND",
            destination="+15005550005",
            trunk="SIPTRUNK",
            queue="support-local",
        )
    ],
    "26-queue-member-rejects": [
        Told(
            "CONNECTING +15005550123>nobody, RINGING +15005550123>1002, TALKING",
            "16",
            "CALLER",
            "INBOUND",
            destination="+15005550002",
            trunk="SIPTRUNK",
            queue="support",
        )
    ],
    "27-queue-rejects-then-timeout": [
        Told("CONNECTING 1003>nobody, RINGING 1003>1002", "19", None, "INTERNAL", destination="502", queue="support")
    ],
    "30-hold-by-caller": [
        Told("CONNECTING 1001>1002, RINGING, TALKING, HOLD, TALKING", "16", "CALLER", "INTERNAL", destination="1002")
    ],
    "31-hold-hangup": [
        Told("CONNECTING 1001>1002, RINGING, TALKING, HOLD", "16", "CALLER", "INTERNAL", destination="1002")
    ],
    "32-hold-sipp": [
        Told("CONNECTING 1001>1002, RINGING, TALKING, HOLD, TALKING", "16", "CALLER", "INTERNAL", destination="1002")
    ],
    "40-blind-transfer-by-callee-refer": [
        Told(
            "CONNECTING +15005550123>1001, RINGING, TALKING, RINGING +15005550123>1002, TALKING",
            "16",
            "CALLER",
            "INBOUND",
            destination="1002",
            trunk="SIPTRUNK",
        )
    ],
    "41-blind-transfer-by-caller-refer": [
        Told(
            "CONNECTING 1001>+15005550123, RINGING, TALKING, RINGING +15005550123>1002, TALKING",
            "16",
            "CALLEE",
            "OUTBOUND",
            destination="1002",
            trunk="SIPTRUNK",
        )
    ],
    "42-blind-transfer-ami": [
        Told(
            "CONNECTING +15005550123>1001, RINGING, TALKING, RINGING +15005550123>1002, TALKING",
            "16",
            "CALLEE",
            "INBOUND",
            destination="1002",
            trunk="SIPTRUNK",
        )
    ],
    "43-blind-transfer-unanswered": [
        Told(
            "CONNECTING +15005550123>1001, RINGING, TALKING, RINGING +15005550123>1003",
            "19",
            None,
            "INBOUND",
            destination="1003",
            trunk="SIPTRUNK",
        )
    ],
    "44-attended-transfer-refer-replaces": [
        Told(
            "CONNECTING +15005550123>1001, RINGING, TALKING, HOLD, TALKING +15005550123>1002",
            "16",
            "CALLEE",
            "INBOUND",
            destination="+15005550001",
            trunk="SIPTRUNK",
        ),
        Told(
            "CONNECTING 1001>1002, RINGING, TALKING",
            "16",
            "CALLER",
            "INTERNAL",
            destination="1002",
            flags=("transferred",),
        ),
    ],
    "45-blonde-transfer-replaces": [
        Told(
            "CONNECTING +15005550123>1001, RINGING, TALKING, HOLD, RINGING +15005550123>1002, TALKING",
            "16",
            "CALLEE",
            "INBOUND",
            destination="+15005550001",
            trunk="SIPTRUNK",
        ),
        Told("CONNECTING 1001>1002, RINGING", "16", "CALLER", "INTERNAL", destination="1002", flags=("transferred",)),
    ],
    "46-attended-transfer-ami-atxfer": [
        Told(
            "CONNECTING +15005550123>1001, RINGING, TALKING, HOLD, TALKING +15005550123>1002",
            "16",
            "CALLEE",
            "INBOUND",
            destination="+15005550001",
            trunk="SIPTRUNK",
        )
    ],
    "47-attended-transfer-abandoned": [
        Told(
            "CONNECTING +15005550123>1001, RINGING, TALKING, HOLD, TALKING",
            "16",
            "CALLER",
            "INBOUND",
            destination="+15005550001",
            trunk="SIPTRUNK",
        ),
        Told("CONNECTING 1001>1002, RINGING, TALKING", "16", "CALLER", "INTERNAL", destination="1002"),
    ],
    "48-attended-transfer-internal": [
        Told(
            "CONNECTING 1001>1002, RINGING, TALKING, HOLD, TALKING 1002>1003",
            "16",
            "CALLER",
            "INTERNAL",
            destination="1002",
        ),
        Told(
            "CONNECTING 1001>1003, RINGING, TALKING",
            "16",
            "CALLER",
            "INTERNAL",
            destination="1003",
            flags=("transferred",),
        ),
    ],
    "49-two-party-swap-transfer-outbound-outbound": [
        Told(
            "CONNECTING 1001>+15005550123, RINGING, TALKING, HOLD, TALKING +15005550123>1002",
            "16",
            "CALLER",
            "OUTBOUND",
            destination="+15005550123",
            trunk="SIPTRUNK",
        ),
        Told(
            "CONNECTING 1001>1002, RINGING, TALKING",
            "16",
            "CALLER",
            "INTERNAL",
            destination="1002",
            flags=("transferred",),
        ),
    ],
    "50-group-pickup": [
        Told("CONNECTING 1001>1002, RINGING, TALKING 1001>1003", "16", "CALLER", "INTERNAL", destination="1002")
    ],
    "51-directed-pickup": [
        Told("CONNECTING 1001>1002, RINGING, TALKING 1001>1003", "16", "CALLER", "INTERNAL", destination="1002")
    ],
    "52-park-and-retrieve": [
        Told(
            "CONNECTING +15005550123>1001, RINGING, TALKING, HOLD +15005550123>nobody, TALKING +15005550123>1002",
            "16",
            "CALLER",
            "INBOUND",
            destination="+15005550001",
            trunk="SIPTRUNK",
        )
    ],
    "53-park-comeback": [
        Told(
            "CONNECTING +15005550123>1001, RINGING, TALKING, HOLD +15005550123>nobody, "
            "RINGING +15005550123>1001, TALKING",
            "16",
            "CALLER",
            "INBOUND",
            destination="+15005550001",
            trunk="SIPTRUNK",
        )
    ],
    "54-confbridge-three": [
        Told("CONNECTING 1001>nobody, TALKING", "16", "CALLER", "INTERNAL", destination="800", service="800"),
        Told("CONNECTING 1002>nobody, TALKING", "16", "CALLER", "INTERNAL", destination="800", service="800"),
        Told("CONNECTING 1003>nobody, TALKING", "16", "CALLER", "INTERNAL", destination="800", service="800"),
    ],
    "55-voicemail-after-no-answer": [
        Told(
            "CONNECTING 1002>1003, RINGING, TALKING 1002>nobody",
            "16",
            "CALLER",
            "INTERNAL",
            destination="891",
            service="voicemail",
            flags=("voicemail",),
        )
    ],
    "56-announcement-pbx-hangs-up": [Told("CONNECTING 1001>nobody", "16", None, "INTERNAL", destination="870")],
    "57-ivr-caller-hangs-up": [
        Told(
            "CONNECTING +15005550123>nobody",
            "16",
            "CALLER",
            "INBOUND",
            destination="+15005550003",
            trunk="SIPTRUNK",
            service="ivr",
        )
    ],
    "58-voicemail-direct": [
        Told(
            "CONNECTING 1002>nobody, TALKING",
            "16",
            "CALLER",
            "INTERNAL",
            destination="890",
            service="voicemail",
            flags=("voicemail",),
        )
    ],
    "60-originate-click-to-call": [
        Told(
            "CONNECTING 1001>nobody, RINGING 1001>+15005550123, TALKING",
            "16",
            "CALLEE",
            "OUTBOUND",
            destination="+15005550123",
            trunk="SIPTRUNK",
            flags=("click2call",),
        )
    ],
    "61-originate-not-answered": [Told("CONNECTING 1001>nobody", "19", None, "INTERNAL", flags=("click2call",))],
    "62-originate-local": [
        Told(
            "CONNECTING 1001>nobody, RINGING 1001>1002, TALKING",
            "16",
            "CALLEE",
            "INTERNAL",
            destination="1002",
            flags=("click2call",),
        )
    ],
    "63-forward-302": [
        Told("CONNECTING 1001>1002, RINGING 1001>1003, TALKING", "16", "CALLER", "INTERNAL", destination="1002")
    ],
    "64-local-hop-kept": [
        Told("CONNECTING 1001>nobody, RINGING 1001>1002, TALKING", "16", "CALLEE", "INTERNAL", destination="850")
    ],
    "65-local-hop-optimised": [
        Told("CONNECTING 1001>nobody, RINGING 1001>1002, TALKING", "16", "CALLEE", "INTERNAL", destination="851")
    ],
    "66-followme-mobile": [
        Told(
            "CONNECTING 1001>1002, RINGING, TALKING 1001>+15005550142",
            "16",
            "CALLEE",
            "INTERNAL",
            destination="852",
            trunk="SIPTRUNK",
        )
    ],
    "67-local-hop-no-media": [
        Told("CONNECTING 1001>nobody, RINGING 1001>1002, TALKING", "16", "CALLEE", "INTERNAL", destination="851")
    ],
    "68-call-confirm": [Told("CONNECTING 1001>1002, RINGING, TALKING", "16", "CALLER", "INTERNAL", destination="853")],
    "69-followme-rounds": [
        Told("CONNECTING 1003>1001, RINGING, RINGING 1003>1002, TALKING", "16", "CALLER", "INTERNAL", destination="854")
    ],
    "70-two-calls-at-once": [
        Told(
            "CONNECTING 1002>+15005550123, RINGING, TALKING",
            "16",
            "CALLEE",
            "OUTBOUND",
            destination="+15005550123",
            trunk="SIPTRUNK",
        ),
        Told("CONNECTING 1003>1001, RINGING, TALKING", "16", "CALLER", "INTERNAL", destination="1001"),
    ],
    "71-ami-hangup": [Told("CONNECTING 1001>1002, RINGING, TALKING", "16", None, "INTERNAL", destination="1002")],
    "72-call-waiting-second-call": [
        Told(
            "CONNECTING +15005550123>1001, RINGING, TALKING",
            "16",
            "CALLER",
            "INBOUND",
            destination="+15005550001",
            trunk="SIPTRUNK",
        ),
        Told("CONNECTING 1002>1001, RINGING, TALKING", "16", "CALLER", "INTERNAL", destination="1001"),
    ],
    "73-ring-group-local": [
        Told("CONNECTING 1003>nobody, RINGING 1003>1002, TALKING", "16", "CALLER", "INTERNAL", destination="855")
    ],
    "74-park-giveup": [
        Told(
            "CONNECTING +15005550123>1001, RINGING, TALKING, HOLD +15005550123>nobody",
            "16",
            "CALLER",
            "INBOUND",
            destination="+15005550001",
            trunk="SIPTRUNK",
        )
    ],
    "75-busy-announcement": [Told("CONNECTING 1001>1002", "17", None, "INTERNAL", destination="857")],
    "76-atxfer-ami-unfinished": [
        Told(
            "CONNECTING +15005550123>1001, RINGING, TALKING, HOLD, RINGING +15005550123>1002",
            "16",
            "CALLER",
            "INBOUND",
            destination="+15005550001",
            trunk="SIPTRUNK",
        )
    ],
    "77-transfer-to-queue": [
        Told(
            "CONNECTING +15005550123>1001, RINGING, TALKING, RINGING +15005550123>1002, TALKING",
            "16",
            "CALLER",
            "INBOUND",
            destination="500",
            trunk="SIPTRUNK",
            queue="support",
        )
    ],
    "78-agent-blind-transfers": [
        Told(
            "CONNECTING +15005550123>nobody, RINGING +15005550123>1002, TALKING +15005550123>1001, "
            "RINGING +15005550123>1003, TALKING",
            "16",
            "CALLER",
            "INBOUND",
            destination="1003",
            trunk="SIPTRUNK",
            queue="support",
        )
    ],
    "80-reconnect-mid-call": [
        Told("TALKING 1001>1002", "16", "CALLEE", "INTERNAL", destination="1002", flags=("resumed",)),
        Told(
            "RINGING +15005550123>1003",
            "19",
            None,
            "INBOUND",
            destination="+15005550007",
            trunk="SIPTRUNK",
            flags=("resumed",),
        ),
    ],
    "81-originate-decline": [Told("CONNECTING 1001>nobody", "21", "CALLER", "INTERNAL", flags=("click2call",))],
    "82-group-all-reject": [Told("CONNECTING 1003>1001, RINGING", "21", "CALLEE", "INTERNAL", destination="600")],
    "83-trunk-failover": [
        Told(
            "CONNECTING 1001>+15005550503, RINGING 1001>+15005550123, TALKING",
            "16",
            "CALLER",
            "OUTBOUND",
            destination="856",
            trunk="SIPTRUNK",
        )
    ],
    "84-queue-attended-transfer": [
        Told(
            "CONNECTING +15005550123>nobody, RINGING +15005550123>1001, TALKING, HOLD, TALKING +15005550123>1003",
            "16",
            "CALLEE",
            "INBOUND",
            destination="+15005550002",
            trunk="SIPTRUNK",
            queue="support",
        ),
        Told(
            "CONNECTING 1001>1003, RINGING, TALKING",
            "16",
            "CALLER",
            "INTERNAL",
            destination="1003",
            flags=("transferred",),
        ),
    ],
    "90-shutdown-mid-call": [
        Told("CONNECTING 1001>1002, RINGING, TALKING", "16", None, "INTERNAL", destination="1002")
    ],
    "91-boot-watched": [],
    "92-kill-9-mid-call": [
        Told(
            "CONNECTING 1001>1002, RINGING, TALKING", "31", None, "INTERNAL", destination="1002", flags=("reconciled",)
        )
    ],
}
