"""Which integrations an event is owed to."""

import pytest

from ringpost.errors import RingpostError
from ringpost.intake.match import PATTERNS, check_filter, matching
from ringpost.model.integration import Integration, IntegrationState
from ringpost.model.notice import NOTICE_TYPES


def integration(identifier: str, *wanted: str, state: IntegrationState = "active") -> Integration:
    return Integration(
        company="acme",
        id=identifier,
        type="webhook",
        name=None,
        url="https://example.com/",
        filter=wanted,
        state=state,
        created=0,
        updated=0,
        sealed=b"",
    )


INSTALLED = [
    integration("all", "*"),
    integration("calls", "call:*"),
    integration("ends", "call:end"),
    integration("paused", "call:end", state="paused"),
    integration("deleted", "*", state="deleted"),
    integration("notices", "notice:*"),
    integration("pauses", "notice:paused"),
    integration("both", "call:*", "notice:*"),
]


@pytest.mark.parametrize(
    ("kind", "owed"),
    [("call:end", ("all", "calls", "ends", "paused", "both")), ("call:start", ("all", "calls", "both"))],
)
def test_an_event_is_owed_to_those_that_want_it_the_paused_ones_too(kind: str, owed: tuple[str, ...]) -> None:
    assert matching(INSTALLED, kind) == owed


@pytest.mark.parametrize("kind", NOTICE_TYPES)
def test_a_notice_is_owed_to_those_alone_whose_filter_names_notices(kind: str) -> None:
    pauses = ("pauses",) if kind == "notice:paused" else ()
    assert matching(INSTALLED, kind) == ("notices", *pauses, "both")


def test_every_pattern_is_taken_and_each_kept_once() -> None:
    assert check_filter([*PATTERNS, *PATTERNS]) == PATTERNS


@pytest.mark.parametrize(
    ("wanted", "field"), [([], "filter"), (["call:end", "call:begin"], "filter[1]"), (["Call:end"], "filter[0]")]
)
def test_a_filter_that_names_no_event_type_is_refused_at_its_place(wanted: list[str], field: str) -> None:
    with pytest.raises(RingpostError) as refused:
        check_filter(wanted)
    assert (refused.value.code, refused.value.field) == ("unknown_filter", field)
