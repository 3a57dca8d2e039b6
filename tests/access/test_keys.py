"""API keys: made, presented, revoked, and kept as hashes alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringpost.access.keys import RIGHTS, Caller, Keys, check_company
from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Ledger
from ringpost.ledger.open import open_ledger
from ringpost.model.access import ROLES
from tests.world import Clock


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    ledger = await open_ledger(tmp_path / "ringpost.db", now=Clock())
    yield ledger
    await ledger.close()


def holds(folder: Path, text: str) -> bool:
    """Whether any file of the folder has the text in it."""
    return any(text.encode() in file.read_bytes() for file in folder.iterdir())


def code_of(keys: Keys, presented: str | None) -> str | None:
    try:
        keys.caller(presented)
    except RingpostError as error:
        return error.code
    return None


async def test_a_key_tells_who_presents_it_also_after_a_restart(ledger: Ledger) -> None:
    keys = Keys(ledger, Clock())
    key, text = await keys.create(company="acme", role="viewer", name="for the wall")
    assert keys.caller(text) == Caller(key.id, "acme", "viewer")
    again = Keys(ledger, Clock())
    await again.load()
    assert again.caller(text) == Caller(key.id, "acme", "viewer")


async def test_what_is_no_key_or_a_changed_one_is_refused(ledger: Ledger) -> None:
    keys = Keys(ledger, Clock())
    _, text = await keys.create(company="acme", role="viewer", name="")
    assert code_of(keys, None) == "key_missing"
    assert code_of(keys, "") == "key_missing"
    for presented in (text[:-1], text + "x", text[:12], "rp_", "x", "\udcff", text.upper()):
        assert code_of(keys, presented) == "key_invalid"


async def test_a_revoked_key_is_refused_at_once_and_after_a_restart(ledger: Ledger) -> None:
    keys = Keys(ledger, Clock())
    key, text = await keys.create(company="acme", role="viewer", name="")
    await keys.revoke(key.id)
    again = Keys(ledger, Clock())
    await again.load()
    assert (code_of(keys, text), code_of(again, text)) == ("key_invalid", "key_invalid")
    with pytest.raises(RingpostError, match="no such key"):
        await keys.revoke("unknown")


async def test_the_ledger_never_sees_a_key_s_text(ledger: Ledger, tmp_path: Path) -> None:
    _, text = await Keys(ledger, Clock()).create(company="acme", role="viewer", name="")
    await ledger.close()
    assert not holds(tmp_path, text.rpartition("_")[2])


async def test_the_local_key_is_an_operator_s_and_ends_with_the_process(ledger: Ledger) -> None:
    keys = Keys(ledger, Clock())
    local = keys.make_local()
    assert keys.caller(local).role == "operator"
    assert code_of(Keys(ledger, Clock()), local) == "key_invalid"
    assert keys.all() == []


@pytest.mark.parametrize(
    ("company", "role", "code"),
    [
        ("acme", "operator", "invalid_value"),
        (None, "admin", "company_missing"),
        ("Acme", "admin", "invalid_value"),
        ("acme", "boss", "invalid_value"),
    ],
)
async def test_a_key_that_makes_no_sense_is_refused(ledger: Ledger, company: str | None, role: str, code: str) -> None:
    with pytest.raises(RingpostError) as refused:
        await Keys(ledger, Clock()).create(company=company, role=role, name="")  # type: ignore[arg-type]
    assert refused.value.code == code


def test_every_role_has_rights_and_only_an_operator_has_all() -> None:
    assert set(RIGHTS) == set(ROLES)
    everything = set().union(*RIGHTS.values())
    assert [role for role in ROLES if RIGHTS[role] == everything] == ["operator"]
    with pytest.raises(RingpostError, match="admin"):
        Caller("k", "acme", "viewer").require("change")


def test_a_key_of_one_company_speaks_for_no_other() -> None:
    caller = Caller("k", "acme", "admin")
    assert (caller.company_for(None), caller.company_for("acme"), caller.companies(None)) == ("acme",) * 3
    with pytest.raises(RingpostError) as refused:
        caller.company_for("other")
    assert refused.value.code == "company_foreign"


def test_an_operator_names_the_company_and_lists_all_of_them() -> None:
    operator = Caller("k", None, "operator")
    assert (operator.company_for("acme"), operator.companies(None), operator.companies("acme")) == (
        "acme",
        None,
        "acme",
    )
    with pytest.raises(RingpostError) as refused:
        operator.company_for(None)
    assert refused.value.code == "company_missing"


@pytest.mark.parametrize("company", ["", "_a", "A", "a-b", "a" * 64, "a\n", "ä"])
def test_a_company_s_id_is_checked(company: str) -> None:
    with pytest.raises(RingpostError):
        check_company(company)
