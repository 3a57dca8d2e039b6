"""A notice as an event: its data, and whom it goes to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from ringpost.intake.notices import notice_event
from ringpost.model.event import NOTICE
from ringpost.model.integration import Integration
from ringpost.model.notice import NOTICE_TYPES, PAUSED, PBX_LOST, Notice, NoticeType, company_of_lane
from ringpost.wire import canonical
from ringpost.wire.notices import NOTICE_CATALOG

texts = st.none() | st.text(max_size=20)
numbers = st.none() | st.integers(0, 2**53 - 1)


def integration(identifier: str, *wanted: str, paused: int | None = None) -> Integration:
    return Integration(
        company="acme",
        id=identifier,
        type="webhook",
        name=None,
        url="https://example.com/",
        filter=wanted,
        state="active" if paused is None else "paused",
        created=0,
        updated=0,
        sealed=b"",
        paused=paused,
    )


def test_its_data_has_every_key_in_order_null_where_nothing_is_known() -> None:
    event = notice_event(Notice(company="acme", type=PAUSED, time=7, message="Paused.", integration="aaaaaa"), [])
    assert event.data == (
        b'{"message":"Paused.","integration":"aaaaaa","pbx":null,"delivery":null,"reason":null,"since":null,"count":null}'
    )
    assert (event.company, event.type, event.time, event.origin) == ("acme", PAUSED, 7, NOTICE)
    assert (event.pbx, event.call) == ("ringpost", "acme_notice/aaaaaa")


def test_one_about_a_pbx_is_of_that_pbx() -> None:
    event = notice_event(Notice(company="acme", type=PBX_LOST, time=7, message="Lost.", pbx="P1"), [])
    assert (event.pbx, event.call) == ("P1", "acme_notice/P1")


def test_it_goes_to_those_that_want_it_paused_ones_too_and_never_to_the_one_that_it_is_about() -> None:
    installed = [
        integration("aaaaaa", "notice:*"),
        integration("bbbbbb", "notice:*", paused=5),
        integration("cccccc", "notice:paused"),
        integration("dddddd", "*"),
        integration("eeeeee", "notice:resumed"),
    ]
    told = Notice(company="acme", type=PAUSED, time=7, message="Paused.", integration="aaaaaa")
    assert notice_event(told, installed).integrations == ("bbbbbb", "cccccc")


@pytest.mark.parametrize("kind", NOTICE_TYPES)
@given(message=st.text(st.characters(), max_size=50), reason=texts, since=numbers, count=numbers)
def test_any_notice_can_be_sent_and_fits_its_schema(
    kind: NoticeType, message: str, reason: str | None, since: int | None, count: int | None
) -> None:
    """Whatever a person put into the name of an integration."""
    reason = None if reason is None else reason.encode("ascii", "ignore").decode()
    told = Notice(
        company="acme", type=kind, time=7, message=f"\ud800{message}\uffff", reason=reason, since=since, count=count
    )
    event = notice_event(told, [])
    body = canonical.splice(
        call=event.call,
        pbx=event.pbx,
        time=event.time,
        company="acme",
        type=kind,
        integration="8qkmnq",
        data=event.data,
    )
    document = canonical.parse(body)
    assert canonical.encode(document) == body
    Draft202012Validator(NOTICE_CATALOG[kind].schema).validate(document)


@given(company=st.from_regex(r"[a-z0-9][a-z0-9_]{0,20}", fullmatch=True), pbx=st.text("ABCabc019-", min_size=1))
def test_a_lane_tells_its_company_and_is_no_id_of_a_call(company: str, pbx: str) -> None:
    lane = Notice(company=company, type=PBX_LOST, time=7, message="Lost.", pbx=pbx).lane
    assert company_of_lane(lane) == company
    assert company_of_lane(lane.replace("/", ".")) is None
