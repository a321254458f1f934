"""Where a step runs: one row a kind of place. Local and Celery start a process on the worker, Kubernetes a pod."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from noria.airflow.exported import Exported
from noria.plan import Step
from noria.pools import file


def operator(step: Step, exported: Exported, command: Sequence[str], *, parts: int = 0, **common: Any) -> Any:
    """The task of a step, or of a command that goes with it.

    Parameters
    ----------
    step
        Whose resources and pool count.
    command
        The words after how noria is started, such as ``("step", "loans-…", "train")``; templates are filled in.
    parts
        0: one task. Otherwise the task is mapped over the parts 1…``parts``, each with ``--shard I`` at the end.
    common
        What every Airflow operator takes: ``task_id``, ``retries``, ``trigger_rule``, …
    """
    return PLACES[runs_on(step, exported)](step, exported, command, parts=parts, **common)


def after_memory(step: Step, exported: Exported) -> Step | None:
    """The step as it is tried in the larger pool once it was out of memory; None if there is no larger one.

    A task of Celery stays in its queue whatever becomes of it, so that another task does the step there. Pods choose
    their pool with each try and need none. Nor does a step that declares no memory: nothing says what is too much.
    """
    if step.resources.memory_mb is None:
        return None
    pool = exported.pool(step)
    name = exported.larger.get(step.resources.pool if pool is None else pool.name)
    if name is None or runs_on(step, exported) == "kubernetes":
        return None
    asked = replace(step.resources, pool=name)
    if pool is not None:
        _, asked = file.from_plain(exported.pools).after_memory(pool, step.resources, 1)
    return replace(step, resources=asked)


def runs_on(step: Step, exported: Exported) -> str:
    """``local``, ``celery`` or ``kubernetes``: as the export says for the step, as its pool says, as for all steps."""
    if step.name in exported.placements:
        return exported.placements[step.name]
    pool = exported.pool(step)
    return (pool.runs_on if pool is not None else "") or exported.executor


def on_worker(step: Step, exported: Exported, command: Sequence[str], *, parts: int = 0, **common: Any) -> Any:
    """A process on the machine of the worker; with Celery, of a worker that takes from the queue of the step's pool."""
    from noria.airflow.step import StepOperator

    words = [*exported.command, *command]
    given: dict[str, Any] = {
        "folder": exported.folder,
        "environment": dict(exported.environment),
        "gates": exported.gates,
        "pages": exported.pages,
        "noria_step": step.name,
        **common,
    }
    if runs_on(step, exported) == "celery":
        pool = exported.pool(step)
        given["queue"] = step.resources.pool if pool is None else pool.queue or pool.name
    if parts:
        commands = [[*words, "--shard", str(index)] for index in range(1, parts + 1)]
        return StepOperator.partial(max_active_tis_per_dagrun=exported.at_once, **given).expand(command=commands)
    return StepOperator(command=words, **given)


def on_kubernetes(step: Step, exported: Exported, command: Sequence[str], *, parts: int = 0, **common: Any) -> Any:
    """A pod on a node of the step's pool."""
    from noria.airflow.pod import pod_operator  # the Kubernetes models take 0.7 s to import: only where they are used

    return pod_operator(step, exported, command, parts=parts, **common)


PLACES: Mapping[str, Callable[..., Any]] = {"local": on_worker, "celery": on_worker, "kubernetes": on_kubernetes}
