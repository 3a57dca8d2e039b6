"""For Flask: a view that is called with each genuine delivery.

@app.post("/calls")
@receives(secret=os.environ["RINGPOST_SECRET"])
def calls(delivery): ...
"""

from __future__ import annotations

import functools
from typing import Any, Callable, Optional

import flask

from .once import Store
from .receiver import BODY_LIMIT, TOO_LARGE, Handler, Receiver
from .verifying import Secrets


def receives(
    *, secret: Secrets, store: Optional[Store] = None, untimed: bool = False
) -> Callable[[Handler], Callable[[], Any]]:
    """What the view returns is not looked at: the answer tells Ringpost that it is handled."""
    receiver = Receiver(secret, store=store, untimed=untimed)

    def decorate(handler: Handler) -> Callable[[], Any]:
        @functools.wraps(handler, assigned=("__name__", "__doc__"))
        def view() -> Any:
            request = flask.request
            if (request.content_length or 0) > BODY_LIMIT:
                answer = TOO_LARGE
            else:
                answer = receiver.answer(request.get_data(cache=False), list(request.headers.items()), handler)
            return flask.Response(answer.text, answer.status, list(answer.headers), mimetype="text/plain")

        return view

    return decorate
