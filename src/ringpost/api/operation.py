"""What one API operation is: its address, the right it needs, what it takes and what it answers.

Every operation is declared once, beside the function that does it. Routing, the checks of a request and the OpenAPI
document are all made from that declaration, so that none of them can be forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from msgspec import Struct

from ringpost.access.keys import Caller

from .query import Parameter, Query
from .services import Services

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Right = Literal["read", "change", "reveal", "send", "operate"]
JSON: Final = "application/json"
CSV: Final = "text/csv"
PART: Final = re.compile(r"\{(\w+)\}")  # a part of an address that varies


class Asked(Struct, frozen=True, kw_only=True):
    """A request whose caller may make it and whose values were checked.

    path: the parts of the address, by name; body: an instance of the operation's `takes`; raw: the body's bytes.
    """

    caller: Caller
    path: Mapping[str, str]
    query: Query
    body: Any = None
    raw: bytes = b""
    idempotency_key: str | None = None

    @property
    def company(self) -> str:
        """The company that the request is for. Raises `company_missing`, `company_foreign`."""
        return self.caller.company_for(self.query.text("company"))

    @property
    def companies(self) -> str | None:
        """The company that it is limited to; None: an operator who named none. Raises `company_foreign`."""
        return self.caller.companies(self.query.text("company"))


class Listed(Struct, frozen=True):
    """A page of a list; next: the cursor of the page after it."""

    items: Sequence[object]
    next: str | None = None


class Sent(Struct, frozen=True):
    """A reply that is bytes already."""

    status: int
    body: bytes
    media_type: str = JSON


Do = Callable[[Services, Asked], Awaitable[object]]
DoOpen = Callable[[Services], Awaitable[object]]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation.

    is_open: it needs no key; right: what the caller's role must allow, None for any key; takes: the Struct of the body;
    takes_file: of another body, its media type and how many bytes it has at most; optional_body: an empty body stands
    for `{}`; idempotent: an Idempotency-Key is honoured; answers: the type of
    `result`; is_list: that is one item of a page; is_bare: the reply is that alone, without `success`; refusals: the
    error codes of its own, beside those that any such operation has; media_type: of the reply; example: of the body;
    also: another status of success, and the type of its `result`.
    """

    method: Method
    path: str
    id: str
    summary: str
    tag: str
    answers: Any
    is_list: bool = False
    is_bare: bool = False
    status: int = 200
    is_open: bool = False
    right: Right | None = None
    query: tuple[Parameter, ...] = ()
    takes: type[Struct] | None = None
    takes_file: tuple[str, int] | None = None
    optional_body: bool = False
    idempotent: bool = False
    refusals: tuple[str, ...] = ()
    media_type: str = JSON
    about: str = ""
    example: object = None
    also: tuple[int, Any] | None = None


@dataclass(frozen=True)
class Route:
    """An operation and the function that does it."""

    operation: Operation
    do: Do


@dataclass(frozen=True)
class OpenRoute:
    """An operation that needs no key, and the function that does it."""

    operation: Operation
    do: DoOpen
