"""The recorder against a manager interface on a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from ringpost.clock import wall_clock
from ringpost.errors import RingpostError
from ringpost.sources.asterisk import client
from ringpost.sources.asterisk.pseudonyms import Pseudonyms
from ringpost.sources.asterisk.recorder import Writer, record
from ringpost.sources.asterisk.recording import frames, read_recording
from tests.sources.ami_server import CHALLENGE, SECRET, AmiServer, channel, event


@pytest.fixture
async def server() -> AsyncIterator[AmiServer]:
    server = AmiServer()
    await server.start()
    yield server
    await server.stop()


class Tape:
    def __init__(self, server: AmiServer, pseudonyms: Pseudonyms | None = None, **settings: object) -> None:
        self.raw = b""
        self.told: list[str] = []
        self._news = asyncio.Event()
        writer = Writer(self._write, pseudonyms, wall_clock)
        self.task = asyncio.create_task(
            record(server.settings(**settings), writer, self.told.append, now=wall_clock, jitter=lambda: 0.0)
        )

    def _write(self, data: bytes) -> None:
        self.raw += data
        self._news.set()

    async def until(self, text: bytes, times: int = 1) -> None:
        async with asyncio.timeout(10):
            while self.raw.count(text) < times:
                self._news.clear()
                await self._news.wait()

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def test_what_is_said_is_written_a_message_a_frame_and_the_secret_is_not(server: AmiServer) -> None:
    server.channels = [channel("1.1", "1.1", "1001", 6)]
    tape = Tape(server)
    await tape.until(b"CoreShowChannelsComplete")
    said = event("Newchannel", **channel("2.1", "2.1", "1003", 4))
    server.say(said[:30])
    server.say(said[30:] + event("Hangup", **channel("2.1", "2.1", "1003", 4)))
    await tape.until(b"Event: Hangup")
    await tape.stop()
    written = list(frames(tape.raw))
    assert [one.data for one in written if b"Newchannel" in one.data] == [said]
    assert written[0].data == b"Asterisk Call Manager/11.0.0\r\n"
    (login,) = (one for one in written if one.data.startswith(b"Action: Login"))
    assert b"Key: ********\r\n" in login.data
    assert SECRET.encode() not in tape.raw
    assert CHALLENGE.encode() in tape.raw
    assert tape.told == ["Connected; 1 channels now."]
    events = [one.message.event for one in read_recording(tape.raw).heard if one.message is not None]
    assert events[-4:] == ["CoreShowChannel", "CoreShowChannelsComplete", "Newchannel", "Hangup"]


async def test_a_lost_connection_is_noted_and_made_again(server: AmiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_RETRY", (2, 20))
    tape = Tape(server)
    await tape.until(b"CoreShowChannelsComplete")
    server.cut()
    await tape.until(b"CoreShowChannelsComplete", times=2)
    await tape.stop()
    closed = [one.message is None for one in read_recording(tape.raw).heard]
    assert closed.count(True) == 1
    assert any(line.startswith("Not connected") for line in tape.told)


async def test_with_pseudonyms_nobody_is_in_it(server: AmiServer) -> None:
    server.channels = [channel("1.1", "1.1", "7001", 6, ConnectedLineName="Alice Rossi")]
    tape = Tape(server, Pseudonyms(b"k" * 32))
    await tape.until(b"CoreShowChannelsComplete")
    await tape.stop()
    for text in (b"7001", b"Alice", b"Rossi", b"ringpost\r\n"):
        assert text not in tape.raw.replace(b"ActionID: ringpost", b"")


async def test_a_login_that_is_refused_ends_it(server: AmiServer) -> None:
    tape = Tape(server, secret="wrong")
    with pytest.raises(RingpostError) as caught:
        await asyncio.wait_for(tape.task, 10)
    assert caught.value.code == "pbx_login_refused"
    assert b"wrong" not in tape.raw
