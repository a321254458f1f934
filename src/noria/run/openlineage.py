"""What happened to a run or a step, as an OpenLineage event: plain data by its specification, made from the records."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import noria
from noria.store.attempt import Result
from noria.store.runs import Run, StepRun

SPEC = "https://openlineage.io/spec"
EVENT = f"{SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
PRODUCER = f"urn:noria:{noria.__version__}"
NAMESPACE = "noria"
FACETS = {  # facet: the file of its schema and its name in there
    "parent": ("1-2-0/ParentRunFacet.json", "ParentRunFacet"),
    "errorMessage": ("1-0-1/ErrorMessageRunFacet.json", "ErrorMessageRunFacet"),
    "processing_engine": ("1-1-1/ProcessingEngineRunFacet.json", "ProcessingEngineRunFacet"),
    "jobType": ("2-0-4/JobTypeJobFacet.json", "JobTypeJobFacet"),
    "documentation": ("1-1-0/DocumentationJobFacet.json", "DocumentationJobFacet"),
    "version": ("1-0-1/DatasetVersionDatasetFacet.json", "DatasetVersionDatasetFacet"),
    "datasetType": ("1-0-1/DatasetTypeDatasetFacet.json", "DatasetTypeDatasetFacet"),
    "symlinks": ("1-0-1/SymlinksDatasetFacet.json", "SymlinksDatasetFacet"),
    "outputStatistics": ("1-0-2/OutputStatisticsOutputDatasetFacet.json", "OutputStatisticsOutputDatasetFacet"),
}
OWN = {"noria_run", "noria_step", "noria_model"}  # facets of our own: their schema is the guide's table
ENDS = {"done": "COMPLETE", "reused": "COMPLETE", "blocked": "ABORT", "stopped": "ABORT", "rejected": "ABORT"}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a step's event is made from: its run, its record, what the steps before it and itself left.

    ``place`` is the folder of the datasets' tables.
    """

    run: Run
    step: StepRun
    inputs: Mapping[str, Result]
    result: Result
    place: str


def run_event(run: Run, kind: str, at: datetime) -> dict[str, Any]:
    """An event of a whole run; ``kind`` is ``START``, or that of its end."""
    facets = {**_engine(), "noria_run": _facet("noria_run", run=run.id, number=run.number, trigger=run.trigger)}
    if kind == "FAIL":
        facets["errorMessage"] = _error(run.message)
    job = {"jobType": _job("RUN"), "documentation": _facet("documentation", description=f"lifecycle {run.lifecycle}")}
    return _event(kind, at, _run_uuid(run), facets, run.lifecycle, job, [], [])


def step_event(seen: Seen, kind: str, at: datetime) -> dict[str, Any]:
    """An event of one attempt at a step, whose parent is the run."""
    run, step = seen.run, seen.step
    facets = {
        **_engine(),
        "parent": _facet(
            "parent", run={"runId": _run_uuid(run)}, job={"namespace": NAMESPACE, "name": run.lifecycle}
        ),
        "noria_step": _facet(
            "noria_step", run=run.id, step=step.step, shard=step.shard, attempt=step.attempt, state=step.state,
            fingerprint=step.fingerprint, why=list(step.why or ()),
            waitingSeconds=seconds(step.ready_at, step.started_at),
        ),
    }  # fmt: skip
    if kind in ("FAIL", "ABORT") and step.message:
        facets["errorMessage"] = _error(step.message)
    name = f"{run.lifecycle}.{step.step}"
    done = kind == "COMPLETE"
    outputs = list(_outputs(seen)) if done else []
    return _event(kind, at, _step_uuid(step), facets, name, {"jobType": _job("TASK")}, list(_inputs(seen)), outputs)


def end_of(state: str) -> str:
    """The kind of event that a state of a run or step ends with; ABORT: a gate or a person stopped it."""
    return ENDS.get(state, "FAIL")


def seconds(start: datetime | None, end: datetime | None) -> float | None:
    """Time between two records; None if one of them is missing."""
    return None if start is None or end is None else max((end - start).total_seconds(), 0.0)


def _event(
    kind: str,
    at: datetime,
    run: str,
    facets: Mapping[str, Any],
    job: str,
    job_facets: Mapping[str, Any],
    inputs: list[dict[str, Any]],
    outputs: list[dict[str, Any]],
) -> dict[str, Any]:
    return {
        "eventType": kind,
        "eventTime": at.isoformat(),
        "producer": PRODUCER,
        "schemaURL": EVENT,
        "run": {"runId": run, "facets": dict(facets)},
        "job": {"namespace": NAMESPACE, "name": job, "facets": dict(job_facets)},
        "inputs": inputs,
        "outputs": outputs,
    }


def _inputs(seen: Seen) -> Iterator[dict[str, Any]]:
    """The dataset version that a step works at; from analyze on the candidate, from deploy on the model version."""
    collected = seen.inputs.get("collect")
    if collected is not None and "version" in collected.facts:
        yield _dataset(seen, collected.facts)
    trained = seen.inputs.get("train")
    if trained is not None and "release" not in seen.inputs:
        yield _candidate(seen, trained)
    released = seen.inputs.get("release")
    if released is not None and released.facts.get("number") is not None:
        yield _model(released.facts, trained)


def _outputs(seen: Seen) -> Iterator[dict[str, Any]]:
    facts = seen.result.facts
    if seen.step.step == "collect" and "version" in facts:
        statistics = _facet("outputStatistics", rowCount=int(facts["rows"]))
        yield {**_dataset(seen, facts), "outputFacets": {"outputStatistics": statistics}}
    elif seen.step.step == "train" and "model" in seen.result.outputs:
        size = seen.result.outputs["model"].bytes
        yield {
            **_candidate(seen, seen.result),
            "outputFacets": {"outputStatistics": _facet("outputStatistics", size=size)},
        }
    elif seen.step.step == "release" and facts.get("number") is not None:
        yield _model(facts, seen.inputs.get("train"))


def _dataset(seen: Seen, facts: Mapping[str, Any]) -> dict[str, Any]:
    name = str(facts["dataset"])
    table = {"namespace": "file", "name": f"{seen.place}/{name}", "type": "TABLE"}
    facets = {
        "version": _facet("version", datasetVersion=str(facts["version"])),
        "datasetType": _facet("datasetType", datasetType="TABLE"),
        "symlinks": _facet("symlinks", identifiers=[table]),
    }
    return {"namespace": NAMESPACE, "name": f"data/{name}", "facets": facets}


def _candidate(seen: Seen, trained: Result) -> dict[str, Any]:
    made = trained.outputs.get("model")
    version = made.digest.hex if made else seen.run.id
    facets = {"version": _facet("version", datasetVersion=version), "noria_model": _about_model(trained)}
    facets["datasetType"] = _facet("datasetType", datasetType="MODEL")
    return {"namespace": NAMESPACE, "name": f"candidate/{seen.run.lifecycle}", "facets": facets}


def _model(facts: Mapping[str, Any], trained: Result | None) -> dict[str, Any]:
    facets = {
        "version": _facet("version", datasetVersion=str(facts["number"])),
        "datasetType": _facet("datasetType", datasetType="MODEL"),
    }
    if trained is not None:
        facets["noria_model"] = _about_model(trained, release=facts.get("release"))
    return {"namespace": NAMESPACE, "name": f"model/{facts['model']}", "facets": facets}


def _about_model(trained: Result, release: str | None = None) -> dict[str, Any]:
    facts = trained.facts
    told = {name: facts[name] for name in ("format", "estimator", "params", "metrics") if name in facts}
    return _facet("noria_model", **told, release=release)


def _facet(name: str, /, **fields: Any) -> dict[str, Any]:
    if name in OWN:
        url = f"urn:noria:facet:{name}:1"
    else:
        file, kind = FACETS[name]
        url = f"{SPEC}/facets/{file}#/$defs/{kind}"
    return {"_producer": PRODUCER, "_schemaURL": url, **fields}


def _engine() -> dict[str, Any]:
    return {"processing_engine": _facet("processing_engine", version=noria.__version__, name="noria")}


def _error(message: str | None) -> dict[str, Any]:
    return _facet("errorMessage", message=message or "it failed", programmingLanguage="Python")


def _job(kind: str) -> dict[str, Any]:
    return _facet("jobType", processingType="BATCH", integration="NORIA", jobType=kind)


def _run_uuid(run: Run) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"noria:run:{run.id}:{run.started_at.isoformat()}"))


def _step_uuid(step: StepRun) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"noria:step:{step.run_id}:{step.id}:{step.attempt}"))
