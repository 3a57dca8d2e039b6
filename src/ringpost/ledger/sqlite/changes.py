"""Changes of what is installed, and replays. Functions of a connection, called in the writer's thread and transaction.

One that raises has changed nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import apsw
import msgspec

from ringpost.errors import RingpostError
from ringpost.model.access import ApiKey, Pbx, User
from ringpost.model.delivery import Owed
from ringpost.model.integration import Integration

from .rows import FAILING
from .sql import QUERIES


def add_integration(connection: apsw.Connection, integration: Integration) -> None:
    _insert(connection, "add_integration", (integration.company, integration.id, *_columns(integration)), "id")


def change_integration(connection: apsw.Connection, integration: Integration) -> None:
    values = (*_columns(integration), integration.company, integration.id)
    connection.execute(QUERIES["change_integration"], values)
    if connection.changes() == 0:
        raise RingpostError("integration_not_found")


def delete_integration(connection: apsw.Connection, company: str, integration: str, now: int) -> None:
    connection.execute(QUERIES["delete_integration"], (now, company, integration))
    if connection.changes() != 1:
        raise RingpostError("integration_not_found")
    connection.execute(QUERIES["drop_failing"], (company, integration))


def cancel_some(connection: apsw.Connection, company: str, integration: str, now: int, limit: int) -> int:
    """Cancel up to so many of an integration's pending deliveries; how many there were."""
    names = {"company": company, "integration": integration, "now": now, "limit": limit}
    connection.execute(QUERIES["cancel_deliveries"], names)
    return connection.changes()


def add_reveal(connection: apsw.Connection, company: str, integration: str, key_id: str, now: int) -> None:
    connection.execute(QUERIES["add_reveal"], (company, integration, now, key_id))


def add_key(connection: apsw.Connection, key: ApiKey) -> None:
    values = (key.id, key.company, key.role, key.name, key.created, key.revoked, key.hash)
    _insert(connection, "add_key", values, "id")


def revoke_key(connection: apsw.Connection, key_id: str, now: int) -> None:
    connection.execute(QUERIES["revoke_key"], (now, key_id))
    if connection.changes() == 0:
        raise RingpostError("key_not_found")


def add_user(connection: apsw.Connection, user: User) -> None:
    values = (user.name, user.company, user.role, user.password, user.created, user.updated)
    _insert(connection, "add_user", values, "name")


def change_password(connection: apsw.Connection, name: str, password: str, now: int) -> None:
    connection.execute(QUERIES["change_password"], (password, now, name))
    if connection.changes() == 0:
        raise RingpostError("user_not_found")


def remove_user(connection: apsw.Connection, name: str) -> None:
    connection.execute(QUERIES["remove_user"], (name,))
    if connection.changes() == 0:
        raise RingpostError("user_not_found")


def register_pbx(connection: apsw.Connection, company: str, serial: str, now: int) -> Pbx:
    connection.execute(QUERIES["add_pbx"], {"company": company, "serial": serial, "now": now})
    [(company, serial, short, registered)] = connection.execute(QUERIES["pbx"], (company, serial))
    return Pbx(company=company, serial=serial, short=bool(short), registered=registered)


def replay(connection: apsw.Connection, company: str, seq: int, integration: str, now: int) -> Owed:
    found = connection.execute(QUERIES["replayable"], (company, seq, integration)).fetchone()
    if found is None:
        raise RingpostError("delivery_not_found")
    call, state, attempts, replays, integration_state = found
    if integration_state == "deleted":
        raise RingpostError("integration_deleted")
    if state <= FAILING:
        raise RingpostError("delivery_pending")
    names = {"company": company, "seq": seq, "integration": integration, "now": now}
    connection.execute(QUERIES["replay"], names)
    return Owed(
        company=company,
        integration=integration,
        call=call,
        seq=seq,
        attempts=attempts,
        due=now,
        replay=replays + 1,
        earlier=attempts,
    )


def probe(connection: apsw.Connection) -> int:
    """What the probe then holds."""
    value: int = connection.execute(QUERIES["probe"]).get
    return value


def _columns(integration: Integration) -> tuple[apsw.SQLiteValue, ...]:
    return (
        integration.type,
        integration.name,
        integration.url,
        msgspec.json.encode(integration.filter).decode(),
        integration.state,
        integration.created,
        integration.updated,
        integration.sealed,
        None if integration.retry_delays_ms is None else msgspec.json.encode(integration.retry_delays_ms).decode(),
        integration.paused,
        integration.pause_reason,
    )


def _insert(connection: apsw.Connection, query: str, values: Sequence[apsw.SQLiteValue], field: str) -> None:
    try:
        connection.execute(QUERIES[query], values)
    except apsw.ConstraintError as error:
        raise RingpostError("invalid_value", f"The {field} is taken.", field=field) from error
