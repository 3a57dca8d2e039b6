"""Which endpoints lead outside, by what a PBX says of them."""

from __future__ import annotations

import pytest

from ringpost.sources.asterisk import trunks
from ringpost.sources.asterisk.frames import Message
from ringpost.sources.asterisk.trunks import NO_TRUNK, TrunkGuess


def appears(channel: str, **fields: str) -> Message:
    leg = {"event": "Newchannel", "channel": channel, "uniqueid": channel, "linkedid": channel, "channelstate": "4"}
    return Message({**leg, "exten": "100", **fields})


def called(channel: str, dialstring: str) -> Message:
    return Message({"event": "DialBegin", "destchannel": channel, "dialstring": dialstring})


def guessed(*messages: Message, phones: tuple[str, ...] = ()) -> tuple[str, ...]:
    guess = TrunkGuess(phones)
    for message in messages:
        guess.see(message)
    return guess.trunks()


@pytest.mark.parametrize(
    "messages",
    [
        [appears("PJSIP/provider-00000001")],
        [appears("SIP/acme-00000001", context="from-pstn", calleridnum="0461234567")],
        [appears("PJSIP/acme-00000001", calleridnum="+390461234567")],
        [called("PJSIP/acme-00000001", "+390461234567@acme")],
        [called("SIP/acme-00000001", "acme/0461234567")],
        [called("SIP/0461999999-00000001", "0461999999/0461234567")],
        [appears("SIP/99887766-1", calleridnum="0461234567"), appears("SIP/99887766-2", calleridnum="0461234568")],
        [appears("PJSIP/4321-00000001", context="from-pstn")],  # FreePBX has no phone there
        [appears("DAHDI/i1/0461234567-1", calleridnum="0461234567", context="from-digital")],
    ],
)
def test_an_endpoint_that_numbers_come_from_or_go_to_is_a_trunk(messages: list[Message]) -> None:
    assert guessed(*messages) != (NO_TRUNK,)


@pytest.mark.parametrize(
    "messages",
    [
        [appears("PJSIP/1001-00000001", calleridnum="+390461234567", context="from-internal")],
        [appears("SIP/150010001-00000001", calleridnum="150010001")],
        [called("SIP/150010001-00000001", "150010001/150010001/172.20.0.13!!201")],
        [called("PJSIP/alice-00000001", "PJSIP/alice/sip:alice@10.0.0.5:5060")],
        [appears("PJSIP/alice-00000001", calleridnum="201", context="from-internal")],
        [appears("PJSIP/desk-7-00000001"), Message({"event": "QueueMemberStatus", "interface": "PJSIP/desk-7"})],
        [appears("PJSIP/acme-1"), Message({"event": "ExtensionStatus", "exten": "201", "hint": "PJSIP/acme&Custom:D"})],
        [appears("Local/5@from-trunk-00000001;1")],
        [called("PJSIP/1002-00000001", "1002")],
    ],
)
def test_an_endpoint_of_a_person_is_none(messages: list[Message]) -> None:
    assert guessed(*messages) == (NO_TRUNK,)


def test_what_the_directory_has_as_an_extension_is_none() -> None:
    message = appears("PJSIP/alice-00000001", calleridnum="+390461234567")
    assert guessed(message) == ("alice",)
    assert guessed(message, phones=("alice",)) == (NO_TRUNK,)


def test_only_an_extensions_hint_says_that_an_endpoint_is_a_phone() -> None:
    hint = Message({"event": "ExtensionStatus", "exten": "trunk1", "hint": "PJSIP/acme"})
    assert guessed(appears("PJSIP/acme-1"), hint) == ("acme",)


def test_an_endpoint_that_was_never_seen_is_judged_by_its_name() -> None:
    guess = TrunkGuess()
    assert [guess.leads_outside(name) for name in ("1001", "acme", "my-trunk", "99887766")] == [
        False,
        True,
        True,
        False,
    ]


def test_a_guess_changes_with_what_is_seen() -> None:
    guess = TrunkGuess()
    guess.see(appears("SIP/99887766-1", calleridnum="201"))
    assert not guess.leads_outside("99887766")
    for leg, number in enumerate(("0461234567", "0461234568"), 2):
        guess.see(appears(f"SIP/99887766-{leg}", calleridnum=number))
    assert guess.leads_outside("99887766")


def test_what_was_seen_long_ago_is_forgotten_so_that_callers_from_anywhere_cannot_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trunks, "_ENDPOINTS_LIMIT", 3)
    monkeypatch.setattr(trunks, "_LEGS_LIMIT", 3)
    assert guessed(*(appears(f"SIP/trunk{place}-1") for place in range(5))) == ("trunk2", "trunk3", "trunk4")


def test_a_name_with_wildcards_stands_for_itself() -> None:
    assert guessed(appears("PJSIP/trunk*-00000001")) == ("trunk[*]",)
