"""Each delivery once: one suite for each store."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from ringpost_receive import BusyError, Delivery, MemoryStore, Once, SqliteStore, Store, verify
from tests.receive.sent import BODY, NOW, SECRET, sent

DAY = 86_400


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "seen.db")


@pytest.fixture
def delivery() -> Delivery:
    return verify(BODY, sent().headers, SECRET, now_s=NOW)


def test_what_was_handled_is_known_for_two_weeks(store: Store, delivery: Delivery) -> None:
    now = NOW
    once = Once(store, lambda: now)
    with once(delivery) as is_new:
        assert is_new
    now += 13 * DAY
    with once(delivery) as is_new:
        assert not is_new
    now += 2 * DAY
    with once(delivery) as is_new:
        assert is_new


def test_what_raised_is_handled_at_the_next_try(store: Store, delivery: Delivery) -> None:
    once = Once(store)
    with pytest.raises(ZeroDivisionError), once(delivery):
        _ = 1 / 0
    with once(delivery) as is_new:
        assert is_new


def test_what_is_being_handled_is_left_to_who_handles_it_for_five_minutes(store: Store, delivery: Delivery) -> None:
    now = NOW
    once = Once(store, lambda: now)
    with once(delivery):
        with pytest.raises(BusyError), once(delivery):
            pass
        now += 301  # it died
        with once(delivery) as is_new:
            assert is_new


def test_others_and_replays_are_others(store: Store, delivery: Delivery) -> None:
    once = Once(store)
    for one in (delivery, replace(delivery, id="dlv_0002"), replace(delivery, replay=1), replace(delivery, replay=2)):
        with once(one) as is_new:
            assert is_new
    with pytest.raises(ValueError, match="no webhook-id"), once(replace(delivery, id=None)):
        pass


def test_of_many_at_once_one_handles_it(store: Store, delivery: Delivery) -> None:
    handled: list[int] = []
    begun = threading.Barrier(8)

    def handle() -> None:
        begun.wait()
        try:
            with Once(store)(delivery) as is_new:
                if is_new:
                    handled.append(1)
        except BusyError:
            pass
        finally:
            if isinstance(store, SqliteStore):
                store.close()

    threads = [threading.Thread(target=handle) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert handled == [1]


def test_memory_is_bounded() -> None:
    store = MemoryStore(most=3)
    for number in range(5):
        assert store.begin(str(number), NOW) == "new"
        store.end(str(number), NOW)
    assert [store.begin(str(number), NOW) for number in (4, 3, 2)] == ["done"] * 3
    assert store.begin("0", NOW) == "new"


def test_a_file_outlives_its_process_and_forgets_what_is_old(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path / "seen.db")
    first.begin("a", NOW)
    first.end("a", NOW)
    first.close()
    second = SqliteStore(tmp_path / "seen.db")
    assert second.begin("a", NOW) == "done"
    assert second.begin("b", NOW + 15 * DAY) == "new"
    assert second.begin("a", NOW) == "new"
    second.close()
