"""What an integration's receiver saw: each arrival, in which life of the service, and how it was answered."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.real.receiver import Answer, Receiver, Request


@dataclass(frozen=True)
class Arrival:
    """life: of the service, from 1; answered: the status that was meant to go back, None where the line was cut."""

    request: Request
    event: dict[str, Any]
    life: int
    answered: int | None

    @property
    def key(self) -> tuple[str, int]:
        return self.event["id"], self.event["data"]["number"]

    @property
    def delivery(self) -> str:
        return self.request.header("webhook-id") or ""


class Inbox:
    """flaky: one in six requests is answered with 500, cut, answered in part or slowly; else all are answered 200."""

    def __init__(self, *, flaky: bool, seed: int, life: Callable[[], int], on_arrival: Callable[[], None]) -> None:
        self.flaky = flaky
        self.arrivals: list[Arrival] = []
        self.receiver = Receiver()
        self.receiver.answer_by = self._answer
        self.integration = self.secret = ""
        self._chance = random.Random(seed)
        self._life = life
        self._on_arrival = on_arrival

    def _answer(self, request: Request) -> Answer:
        answer = self._next() if self.flaky else Answer()
        answered = None if answer.cut or answer.raw is not None else answer.status
        self.arrivals.append(Arrival(request, json.loads(request.body), self._life(), answered))
        self.receiver.requests.clear()  # they are kept here
        self._on_arrival()
        return answer

    def _next(self) -> Answer:
        match self._chance.randrange(30):
            case 0 | 1:
                return Answer(500)
            case 2:
                return Answer(cut=True)
            case 3:
                return Answer(raw=b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")
            case 4:
                return Answer(delay_ms=self._chance.randrange(150))
            case _:
                return Answer()
