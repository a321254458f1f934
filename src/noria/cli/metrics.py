"""noria metrics: steps and runs for Prometheus, out of noria's own records."""

import time
from collections.abc import Iterator
from typing import Annotated

import typer
from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from noria.cli import output
from noria.run.place import Place
from noria.store import figures

app = output.app("Steps and runs for Prometheus: how many, how long, how long they waited.")


class Records(Collector):
    """Reads the records at every scrape."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def collect(self) -> Iterator[Metric]:
        """The metrics, by lifecycle and step."""
        with self.place.store.read() as c:
            found, runs = figures.steps(c), figures.runs(c)
        ended = CounterMetricFamily(
            "noria_steps", "Steps by the state they are in", labels=["lifecycle", "step", "state"]
        )
        took = SummaryMetricFamily("noria_step_duration_seconds", "How long steps took", labels=["lifecycle", "step"])
        waited = SummaryMetricFamily(
            "noria_step_waiting_seconds", "From when a step could have begun until it did", labels=["lifecycle", "step"]
        )
        last = GaugeMetricFamily("noria_step_last_seconds", "How long it took last", labels=["lifecycle", "step"])
        memory = GaugeMetricFamily("noria_step_memory_mb", "Peak memory, last time", labels=["lifecycle", "step"])
        for one in found:
            labels = [one.lifecycle, one.step]
            for state, count in sorted(one.states.items()):
                ended.add_metric([*labels, state], count)
            took.add_metric(labels, one.took.count, one.took.total_s)
            waited.add_metric(labels, one.waited.count, one.waited.total_s)
            last.add_metric(labels, one.took.last_s)
            if one.memory_mb is not None:
                memory.add_metric(labels, one.memory_mb)
        turned = CounterMetricFamily("noria_runs", "Runs by the state they are in", labels=["lifecycle", "state"])
        for lifecycle, state, count in runs:
            turned.add_metric([lifecycle, state], count)
        yield from (ended, took, waited, last, memory, turned)


@app.command()
def metrics(
    port: Annotated[int, typer.Option(min=0, help="Serve them at 127.0.0.1 until interrupted; 0: print them.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> int:
    """Print the metrics of all steps and runs, or serve them for Prometheus to scrape."""
    place = output.existing_place()
    if json:
        with place.store.read() as c:
            output.show_json({"steps": figures.steps(c), "runs": figures.runs(c)})
        return 0
    registry = CollectorRegistry()
    registry.register(Records(place))
    if not port:
        print(generate_latest(registry).decode(), end="")
        return 0
    start_http_server(port, addr="127.0.0.1", registry=registry)
    output.say(f"http://127.0.0.1:{port}/metrics until interrupted")
    while True:
        time.sleep(3600)


def command(words: list[str]) -> int:
    return output.run_app(app, "metrics", words or ["--"])
