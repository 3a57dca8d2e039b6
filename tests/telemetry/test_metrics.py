"""Metrics: each defined once, by the field's names, in base units."""

from prometheus_client import Metric

from ringpost.telemetry.metrics import Metrics

FORBIDDEN_LABELS = {"call", "phone", "url", "secret", "integration", "delivery"}


def families() -> list[Metric]:
    return list(Metrics().registry.collect())


def test_every_metric_is_ours_and_says_what_it_is() -> None:
    for family in families():
        assert family.name.startswith("ringpost_")
        assert family.documentation.endswith(".")


def test_no_metric_has_a_label_for_a_call_a_person_or_a_target() -> None:
    metrics = Metrics()
    for collector in list(metrics.registry._collector_to_names):
        assert FORBIDDEN_LABELS.isdisjoint(getattr(collector, "_labelnames", ()))


def test_what_was_counted_is_rendered() -> None:
    metrics = Metrics()
    metrics.events_accepted.labels("call:start").inc()
    assert b'ringpost_events_accepted_total{type="call:start"} 1.0' in metrics.render()
