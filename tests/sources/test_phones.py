"""What an Asterisk tells of its phones: whose they are, and which endpoints lead outside for a whole call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpost.calls.observation import Alive, Dials, Leg, LegAppeared, LegChanged, Rings
from ringpost.calls.parties import is_extension
from ringpost.model.directory import Person
from ringpost.sources.asterisk.frames import Message, action
from ringpost.sources.asterisk.observe import observe
from ringpost.sources.asterisk.phones import ASK_EVERY, IN_VAIN, Learned, Phones, Question
from ringpost.sources.asterisk.session import AUDIT_EVERY, Command, Listed, Observed, Send, Session
from tests.sources.ami_server import channel, event

T = 1_700_000_000_000
LISTS = ["ExtensionStateList", "DeviceStateList", "QueueStatus", "VoicemailUsersList"]
YES, NO = Message({"response": "Success"}), Message({"response": "Error", "message": "Permission denied"})


def hint(extension: str, hint: str) -> Message:
    return Message({"event": "ExtensionStatus", "exten": extension, "context": "from-internal", "hint": hint})


def device(name: str) -> Message:
    return Message({"event": "DeviceStateChange", "actionid": "1", "device": name, "state": "NOT_INUSE"})


def mailbox(number: str, name: str, email: str = "", context: str = "default") -> Message:
    fields = {"voicemailbox": number, "fullname": name, "email": email, "vmcontext": context}
    return Message({"event": "VoicemailUserEntry", **fields})


def member(name: str, interface: str, state_interface: str = "") -> Message:
    fields = {"name": name, "location": interface, "stateinterface": state_interface}
    return Message({"event": "QueueMember", "queue": "500", **fields})


def newchannel(channel: str, number: str = "", name: str = "", *, leg: str = "1.1", call: str = "1.1") -> Message:
    """A leg that calls, or where the call is another's, one that is called."""
    fields = {"uniqueid": leg, "linkedid": call, "calleridnum": number, "calleridname": name}
    state, exten = ("4", "1002") if leg == call else ("0", "s")
    return Message({"event": "Newchannel", "channel": channel, "channelstate": state, "exten": exten, **fields})


def dial(channel: str, dialstring: str, *, leg: str = "1.2", call: str = "1.1") -> Message:
    fields = {"destchannel": channel, "destuniqueid": leg, "destlinkedid": call, "dialstring": dialstring}
    return Message({"event": "DialBegin", "uniqueid": call, "linkedid": call, "channel": "PJSIP/1001-1", **fields})


MAILBOXES = Message({"event": "VoicemailUserEntryComplete"})


def learned(*messages: Message, phones: Phones | None = None) -> dict[str, Person]:
    phones = phones or Phones()
    for message in messages:
        phones.see(message)
    told = phones.take_learned()
    return {} if told is None else {person.extension: person for person in told.people}


def name_of(*messages: Message) -> str | None:
    people = learned(*messages)
    assert people.keys() <= {"1001"}
    return people["1001"].name if people else None


def configured(phones: Phones, endpoint: str, caller_id: str) -> Question | None:
    variable = f"PJSIP_ENDPOINT({endpoint},callerid)"
    return phones.answered("Getvar", Message({"response": "Success", "variable": variable, "value": caller_id}))


def asked(phones: Phones, answer: Message = YES, now: int = T) -> list[str]:
    """The actions that it asks, one after the other, each with this answer."""
    actions = []
    question = phones.ask(now)
    while question is not None:
        actions.append(question.action)
        question = phones.answered(question.action, answer)
    return actions


# --- names -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "messages",
    [
        [newchannel("PJSIP/1001-1", "1001", "Alice Rossi")],
        [member("Alice Rossi", "PJSIP/1001")],
        [member("Alice Rossi", "Local/1001@from-queue/n", "PJSIP/1001")],
        [member("Alice Rossi", "Local/1001@from-queue/n", "hint:1001@ext-local")],  # as FreePBX has it
        [hint("1001", "PJSIP/1001&Custom:DND1001,CustomPresence:1001"), mailbox("1001", "Alice Rossi"), MAILBOXES],
        [device("PJSIP/1001"), mailbox("1001", " Alice Rossi "), MAILBOXES],
        [hint("1001", "PJSIP/alice"), newchannel("PJSIP/alice-1", "1001", "Alice Rossi")],
        [hint("1001", "SIP/alice"), member("Alice Rossi", "SIP/alice")],
    ],
)
def test_the_name_of_a_phones_person_is_learned(messages: list[Message]) -> None:
    assert name_of(*messages) == "Alice Rossi"


@pytest.mark.parametrize(
    "messages",
    [
        [newchannel("PJSIP/SIPTRUNK-1", "+390461123456", "Acme Inc")],
        [newchannel("PJSIP/SIPTRUNK-1", "1001", "Acme Inc")],  # a caller may show any number
        [newchannel("PJSIP/1001-1", "+390461000001", "Acme Inc")],  # the company's, as the dialplan shows it
        [newchannel("PJSIP/1001-1", "1002", "Bob")],
        [newchannel("PJSIP/1001-1", "1001", "Sales: Carla", leg="1.2", call="1.1")],  # what it is shown of another
        [newchannel("Local/1001@hop-1;1", "1001", "Alice")],
        [newchannel("PJSIP/1001-1", "1001", "1001")],
        [newchannel("PJSIP/1001-1", "1001", "+39 0461 123456")],
        [newchannel("PJSIP/1001-1", "1001", "Anonymous")],
        [newchannel("PJSIP/1001-1", "1001", "device")],
        [newchannel("PJSIP/1001-1", "1001", "<unknown>")],
        [newchannel("PJSIP/1001-1", "1001", "x" * 300)],
        [newchannel("PJSIP/1001-1", "1001", "")],
        [member("PJSIP/1001", "")],
        [member("Mobile of Alice", "Local/0461123456@from-internal/n")],
        [member("Carrier", "PJSIP/SIPTRUNK")],
        [mailbox("1001", "Alice Rossi"), MAILBOXES],  # of no phone that is known
        [hint("1001", "PJSIP/1001"), mailbox("1001", "A."), mailbox("1001", "B.", context="other"), MAILBOXES],
        [hint("trunk", "PJSIP/SIPTRUNK"), newchannel("PJSIP/SIPTRUNK-1", "trunk", "Trunk")],
    ],
)
def test_what_is_no_name_of_a_phones_person_is_not_learned(messages: list[Message]) -> None:
    assert name_of(*messages) is None


def test_the_first_name_that_a_phone_shows_stays() -> None:
    assert name_of(
        newchannel("PJSIP/1001-1", "1001", "Alice Rossi"),
        newchannel("PJSIP/1001-2", "1001", "Reception", leg="2.1", call="2.1"),
    ) == ("Alice Rossi")


def test_the_phones_own_settings_go_before_its_mailbox_that_before_a_queue_and_that_before_a_call() -> None:
    phones = Phones()
    told = [
        learned(newchannel("PJSIP/1001-1", "1001", "By a call"), phones=phones),
        learned(member("By a queue", "PJSIP/1001"), phones=phones),
        learned(hint("1001", "PJSIP/1001"), mailbox("1001", "By a mailbox"), MAILBOXES, phones=phones),
    ]
    configured(phones, "1001", '"By its settings" <1001>')
    told.append(learned(phones=phones))
    names = ["By a call", "By a queue", "By a mailbox", "By its settings"]
    assert told == [{"1001": Person(extension="1001", name=name)} for name in names]
    assert learned(member("By another queue", "PJSIP/1001"), phones=phones) == {}


def test_a_mailbox_tells_the_first_of_its_addresses() -> None:
    people = learned(hint("1001", "PJSIP/1001"), mailbox("1001", "", "a@example.com,b@example.com"), MAILBOXES)
    assert people == {"1001": Person(extension="1001", email="a@example.com")}
    assert learned(hint("1001", "PJSIP/1001"), mailbox("1001", "", "(null)"), MAILBOXES) == {}


def test_an_extension_of_a_group_gives_no_phone_its_number() -> None:
    group = hint("600", "PJSIP/1001&PJSIP/alice")
    alice = newchannel("PJSIP/alice-1", "201", "Alice")
    assert learned(group, newchannel("PJSIP/1001-1", "1001", "Bob"), phones=Phones()).keys() == {"1001"}
    for hints in ([group, hint("201", "PJSIP/alice")], [hint("201", "PJSIP/alice"), group]):
        assert learned(*hints, alice).keys() == {"201"}


def test_what_was_told_is_told_again_only_when_it_changed() -> None:
    phones = Phones()
    assert learned(member("Alice", "PJSIP/1001"), phones=phones).keys() == {"1001"}
    assert learned(member("Alice", "PJSIP/1001"), phones=phones) == {}
    assert learned(member("Alice Rossi", "PJSIP/1001"), phones=phones)["1001"].name == "Alice Rossi"


words = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["1001", "201", "PJSIP/1001", "PJSIP/alice-1", "SIP/acme", "Local/1001@x/n", "hint:1001@ext-local"]
    ),
    st.sampled_from(["Alice", "PJSIP/1001&Custom:DND1001", "a@example.com", '"Alice" <1001>', "4", "s", "1.1", "1.2"]),
    st.sampled_from(["PJSIP_ENDPOINT(1001,callerid)", "PJSIP_ENDPOINT(", "("]),
)
keys = ["channel", "uniqueid", "linkedid", "calleridnum", "calleridname", "exten", "context", "channelstate", "hint"]
keys += ["device", "actionid", "name", "membername", "stateinterface", "interface", "location", "voicemailbox", "email"]
keys += ["vmcontext", "fullname", "destchannel", "destuniqueid", "destlinkedid", "dialstring", "response", "variable"]
keys += ["value"]
events = ["Newchannel", "NewCallerid", "DialBegin", "ExtensionStatus", "DeviceStateChange", "QueueMember", "Reload"]
events += ["QueueMemberAdded", "VoicemailUserEntry", "VoicemailUserEntryComplete", "CoreShowChannel", "Hangup"]
messages = st.builds(
    lambda event, fields: Message({"event": event, **fields}),
    st.sampled_from(events),
    st.dictionaries(st.sampled_from(keys), words, max_size=10),
)


@given(st.lists(st.tuples(messages, st.sampled_from([None, "begin", "ask", "answer"])), max_size=30))
def test_whatever_is_heard_only_names_of_extensions_are_learned(heard: list[tuple[Message, str | None]]) -> None:
    phones = Phones()
    for message, act in heard:
        phones.see(message)
        for observation in observe(message):
            phones.place(observation, message.event)
        question = phones.ask(T) if act == "ask" else None
        if act == "begin":
            phones.begin()
        elif act == "answer":
            question = phones.answered("Getvar", message)
        if question is not None:
            action(question.action, question.fields)  # it can be sent
        learned = phones.take_learned()
        for person in () if learned is None else learned.people:
            assert is_extension(person.extension)
            assert person.name is None or any(map(str.isalpha, person.name))
            assert person.name is not None or person.email is not None


# --- questions -------------------------------------------------------------------------------------------------------
def test_the_settings_of_each_phone_are_asked_for_after_the_lists() -> None:
    phones = Phones()
    for message in (hint("1001", "PJSIP/1001"), device("PJSIP/1002"), device("PJSIP/SIPTRUNK"), hint("201", "SIP/b")):
        phones.see(message)
    phones.see(hint("202", "PJSIP/a,b)\r\nAction: Originate"))
    question = phones.ask(T)
    questions = []
    while question is not None:
        questions.append(question)
        question = phones.answered(question.action, YES)
    assert [one.action for one in questions[:4]] == LISTS
    assert [one.fields for one in questions[4:]] == [
        (("Variable", "PJSIP_ENDPOINT(1001,callerid)"),),
        (("Variable", "PJSIP_ENDPOINT(1002,callerid)"),),
        (("Variable", "PJSIP_ENDPOINT(a,callerid)"),),
    ]


def test_a_question_that_is_refused_is_passed_over() -> None:
    phones = Phones()
    phones.see(hint("1001", "PJSIP/1001"))
    phones.see(hint("1002", "PJSIP/1002"))
    assert asked(phones, NO) == [*LISTS, "Getvar"]  # who may not ask of one phone may not ask of the next
    assert learned(phones=phones) == {}


def test_no_more_phones_are_asked_for_where_none_has_an_answer() -> None:
    phones = Phones()
    for number in range(1001, 1021):
        phones.see(hint(str(number), f"PJSIP/{number}"))
    assert asked(phones) == [*LISTS, *["Getvar"] * IN_VAIN]


def test_phones_without_a_caller_id_are_no_reason_to_ask_no_more_once_one_has_it() -> None:
    phones = Phones()
    for number in range(1001, 1021):
        phones.see(hint(str(number), f"PJSIP/{number}"))
    question, count = phones.ask(T), 0
    while question is not None:
        count += question.action == "Getvar"
        first = count == 1
        question = configured(phones, "1001", "Alice <1001>") if first else phones.answered(question.action, YES)
    assert count == 20
    assert learned(phones=phones)["1001"].name == "Alice"


def test_it_asks_again_on_a_new_connection_after_a_reload_and_after_some_hours() -> None:
    phones = Phones()
    assert asked(phones) == LISTS
    assert asked(phones) == []
    phones.see(Message({"event": "Reload", "module": "res_pjsip.so"}))
    assert asked(phones) == LISTS
    assert asked(phones, now=T + ASK_EVERY - 1) == []
    assert asked(phones, now=T + ASK_EVERY) == LISTS
    phones.ask(T + 2 * ASK_EVERY)  # its answer does not come any more
    phones.begin()
    assert asked(phones, now=T + 2 * ASK_EVERY) == LISTS


@pytest.mark.parametrize("value", ["", "1001", '"Alice', "<>", '"" <>', '"1001" <1001>'])
def test_settings_without_a_name_teach_nothing(value: str) -> None:
    phones = Phones()
    configured(phones, "1001", value)
    assert learned(phones=phones) == {}


# --- phones and trunks -----------------------------------------------------------------------------------------------
def placed(phones: Phones, message: Message) -> list[bool | None]:
    phones.see(message)
    (observation,) = observe(message)
    placed = phones.place(observation, message.event)
    match placed:
        case LegAppeared(leg):
            return [leg.inside]
        case Dials(leg, to):
            return [None if leg is None else leg.inside, to.inside]
    raise AssertionError(placed)


def test_who_calls_is_placed_at_once_and_who_is_called_with_the_dial() -> None:
    phones = Phones()
    assert placed(phones, newchannel("PJSIP/1001-1", "1001")) == [True]
    assert placed(phones, newchannel("PJSIP/acme-2", leg="1.2")) == [None]
    assert placed(phones, dial("PJSIP/acme-2", "+390461123456@acme")) == [True, False]
    assert placed(phones, newchannel("PJSIP/alice-3", leg="1.3")) == [None]
    assert placed(phones, dial("PJSIP/alice-3", "PJSIP/alice/sip:alice@10.0.0.5", leg="1.3")) == [True, True]


def test_who_is_called_is_placed_before_the_dial_where_that_is_known() -> None:
    phones = Phones()
    assert placed(phones, newchannel("PJSIP/alice-2", "1001", leg="1.2")) == [True]  # as its settings call it
    phones.see(dial("PJSIP/acme-3", "+390461123456@acme", leg="1.3"))
    assert placed(phones, newchannel("PJSIP/acme-4", leg="2.4", call="2.1")) == [False]


def test_a_guess_that_changes_changes_no_call_that_goes_on() -> None:
    phones = Phones()
    assert placed(phones, newchannel("PJSIP/acme-1", "201")) == [True]
    for number, outside in enumerate(("0461123456", "0461123457"), 2):
        placed(phones, newchannel(f"PJSIP/acme-{number}", outside, leg=f"{number}.1", call=f"{number}.1"))
    assert placed(phones, newchannel("PJSIP/acme-8", leg="1.8")) == [True]
    assert placed(phones, dial("PJSIP/acme-8", "+390461123458@acme", leg="1.8")) == [True, True]
    assert placed(phones, newchannel("PJSIP/acme-9", "0461123459", leg="9.1", call="9.1")) == [False]


def test_a_hint_says_that_an_endpoint_is_a_phone() -> None:
    phones = Phones()
    assert placed(phones, newchannel("PJSIP/acme-1", "+390461123456")) == [False]
    phones = Phones()
    phones.see(hint("201", "PJSIP/acme"))
    assert placed(phones, newchannel("PJSIP/acme-1", "+390461123456")) == [True]


def test_halves_of_local_pairs_are_neither_inside_nor_outside() -> None:
    leg = Leg(id="1.1", call="1.1", kind="local", endpoint="Local/1@hop")
    changed = LegChanged(leg)
    assert Phones().place(changed, "Newstate") == changed
    assert Phones().place_alive(Alive(leg=leg)) == Alive(leg=leg)


def test_every_leg_of_an_observation_and_of_a_snapshot_is_placed() -> None:
    inside = Leg(id="1.1", call="1.1", endpoint="1001")
    outside = Leg(id="1.2", call="1.1", endpoint="trunk-1")
    assert Phones().place(Rings(inside, outside), "DialState") == Rings(
        Leg(id="1.1", call="1.1", endpoint="1001", inside=True),
        Leg(id="1.2", call="1.1", endpoint="trunk-1", inside=False),
    )
    assert Phones().place_alive(Alive(leg=outside)).leg.inside is False


# --- on a connection -------------------------------------------------------------------------------------------------
def answer(send: Command, *more: bytes) -> bytes:
    """The answer to an action, and what follows it."""
    assert isinstance(send, Send)
    number = send.data.decode().split("ActionID: ")[1].split("\r\n")[0]
    return b"".join((f"Response: Success\r\nActionID: {number}\r\nChallenge: 1\r\n\r\n".encode(), *more))


def live(phones: Phones | None, *legs: dict[str, object]) -> tuple[Session, list[Command]]:
    """A session whose list has just become complete, and what it does then."""
    session = Session("ringpost", "secret", T, phones=phones)
    (challenge,) = session.received(b"Asterisk Call Manager/11.0.0\r\n", T)
    (login,) = session.received(answer(challenge), T)
    *_, listing = session.received(answer(login), T)
    assert isinstance(listing, Send)
    number = listing.data.decode().split("ActionID: ")[1].split("\r\n")[0]
    lines = [event("CoreShowChannel", ActionID=number, **leg) for leg in legs]
    complete = event("CoreShowChannelsComplete", ActionID=number, ListItems=len(legs))
    return session, session.received(b"".join((*lines, complete)), T)


def actions(commands: list[Command]) -> list[str]:
    sent = (command.data.decode() for command in commands if isinstance(command, Send))
    return [text.split("\r\n")[0].removeprefix("Action: ") for text in sent]


def test_a_session_asks_once_it_knows_the_channels_and_says_what_it_learned() -> None:
    session, commands = live(Phones())
    assert actions(commands) == LISTS[:1]
    hinted = event("ExtensionStatus", Exten="1001", Hint="PJSIP/1001")
    commands = session.received(answer(commands[-1], hinted), T)
    for name in LISTS[1:]:
        assert actions(commands) == [name]
        commands = session.received(answer(commands[0]), T)
    assert actions(commands) == ["Getvar"]
    assert isinstance(commands[0], Send)
    raw = answer(commands[0])[:-2] + b'Variable: PJSIP_ENDPOINT(1001,callerid)\r\nValue: "Alice Rossi" <1001>\r\n\r\n'
    assert session.received(raw, T) == [Learned((Person(extension="1001", name="Alice Rossi"),))]


def test_a_session_asks_again_with_its_audit_after_a_reload() -> None:
    session, commands = live(Phones())
    for _ in LISTS:
        commands = session.received(answer(commands[-1]), T)
    assert commands == []
    session.received(event("Reload", Module="All", Status=0), T + 1)
    session.received(event("Reload", Module="All", Status=0), T + AUDIT_EVERY)
    assert LISTS[0] in actions(session.poll(T + AUDIT_EVERY))


def test_a_session_that_only_listens_asks_nothing_of_phones_and_places_no_leg() -> None:
    session, commands = live(None, channel("1.1", "1.1", "acme", 6))
    assert actions(commands) == []
    (listed,) = commands
    assert isinstance(listed, Listed)
    assert listed.snapshot.legs[0].leg.inside is None
    commands = session.received(event("QueueMemberAdded", MemberName="Alice", Interface="PJSIP/1001"), T)
    assert commands == []


def test_a_session_places_the_legs_of_its_list_and_of_what_follows() -> None:
    session, commands = live(Phones(), channel("1.1", "1.1", "acme", 6, CallerIDNum="+390461123456"))
    (listed, _) = commands
    assert isinstance(listed, Listed)
    assert listed.snapshot.legs[0].leg.inside is False
    (observed,) = session.received(event("Newchannel", **channel("2.1", "2.1", "1001", 4)), T)
    assert isinstance(observed, Observed)
    assert isinstance(observed.observation, LegAppeared)
    assert observed.observation.leg.inside is True
