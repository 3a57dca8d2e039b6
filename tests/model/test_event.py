"""The numbers of events and the ids made of them."""

from hypothesis import given
from hypothesis import strategies as st

from ringpost.model.delivery import delivery_id, parse_delivery_id
from ringpost.model.event import decode_seq, encode_seq, next_seq

seqs = st.integers(min_value=0, max_value=(1 << 63) - 1)
times = st.integers(min_value=0, max_value=4_102_444_800_000)


@given(seqs)
def test_a_number_comes_back_from_its_text(seq: int) -> None:
    assert decode_seq(encode_seq(seq)) == seq


@given(seqs, seqs)
def test_texts_sort_like_their_numbers(one: int, other: int) -> None:
    assert (encode_seq(one) < encode_seq(other)) == (one < other)


@given(st.lists(times, min_size=1))
def test_numbers_only_grow_even_when_the_clock_goes_back(clock: list[int]) -> None:
    given_out = [0]
    for now in clock:
        given_out.append(next_seq(given_out[-1], now))
    assert given_out == sorted(set(given_out))


@given(times, times)
def test_a_ledger_restored_from_an_older_backup_repeats_no_number(backup: int, now: int) -> None:
    last_in_backup = next_seq(0, backup)
    if now > backup:
        assert next_seq(last_in_backup, now) >= now << 20


@given(st.text(max_size=20))
def test_any_other_text_is_no_number(text: str) -> None:
    seq = decode_seq(text)
    assert seq is None or encode_seq(seq) == text


@given(seqs)
def test_a_delivery_id_tells_its_event_and_integration_and_has_no_dot(seq: int) -> None:
    identifier = delivery_id(seq, "8qkmnq")
    assert parse_delivery_id(identifier) == (seq, "8qkmnq")
    assert "." not in identifier


@given(st.text(max_size=30))
def test_any_other_text_is_no_delivery(text: str) -> None:
    parsed = parse_delivery_id(text)
    assert parsed is None or delivery_id(*parsed) == text
