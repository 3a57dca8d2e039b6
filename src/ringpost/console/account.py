"""The screen of one's own account: who is signed in, another password, an account for who came by the one-time link."""

from __future__ import annotations

from msgspec import Struct

from ringpost.access.users import SHORTEST, caller_of, is_user, name_of
from ringpost.errors import RingpostError

from .frame import who
from .screen import Action, Go, Screen, View, Visit


class Account(Struct, frozen=True, kw_only=True):
    """The page. is_user: signed in by a password; may_join: by a link, so that an account can be made."""

    name: str
    is_user: bool
    may_join: bool
    shortest: int = SHORTEST


async def show_account(visit: Visit) -> View:
    may_join = not is_user(visit.caller) and visit.caller.role == "operator"
    return View("account.html", Account(name=who(visit), is_user=is_user(visit.caller), may_join=may_join))


async def join(visit: Visit) -> Go:
    """The first operator, who came by the one-time link, makes an account and goes on as that."""
    visit.caller.require("operate")
    name = visit.form.get("name", "").strip()
    user = await visit.services.users.add(name=name, company=None, role="operator", password=_new_password(visit))
    visit.session.caller = caller_of(user)
    return Go("/account", f"You are {user.name} now. Sign in with that name and your password from now on.")


async def change_password(visit: Visit) -> Go:
    """The session goes on, every other of the same user ends."""
    users, name = visit.services.users, name_of(visit.caller)
    if not is_user(visit.caller):
        raise RingpostError("user_not_found")
    guesses, place = visit.services.guesses, f"password of {name}"
    guesses.check(place)  # who found a session open must not find out the password by it
    guesses.wrong(place)
    try:
        await users.caller(name, visit.form.get("current", ""))
    except RingpostError:
        raise RingpostError("invalid_value", "The current password is another one.", field="current") from None
    guesses.right(place)
    await users.set_password(name, _new_password(visit))
    visit.services.sessions.end_all(visit.caller, but=visit.session)
    return Go("/account", "Your password is changed, and your other sessions have ended.")


def _new_password(visit: Visit) -> str:
    password = visit.form.get("password", "")
    if password != visit.form.get("again", ""):
        raise RingpostError("invalid_value", "The two passwords are not the same.", field="again")
    return password


def account_screens() -> list[Screen | Action]:
    shown = Screen(path="/account", title="Your account", show=show_account)
    return [
        shown,
        Action(path="/account", do=join, again=shown, right="read"),
        Action(path="/account/password", do=change_password, again=shown, right="read"),
    ]
