"""Every metric of the service, defined once, in a registry of its own.

Labels never hold a call, a number, a URL or a secret. One `Metrics` belongs to one node; every room that counts gets
it from there.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from ringpost import __version__

CONTENT_TYPE: Final = "text/plain; version=0.0.4"  # in UTF-8, which the server adds to every text
_ATTEMPT_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_AGE_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600, 3600, 21600, 86400)


class Metrics:
    """The metrics of one node."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.events_accepted = Counter(
            "ringpost_events_accepted_total", "Events accepted (durable).", ["type"], registry=registry
        )
        self.events_refused = Counter(
            "ringpost_events_refused_total", "Events refused at acceptance.", ["code"], registry=registry
        )
        self.deliveries = Counter(
            "ringpost_deliveries_total",
            "Deliveries that ended, and attempts that failed and will be repeated (outcome=retried).",
            ["outcome", "transmission"],
            registry=registry,
        )
        self.attempt_seconds = Histogram(
            "ringpost_attempt_duration_seconds",
            "How long attempts took.",
            ["transmission"],
            buckets=_ATTEMPT_SECONDS,
            registry=registry,
        )
        self.delivery_age_seconds = Histogram(
            "ringpost_delivery_age_seconds",
            "From acceptance of an event to its delivery.",
            buckets=_AGE_SECONDS,
            registry=registry,
        )
        self.deliveries_owed = Gauge(
            "ringpost_deliveries_owed", "Deliveries that are pending in this node.", registry=registry
        )
        self.lanes_waiting = Gauge(
            "ringpost_lanes_waiting", "Lanes (integration and call) with something to deliver.", registry=registry
        )
        self.attempts_under_way = Gauge("ringpost_attempts_under_way", "Attempts being made now.", registry=registry)
        self.breakers_open = Gauge(
            "ringpost_breakers_open",
            "Integrations that get one probe at a time, for their receivers are down.",
            registry=registry,
        )
        self.commit_seconds = Gauge(
            "ringpost_ledger_commit_seconds_sum", "Seconds spent in the ledger's commits.", registry=registry
        )
        self.commits = Gauge("ringpost_ledger_commits", "Commits of the ledger since the start.", registry=registry)
        self.commit_failures = Gauge(
            "ringpost_ledger_commit_failures", "Commits of the ledger that failed since the start.", registry=registry
        )
        self.forgotten = Counter(
            "ringpost_rows_forgotten_total",
            "What was forgotten because its days were over.",
            ["kind"],
            registry=registry,
        )
        self.ledger_bytes = Gauge(
            "ringpost_ledger_bytes", "Size of the ledger's file and its write-ahead log.", registry=registry
        )
        self.ledger_disk_free_bytes = Gauge(
            "ringpost_ledger_disk_free_bytes", "Space left on the ledger's disk.", registry=registry
        )
        self.source_connected = Gauge(
            "ringpost_source_connected", "1 while the connection to the PBX stands.", ["pbx"], registry=registry
        )
        self.calls_open = Gauge("ringpost_calls_open", "Calls going on now, by PBX.", ["pbx"], registry=registry)
        self.calls_reconciled = Gauge(
            "ringpost_calls_reconciled",
            "Calls started or ended by comparing with the PBX after a gap, since the start.",
            ["pbx"],
            registry=registry,
        )
        self.calls_unheard = Gauge(
            "ringpost_calls_unheard",
            "Calls that vanished before they were worth telling, as scanners', since the start.",
            ["pbx"],
            registry=registry,
        )
        self.source_backlog = Gauge(
            "ringpost_source_backlog", "Call events of the PBX that wait for the ledger.", ["pbx"], registry=registry
        )
        self.source_events_lost = Gauge(
            "ringpost_source_events_lost",
            "Call events of the PBX that the ledger refused or that could not be taken, since the start.",
            ["pbx"],
            registry=registry,
        )
        build = Gauge("ringpost_build_info", "The version that runs.", ["version"], registry=registry)
        build.labels(__version__).set(1)

    def render(self) -> bytes:
        """The exposition text for Prometheus."""
        return generate_latest(self.registry)
