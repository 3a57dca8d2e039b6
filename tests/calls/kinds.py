"""The kinds of calls in the words of people, in the order of docs/calls.md; each names the recording that shows it.

`page` makes the page of it. What the events of each are is held true by `table`; that every recording is here, once,
by `test_page`.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Kind(NamedTuple):
    """title: short, of letters, digits and spaces; story: what happened in the room; like: recordings of the same
    kind, whose events differ in times or numbers alone."""

    title: str
    recording: str
    story: str
    like: tuple[str, ...] = ()


class Group(NamedTuple):
    """about: what the kinds have in common."""

    title: str
    about: str
    kinds: tuple[Kind, ...]


GROUPS: Final = (
    Group(
        "Answered",
        "Two people talk, and one of them hangs up.",
        (
            Kind(
                "Colleague calls colleague", "01-internal-caller-hangup", "1001 calls 1002, who answers. 1001 hangs up."
            ),
            Kind("The called one hangs up", "02-internal-callee-hangup", "1001 calls 1002, who answers and hangs up."),
            Kind(
                "Call from outside",
                "14-trunk-in-did",
                "+15005550123 calls the company's number +15005550001, which rings at 1001. 1001 answers; the caller "
                "hangs up. `destination` is the number that was called, the callee the person who is reached.",
            ),
            Kind(
                "Call from outside with a name",
                "15-trunk-in-callee-hangup-name",
                "+390461234567, whom the provider calls “Studio Società Perù”, calls in. 1001 answers and hangs up.",
            ),
            Kind(
                "Anonymous call",
                "17-trunk-in-anonymous",
                "Somebody who hides the number calls in. 1001 answers; the caller hangs up. The caller is `REMOTE`, "
                "with `phone` null.",
            ),
            Kind(
                "Call to outside",
                "10-trunk-out-callee-hangup",
                "1001 calls +15005550123 through the trunk. The far end answers and hangs up. The caller stays 1001, "
                "though the PBX shows the company's number outside.",
            ),
            Kind(
                "Call to outside with a tone before the answer",
                "11-trunk-out-early-media",
                "1001 calls +15005550123. The provider plays a ringing tone itself in place of telling that it rings. "
                "The far end answers; 1001 hangs up.",
            ),
            Kind(
                "Two calls at once",
                "70-two-calls-at-once",
                "1002 calls outside while 1003 calls 1001. Both are answered; the far end and 1003 hang up. Events of "
                "several calls mix; each `id` has its own order.",
            ),
            Kind(
                "Call waiting",
                "72-call-waiting-second-call",
                "+15005550123 talks to 1001 when 1002 calls 1001, who answers that call as well. 1002 hangs up, later "
                "the first caller.",
            ),
        ),
    ),
    Group(
        "Not answered or refused",
        "Nobody talks, so there is no TALKING, and `talkTime` is 0. `endCause` says why.",
        (
            Kind("The caller gives up", "03-cancel-by-caller", "1001 calls 1002; it rings, and 1001 hangs up."),
            Kind(
                "The caller from outside gives up",
                "16-trunk-in-cancel",
                "+15005550123 calls in; it rings at 1001, and the caller hangs up: a missed call.",
            ),
            Kind(
                "No answer",
                "04-no-answer",
                "1001 calls 1003, who does not answer. The PBX gives up, so nobody ended it: `endBy` is null.",
            ),
            Kind("Busy", "05-busy-486", "1001 calls 1002, who is busy."),
            Kind(
                "Busy with an announcement",
                "75-busy-announcement",
                "1001 calls 1002, who is busy. The PBX answers the caller itself, plays an announcement and hangs up.",
            ),
            Kind("Rejected", "06-reject-603", "1001 calls 1002; it rings, and 1002 declines."),
            Kind(
                "Phone not reachable",
                "08-phone-unreachable",
                "1001 calls 1002, whose phone is switched off. Nothing comes back from it, as if it rang and nobody "
                "answered.",
            ),
            Kind(
                "Wrong number with an announcement",
                "09-wrong-number-announcement",
                "1001 dials 1999, which nobody has. The PBX plays an announcement and refuses.",
            ),
            Kind(
                "Wrong number refused at once",
                "07-unknown-extension",
                "1001 dials 2999, which the PBX does not know. It refuses before there is a call, and says nothing of "
                "it.",
            ),
            Kind(
                "Wrong number outside",
                "12-trunk-out-404",
                "1001 calls +15005550404; the provider answers that there is no such number.",
            ),
            Kind("Provider has no line", "13-trunk-out-503", "1001 calls +15005550503; the provider has no line free."),
            Kind(
                "Second trunk tried after the first",
                "83-trunk-failover",
                "1001 dials 856. The first number that the PBX tries for it fails, the second is answered; 1001 hangs "
                "up.",
            ),
        ),
    ),
    Group(
        "Hold",
        "HOLD begins when one of those who talk presses hold, whoever it is, and ends when all took the call back.",
        (
            Kind(
                "Held and taken back",
                "30-hold-by-caller",
                "1001 talks to 1002, holds the call, takes it back, and hangs up.",
                ("32-hold-sipp",),
            ),
            Kind("Hung up while held", "31-hold-hangup", "1001 talks to 1002, holds the call and hangs up."),
        ),
    ),
    Group(
        "Groups and forwarding",
        "Several phones ring for one call. The callee is one of those that ring until one answers; a phone that stops "
        "ringing or declines ends nothing.",
        (
            Kind(
                "Ring group",
                "20-ring-group",
                "1003 calls the group 600: 1001 and 1002 ring, 1002 answers. 1003 hangs up.",
            ),
            Kind(
                "Ring group with one who declines",
                "21-ring-group-one-rejects",
                "1003 calls the group 600. 1001 declines, 1002 answers later. 1003 hangs up.",
            ),
            Kind(
                "Ring group with nobody",
                "82-group-all-reject",
                "1003 calls the group 600. 1001 declines, 1002 is busy.",
            ),
            Kind(
                "Ring group as FreePBX makes it",
                "73-ring-group-local",
                "1003 dials 855: 1001 and 1002 ring, each through a local channel of the PBX. 1002 answers; 1003 "
                "hangs up.",
            ),
            Kind(
                "One after the other",
                "69-followme-rounds",
                "1003 dials 854: 1001 rings for two seconds, then 1002, who answers. 1003 hangs up.",
            ),
            Kind(
                "Desk phone and mobile",
                "66-followme-mobile",
                "1001 dials 852: the phone 1002 and a mobile, +15005550142, ring. The mobile answers and hangs up.",
            ),
            Kind(
                "Forwarded by the phone",
                "63-forward-302",
                "1001 calls 1002, whose phone forwards to 1003. 1003 answers; 1001 hangs up. `destination` stays what "
                "was dialled.",
            ),
            Kind(
                "Prompt before the talk",
                "68-call-confirm",
                "1001 dials 853: 1002 answers and hears a prompt, as “press 1”, before the two are connected. It is "
                "TALKING only then. 1001 hangs up.",
            ),
            Kind(
                "Through a local channel",
                "64-local-hop-kept",
                "1001 dials 850, which the PBX passes on to 1002 through a local channel. 1002 answers and hangs up. "
                "Local channels are no parties: nothing of them is seen.",
                ("65-local-hop-optimised", "67-local-hop-no-media"),
            ),
        ),
    ),
    Group(
        "Queues",
        "`queueName` names the queue. Who waits in it is CONNECTING or RINGING, though the PBX has answered already.",
        (
            Kind(
                "An agent answers",
                "22-queue-ringall",
                "+15005550123 calls the queue “support”: 1001 and 1002 ring. 1002 answers, and hangs up.",
            ),
            Kind(
                "The caller gives up waiting",
                "23-queue-abandon",
                "+15005550123 waits in the queue “support”, where nobody answers, and hangs up.",
            ),
            Kind(
                "The queue gives up",
                "24-queue-timeout",
                "1003 waits in the queue “support” until its time is over. The PBX says goodbye and hangs up.",
            ),
            Kind(
                "An agent declines and another answers",
                "26-queue-member-rejects",
                "+15005550123 calls the queue “support”. 1001 declines, 1002 answers. The caller hangs up.",
            ),
            Kind(
                "An agent declines and nobody answers",
                "27-queue-rejects-then-timeout",
                "1003 waits in the queue “support”. 1001 declines, 1002 does not answer; the PBX hangs up. The one "
                "who declined did not end the call.",
            ),
            Kind(
                "Queue as FreePBX makes it",
                "25-queue-local-members",
                "+390461234567 calls the queue “support-local”, whose members ring through local channels. 1002 "
                "answers; the caller hangs up.",
            ),
            Kind(
                "Transferred into a queue",
                "77-transfer-to-queue",
                "+15005550123 talks to 1001, who transfers the call to the queue 500. 1002 answers; the caller hangs "
                "up.",
            ),
            Kind(
                "An agent transfers blindly",
                "78-agent-blind-transfers",
                "+15005550123 calls the queue “support”. 1001 answers and transfers to 1003, who answers. The caller "
                "hangs up. It stays a call of the queue.",
            ),
            Kind(
                "An agent asks before the transfer",
                "84-queue-attended-transfer",
                "+15005550123 calls the queue “support”. 1001 answers, holds, calls 1003, and connects the two. 1003 "
                "hangs up.",
            ),
        ),
    ),
    Group(
        "Transfers",
        "The first call goes on under its `id`, with its new party. Where the one who transfers asked first, that was "
        "a call of its own: it ends at the transfer with the flag `transferred`, and `endBy` names the one of its two "
        "who left.",
        (
            Kind(
                "Blind by the called one",
                "40-blind-transfer-by-callee-refer",
                "+15005550123 talks to 1001, who transfers to 1002 without asking. 1002 answers; the caller hangs up.",
            ),
            Kind(
                "Blind by a program",
                "42-blind-transfer-ami",
                "+15005550123 talks to 1001 when a program transfers the call to 1002, who answers and hangs up.",
            ),
            Kind(
                "Blind by the caller",
                "41-blind-transfer-by-caller-refer",
                "1001 calls +15005550123 and transfers the far end to 1002, who answers and hangs up. The caller of "
                "the call is now the one who was left: the far end.",
            ),
            Kind(
                "Blind and nobody answers",
                "43-blind-transfer-unanswered",
                "+15005550123 talks to 1001, who transfers to 1003. Nobody answers there, and the PBX hangs up.",
            ),
            Kind(
                "Attended",
                "44-attended-transfer-refer-replaces",
                "+15005550123 talks to 1001, who holds the call, asks 1002, and connects the two. 1002 hangs up.",
            ),
            Kind(
                "Attended between colleagues",
                "48-attended-transfer-internal",
                "1001 calls 1002, holds, asks 1003, and connects the two. 1002 hangs up.",
            ),
            Kind(
                "Attended by the caller",
                "49-two-party-swap-transfer-outbound-outbound",
                "1001 calls +15005550123, holds, calls 1002, and connects the two. The far end hangs up.",
            ),
            Kind(
                "Attended by a feature code",
                "46-attended-transfer-ami-atxfer",
                "+15005550123 talks to 1001, who presses the PBX's feature code and asks 1002 in the same call. 1001 "
                "hangs up, which connects the two; 1002 hangs up. There is no second call to tell.",
            ),
            Kind(
                "Handed over while it rings",
                "45-blonde-transfer-replaces",
                "+15005550123 talks to 1001, who holds, calls 1002, and hands the call over while it still rings. "
                "1002 answers, and hangs up.",
            ),
            Kind(
                "Handed over and nobody answers",
                "76-atxfer-ami-unfinished",
                "+15005550123 talks to 1001, who transfers to 1002 and leaves while it rings. Nobody answers, and the "
                "caller hangs up.",
            ),
            Kind(
                "Asked and not transferred",
                "47-attended-transfer-abandoned",
                "+15005550123 talks to 1001, who holds, asks 1002, hangs up there, and takes the caller back. The "
                "caller hangs up.",
            ),
        ),
    ),
    Group(
        "Pickup and parking",
        "Another phone takes the call. The code that is dialled for it is no call of its own.",
        (
            Kind(
                "Picked up in the group",
                "50-group-pickup",
                "1001 calls 1002. While it rings, 1003 dials the pickup code and takes the call. 1001 hangs up.",
            ),
            Kind(
                "Picked up from one phone",
                "51-directed-pickup",
                "1001 calls 1002. While it rings, 1003 dials the pickup code with 1002's number. 1001 hangs up.",
            ),
            Kind(
                "Parked and taken",
                "52-park-and-retrieve",
                "+15005550123 talks to 1001, who parks the call. 1002 dials its place and takes it. The caller hangs "
                "up.",
            ),
            Kind(
                "Parked and come back",
                "53-park-comeback",
                "+15005550123 talks to 1001, who parks the call. Nobody takes it, so it rings at 1001 again, who "
                "answers. The caller hangs up.",
            ),
            Kind(
                "Parked and given up",
                "74-park-giveup",
                "+15005550123 talks to 1001, who parks the call. The caller hangs up there.",
            ),
        ),
    ),
    Group(
        "Services",
        "What answers is nobody: the callee is null, or the one who was tried before. `service` says what it is, "
        "where the PBX tells. Only a mailbox and a conference are TALKING; who hears an announcement or a menu is "
        "CONNECTING.",
        (
            Kind(
                "Voicemail after no answer",
                "55-voicemail-after-no-answer",
                "1002 dials 891: 1003 rings and does not answer, so the mailbox does. 1002 leaves a message and hangs "
                "up.",
            ),
            Kind(
                "Voicemail at once", "58-voicemail-direct", "1002 dials 890, a mailbox, leaves a message and hangs up."
            ),
            Kind(
                "Conference of three",
                "54-confbridge-three",
                "1001, 1002 and 1003 dial the conference 800, and leave in the other order. Each is a call of its "
                "own; it is TALKING once two are there.",
            ),
            Kind(
                "Menu", "57-ivr-caller-hangs-up", "+15005550123 calls in, hears a menu, presses nothing and hangs up."
            ),
            Kind("Announcement", "56-announcement-pbx-hangs-up", "1001 dials 870. The PBX plays a text and hangs up."),
        ),
    ),
    Group(
        "Click to call",
        "A program makes the call: it rings at the one who is to make it, and then calls the other. The flag is "
        "`click2call`, and the caller is the one whose phone rang first.",
        (
            Kind(
                "Click to call answered",
                "60-originate-click-to-call",
                "A program calls 1001, who answers, and then +15005550123, who answers and hangs up.",
            ),
            Kind(
                "Click to call between colleagues",
                "62-originate-local",
                "A program calls 1001 through a local channel; 1001 answers. Then 1002 is called, answers and hangs "
                "up.",
            ),
            Kind(
                "Click to call not answered",
                "61-originate-not-answered",
                "A program calls 1001, who does not answer; nobody else is called.",
            ),
            Kind(
                "Click to call declined",
                "81-originate-decline",
                "A program calls 1001, who declines; nobody else is called.",
            ),
        ),
    ),
    Group(
        "The PBX and the connection to it",
        "What the PBX does itself has no `endBy`. A call that Ringpost finds going on is `resumed`, one whose end it "
        "missed is `reconciled`.",
        (
            Kind(
                "Ended by an administrator",
                "71-ami-hangup",
                "1001 talks to 1002 when an administrator ends the call on the PBX.",
            ),
            Kind(
                "Found when Ringpost connects",
                "80-reconnect-mid-call",
                "When Ringpost connects, 1001 talks to 1002, and +15005550123 rings at 1003. Nobody answers there; "
                "1002 hangs up. What was before is not known, so `waitTime` and `talkTime` count from then.",
            ),
            Kind(
                "The PBX shuts down",
                "90-shutdown-mid-call",
                "1001 talks to 1002 when the PBX is shut down.",
            ),
            Kind(
                "The PBX crashes",
                "92-kill-9-mid-call",
                "1001 talks to 1002 when the PBX dies. It starts again, knows nothing of the call, and Ringpost ends "
                "it.",
            ),
            Kind("The PBX starts", "91-boot-watched", "The PBX starts, and nobody calls."),
        ),
    ),
)
