"""What every framework's receiver does: verify, handle once, and answer so that Ringpost knows what to do.

2xx: handled, now or before. 401: not genuine. 413: too large. 503: the same delivery is being handled at this moment.
What a handler raises goes on to the framework, which answers 5xx. Whatever is not 2xx, Ringpost sends again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Callable, Optional

from .events import Delivery
from .fields import Headers
from .once import BusyError, Once, Store
from .verifying import TOLERANCE_S, RejectedError, Secrets, secrets_of, verify

BODY_LIMIT = 1_048_576  # bytes; no event is near it
Handler = Callable[[Delivery], Any]

_log = logging.getLogger("ringpost_receive")


@dataclass(frozen=True)
class Answer:
    """headers: beside the length and the type, which is text/plain."""

    status: int
    text: str
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def body(self) -> bytes:
        return self.text.encode()


DONE = Answer(200, "handled\n")
KNOWN = Answer(200, "handled before\n")
BUSY = Answer(503, "being handled at this moment\n", (("retry-after", "5"),))
TOO_LARGE = Answer(413, f"more than {BODY_LIMIT} bytes\n")
ONLY_POST = Answer(405, "deliveries come by POST\n", (("allow", "POST"),))


class Receiver:
    """secret: the integration's, or several while one is replaced by another; store: what was handled is kept there,
    None: a delivery that comes again is handled again; tolerance_s, untimed: as `verify` has them.

    Raises ValueError for an empty secret, at once and not at the first request.
    """

    def __init__(
        self, secret: Secrets, *, store: Optional[Store] = None, tolerance_s: int = TOLERANCE_S, untimed: bool = False
    ) -> None:
        self._secrets = secrets_of(secret)
        self._once = None if store is None else Once(store)
        self._tolerance_s, self._untimed = tolerance_s, untimed

    def verify(self, body: bytes, headers: Headers) -> Delivery:
        """Raises `RejectedError`, and says why in the log of `ringpost_receive`: nobody reads the answer."""
        try:
            return verify(body, headers, self._secrets, tolerance_s=self._tolerance_s, untimed=self._untimed)
        except RejectedError as error:
            _log.warning("refused a request: %s (%s)", error.message, error.code)
            raise

    @contextmanager
    def handling(self, delivery: Delivery) -> Iterator[bool]:
        """Whether it is to be handled; done when the block ends. Raises `BusyError`."""
        if self._once is None:
            yield True
        else:
            with self._once(delivery) as is_new:
                yield is_new

    def answer(self, body: bytes, headers: Headers, handler: Handler) -> Answer:
        """Raises what the handler raises."""
        try:
            delivery = self.verify(body, headers)
            with self.handling(delivery) as is_new:
                if is_new:
                    handler(delivery)
                return DONE if is_new else KNOWN
        except RejectedError as error:
            return refusal(error)
        except BusyError:
            return BUSY


def refusal(error: RejectedError) -> Answer:
    return Answer(401, f"{error.code}: {error.message}\n")
