"""Users: a password is kept as a hash alone, and whoever is gone or changed is no caller any more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from ringpost.access.keys import Caller
from ringpost.access.users import LONGEST, SHORTEST, Users
from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Ledger
from ringpost.ledger.open import open_ledger
from tests.world import Clock

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "four words make one"


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    ledger = await open_ledger(tmp_path / "ringpost.db", now=Clock())
    yield ledger
    await ledger.close()


async def refused(users: Users, code: str, name: str = "ann", password: str = PASSWORD) -> None:
    with pytest.raises(RingpostError) as error:
        await users.caller(name, password)
    assert error.value.code == code


async def test_a_user_signs_in_with_the_password_alone_also_after_a_restart(ledger: Ledger) -> None:
    users = Users(ledger, Clock(), QUICK)
    user = await users.add(name="ann", company="acme", role="admin", password=PASSWORD)
    assert user.password.startswith("$argon2id$")
    assert PASSWORD not in f"{user!r}{user.password}"
    users = Users(ledger, Clock(), QUICK)
    await users.load()
    assert await users.caller("ann", PASSWORD) == Caller("user:ann", "acme", "admin")
    for password in ("", PASSWORD + " ", PASSWORD.upper(), "x" * 100_000):
        await refused(users, "sign_in_refused", password=password)
    await refused(users, "sign_in_refused", name="bea")


async def test_another_password_replaces_the_old_one(ledger: Ledger) -> None:
    users = Users(ledger, Clock(), QUICK)
    await users.add(name="ann", company=None, role="operator", password=PASSWORD)
    await users.set_password("ann", "four other words")
    await refused(users, "sign_in_refused")
    assert (await users.caller("ann", "four other words")).role == "operator"


async def test_a_user_that_was_removed_or_made_anew_is_no_caller_any_more(ledger: Ledger) -> None:
    users = Users(ledger, Clock(), QUICK)
    await users.add(name="ann", company=None, role="operator", password=PASSWORD)
    caller = await users.caller("ann", PASSWORD)
    assert users.is_good(caller)
    await users.remove("ann")
    assert not users.is_good(caller)
    await refused(users, "sign_in_refused")
    await users.add(name="ann", company="acme", role="viewer", password=PASSWORD)
    assert not users.is_good(caller)


@pytest.mark.parametrize(
    ("code", "more"),
    [
        ("invalid_value", {"name": ""}),
        ("invalid_value", {"name": "a b"}),
        ("invalid_value", {"name": "x" * 64}),
        ("invalid_value", {"name": "bea"}),
        ("invalid_value", {"role": "source"}),
        ("invalid_value", {"role": "owner"}),
        ("invalid_value", {"role": "operator"}),
        ("company_missing", {"company": None}),
        ("password_too_weak", {"password": "x" * (SHORTEST - 1)}),
        ("password_too_weak", {"password": "x" * (LONGEST + 1)}),
    ],
)
async def test_a_user_that_cannot_be_is_refused_and_not_kept(ledger: Ledger, code: str, more: dict[str, str]) -> None:
    users = Users(ledger, Clock(), QUICK)
    await users.add(name="bea", company="acme", role="viewer", password=PASSWORD)
    given = {"name": "ann", "company": "acme", "role": "viewer", "password": PASSWORD, **more}
    with pytest.raises(RingpostError) as error:
        await users.add(**given)  # type: ignore[arg-type]  # what a client sends is any text
    assert error.value.code == code
    assert [user.name for user in await ledger.users()] == ["bea"]
