from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpost.model.integration import Credentials
from ringpost.model.outcome import FAILURES
from ringpost.transports.reply import EXCERPT_LIMIT, Reply, excerpt, outcome_of, retry_after, secrets_of

NOW = 1_693_389_900_123
DAY = 86_400_000


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_a_success(status: int) -> None:
    outcome = outcome_of(Reply(status, {"retry-after": "5"}, b"ok"), NOW)
    assert (outcome.ok, outcome.status, outcome.reply, outcome.retry_after) == (True, status, "ok", None)


@pytest.mark.parametrize(
    ("status", "error"),
    [(300, "redirect"), (301, "redirect"), (308, "redirect"), (304, "redirect"), (400, "status"), (404, "status"),
     (410, "gone"), (429, "status"), (500, "status"), (503, "status"), (600, "status"), (999, "status")],
)  # fmt: skip
def test_any_other_status_is_a_failure_by_its_kind(status: int, error: str) -> None:
    outcome = outcome_of(Reply(status, {}, b""), NOW)
    assert (outcome.status, outcome.error, outcome.reply) == (status, error, None)


def test_a_success_that_is_too_large_is_a_failure_and_a_failure_keeps_its_status() -> None:
    assert outcome_of(Reply(200, {}, b"x" * 2_000, truncated=True), NOW).error == "reply_too_large"
    outcome = outcome_of(Reply(503, {"retry-after": "7"}, b"x" * 2_000, truncated=True), NOW)
    assert (outcome.error, outcome.retry_after) == ("status", 7_000)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("0", 0),
        (" 120 ", 120_000),
        ("86400", DAY),
        ("86401", DAY),
        ("9" * 400, DAY),
        ("Wed, 30 Aug 2023 10:06:40 GMT", 1_693_390_000_000 - NOW),
        ("Wednesday, 30-Aug-23 10:06:40 GMT", 1_693_390_000_000 - NOW),
        ("Wed Aug 30 10:06:40 2023", 1_693_390_000_000 - NOW),
        ("Wed, 30 Aug 2000 10:06:40 GMT", 0),
        ("Wed, 30 Aug 2999 10:06:40 GMT", DAY),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("Wed, 99 Aug 2023 10:06:40 GMT", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date_up_to_a_day(value: str | None, wait: int | None) -> None:
    assert retry_after(value, NOW) == wait


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001
def test_retry_after_reads_every_date_that_http_can_write(moment: datetime) -> None:
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    expected = min(max(int(moment.timestamp() * 1_000) - NOW, 0), DAY)
    assert retry_after(format_datetime(moment, usegmt=True), NOW) == expected


@given(st.text())
def test_any_retry_after_is_within_bounds(value: str) -> None:
    wait = retry_after(value, NOW)
    assert wait is None or 0 <= wait <= DAY


@given(st.binary(max_size=3_000))
def test_an_excerpt_is_short_printable_text(body: bytes) -> None:
    text = excerpt(body)
    assert text is None or (0 < len(text) <= EXCERPT_LIMIT and text.isprintable())


def test_an_excerpt_keeps_text_and_drops_what_cannot_be_shown() -> None:
    assert excerpt("Größe:\r\n\tfalsch \x1b[31m\u202e\x00 日本".encode()) == "Größe:   falsch [31m 日本"
    assert excerpt(b"\xff\xfeok") == "\ufffd\ufffdok"
    assert excerpt(b" \r\n\x00") is None


CREDENTIALS = Credentials(
    key="AKIAIOSFODNN7EXAMPLE",
    secret="whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    headers=(("authorization", "Bearer tok-3n-5ecret"), ("x-n", "1")),
    previous=(("an older secret", 1),),
)


@given(
    st.text(max_size=EXCERPT_LIMIT + 20),
    st.sampled_from([secret for secret in secrets_of(CREDENTIALS) if len(secret) > 1]),
    st.text(max_size=20),
)
def test_no_secret_that_a_receiver_echoes_is_kept_not_even_its_start(before: str, secret: str, after: str) -> None:
    text = excerpt(f"{before}{secret}{after}".encode("utf-8", "replace"), secrets_of(CREDENTIALS)) or ""
    assert secret not in text
    clean = excerpt(before.encode("utf-8", "replace")) or ""
    assert text[: len(clean)] == clean or secret[:8] not in text[len(clean) :]


def test_a_secret_broken_by_control_characters_is_still_not_kept() -> None:
    assert excerpt(b"an old\x00er secret", secrets_of(CREDENTIALS)) == "[secret]"


def test_every_error_of_an_answer_is_one_that_is_documented() -> None:
    for status in range(200, 600):
        for truncated in (False, True):
            error = outcome_of(Reply(status, {}, b"", truncated), NOW).error
            assert error is None or error in FAILURES
