"""Every screen of the console, in the order of the navigation. A new one is added here."""

from __future__ import annotations

from .account import account_screens
from .calls import call_screens
from .delivery import delivery_screens
from .integration_forms import integration_form_screens
from .integrations import integration_screens
from .keys import key_screens
from .notices import notice_screens
from .overview import overview_screens
from .pbxs import pbx_screens
from .people import people_screens
from .replays import replay_screens
from .screen import Action, Screen


def all_screens() -> list[Screen | Action]:
    return [
        *overview_screens(),
        *call_screens(),
        *delivery_screens(),
        *replay_screens(),
        *integration_screens(),
        *integration_form_screens(),
        *pbx_screens(),
        *people_screens(),
        *key_screens(),
        *notice_screens(),
        *account_screens(),
    ]
