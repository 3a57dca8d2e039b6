"""A real PBX for the tests in this folder: one for the whole run, or one of a test's own to stop and kill."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.real import prerequisites
from tests.real.asterisk_process import Asterisk, started_asterisk
from tests.real.pbx import Pbx


@pytest.fixture(scope="session")
def pbx_folder() -> Iterator[Path]:
    """A folder with a short path, which the sockets of Asterisk need."""
    folder = Path(tempfile.mkdtemp(prefix="pbx-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def asterisk(pbx_folder: Path) -> Iterator[Asterisk]:
    """The PBX of the whole run. A test must leave it as it was."""
    asterisk = started_asterisk(prerequisites.asterisk_cache(), pbx_folder / "shared")
    yield asterisk
    asterisk.stop()


@contextmanager
def asterisks_in(folder: Path, count: int) -> Iterator[list[Asterisk]]:
    """So many PBXs, each in a folder of its own in this one."""
    cache = prerequisites.asterisk_cache()
    with ExitStack() as running:
        asterisks = []
        for _ in range(count):
            asterisks.append(started_asterisk(cache, Path(tempfile.mkdtemp(dir=folder))))
            running.callback(asterisks[-1].stop)
        yield asterisks


@pytest.fixture
def asterisks(request: pytest.FixtureRequest, pbx_folder: Path) -> Iterator[list[Asterisk]]:
    """PBXs of the test's own, as many as its parameter says (`parametrize`, with `indirect`)."""
    with asterisks_in(pbx_folder, request.param) as asterisks:
        yield asterisks


@pytest.fixture
async def pbx(asterisk: Asterisk, tmp_path: Path) -> AsyncIterator[Pbx]:
    """The PBX with its phones; when the test is over, no phone and no call is left."""
    pbx = Pbx(asterisk, prerequisites.sipp(), tmp_path)
    yield pbx
    await pbx.close()


@pytest.fixture
async def own_pbx(pbx_folder: Path, tmp_path: Path) -> AsyncIterator[Pbx]:
    """A PBX of the test's own, to stop, kill and start again as it likes (0.5 s more)."""
    cache, sipp = prerequisites.asterisk_cache(), prerequisites.sipp()
    asterisk = started_asterisk(cache, Path(tempfile.mkdtemp(dir=pbx_folder)))
    pbx = Pbx(asterisk, sipp, tmp_path)
    yield pbx
    await pbx.close()
    asterisk.stop()
