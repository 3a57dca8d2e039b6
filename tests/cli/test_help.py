"""Every command and option says in --help what it is for."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from ringpost.cli.main import root


def commands(command: click.Command, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    yield context.command_path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None, name
            yield from commands(inner, click.Context(inner, info_name=name, parent=context))


ALL = dict(commands(root, click.Context(root, info_name="ringpost")))


@pytest.mark.parametrize("path", ALL)
def test_a_command_and_each_of_its_options_says_what_it_is_for(path: str) -> None:
    command = ALL[path]
    assert command.help
    assert command.get_short_help_str(200).strip().endswith((".", "…"))
    for option in command.params:
        if isinstance(option, click.Option) and option.name != "help":
            assert option.help, f"{path} {option.opts[0]}"
            assert option.help.strip()[0].isupper(), f"{path} {option.opts[0]}"


def test_an_option_means_the_same_wherever_it_is() -> None:
    """One name, one kind of value; what it is for may be told in other words."""
    kinds: dict[str, set[bool]] = {}
    for command in ALL.values():
        for option in command.params:
            if isinstance(option, click.Option):
                kinds.setdefault(option.opts[0], set()).add(option.is_flag)
    assert [name for name, found in kinds.items() if len(found) > 1] == []


def test_every_group_and_command_is_reached_from_the_top() -> None:
    assert {"ringpost erasures list", "ringpost erasures show", "ringpost replays cancel"} <= set(ALL)
