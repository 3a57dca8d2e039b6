"""What the HTTP API works with: the parts of a node, passed in by `node.py` when it builds the application."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ringpost.access.guesses import Guesses
from ringpost.access.keys import Keys
from ringpost.access.sessions import Sessions
from ringpost.access.users import Users
from ringpost.directory.registry import Directories
from ringpost.intake.accept import Intake
from ringpost.integrations.registry import Registry
from ringpost.ledger.ledger import Ledger
from ringpost.model.delivery import Owed
from ringpost.settings import Settings
from ringpost.sources.standing import PbxStanding
from ringpost.telemetry.metrics import Metrics
from ringpost.upkeep.erasure import Erasures
from ringpost.work.replay import Replays
from ringpost.work.runner import Works

from .following import Following


@dataclass(frozen=True)
class Services:
    """The parts of one node.

    guesses: sign-ins that were wrong; dispatcher_replayed: takes a delivery that is to go out again; refresh_metrics:
    brings the gauges up to date before they are read; ready: whether the node takes and dispatches events now; now: the
    wall clock (ms); seal, unseal: the vault's, with the context that a blob belongs to, for remembered answers that
    hold a secret; works: runs what takes a while; replays: plans what is to be delivered again; erasures: what is to be
    erased; directories: who is who; pbxs: how those that are listened to stand; following: who
    follows events; url: where others reach this node.
    """

    ledger: Ledger
    intake: Intake
    registry: Registry
    keys: Keys
    users: Users
    sessions: Sessions
    guesses: Guesses
    metrics: Metrics
    settings: Settings
    dispatcher_replayed: Callable[[Owed], None]
    refresh_metrics: Callable[[], None]
    ready: Callable[[], bool]
    now: Callable[[], int]
    seal: Callable[[bytes, str], bytes]
    unseal: Callable[[bytes, str], bytes]
    works: Works
    replays: Replays
    erasures: Erasures
    url: Callable[[], str]
    directories: Directories
    pbxs: Callable[[], Sequence[PbxStanding]]
    following: Following
