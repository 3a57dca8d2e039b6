"""For Django: a view that is called with each genuine delivery.

    @receives(secret=os.environ["RINGPOST_SECRET"])
    def calls(delivery): ...

    urlpatterns = [path("calls", calls)]

Django's CSRF check is left out for it: the signature is what tells that a request is genuine.
"""

from __future__ import annotations

import functools
from typing import Any, Callable, Optional

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from .once import Store
from .receiver import BODY_LIMIT, TOO_LARGE, Handler, Receiver
from .verifying import Secrets


def receives(
    *, secret: Secrets, store: Optional[Store] = None, untimed: bool = False
) -> Callable[[Handler], Callable[[HttpRequest], HttpResponse]]:
    """What the view returns is not looked at: the answer tells Ringpost that it is handled."""
    receiver = Receiver(secret, store=store, untimed=untimed)

    def decorate(handler: Handler) -> Callable[[HttpRequest], HttpResponse]:
        @functools.wraps(handler, assigned=("__name__", "__doc__"))
        def view(request: HttpRequest) -> HttpResponse:
            if int(request.META.get("CONTENT_LENGTH") or 0) > BODY_LIMIT:
                answer = TOO_LARGE
            else:
                answer = receiver.answer(request.body, list(request.headers.items()), handler)
            return HttpResponse(
                answer.body, status=answer.status, headers=dict(answer.headers), content_type="text/plain"
            )

        made: Any = csrf_exempt(require_POST(view))
        return made  # type: ignore[no-any-return]

    return decorate
