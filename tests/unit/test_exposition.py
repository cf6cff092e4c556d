"""The metrics' text, read back by Prometheus' own parser."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from sessiond.actors.core.meters import Histogram
from sessiond.gateway.exposition import Exposition


def read(page: Exposition) -> dict[str, float]:
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(page.text()):
        for sample in family.samples:
            found["".join([sample.name, *(f" {k}={v}" for k, v in sorted(sample.labels.items()))])] = sample.value
    return found


def test_gauges_and_counters_are_read_back() -> None:
    page = Exposition("x_")
    page.gauge("lag_seconds", "How late.", 0.0025)
    page.counter("events", "How many.", 3)
    page.counter("ended", "How.", [({"status": "failed"}, 2.0), ({"status": "completed"}, 1e9)])
    assert read(page) == {
        "x_lag_seconds": 0.0025,
        "x_events_total": 3,
        "x_ended_total status=failed": 2,
        "x_ended_total status=completed": 1e9,
    }


def test_a_label_may_hold_anything() -> None:
    page = Exposition("x_")
    page.gauge("g", "It.", [({"route": 'a"b\\c\nd{}'}, 1)])
    (family,) = text_string_to_metric_families(page.text())
    assert family.samples[0].labels == {"route": 'a"b\\c\nd{}'}


def test_a_histogram_counts_upwards_and_bounds_are_inclusive() -> None:
    histogram = Histogram((0.1, 1))
    for value in (0.05, 0.1, 0.5, 7):
        histogram.observe(value)
    page = Exposition("x_")
    page.histogram("h_seconds", "It.", histogram)
    assert read(page) == {
        "x_h_seconds_bucket le=0.1": 2,
        "x_h_seconds_bucket le=1.0": 3,
        "x_h_seconds_bucket le=+Inf": 4,
        "x_h_seconds_sum": 7.65,
        "x_h_seconds_count": 4,
    }
