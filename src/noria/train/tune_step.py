"""Tune: the parameters that do best on the validation split."""

from noria.errors import BadLifecycle, UserCodeFailed
from noria.model.signature import Signature
from noria.stats.metrics import METRICS, default
from noria.store.attempt import Attempt
from noria.train import fit, tune

FORMAT = 2
ARRAYS = tuple(f"{name}.{split}.{end}" for split in ("train", "validation") for name in "Xyw" for end in ("npy", "npz"))
USES = {"preprocess": (*ARRAYS, "signature.json")}


def run(attempt: Attempt) -> None:
    """Search, keep every trial, choose the best."""
    config, task = attempt.config, attempt.schema.task
    metric = config.metric or default(task)
    if METRICS[metric].task != task:
        raise BadLifecycle(f"{metric} is no metric of {task}", where="Tune", do=f"Use for example {default(task)}.")
    job = tune.Job(
        function=attempt.functions.get("train"),
        task=task,
        seed=attempt.seed,
        metric=metric,
        signature=Signature.of(attempt.read_json("preprocess", "signature.json")),
        train=fit.files(attempt, "train"),
        validation=fit.files(attempt, "validation"),
    )
    trials = tune.search(config, job, attempt.seed, attempt.progress)
    chosen = tune.best(trials, config, metric)
    if chosen is None:
        first = trials[0].message if trials else "no trial was made"
        raise UserCodeFailed(
            f"none of {len(trials)} trials has a result; the first said: {first}",
            where="tune",
            do="Correct the train function, the space or the metric.",
        )
    found = [trial.found() for trial in trials]
    attempt.save_json("study.json", {"metric": metric, "sampler": config.sampler, "trials": found})
    attempt.save_json("costs.json", [trial.cost() for trial in trials])
    attempt.facts.update(params=dict(chosen.params), metric=metric, value=chosen.value, trials=len(trials))
