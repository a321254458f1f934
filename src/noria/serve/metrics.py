"""What Prometheus reads: the totals of all of a server's processes, and what stands in the spool."""

import time
from collections.abc import Iterator, Mapping
from itertools import accumulate
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from noria.serve import segment
from noria.serve.host import Endpoint
from noria.serve.meter import BOUNDS, ROWS, Histogram, Meter, Totals

MEDIA = CONTENT_TYPE_LATEST
VERSION = ["model", "version", "variant", "protocol"]


def text(meter: Meter, spool: Path, endpoints: Mapping[str, Endpoint]) -> bytes:
    """All metrics in Prometheus' text format.

    Parameters
    ----------
    meter
        Of the process that is asked.
    endpoints
        As this process has them; all have the same within a second.
    """
    registry = CollectorRegistry()
    registry.register(_Collector([*_counted(meter.together()), *_loaded(endpoints), *_waiting(spool)]))
    return generate_latest(registry)


class _Collector:
    def __init__(self, found: list[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterator[Metric]:
        return iter(self._found)


def _counted(totals: Totals) -> Iterator[Metric]:
    seconds = HistogramMetricFamily("noria_request_seconds", "Time to an answer, in the server.", labels=VERSION)
    rows = CounterMetricFamily("noria_rows", "Rows that were answered.", labels=VERSION)
    for of, one in sorted(totals.answered.items()):
        seconds.add_metric(list(of), *_buckets(one.seconds, BOUNDS))
        rows.add_metric(list(of), one.rows)
    yield seconds
    yield rows
    refused = CounterMetricFamily(
        "noria_requests_refused", "Requests without an answer.", labels=["protocol", "model", "status"]
    )
    for labels, count in sorted(totals.refused.items()):
        refused.add_metric(list(labels), count)
    yield refused
    batches = HistogramMetricFamily(
        "noria_batch_rows", "Rows that a Python model predicted at once.", labels=["model", "version"]
    )
    for key, histogram in sorted(totals.batches.items()):
        batches.add_metric(list(key), *_buckets(histogram, tuple(map(float, ROWS))))
    yield batches
    queue = GaugeMetricFamily("noria_queue_rows", "Rows that wait for a Python model.", labels=["model", "version"])
    for key, count in sorted(totals.waiting.items()):
        queue.add_metric(list(key), count)
    yield queue
    feedback = CounterMetricFamily("noria_feedback", "Labels and ratings that were taken.", labels=["model"])
    for model, count in sorted(totals.feedback.items()):
        feedback.add_metric([model], count)
    yield feedback
    yield from _shadows(totals)
    yield CounterMetricFamily("noria_captured", "Predictions that were captured.", value=totals.captured)
    yield CounterMetricFamily("noria_shed", "Predictions that could not be captured.", value=totals.shed)


def _shadows(totals: Totals) -> Iterator[Metric]:
    copies = CounterMetricFamily(
        "noria_shadow_copies", "Copies of requests to shadows.", labels=["model", "version", "became"]
    )
    rows = CounterMetricFamily(
        "noria_shadow_rows", "Rows whose label from a shadow agreed or differed.", labels=["model", "version", "label"]
    )
    for (model, version, became), count in sorted(totals.shadows.items()):
        (rows if became in ("agreed", "differed") else copies).add_metric([model, version, became], count)
    yield copies
    yield rows


def _buckets(histogram: Histogram, bounds: tuple[float, ...]) -> tuple[list[tuple[str, float]], float]:
    names = [*map(str, bounds), "+Inf"]
    return list(zip(names, map(float, accumulate(histogram.counts)), strict=True)), histogram.total


def _loaded(endpoints: Mapping[str, Endpoint]) -> Iterator[Metric]:
    weights = GaugeMetricFamily("noria_route_weight", "Share of the traffic, in percent.", labels=["model", "version"])
    loaded = GaugeMetricFamily("noria_model_loaded", "1 if the version stands ready.", labels=["model", "version"])
    for name, endpoint in sorted(endpoints.items()):
        total = sum(endpoint.wanted.weights.values()) or 1
        for version, weight in endpoint.wanted.weights.items():
            weights.add_metric([name, str(version)], 100 * weight / total)
        for number in endpoint.wanted.versions:
            loaded.add_metric([name, str(number)], float(number in endpoint.loaded))
    yield weights
    yield loaded


def _waiting(spool: Path) -> Iterator[Metric]:
    waiting = segment.waiting(spool)
    oldest = min((at for at, _ in waiting), default=time.time())
    yield GaugeMetricFamily("noria_capture_lag_seconds", "Age of what is not yet in the tables.", time.time() - oldest)
    yield GaugeMetricFamily(
        "noria_spool_bytes", "Bytes that are not yet in the tables.", sum(size for _, size in waiting)
    )
