"""Tune: a study of candidates on the validation split."""

import resource
import time
from typing import Any

import optuna

from noria.errors import UserCodeFailed
from noria.model.signature import Signature
from noria.stats.metrics import METRICS, default
from noria.store.attempt import Attempt
from noria.train import fit, space

FORMAT = 1
USES = {
    "preprocess": tuple(
        f"{name}.{split}.{end}" for split in ("train", "validation") for name in "Xyw" for end in ("npy", "npz")
    )
    + ("signature.json",)
}


def run(attempt: Attempt) -> None:
    """Try candidates, keep every trial, choose the best."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    tune, schema = attempt.config, attempt.schema
    metric = tune.metric or default(schema.task)
    signature = Signature.from_json(attempt.read_json("preprocess", "signature.json"))
    training, validation = fit.part(attempt, "train"), fit.part(attempt, "validation")
    count = space.size(tune)
    trials: list[dict[str, Any]] = []

    def objective(trial: optuna.Trial) -> float:
        attempt.progress(f"trial {trial.number + 1} of {count}", trial.number / count)
        began = time.perf_counter()
        params = space.suggest(trial, tune.space)
        made = fit.make(attempt.functions.get("train"), params, schema.task, attempt.seed)
        value = fit.measure(fit.fit(made, training, params), validation, signature, metric)
        trial.set_user_attr("seconds", time.perf_counter() - began)
        trial.set_user_attr("memory_mb", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return value

    study = optuna.create_study(
        direction="maximize" if METRICS[metric].larger_is_better else "minimize",
        sampler=space.sampler(tune, attempt.seed),
    )
    study.optimize(objective, n_trials=count, n_jobs=tune.workers, timeout=tune.timeout_s)
    for one in study.trials:
        trials.append({"number": one.number, "params": one.params, "value": one.value, "state": one.state.name.lower(),
                       **one.user_attrs})  # fmt: skip
    if not any(one["state"] == "complete" for one in trials):
        raise UserCodeFailed(
            f"no trial gave a {metric}",
            where=f"{len(trials)} trials",
            do=f"See that {metric} is defined on the validation split and that the estimator predicts numbers.",
        )
    attempt.save_json("study.json", {"metric": metric, "sampler": tune.sampler, "trials": trials})
    attempt.facts.update(params=dict(study.best_params), metric=metric, value=study.best_value, trials=len(trials))
