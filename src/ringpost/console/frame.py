"""What stands around every page: navigation, the company chooser, the banner of notices, flashes, light or dark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from litestar import Response
from msgspec import Struct

from ringpost.access.sessions import Flash
from ringpost.access.users import is_user, name_of
from ringpost.api.services import Services
from ringpost.model.event import Event
from ringpost.model.notice import PAUSED, NoticeData

from .screen import Screen, Visit
from .standing import Standing, standing

THEME_COOKIE: Final = "ringpost_theme"
THEMES: Final = ("auto", "light", "dark")
_LOOKED_AT: Final = 100  # the newest notices that may still hold
_SHOWN: Final = 3
MOST_CHOICES: Final = 100  # companies in a list to choose from; of more, one is typed

Theme = Literal["auto", "light", "dark"]


class Entry(Struct, frozen=True):
    """One entry of the navigation. letter: for the keyboard, after g."""

    name: str
    url: str
    letter: str
    is_here: bool


class Frame(Struct, frozen=True, kw_only=True):
    """All of it. companies: what an operator may choose from, and too_many: of more than that, one is typed; more:
    notices that hold beside those of the banner."""

    title: str
    theme: Theme
    who: str
    role: str
    company: str | None
    csrf: str
    at: str
    entries: Sequence[Entry]
    companies: Sequence[str]
    too_many: bool
    banner: Sequence[Standing]
    more: int
    flashes: Sequence[Flash]

    def __repr__(self) -> str:
        return f"Frame({self.title!r})"


async def frame_of(visit: Visit, title: str, screens: Sequence[Screen], theme: Theme) -> Frame:
    """The frame of a page, which takes the session's flashes."""
    holding = await _holding(visit.services, visit.companies) if visit.may("read") else []
    companies = await _companies(visit.services) if visit.caller.company is None else []
    return Frame(
        title=title,
        theme=theme,
        who=who(visit),
        role=visit.caller.role,
        company=visit.caller.company or visit.chosen,
        csrf=visit.session.csrf,
        at=visit.at,
        entries=[
            Entry(screen.nav, visit.url(screen.path), screen.letter, _is_within(visit.at, screen))
            for screen in screens
            if screen.nav and visit.may(screen.right)
        ],
        companies=companies[:MOST_CHOICES],
        too_many=len(companies) > MOST_CHOICES,
        banner=holding[:_SHOWN],
        more=max(0, len(holding) - _SHOWN),
        flashes=visit.session.take_flashes(),
    )


def who(visit: Visit) -> str:
    """Who is signed in, in words."""
    if is_user(visit.caller):
        return name_of(visit.caller)
    key = next((key for key in visit.services.keys.all() if key.id == visit.caller.key_id), None)
    if key is None:
        return "one-time link"
    return f"key {key.name or key.id}"


def _is_within(at: str, screen: Screen) -> bool:
    return any(at == path or at.startswith(f"{path}/") for path in (screen.path, *screen.also))


async def with_the_only_company(visit: Visit) -> Response[str] | None:
    """The reply that leads an operator who chose no company to the one that there is; None where there is no such one.
    For pages where a company has to be chosen."""
    if visit.companies is not None:
        return None
    companies = await _companies(visit.services)
    if len(companies) != 1:
        return None
    address = visit.url(visit.at, **{**visit.query.given, "company": companies[0]})
    return Response("", status_code=303, headers={"location": address, "cache-control": "no-store"})


async def _companies(services: Services) -> list[str]:
    """Every company that anything belongs to."""
    owned: list[str | None] = [integration.company for integration in services.registry.all()]
    owned += [key.company for key in services.keys.all()]
    owned += [user.company for user in services.users.all()]
    owned += [pbx.company for pbx in await services.ledger.pbxs()]
    return sorted({company for company in owned if company is not None})


async def _holding(services: Services, company: str | None) -> list[Standing]:
    page = await services.ledger.notices(company, cursor=None, limit=_LOOKED_AT)
    if not page.items:
        return []
    paused = {integration.id for integration in services.registry.all() if integration.state == "paused"}
    failing = {(failing.company, failing.integration) for failing in await services.ledger.failings()}

    def holds(notice: Event, data: NoticeData) -> bool:
        is_paused = data.integration in paused
        return is_paused if notice.type == PAUSED else (notice.company, data.integration) in failing and not is_paused

    return standing(page.items, holds, services.now())
