"""For FastAPI and Starlette: a verified delivery as a dependency of an endpoint.

    verified = Verified(secret=os.environ["RINGPOST_SECRET"])

    @app.post("/calls")
    async def calls(delivery: Annotated[Delivery, Depends(verified)]) -> None: ...

It verifies and no more; a whole receiver, which also handles each delivery once, is `ringpost_receive.asgi`.
"""

from starlette.exceptions import HTTPException
from starlette.requests import Request

from .events import Delivery
from .receiver import BODY_LIMIT, Receiver, refusal
from .verifying import TOLERANCE_S, RejectedError, Secrets


class Verified:
    """Answers 401 to what is not genuine, 413 to what is too large."""

    def __init__(self, *, secret: Secrets, tolerance_s: int = TOLERANCE_S, untimed: bool = False) -> None:
        self._receiver = Receiver(secret, tolerance_s=tolerance_s, untimed=untimed)

    async def __call__(self, request: Request) -> Delivery:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > BODY_LIMIT:
                raise HTTPException(413, f"more than {BODY_LIMIT} bytes")
        try:
            return self._receiver.verify(bytes(body), request.headers.raw)
        except RejectedError as error:
            answer = refusal(error)
            raise HTTPException(answer.status, answer.text.strip()) from None
