"""An application as FastAPI's users write it: its annotations are evaluated, so they are real ones here."""

from typing import Annotated

from fastapi import Depends, FastAPI

from ringpost_receive import Delivery
from ringpost_receive.starlette import Verified


def app_with_a_dependency(secret: str) -> tuple[FastAPI, list[Delivery]]:
    """The application, and what it handled."""
    app, verified = FastAPI(), Verified(secret=secret)
    handled: list[Delivery] = []

    @app.post("/calls")
    async def calls(delivery: Annotated[Delivery, Depends(verified)]) -> None:
        handled.append(delivery)

    return app, handled
