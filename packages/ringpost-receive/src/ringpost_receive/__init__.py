"""Receive call events from Ringpost: is a request genuine, what does it tell, and was it handled before.

    from ringpost_receive import verify

    delivery = verify(body, headers, secret)  # the raw body, before anything parsed it
    delivery.event.type, delivery.event.data.caller.phone

`explain` says which step fails where `verify` refuses; `Once` keeps a delivery that comes again from being handled
again. Frameworks: `ringpost_receive.asgi`, `.starlette` (FastAPI), `.flask`, `.django`, `.wsgi`. Queues: `.sqs`.
"""

from __future__ import annotations

from .events import CallData, Delivery, Event, Notice, Party, parse_event
from .explaining import Explanation, Step, explain
from .once import BUSY, DONE, NEW, BusyError, MemoryStore, Once, SqliteStore, Store
from .verifying import RejectedError, verify

__all__ = [
    "BUSY",
    "DONE",
    "NEW",
    "BusyError",
    "CallData",
    "Delivery",
    "Event",
    "Explanation",
    "MemoryStore",
    "Notice",
    "Once",
    "Party",
    "RejectedError",
    "SqliteStore",
    "Step",
    "Store",
    "explain",
    "parse_event",
    "verify",
]
__version__ = "0.1.0"
