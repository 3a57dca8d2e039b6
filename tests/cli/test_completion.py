"""Completion: the scripts are there, and commands, options and values come by the tab key."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.cli.program import ringpost


async def completed(folder: Path, words: str) -> list[str]:
    count = len(words.split(" ")) - 1
    env = {"_RINGPOST_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(count)}
    done = await ringpost(folder, env=env)
    return [line.partition(",")[2] for line in done.out.splitlines()]


async def test_commands_options_and_values_are_completed(tmp_path: Path) -> None:
    assert await completed(tmp_path, "ringpost sim") == ["simulate"]
    assert await completed(tmp_path, "ringpost simulate miss") == ["missed-call"]
    assert "--forward" in await completed(tmp_path, "ringpost listen --f")
    assert await completed(tmp_path, "ringpost integrations inst") == ["install"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_each_shells_script_is_one_that_it_takes(tmp_path: Path, shell: str) -> None:
    done = await ringpost(tmp_path, "completion", shell)
    assert done.code == 0
    assert "_RINGPOST_COMPLETE" in done.out
    program = shutil.which(shell)
    if program is not None:
        script = tmp_path / "script"
        script.write_text(done.out)
        process = await asyncio.create_subprocess_exec(program, "-n", str(script))
        assert await process.wait() == 0
