"""The entry of the command line: finds the command, runs it, and turns a `RingpostError` into one clear line.

Commands are loaded when they are called, so that `--help` and the small ones do not wait for the web framework.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

import rich_click as click
from click.exceptions import Exit

from ringpost import __version__
from ringpost.errors import RingpostError

# In the order of --help. Each is a module beside this one, with a `command`.
COMMANDS: Final = (
    "demo",
    "serve",
    "doctor",
    "record",
    "decode",
    "integrations",
    "directory",
    "notices",
    "replay",
    "replays",
    "keys",
    "users",
    "send",
    "simulate",
    "listen",
    "verify",
    "backup",
    "erase",
    "erasures",
    "settings",
    "completion",
)


class _Commands(click.RichGroup):
    def list_commands(self, _context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"ringpost.cli.{name}").command
        return command


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="ringpost")
def root() -> None:
    """Ringpost takes call activity from a phone system and delivers it, signed, durably and in order,
    to webhooks and AWS SQS queues.

    Begin with `ringpost demo`.
    """


def main() -> None:
    """Run the command line; exit code 0, 1 (refused or failed) or 2 (wrong use)."""
    try:
        root(standalone_mode=False)
    except RingpostError as error:
        where = f" ({error.field})" if error.field else ""
        remedy = " Add --company." if error.code == "company_missing" and "--company" not in error.message else ""
        click.echo(f"ringpost: {error.code}{where}: {error.message}{remedy}", err=True)
        sys.exit(1)
    except Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of a pipe has gone; there is nobody to tell
        sys.exit(0)
