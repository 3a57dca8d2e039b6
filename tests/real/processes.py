"""Server processes of the tests: each leads its own process group, and none outlives the test run."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal


def bound_to_us(command: list[str]) -> list[str]:
    """The command, started so that the kernel kills it when the test run dies, however that dies (prctl(2))."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", *command] if setpriv else command


def kill_group(leader: int) -> None:
    """Kill a process and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def group_is_gone(leader: int) -> bool:
    """Whether neither the process nor anything that it started is left."""
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return True
    return False
