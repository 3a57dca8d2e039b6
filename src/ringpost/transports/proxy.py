"""What is said to the operator's HTTP proxy, and what its answer means (CONNECT: RFC 9110, 9.3.6).

Pure. `tunnel.Tunnel` does the talking. CONNECT names the address that was checked, never a host name, so that the proxy
has nothing to look up. The answer's text is never repeated: of all it says, only the status is told.
"""

from __future__ import annotations

import base64
import re
from typing import Final

from ringpost.settings import Proxy

HEAD_LIMIT: Final = 8_192  # bytes, interim (1xx) answers included
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: [^\r\n]*)?\r?\n")
_END: Final = re.compile(rb"\r?\n\r?\n")


class ProxyRefusal(Exception):  # noqa: N818 - an answer of the proxy, no error of ours
    """The proxy gives no tunnel. Its text is the detail of the attempt."""


def connect_request(proxy: Proxy, address: str, port: int) -> bytes:
    """The request for a tunnel to this address."""
    where = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    head = f"CONNECT {where} HTTP/1.1\r\nhost: {where}\r\n"
    if proxy.user or proxy.password:
        pair = base64.b64encode(f"{proxy.user}:{proxy.password}".encode()).decode()  # RFC 7617
        head += f"proxy-authorization: Basic {pair}\r\n"
    return f"{head}\r\n".encode("ascii")


def is_open(received: bytes) -> bool:
    """Whether the tunnel is open, by all that the proxy sent so far; False: its answer is not whole yet.

    Raises `ProxyRefusal` for an answer other than 2xx, for one that is no HTTP or too large, and for bytes behind it:
    a receiver says nothing before it was asked.
    """
    if len(received) > HEAD_LIMIT:
        raise ProxyRefusal(f"The proxy's answer is larger than {HEAD_LIMIT} bytes.")
    rest = received
    while end := _END.search(rest):
        status = _STATUS.match(rest)
        if status is None:
            raise ProxyRefusal("The proxy's answer is no HTTP.")
        rest = rest[end.end() :]
        code = int(status[1])
        if 200 <= code <= 299:
            if rest:
                raise ProxyRefusal("The proxy sent more than its answer.")
            return True
        if code >= 200 or code == 101:
            raise ProxyRefusal(f"The proxy answered {code}.")
    return False
