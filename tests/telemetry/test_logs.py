"""Logs: one line an event, and never a value that a traceback happens to hold."""

import json
import logging

import pytest
import structlog

from ringpost.telemetry.logs import set_up_logs


@pytest.fixture(autouse=True)
def _as_before() -> object:
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)


def fail_with_a_secret() -> None:
    secret = "hush-" * 2
    raise ValueError(len(secret))


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_traceback_shows_where_but_no_values_of_variables(form: str, capfd: pytest.CaptureFixture[str]) -> None:
    set_up_logs("info", form)  # type: ignore[arg-type]
    try:
        fail_with_a_secret()
    except ValueError:
        structlog.get_logger().exception("it failed")
        logging.getLogger("other").exception("it failed elsewhere")
    out = capfd.readouterr().err
    assert out.count("fail_with_a_secret") >= 2
    assert "hush-hush-" not in out


def test_json_lines_are_json_with_time_and_level(capfd: pytest.CaptureFixture[str]) -> None:
    set_up_logs("info", "json")
    structlog.get_logger().info("started", port=1)
    structlog.get_logger().debug("not shown")
    logging.getLogger("other").warning("from elsewhere")
    first, second = (json.loads(line) for line in capfd.readouterr().err.splitlines())
    assert (first["event"], first["port"], first["level"]) == ("started", 1, "info")
    assert first["timestamp"].endswith("Z")
    assert (second["event"], second["level"]) == ("from elsewhere", "warning")
