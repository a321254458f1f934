"""python read_openlineage.py < events: each event read into the classes of OpenLineage's own library, or an error."""

import importlib
import json
import pkgutil
import sys

from openlineage.client import generated
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent
from openlineage.client.generated import parent_run
from openlineage.client.generated.base import EventType

NAMES = [one.name for one in pkgutil.iter_modules(generated.__path__)]
MODULES = [importlib.import_module(f"{generated.__name__}.{name}") for name in NAMES]
KINDS = {name: kind for module in MODULES for name, kind in vars(module).items() if isinstance(kind, type)}
NESTED = {"parent": {"run": parent_run.Run, "job": parent_run.Job}}


def facet(name, raw):
    """A facet of the specification into its class: an unknown, missing or wrong field is an error."""
    url = raw.pop("_schemaURL")
    assert raw.pop("_producer"), name
    if not url.startswith("https://openlineage.io/spec/"):
        assert url.startswith("urn:noria:facet:"), url
        return raw
    kind = KINDS[url.rpartition("/")[2]]
    assert kind._get_schema() == url, (url, kind._get_schema())
    for field, inner in NESTED.get(name, {}).items():
        raw[field] = inner(**raw[field])
    return kind(**raw)


def facets(raw):
    return {name: facet(name, one) for name, one in raw.items()}


def dataset(kind, raw, extra):
    more = {extra: facets(raw[extra])} if extra in raw else {}
    return kind(namespace=raw["namespace"], name=raw["name"], facets=facets(raw["facets"]), **more)


def event(raw):
    run = Run(runId=raw["run"]["runId"], facets=facets(raw["run"]["facets"]))
    job = Job(namespace=raw["job"]["namespace"], name=raw["job"]["name"], facets=facets(raw["job"]["facets"]))
    read = RunEvent(
        eventTime=raw["eventTime"], producer=raw["producer"], run=run, job=job, eventType=EventType(raw["eventType"]),
        inputs=[dataset(InputDataset, one, "inputFacets") for one in raw["inputs"]],
        outputs=[dataset(OutputDataset, one, "outputFacets") for one in raw["outputs"]],
    )  # fmt: skip
    assert read.schemaURL == raw["schemaURL"], (read.schemaURL, raw["schemaURL"])


found = json.load(sys.stdin)
for one in found:
    event(one)
print(len(found))
