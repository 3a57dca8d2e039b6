"""The receiver of the tests does what it is told, and counts what really happened."""

from __future__ import annotations

import asyncio
import ssl

import pytest
import trustme

from tests.real.receiver import Answer, Receiver


async def post(receiver: Receiver, *bodies: bytes, head: bytes = b"") -> bytes:
    """Send POSTs one after the other on one connection; all that came back until it closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
    for number, body in enumerate(bodies, 1):
        close = b"connection: close\r\n" if number == len(bodies) else b""
        writer.write(b"POST /hook HTTP/1.1\r\nHost: x\r\n%s%s" % (head, close))
        writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        if not close:
            await reader.readuntil(b"\r\n\r\n")
    reply = await reader.read()
    writer.close()
    await writer.wait_closed()
    return reply


async def test_requests_are_kept_whole_and_in_order(receiver: Receiver) -> None:
    await post(receiver, b"one", "due è".encode(), b"", head=b"X-Signature: abc\r\n")
    requests = await receiver.wait_for(3)
    assert [request.body for request in requests] == [b"one", "due è".encode(), b""]
    assert [request.header("x-signature") for request in requests] == ["abc"] * 3
    assert (requests[0].method, requests[0].path) == ("POST", "/hook")
    assert {request.connection for request in requests} == {1}
    assert sorted(request.at for request in requests) == [request.at for request in requests]


async def test_a_chunked_body_is_put_together(receiver: Receiver) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
    writer.write(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n")
    assert (await receiver.wait_for(1))[0].body == b"one0123456789"
    writer.close()
    await writer.wait_closed()


async def test_the_script_comes_first_then_the_rule_then_the_usual_answer(receiver: Receiver) -> None:
    receiver.answer = Answer(204)
    receiver.script(Answer(503, b"later", headers=(("retry-after", "7"),)))
    assert (
        await post(receiver, b"")
        == b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 7\r\ncontent-length: 5\r\n\r\nlater"
    )
    assert await post(receiver, b"") == b"HTTP/1.1 204 No Content\r\n\r\n"
    receiver.answer_by = lambda request: Answer(410 if request.body == b"gone" else 200)
    assert (await post(receiver, b"gone")).startswith(b"HTTP/1.1 410 Gone")
    assert (await post(receiver, b"")).startswith(b"HTTP/1.1 200 OK")


async def test_a_request_that_hangs_is_recorded_and_answered_on_release(receiver: Receiver) -> None:
    receiver.answer = Answer(hang=True)
    sending = [asyncio.create_task(post(receiver, b"x")) for _ in range(3)]
    await receiver.wait_for(3)
    assert (receiver.under_way, receiver.open_connections, receiver.connections) == (3, 3, 3)
    receiver.release()
    assert all(reply.startswith(b"HTTP/1.1 200") for reply in await asyncio.gather(*sending))
    assert (receiver.under_way, receiver.most_under_way) == (0, 3)


async def test_a_sender_that_gives_up_is_noticed_while_its_request_hangs(receiver: Receiver) -> None:
    receiver.answer = Answer(hang=True)
    _, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
    writer.write(b"POST / HTTP/1.1\r\n\r\n")
    await receiver.wait_for(1)
    writer.close()
    await writer.wait_closed()
    await receiver.wait_for(lambda _: receiver.open_connections == 0)


@pytest.mark.parametrize("answer", [Answer(cut=True), Answer(raw=b"HTTP/1.1 200")])
async def test_a_reply_may_be_cut_off(receiver: Receiver, answer: Answer) -> None:
    receiver.script(answer)
    assert await post(receiver, b"x") == (answer.raw or b"")


async def test_waiting_for_too_much_says_what_is_there(receiver: Receiver) -> None:
    await post(receiver, b"x")
    with pytest.raises(AssertionError, match="there are only 1"):
        await receiver.wait_for(2, timeout=0.01)


async def test_it_goes_down_in_the_middle_and_comes_back_on_the_same_port(receiver: Receiver) -> None:
    receiver.answer = Answer(hang=True)
    sending = asyncio.create_task(post(receiver, b"x"))
    await receiver.wait_for(1)
    port = receiver.port
    await receiver.stop()
    assert await sending == b""
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    receiver.answer = Answer(200)
    await receiver.start()
    assert receiver.port == port
    assert (await post(receiver, b"again")).startswith(b"HTTP/1.1 200")


async def test_it_speaks_tls() -> None:
    authority = trustme.CA()
    serving, trusting = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    authority.configure_trust(trusting)
    receiver = Receiver(tls=serving)
    await receiver.start()
    assert receiver.url.startswith("https://")
    reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port, ssl=trusting)
    writer.write(b"POST / HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 200")
    writer.close()
    await writer.wait_closed()
    await receiver.stop()
