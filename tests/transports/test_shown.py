"""What people see of an attempt's request is what was sent, without what is secret."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpost.model.delivery import Attempt, delivery_id
from ringpost.model.event import Event
from ringpost.model.integration import Credentials, Integration
from ringpost.transports.message import message_of
from ringpost.transports.shown import fields_shown
from ringpost.transports.transport import Sending

NOW = 1_700_000_000_123
EVENT = Event(
    company="acme", seq=77, call="acme_1", sequence=3, pbx="P", time=NOW, type="call:end", accepted=NOW, data=b"{}"
)  # fmt: skip


def sending(number: int, replay: int, transmission: Literal["webhook", "sqs"]) -> Sending:
    integration = Integration(
        company="acme", id="aaaaaa", type=transmission, name=None, url="https://x.example", filter=("*",),
        state="active", created=1, updated=1, sealed=b"",
    )  # fmt: skip
    return Sending(
        integration=integration,
        credentials=Credentials(secret="a secret of ours", headers=(("authorization", "Bearer abc"),)),
        event=EVENT,
        delivery=delivery_id(77, "aaaaaa"),
        attempt=number,
        replay=replay,
        now=NOW,
    )


def attempt(number: int, replay: int) -> Attempt:
    return Attempt(
        company="acme", seq=77, integration="aaaaaa", number=number, time=NOW, duration=1, status=200, error=None,
        detail=None, reply=None, replay=replay,
    )  # fmt: skip


@given(number=st.integers(1, 99), replay=st.integers(0, 3))
def test_each_value_that_is_shown_was_sent(number: int, replay: int) -> None:
    sent = dict(message_of(sending(number, replay, "webhook")).fields)
    shown = fields_shown("webhook", EVENT, attempt(number, replay), ["authorization"])
    assert [name for name, _ in shown] == ["content-type", *sent, "authorization"]
    hidden = {name for name, value in shown if value is None}
    assert hidden == {"x-signature", "webhook-signature", "authorization"}
    assert all(sent[name] == value for name, value in shown if name in sent and value is not None)


@pytest.mark.parametrize("replay", [0, 1])
def test_attributes_of_a_queues_message_are_shown_by_their_names(replay: int) -> None:
    shown = fields_shown("sqs", EVENT, attempt(1, replay), ["authorization"])
    sent = [name for name, _ in message_of(sending(1, replay, "sqs")).fields]
    assert [name.lower() for name, _ in shown] == sent
    assert shown[0] == ("X-SIGNATURE", None)
