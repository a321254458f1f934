"""A plan becomes a DAG: one task per step, named like the step, and what Airflow needs around them."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Asset

from noria.airflow import placement
from noria.airflow.exported import Exported, read, run_id
from noria.airflow.outcome import RETRIES
from noria.plan import PREPARES, Plan, Resources, Step, dataset_uri

RUN = "{{ noria_run(dag.dag_id, run_id) }}"  # the noria run of this Airflow run
BEGAN = datetime(2024, 1, 1, tzinfo=UTC)  # nothing is caught up: it only has to be past
DOES: Mapping[str, str] = {
    "collect": "What has arrived becomes batches, and with them the next dataset version.",
    "validate": "Holds the new batches against the schema and the data before: may they go on?",
    "preprocess": "Fits the transformer on the training split and transforms every split.",
    "tune": "Searches the parameters that do best on the validation split.",
    "train": "Fits the candidate with the best parameters.",
    "analyze": "What the candidate does, and to whom: slices, fairness, sensitivity.",
    "release": "Lets every gate judge: may the candidate replace the champion?",
    "deploy": "Gives the released version its share of the traffic.",
    "feedback": "Joins the labels that came in to the predictions they belong to.",
}
PARTS: Mapping[str, str] = {
    "validate": "profiles",
    "preprocess": "parts",
    "tune": "trials",
}  # how mapped tasks are named


def dag(plan: Path) -> DAG:
    """The DAG of an exported lifecycle.

    Parameters
    ----------
    plan
        The JSON file that ``noria airflow export`` wrote beside the DAG file.

    Raises
    ------
    ValueError
        If the file cannot be used, for example because it is of a newer format: Airflow shows it as an import error.
    """
    return build(read(plan))


def sweep(plan: Path) -> DAG | None:
    """The DAG that looks, on a timer, for what arrived and started no run; None if none was asked for."""
    exported = read(plan)
    if not exported.sweep:
        return None
    asset = Asset(name=dataset_uri(exported.plan.lifecycle), uri=dataset_uri(exported.plan.lifecycle))
    with _dag(exported, f"{exported.dag_id}_sweep", schedule=exported.sweep, doc=SWEEPS) as made:
        placement.operator(
            Step("sweep"), exported, ["airflow", "sweep", exported.digest], task_id="sweep", outlets=[asset]
        )
    return made


SWEEPS = "Starts a run for what arrived and whose event was lost. Its task is skipped while there is nothing."


def build(exported: Exported) -> DAG:
    """The DAG of an export."""
    plan = exported.plan
    with _dag(exported, exported.dag_id, schedule=_schedule(exported), doc=_about(exported)) as made:
        begin = _begin(exported)
        ends: dict[str, Any] = {}  # by step word: the task after which it is done
        for step in plan.in_order():
            first, last = _tasks(step, exported)
            for before in [ends[word] for word in step.needs] or [begin]:
                before >> first
            ends[step.name] = last
        leaves = [ends[step.name] for step in plan.steps if not plan.after(step.name)]
        leaves >> _end(exported)
    return made


def _dag(exported: Exported, id: str, *, schedule: Any, doc: str) -> DAG:
    return DAG(
        dag_id=id,
        schedule=schedule,
        start_date=BEGAN,
        catchup=False,
        max_active_runs=1,  # the wheel turns once at a time; what arrives meanwhile is in the next turn
        doc_md=doc,
        tags=["noria"],
        user_defined_macros={"noria_run": partial(run_id, exported.plan.lifecycle)},
        default_args={
            "retries": exported.retries,
            "retry_delay": timedelta(seconds=5),
            "retry_policy": RETRIES,
        },
    )


def _schedule(exported: Exported) -> Any:
    uri = dataset_uri(exported.plan.lifecycle)
    if not exported.cron:
        return [Asset(name=uri, uri=uri)] if exported.assets else None
    if not exported.assets:
        return exported.cron
    from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable

    timetable = CronTriggerTimetable(exported.cron, timezone="UTC")
    return AssetOrTimeSchedule(timetable=timetable, assets=[Asset(name=uri, uri=uri)])


def _begin(exported: Exported) -> Any:
    words = ["airflow", "begin", exported.digest, "--dag", "{{ dag.dag_id }}", "--run", "{{ run_id }}"]
    words += ["--because", "{{ dag_run.run_type }}", "--conf", "{{ dag_run.conf | tojson }}"]
    doc = "Opens the noria run of this Airflow run; skipped if another one has taken what there is to do."
    return placement.operator(Step("begin"), exported, words, task_id="begin", doc_md=doc)


def _end(exported: Exported) -> Any:
    doc = "Closes the noria run as what it came to: done, stopped by a gate, rejected by a person, or failed."
    words = ["airflow", "end", RUN]
    return placement.operator(Step("end"), exported, words, task_id="end", trigger_rule="all_done", doc_md=doc)


def _tasks(step: Step, exported: Exported) -> tuple[Any, Any]:
    """The tasks of one step, the first and the last."""
    words = ["step", RUN, step.name, "--wait", "90"]
    larger = placement.after_memory(step, exported)
    hands_on = {} if larger is None else {"hands_on": True}
    own = placement.operator(step, exported, words, task_id=step.name, doc_md=_doc(step), **hands_on)
    first = last = own
    if larger is not None:
        last = _in_larger(own, larger, exported, words)
    if step.shards > 1:
        what = PARTS.get(step.name, "parts")
        doc = f"{step.shards} parts of {step.name}; what they leave, {step.name} puts together."
        first = placement.operator(step, exported, words, parts=step.shards, task_id=f"{step.name}_{what}", doc_md=doc)
        first >> own
        if step.name in PREPARES:
            parts = first
            doc = f"What the parts of {step.name} start from."
            first = placement.operator(
                step, exported, [*words, "--prepare"], task_id=f"{step.name}_{PREPARES[step.name]}", doc_md=doc
            )
            first >> parts
    if step.name == "release" and step.config.get("approval") == "person":
        from noria.airflow.approve import approval

        last = approval(last, step, exported)
    return first, last


def _in_larger(own: Any, larger: Step, exported: Exported, words: list[str]) -> Any:
    """The task that does a step again in the larger pool; at once done itself if the step is."""
    asked = larger.resources
    more = ["--memory-mb", str(asked.memory_mb)] if asked.memory_mb else []
    again = placement.operator(
        larger,
        exported,
        [*words, *more],
        task_id=f"{larger.name}_in_{asked.pool}",
        trigger_rule="none_failed",
        takes_over=own.task_id,
        doc_md=f"Does {larger.name} in pool {asked.pool} if it was out of memory in its own.",
    )
    own >> again
    return again


def _doc(step: Step) -> str:
    asked = step.resources
    wants = [f"{asked.cpu:g} CPU", *([f"{asked.memory_mb:,} MiB"] if asked.memory_mb else [])]
    wants += [f"{asked.gpu} GPU"] if asked.gpu else []
    settings = {name: value for name, value in step.config.items() if name != "schema"}
    shown = json.dumps(settings, indent=1, sort_keys=True, default=str)
    about = DOES.get(step.name, step.name)
    return f"{about}\n\nAsks for {', '.join(wants)} in pool `{asked.pool}`.\n\n```json\n{shown[:4000]}\n```"


def _about(exported: Exported) -> str:
    plan: Plan = exported.plan
    starts = [f"events of `{dataset_uri(plan.lifecycle)}`"] if exported.assets else []
    starts += [f"time: `{exported.cron}` UTC"] if exported.cron else []
    pools = sorted({step.resources.pool for step in plan.steps if step.resources != Resources()})
    return (
        f"The lifecycle **{plan.lifecycle}**, exported by noria from `{plan.entry}`.\n\n"
        f"Started by {' and '.join(starts) or 'hand'}. Steps run on {exported.executor}"
        f"{', pools ' + ', '.join(pools) if pools else ''}. "
        f"Code bundle `{plan.bundle[:12]}`, plan `{exported.digest[:12]}`."
    )
