"""The gate that every attempt passes: may one be made for this integration now?

Pure. The dispatcher asks right before each attempt, so that what was edited, paused or deleted a moment ago counts.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from ringpost.model.integration import Credentials, Integration

Installed = Callable[[str], tuple[Integration, Credentials] | None]


class Go(Struct, frozen=True):
    """The attempt may be made, with these."""

    integration: Integration
    credentials: Credentials


class Paused(Struct, frozen=True):
    """Not now, until the integration, which is this company's, resumes."""

    company: str


class Gone(Struct, frozen=True):
    """Never: the integration was deleted."""


class Gate:
    """installed: an integration that is not deleted and its opened secrets, by its id."""

    def __init__(self, installed: Installed) -> None:
        self._installed = installed

    def ask(self, integration: str) -> Go | Paused | Gone:
        found = self._installed(integration)
        if found is None or found[0].state == "deleted":
            return Gone()
        return Paused(found[0].company) if found[0].state == "paused" else Go(*found)
