"""What the API shows and takes: the Structs of its answers and bodies, from which its documentation is made too.

Keys are in camel case, as on the wire; times are milliseconds since the Unix epoch. Here are the shapes of keys and of
the service itself; the larger families have modules of their own.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from ringpost.model.access import ApiKey, Role, User


class Shape(Struct, frozen=True, kw_only=True, rename="camel"):
    """What all shapes of answers share. Some hold a secret that is shown once, so none is printed."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class NewKey(Struct, kw_only=True, forbid_unknown_fields=True):
    """Make an API key. An operator's key belongs to no company; any other needs one."""

    role: Role
    company: Annotated[str, Meta(description="The company; an operator's key names it.")] | None = None
    name: Annotated[str, Meta(max_length=100, description="A name for people.")] = ""


class KeyShown(Shape, frozen=True, kw_only=True):
    """An API key without its text. revoked: when, null while it is good."""

    id: str
    company: str | None
    role: Role
    name: str
    created: int
    revoked: int | None


class KeyWithText(KeyShown, frozen=True, kw_only=True):
    """An API key right after it was made; `key` is its text, shown this once."""

    key: str


class NewUser(Struct, kw_only=True, forbid_unknown_fields=True):
    """Make a user of the console. An operator belongs to no company; any other needs one."""

    name: Annotated[str, Meta(description="What they sign in with, as ann or ann@example.com.")]
    role: Role
    password: Annotated[str, Meta(description="12 to 200 characters.")]
    company: Annotated[str, Meta(description="The company; an operator's key names it.")] | None = None

    def __repr__(self) -> str:
        return f"NewUser({self.name!r})"


class NewPassword(Struct, kw_only=True, forbid_unknown_fields=True):
    """Give a user another password."""

    password: Annotated[str, Meta(description="12 to 200 characters.")]

    def __repr__(self) -> str:
        return "NewPassword(…)"


class UserShown(Shape, frozen=True, kw_only=True):
    """A user of the console. updated: when the password was set."""

    name: str
    company: str | None
    role: Role
    created: int
    updated: int


class SignInLink(Shape, frozen=True, kw_only=True):
    """A link that signs an operator in, once. validFor: ms."""

    url: str
    valid_for: int


class WhoAmI(Shape, frozen=True, kw_only=True):
    """Whose key it is: its id, company (null: an operator's), role, and what that may do."""

    key_id: str
    company: str | None
    role: Role
    rights: list[str]


class ErrorShown(Shape, frozen=True, kw_only=True):
    """One error code."""

    code: str
    status: int
    meaning: str
    help: str


class EventTypeShown(Shape, frozen=True, kw_only=True):
    """One event type: what it says, the JSON Schema of its body, and an example."""

    type: str
    summary: str
    description: str
    schema: dict[str, Any]
    example: dict[str, Any]


class Refusal(Shape, frozen=True, kw_only=True):
    """What went wrong. field: the path of what is wrong in the input, where there is one."""

    code: str
    message: str
    field: str | msgspec.UnsetType = msgspec.UNSET


def show_key(key: ApiKey) -> KeyShown:
    return KeyShown(**key_values(key))


def show_user(user: User) -> UserShown:
    return UserShown(**{name: getattr(user, name) for name in UserShown.__struct_fields__})


def key_values(key: ApiKey) -> dict[str, Any]:
    return {name: getattr(key, name) for name in KeyShown.__struct_fields__}
