"""Tune: the parameters that do best on the validation split."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from noria.errors import BadInput, BadLifecycle, UserCodeFailed
from noria.model.signature import Signature
from noria.stats.metrics import METRICS, default
from noria.store import runs
from noria.store.attempt import Attempt, Effect
from noria.train import fit, tune
from noria.train.arrays import files
from noria.train.config import Train, Tune
from noria.train.shared import Shared
from noria.train.studies import file_of
from noria.train.trial import Trial

FORMAT = 3
ARRAYS = tuple(f"{name}.{split}.{end}" for split in ("train", "validation") for name in "Xyw" for end in ("npy", "npz"))
USES = {"preprocess": (*ARRAYS, "signature.json")}


def run(attempt: Attempt) -> None:
    """Search, keep every trial, choose the best."""
    config, task = attempt.config, attempt.schema.task
    metric = config.metric or default(task)
    if METRICS[metric].task != task:
        raise BadLifecycle(f"{metric} is no metric of {task}", where="Tune", do=f"Use for example {default(task)}.")
    job = _job(attempt, config, metric)
    _check_defined(job)
    trials, forget = _searched(attempt, config, job)
    chosen = tune.best(trials, config, metric)
    tried = [one for one in trials if one.state != "infeasible"]
    if chosen is None:
        with attempt.store.begin() as c:
            forget(c)  # what made them fail may be gone next time
        first = tried[0].message if tried else "no trial was made"
        raise UserCodeFailed(
            f"none of {len(tried)} trials has a result; the first said: {first}",
            where="tune",
            do="Correct the train function, the space or the metric.",
        )
    found = [trial.found() for trial in trials]
    attempt.save_json("study.json", {"metric": metric, "sampler": config.sampler, "trials": found})
    attempt.save_json("costs.json", [trial.cost() for trial in trials])
    attempt.facts.update(params=dict(chosen.params), metric=metric, value=chosen.value, trials=len(tried))
    attempt.commit_with(forget)


def part(attempt: Attempt) -> None:
    """One worker of a search that several machines share: it tries candidates until none is left to be started."""
    config, metric = attempt.config, attempt.config.metric or default(attempt.schema.task)
    job = _job(attempt, config, metric)
    _check_defined(job)
    job = replace(job, how=replace(how(attempt), threads=max(1, int(attempt.step.resources.cpu))))
    attempt.facts["trials"] = tune.share(config, job, _shared(attempt, config, metric), attempt.progress)


def _searched(attempt: Attempt, config: Tune, job: tune.Job) -> tuple[list[Trial], Effect]:
    """All trials, and what forgets the search; where parts have begun it, what they left undone is done here."""
    if not Shared.begun(attempt.store, _name(attempt)):
        trials, study = tune.search(config, job, attempt.seed, attempt.progress)
        return trials, lambda connection: study.finish()
    shared = _shared(attempt, config, job.metric)
    tune.share(config, job, shared, attempt.progress)
    return sorted(shared.done(), key=lambda one: one.number), shared.forget


def _shared(attempt: Attempt, config: Tune, metric: str) -> Shared:
    direction = tune.direction_of(config, metric)
    return Shared(
        attempt.store, _name(attempt), config, direction, attempt.seed, attempt.part, max(1, attempt.step.shards)
    )


def _name(attempt: Attempt) -> str:
    """What the search is called where it is shared: it belongs to one run, whatever happens to its steps."""
    return f"{attempt.run_id}/{attempt.step.name}"


def study_file(attempt: Attempt) -> Path:
    """Where the trials are while the search goes on, and for who wants to see them later; one a fingerprint."""
    with attempt.store.read() as c:
        fingerprint = runs.step(c, attempt.run_id, attempt.step.name, 0).fingerprint
    if fingerprint is None:  # a step done by itself, outside a run that knows what it computes
        return attempt.scratch / "study.log"
    return file_of(attempt.settings.home, attempt.lifecycle, fingerprint)


def how(attempt: Attempt, workers: int = 1) -> fit.How:
    """How candidates are fitted: each worker has its part of the cores and of the declared memory."""
    declared = attempt.config_of("train") or Train()
    memory_mb = attempt.step.resources.memory_mb
    return fit.How(
        threads=max(1, fit.CORES // workers),
        batches=declared.batches,
        epochs=declared.epochs,
        memory_mb=None if memory_mb is None else memory_mb // workers,
    )


def _job(attempt: Attempt, config: Tune, metric: str) -> tune.Job:
    return tune.Job(
        function=attempt.functions.get("train"),
        task=attempt.schema.task,
        seed=attempt.seed,
        metric=metric,
        signature=Signature.of(attempt.read_json("preprocess", "signature.json")),
        train=files(attempt, "train"),
        validation=files(attempt, "validation"),
        study=str(study_file(attempt)),
        pruner=config.pruner,
        how=how(attempt, config.workers),
    )


def _check_defined(job: tune.Job) -> None:
    """A metric that even the truth itself does not have is not worth a search."""
    y = np.load(job.validation.labels)
    if np.isnan(METRICS[job.metric].of(y, _truth(y, job.signature))):
        only = f": all its {len(y):,} rows have the same label" if len(np.unique(y)) == 1 else ""
        raise BadInput(
            f"{job.metric} is undefined on the validation split{only}",
            where="tune",
            do="Collect more rows, or use another metric, such as Tune(metric='accuracy').",
        )


def _truth(y: Any, signature: Signature) -> Any:
    if signature.classes is None or y.ndim == 2:
        return y.astype(np.float32)
    return np.eye(len(signature.classes), dtype=np.float32)[y]
