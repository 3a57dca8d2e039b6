"""The statements: all of them sound, none that reads a whole table, and rows written in any number. And the cursors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpost.errors import RingpostError
from ringpost.ledger.sqlite.cursors import List, read_cursor, write_cursor
from ringpost.ledger.sqlite.file import open_writer
from ringpost.ledger.sqlite.sql import QUERIES, Many

# What a statement may read as a whole: tables that stay small, the open calls, a few rows from the end of a table.
WHOLE = {
    "integrations": "integrations",
    "sealed": "integrations",
    "deleted_integrations": "integrations",
    "keys": "keys",
    "pbxs": "pbxs",
    "users": "users",
    "numbering_plans": "numbering_plans",
    "failings": "failings",
    "calls_going_on_of_all": "calls",
    "call_numbers_going_on_of_all": "calls",
    "count_all_open_calls": "calls",
    "forget_old": "remembered",
}
lists: st.SearchStrategy[List] = st.sampled_from(["calls", "events", "deliveries", "notices"])
seqs = st.integers(0, (1 << 63) - 1)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[apsw.Connection]:
    path = tmp_path / "ledger.db"
    path.touch()
    connection = open_writer(path)
    yield connection
    connection.close()


def tables_read_whole(connection: apsw.Connection, text: str) -> set[str]:
    text = text.replace("[", "").replace("]", "")
    names = re.findall(r":(\w+)", text)
    values = dict.fromkeys(names) if names else [None] * text.count("?")
    steps = [str(step[3]).split() for step in connection.execute("EXPLAIN QUERY PLAN " + text, values)]
    made = {step[1] for step in steps if step[0] in {"CO-ROUTINE", "MATERIALIZE"}} | {"CONSTANT", "chain", "wanted"}
    return {step[1] for step in steps if step[0] == "SCAN"} - made


@pytest.mark.parametrize("name", QUERIES)
def test_no_statement_reads_a_whole_table(connection: apsw.Connection, name: str) -> None:
    assert tables_read_whole(connection, QUERIES[name]) == ({WHOLE[name]} if name in WHOLE else set())


@pytest.mark.parametrize("name", ["ended_among", "replay_ended", "never_owed_among", "owe_never_owed"])
def test_a_batch_of_a_replay_is_found_by_its_numbers_alone(connection: apsw.Connection, name: str) -> None:
    values = dict.fromkeys(re.findall(r":(\w+)", QUERIES[name]))
    plan = [str(step[3]) for step in connection.execute("EXPLAIN QUERY PLAN " + QUERIES[name], values)]
    assert not any("deliveries_by_state" in step for step in plan)  # it holds all that an integration was ever owed


def plan_of(connection: apsw.Connection, name: str) -> list[str]:
    values = dict.fromkeys(re.findall(r":(\w+)", QUERIES[name]))
    return [str(step[3]) for step in connection.execute("EXPLAIN QUERY PLAN " + QUERIES[name], values)]


@pytest.mark.parametrize("name", ["next_integration", "next_series"])
def test_the_next_integration_is_found_without_walking_along_the_rows_of_the_one_before(
    connection: apsw.Connection, name: str
) -> None:
    plan = plan_of(connection, name)
    assert any("(company=? AND integration>?)" in step for step in plan)
    assert any("(company>?)" in step for step in plan)
    assert not any("TEMP B-TREE" in step for step in plan)


@pytest.mark.parametrize(
    ("name", "search"),
    [
        (
            "deliveries_looked_through",
            "INDEX deliveries_by_state (company=? AND integration=? AND state=? AND seq>? AND",
        ),
        ("deliveries_walked", "PRIMARY KEY (seq>? AND (seq,integration)<(?,?))"),
        (
            "count_in_states",
            "COVERING INDEX deliveries_by_state (company=? AND integration=? AND state=? AND seq>? AND",
        ),
        ("count_owed", "COVERING INDEX deliveries_by_state (company=? AND integration=? AND state=?)"),
        ("oldest_owed", "COVERING INDEX deliveries_by_state (company=? AND integration=? AND state=?)"),
        ("call_numbers", "COVERING INDEX calls_by_start (company=? AND first>? AND first<?)"),
        ("call_numbers_going_on", "INDEX calls_open (company=? AND first>? AND first<?)"),
        ("call_numbers_of_all", "INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        ("numbers_of_calls", "COVERING INDEX calls_by_id (company=? AND call=?)"),
        ("points", "PRIMARY KEY (company=? AND integration=? AND time>? AND time<?)"),
    ],
)
def test_what_the_console_reads_is_found_by_an_index_and_comes_sorted(
    connection: apsw.Connection, name: str, search: str
) -> None:
    plan = plan_of(connection, name)
    assert any(search in step for step in plan), plan
    assert name == "points" or not any("TEMP B-TREE" in step for step in plan)


def test_a_whole_table_that_is_read_would_be_noticed(connection: apsw.Connection) -> None:
    assert tables_read_whole(connection, "SELECT seq FROM events WHERE call = ?") == {"events"}


@given(count=st.integers(0, 300))
def test_any_number_of_rows_is_written_in_order(count: int) -> None:
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE pairs (id INTEGER PRIMARY KEY, left, right)")
    values = list(range(2 * count))
    assert Many("INSERT INTO pairs (left, right) VALUES [(?, ?)]").run(connection, values) == []
    rows = connection.execute("SELECT left, right FROM pairs ORDER BY id").fetchall()
    assert rows == [(2 * n, 2 * n + 1) for n in range(count)]
    sums = Many("SELECT sum(v.column1) FROM (VALUES [(?)]) AS v").run(connection, values)
    assert sum(number for number in sums if isinstance(number, int)) == sum(values)
    connection.close()


@given(of=lists, seq=seqs, integration=st.text("0123456789abcdefghijklmnopqrstuvwxyz", max_size=6))
def test_a_cursor_leads_to_its_place(of: List, seq: int, integration: str) -> None:
    cursor = write_cursor(of, seq, integration)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", cursor)
    assert read_cursor(of, cursor) == (seq, integration)


@given(of=lists, text=st.text() | st.text("ABCDabcd0123-_=", max_size=60))
def test_any_other_text_is_refused(of: List, text: str) -> None:
    with pytest.raises(RingpostError) as refused:
        read_cursor(of, text)
    assert refused.value.code == "cursor_invalid"


def test_no_cursor_is_the_first_page() -> None:
    assert read_cursor("calls", None) is None
