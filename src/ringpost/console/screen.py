"""What one screen of the console is: a page or the action of a form, its address, the right it needs, what it shows.

Declared once beside the function that does it; `door.py` makes routes, checks and errors from that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlencode

from litestar import Response
from msgspec import Struct, field

from ringpost.access.keys import RIGHTS, Caller
from ringpost.access.sessions import Session
from ringpost.api.query import COMPANY, Parameter, Query
from ringpost.api.services import Services
from ringpost.errors import RingpostError

Right = Literal["read", "change", "reveal", "operate"]
FORM_LIMIT: Final = 65_536  # bytes


class Visit(Struct, frozen=True, kw_only=True):
    """A request of someone who is signed in and may make it.

    at: the page's path; path: its parts that vary, by name; form: the fields of an action; problem: why the action
    before was refused; last_event: of a live stream, the last one that was seen.
    """

    services: Services
    session: Session
    at: str
    path: Mapping[str, str]
    query: Query
    form: Mapping[str, str] = field(default_factory=dict)
    problem: RingpostError | None = None
    last_event: str = ""

    @property
    def caller(self) -> Caller:
        return self.session.caller

    @property
    def companies(self) -> str | None:
        """The company that lists are limited to; None: an operator who chose none. Raises `company_foreign`."""
        return self.caller.companies(self.query.text("company"))

    @property
    def company(self) -> str:
        """The company that a change is for. Raises `company_missing`, `company_foreign`."""
        return self.caller.company_for(self.form.get("company") or self.query.text("company"))

    @property
    def chosen(self) -> str | None:
        """The company that an operator chose; it stays in every address."""
        return self.query.text("company") if self.caller.company is None else None

    def may(self, right: Right) -> bool:
        return right in RIGHTS[self.caller.role]

    def newest(self) -> str:
        """This view's first page."""
        return self._with(cursor=None)

    def after(self, cursor: str) -> str:
        """This view's page after a cursor."""
        return self._with(cursor=cursor)

    def _with(self, **changed: object) -> str:
        return self.url(self.at, **{**self.query.given, **changed})

    def url(self, path: str, **query: object) -> str:
        """An address here, with the company that was chosen; None leaves a value out."""
        given = {"company": self.chosen, **query}
        kept = {name: str(value) for name, value in given.items() if value is not None}
        return f"{path}?{urlencode(kept)}" if kept else path


class View(Struct, frozen=True):
    """A page: its template, and what that shows."""

    template: str
    values: Mapping[str, object] | Struct
    status: int = 200


class Go(Struct, frozen=True):
    """Done; go on at this address, where it is told."""

    to: str
    told: str = ""


Show = Callable[[Visit], Awaitable[View | Response[Any]]]
Do = Callable[[Visit], Awaitable[View | Go]]


@dataclass(frozen=True, kw_only=True)
class Screen:
    """A page. title: of the window; nav: its name in the navigation, with `letter` for the keyboard (g, then it), and
    `also` the addresses of others that belong to it; a part of an address that varies is in braces."""

    path: str
    title: str
    show: Show
    right: Right = "read"
    query: tuple[Parameter, ...] = ()
    nav: str = ""
    letter: str = ""
    also: tuple[str, ...] = ()

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All values that its address may have."""
        return (*self.query, COMPANY)


@dataclass(frozen=True, kw_only=True)
class Action:
    """What a form does. again: the page to show once more where a value was refused; limit: of the form (bytes)."""

    path: str
    do: Do
    again: Screen | None = None
    right: Right = "change"
    limit: int = FORM_LIMIT
