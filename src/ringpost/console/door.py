"""The console's door: who comes in, whether a form is ours, and a page for whatever is refused.

Every screen and action goes through here. A page needs a session; an action a session, an origin that is ours and the
session's token (in the form, or in `x-csrf-token`). What is refused is a page that says what happened and what helps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast
from urllib.parse import parse_qsl, urlsplit

import msgspec
from litestar import Request, Response
from litestar.datastructures import Cookie

from ringpost.access.guesses import BACK_MS
from ringpost.access.sessions import ABSOLUTE_MS, Flash, Session
from ringpost.api.answers import log_fault, refusal_headers
from ringpost.api.body import read_body
from ringpost.api.operation import PART
from ringpost.api.query import Parameter, Query
from ringpost.api.services import Services
from ringpost.errors import RingpostError

from .frame import THEME_COOKIE, THEMES, Theme, frame_of
from .pages import page, render
from .screen import FORM_LIMIT, Action, Go, Screen, View, Visit

COOKIE: Final = "ringpost_session"
_MOST_FIELDS: Final = 2_000  # of a form
_MOST_VALUES: Final = 64  # of an address

AnyRequest = Request[Any, Any, Any]


class Door:
    """What all routes of the console share. public_url: where browsers reach it, https where cookies are to be secure;
    live_at: where the stream of changes is; screens: all there are."""

    def __init__(self, services: Services, public_url: str, live_at: Callable[[], str]) -> None:
        self.services = services
        self._live_at = live_at
        self.screens: list[Screen] = []
        self._public = urlsplit(public_url).netloc
        self._is_secure = public_url.startswith("https://")

    # --- pages and actions -----------------------------------------------------------------------------------------
    async def show(self, screen: Screen, request: AnyRequest) -> Response[Any]:
        """The page of a screen."""
        session = self.session(request)
        if session is None:
            return self.sign_in_page(request, RingpostError("not_signed_in"))
        visit = self._visit(session, screen.parameters, request)
        try:
            visit.caller.require(screen.right)
            visit = self._visit(session, screen.parameters, request, strict=True)
            live_at = self._live_at()  # before anything is read
            return await self._page(await screen.show(visit), visit, screen.title, request, live_at)
        except RingpostError as error:
            return await self._refusal(error, visit, request)
        except Exception as error:  # noqa: BLE001 - a fault of ours is a page, too
            log_fault(request, error)
            return await self._refusal(RingpostError("internal"), visit, request)

    async def act(self, action: Action, request: AnyRequest) -> Response[Any]:
        """What a form does."""
        session = self.session(request)
        visit = None
        try:
            form = await self.form(request, action.limit)
            if session is None:
                return self.sign_in_page(request, RingpostError("not_signed_in"))
            again = action.again
            visit = self._visit(session, again.parameters if again else (), request, form)
            if not session.is_from_here(request.headers.get("x-csrf-token") or form.get("csrf", "")):
                raise RingpostError("form_not_ours")
            visit.caller.require(action.right)
            try:
                done = await action.do(visit)
            except RingpostError as error:
                if again is None or error.status not in {409, 422}:
                    raise
                return await self._again(again, error, visit, request)
            if isinstance(done, Go):
                return self._go(done, visit)
            return await self._page(done, visit, again.title if again else "Done", request)
        except RingpostError as error:
            return await self._refusal(error, visit, request)
        except Exception as error:  # noqa: BLE001 - a fault of ours is a page, too
            log_fault(request, error)
            return await self._refusal(RingpostError("internal"), visit, request)

    def unknown(self, request: AnyRequest, status: int) -> Response[Any] | None:
        """The page for a browser that asks for what is not there; None: it is no browser, or not on our side."""
        if "text/html" not in request.headers.get("accept", "") or request.url.path.startswith("/v1/") or status >= 500:
            return None
        error = RingpostError("page_not_found")
        html = render("refused_bare.html", error=error, theme=_theme(request))
        return page(html, error.status)

    async def refused(self, request: AnyRequest, error: RingpostError) -> Response[Any]:
        """The page for an error that came up outside of any screen."""
        session = self.session(request)
        return await self._refusal(error, self._visit(session, (), request) if session else None, request)

    # --- sessions --------------------------------------------------------------------------------------------------
    def session(self, request: AnyRequest) -> Session | None:
        return self.services.sessions.session(request.cookies.get(COOKIE))

    def signed_in(self, token: str, to: str) -> Response[str]:
        """The reply that begins a session, and goes on to a page of ours."""
        cookie = Cookie(
            COOKIE, value=token, max_age=ABSOLUTE_MS // 1000, httponly=True, samesite="lax", secure=self._is_secure
        )
        return Response("", status_code=303, headers={**_NEXT, "location": local(to)}, cookies=[cookie])

    def signed_out(self, token: str | None) -> Response[str]:
        self.services.sessions.end(token)
        gone = Cookie(COOKIE, value="", max_age=0, httponly=True, samesite="lax", secure=self._is_secure)
        return Response("", status_code=303, headers={**_NEXT, "location": "/sign-in"}, cookies=[gone])

    def themed(self, theme: str, to: str) -> Response[str]:
        """The reply that keeps how pages are to look."""
        kept = theme if theme in THEMES else "auto"
        cookie = Cookie(THEME_COOKIE, value=kept, max_age=31_536_000, samesite="lax", httponly=True)
        return Response("", status_code=303, headers={**_NEXT, "location": local(to)}, cookies=[cookie])

    def sign_in_page(self, request: AnyRequest, error: RingpostError | None, to: str | None = None) -> Response[str]:
        """Where to sign in; to: where to go on then, the page that was asked for."""
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        status = error.status if error else 200
        html = render(
            "sign_in.html",
            theme=_theme(request),
            problem=error if error and error.code != "not_signed_in" else None,
            to=to if to is not None else local(asked) if request.method == "GET" else "/",
        )
        headers = {name: value for name, value in refusal_headers(status).items() if name != "www-authenticate"}
        if error and error.code == "sign_in_too_often":
            headers["retry-after"] = str(BACK_MS // 1000)
        return page(html, status, **headers)

    # --- forms -----------------------------------------------------------------------------------------------------
    async def form(self, request: AnyRequest, limit: int = FORM_LIMIT) -> dict[str, str]:
        """A form's fields; of one that is there more than once all values, in lines.

        Raises `form_not_ours` where it was sent from another site, `body_too_large`, `invalid_value`.
        """
        self._check_origin(request)
        raw = await read_body(request.scope["headers"], request.receive, limit)
        try:
            pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
        except ValueError:
            raise RingpostError("invalid_value", "The form could not be read; send it again.") from None
        fields: dict[str, str] = {}
        for name, value in pairs:
            text = value.replace("\r\n", "\n")
            fields[name] = f"{fields[name]}\n{text}" if name in fields else text
        return fields

    def _check_origin(self, request: AnyRequest) -> None:
        """Refuse what another site has a browser send. Browsers name the origin of every form; programs need not."""
        site = request.headers.get("sec-fetch-site")
        origin = request.headers.get("origin")
        ours = {request.headers.get("host"), self._public} - {None, ""}
        if site not in {None, "same-origin", "none"} or (origin is not None and urlsplit(origin).netloc not in ours):
            raise RingpostError("form_not_ours")

    # --- replies ---------------------------------------------------------------------------------------------------
    def _visit(
        self,
        session: Session,
        parameters: Sequence[Parameter],
        request: AnyRequest,
        form: Mapping[str, str] | None = None,
        *,
        strict: bool = False,
    ) -> Visit:
        try:
            query = read_address(request.scope["query_string"], parameters)
        except RingpostError:
            if strict:
                raise
            query = Query({})
        return Visit(
            services=self.services,
            session=session,
            at=request.url.path,
            path=request.path_params,
            query=query,
            form=form or {},
            last_event=request.headers.get("last-event-id", ""),
        )

    async def _again(self, screen: Screen, error: RingpostError, before: Visit, request: AnyRequest) -> Response[Any]:
        """The page with the form once more, which tells what is wrong."""
        at = PART.sub(lambda part: before.path[part[1]], screen.path)
        visit = msgspec.structs.replace(before, problem=error, at=at)
        shown = await screen.show(visit)
        if isinstance(shown, View):
            shown = msgspec.structs.replace(shown, status=error.status)
        return await self._page(shown, visit, screen.title, request)

    async def _page(
        self, shown: View | Response[Any], visit: Visit, title: str, request: AnyRequest, live_at: str = ""
    ) -> Response[Any]:
        if not isinstance(shown, View):
            return shown
        frame = await frame_of(visit, title, self.screens, _theme(request))
        values = shown.values
        given = msgspec.structs.asdict(values) if isinstance(values, msgspec.Struct) else dict(values)
        html = render(
            shown.template,
            **{"visit": visit, "url": visit.url, "problem": visit.problem, "frame": frame, "live_at": live_at, **given},
        )
        return page(html, shown.status)

    async def _refusal(self, error: RingpostError, visit: Visit | None, request: AnyRequest) -> Response[Any]:
        """The page of an error, in the frame where somebody is signed in and the frame can be made."""
        headers = {name: value for name, value in refusal_headers(error.status).items() if name != "www-authenticate"}
        told = {"error": error, "theme": _theme(request)}
        if visit is not None and error.code != "internal":
            bare = msgspec.structs.replace(visit, query=Query({}), problem=None)
            try:
                frame = await frame_of(bare, "Refused", self.screens, _theme(request))
                html = render("refused.html", frame=frame, visit=bare, url=bare.url, problem=None, **told)
                return page(html, error.status, **headers)
            except RingpostError:
                pass  # the ledger cannot be read: the bare page needs none
        return page(render("refused_bare.html", **told), error.status, **headers)

    def _go(self, done: Go, visit: Visit) -> Response[str]:
        if done.told:
            visit.session.tell(Flash(done.told))
        return Response("", status_code=303, headers={**_NEXT, "location": done.to})


_NEXT: Final = {"cache-control": "no-store", "referrer-policy": "same-origin"}


def local(address: str) -> str:
    """An address of this site, to go on to; `/` for any other."""
    is_ours = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if is_ours and address.isascii() and address.isprintable() and len(address) < 2_000 else "/"


def read_address(query: bytes, parameters: Sequence[Parameter]) -> Query:
    """The values of a page's address. An empty one is as if it were not there (a form sends all its fields), and one
    that is not known is left alone (others add theirs to links). Raises `invalid_value`, `unknown_event_type`."""
    known = {parameter.name: parameter for parameter in parameters}
    try:
        pairs = parse_qsl(query.decode("ascii"), errors="strict", max_num_fields=_MOST_VALUES)
    except ValueError:
        raise RingpostError("invalid_value", "The page's address could not be read.") from None
    values = {parameter.name: parameter.default for parameter in parameters if parameter.default is not None}
    given = {name: text for name, text in pairs if name in known}
    return Query(values | {name: known[name].read(text) for name, text in given.items()}, given)


def _theme(request: AnyRequest) -> Theme:
    kept = request.cookies.get(THEME_COOKIE)
    return cast("Theme", kept) if kept in THEMES else "auto"
