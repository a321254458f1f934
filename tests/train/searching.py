"""A program that searches and is killed: ``python searching.py STUDY ARRAYS TRIAL WHERE`` sends itself SIGKILL in that
trial, while it is asked (``ask``), fitted (``fit``) or told (``tell``); with TRIAL -1 it ends and prints what it found
as JSON. Each fit adds a line to ``fits`` beside the study."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from optuna import TrialPruned
from optuna.storages import JournalStorage
from sklearn.linear_model import LogisticRegression

from noria.model.signature import Field, Signature
from noria.train import tune
from noria.train.arrays import Files
from noria.train.config import Tune, choice, loguniform

STUDY, ARRAYS, AT, WHERE = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
SIGNATURE = Signature((Field("x", "number"),), ("no", "yes"), "y", "yes")
NAMES = {"ask": "set_trial_param", "tell": "set_trial_state_values"}
TUNE = Tune({"C": loguniform(1e-4, 1e2), "l1_ratio": choice(0.0, 1.0)}, trials=14, pruner="median")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def model(params: dict[str, Any], trial: Any) -> Any:
    with Path(STUDY).with_name("fits").open("a") as file:
        file.write(f"{trial.number}\n")
    trial.report(params["C"] % 1, step=0)
    if WHERE == "fit" and trial.number == AT:
        die()
    if trial.should_prune():
        raise TrialPruned
    return LogisticRegression(solver="liblinear", **params)


def arm(name: str) -> None:
    """Die before the change of that name is written for the trial: of two parameters, before the second."""
    whole, seen = getattr(JournalStorage, name), []

    def armed(self: Any, trial_id: int, *args: Any, **named: Any) -> Any:
        seen.append(trial_id)
        if trial_id == AT and (name != "set_trial_param" or seen.count(AT) == 2):
            die()
        return whole(self, trial_id, *args, **named)

    setattr(JournalStorage, name, armed)


def main() -> None:
    if WHERE in NAMES:
        arm(NAMES[WHERE])
    files = [
        Files(*(f"{ARRAYS}/X.{name}.npy", False, f"{ARRAYS}/y.{name}.npy", f"{ARRAYS}/w.{name}.npy"))
        for name in ("train", "validation")
    ]
    job = tune.Job(model, "classification", 0, "roc_auc", SIGNATURE, *files, STUDY, TUNE.pruner)
    trials, _ = tune.search(TUNE, job, 3, lambda text, share: None)
    print(json.dumps([one.found() for one in trials]))


main()
