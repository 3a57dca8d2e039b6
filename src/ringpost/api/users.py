"""The operations on users of the console: an operator's on all of them, an admin's on its own company's, never an
operator's."""

from __future__ import annotations

from typing import Final

from ringpost.access.sessions import LINK_MS
from ringpost.access.users import caller_of
from ringpost.errors import RingpostError
from ringpost.model.access import User

from .operation import Asked, Listed, Operation, Route
from .query import COMPANY
from .services import Services
from .shapes import NewPassword, NewUser, SignInLink, UserShown, show_user

_TAG: Final = "Users"


async def create_user(services: Services, asked: Asked) -> UserShown:
    wanted: NewUser = asked.body
    company = wanted.company
    if asked.caller.company is not None:
        company = asked.caller.company_for(company)
        if wanted.role == "operator":
            raise RingpostError("role_too_small", "An operator can be made by an operator alone.", field="role")
    user = await services.users.add(name=wanted.name, company=company, role=wanted.role, password=wanted.password)
    return show_user(user)


async def list_users(services: Services, asked: Asked) -> Listed:
    company = asked.companies
    return Listed([show_user(user) for user in services.users.all() if company in {None, user.company}])


async def set_password(services: Services, asked: Asked) -> UserShown:
    """Their sessions end: whoever had the old password is out."""
    user = await services.users.set_password(_user(services, asked).name, asked.body.password)
    services.sessions.end_all(caller_of(user))
    return show_user(user)


async def remove_user(services: Services, asked: Asked) -> UserShown:
    user = _user(services, asked)
    await services.users.remove(user.name)
    services.sessions.end_all(caller_of(user))
    return show_user(user)


async def make_link(services: Services, _: Asked) -> SignInLink:
    return SignInLink(url=f"{services.url()}/login/{services.sessions.make_link()}", valid_for=LINK_MS)


def _user(services: Services, asked: Asked) -> User:
    """The user that the address names, within the company. Raises `user_not_found`, `company_foreign`."""
    user = services.users.get(asked.path["name"])
    if asked.companies not in {None, user.company}:
        raise RingpostError("user_not_found")
    return user


def user_routes() -> list[Route]:
    """All operations on users."""
    return [
        Route(
            Operation(
                method="POST", path="/v1/users", id="createUser", tag=_TAG, right="change", takes=NewUser,
                answers=UserShown, status=201, summary="Make a user of the console", refusals=("password_too_weak",),
                example={"name": "ann@example.com", "role": "viewer", "password": "a few words do well"},
                about="Their role is operator, admin or viewer. An admin makes users of its own company, no operators.",
            ),
            create_user,
        ),
        Route(
            Operation(
                method="GET", path="/v1/users", id="listUsers", tag=_TAG, right="change", answers=UserShown,
                is_list=True, summary="List users of the console", query=(COMPANY,),
            ),
            list_users,
        ),
        Route(
            Operation(
                method="POST", path="/v1/users/{name}/password", id="setPassword", tag=_TAG, right="change",
                takes=NewPassword, answers=UserShown, summary="Give a user another password", query=(COMPANY,),
                refusals=("user_not_found", "password_too_weak"), example={"password": "some other words do"},
                about="The user's sessions end at once.",
            ),
            set_password,
        ),
        Route(
            Operation(
                method="DELETE", path="/v1/users/{name}", id="removeUser", tag=_TAG, right="change", answers=UserShown,
                summary="Remove a user of the console", query=(COMPANY,), refusals=("user_not_found",),
                about="The user's sessions end at once.",
            ),
            remove_user,
        ),
        Route(
            Operation(
                method="POST", path="/v1/sign-in-links", id="makeSignInLink", tag=_TAG, right="operate",
                answers=SignInLink, status=201, summary="Make a link that signs an operator in to the console, once",
                about="It is good for 15 minutes.",
            ),
            make_link,
        ),
    ]  # fmt: skip
