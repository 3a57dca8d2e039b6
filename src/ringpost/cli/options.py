"""Options that several commands share, and the settings they lead to."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import rich_click as click

from ringpost.settings import Settings, load_settings

F = TypeVar("F", bound=Callable[..., Any])


def config_option(function: F) -> F:
    return click.option(
        "--config",
        envvar="RINGPOST_CONFIG",
        type=click.Path(dir_okay=False, path_type=Path),
        help="The settings file (TOML). Also RINGPOST_CONFIG.",
    )(function)


def data_option(function: F) -> F:
    return click.option("--data", help="The folder of the ledger and the sealing key.  [default: ringpost-data]")(
        function
    )


def service_options(function: F) -> F:
    """Which running service to talk to, and as whom."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option(
            "--key-file",
            type=click.File("r"),
            help="A file with the API key; also RINGPOST_API_KEY. Not needed by the service's own user on its machine.",
        ),
        click.option("--url", envvar="RINGPOST_URL", help="The service's address. Also RINGPOST_URL."),
    ):
        function = option(function)
    return config_option(data_option(function))


def settings_from(config: Path | None, **given: object) -> Settings:
    return load_settings(config, dict(os.environ), **given)
