"""XGBoost and PyTorch by the same two functions as scikit-learn; searches that prune."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.linear_model import SGDClassifier
from torch import nn
from xgboost import XGBClassifier

import noria as nr
from noria.errors import BadInput
from noria.train.config import Train, Tune, choice
from train.test_step import bench


def boosted(params: dict[str, Any]) -> Any:
    return XGBClassifier(n_estimators=20, max_depth=params["depth"])


def network(params: dict[str, Any]) -> Any:
    return nr.Torch(nn.Sequential(nn.LazyLinear(16), nn.ReLU(), nn.Linear(16, 2)), epochs=params["epochs"], lr=0.01)


@pytest.mark.parametrize(
    ("function", "space", "kind"),
    [(boosted, {"depth": choice(2, 3)}, "xgboost"), (network, {"epochs": choice(3, 6)}, "torch")],
)
def test_a_framework_goes_from_data_to_a_package_of_its_own_format(
    tmp_path: Path, function: Any, space: Any, kind: str
) -> None:
    on = bench(tmp_path, function, tune=Tune(space, sampler="grid"))
    on.lifecycle.options["train"] = Train(onnx=False)
    facts = on.upto("train").facts
    assert facts["format"] == kind
    assert facts["metrics"]["roc_auc"] == pytest.approx(on.results["tune"].facts["value"], abs=1e-5)
    first = on.results["train"].outputs["model"].digest
    assert on.do("train").outputs["model"].digest == first


def trees(params: dict[str, Any]) -> Any:
    return LGBMClassifier(n_estimators=20, num_leaves=4, learning_rate=params["rate"], verbose=-1)


def xgb_trees(params: dict[str, Any]) -> Any:
    return XGBClassifier(n_estimators=20, max_depth=2, learning_rate=params["rate"])


def wide(params: dict[str, Any]) -> Any:
    return nr.Torch(nn.Sequential(nn.LazyLinear(2)), epochs=8, lr=params["rate"])


def line(params: dict[str, Any]) -> Any:
    return SGDClassifier(loss="log_loss", learning_rate="constant", eta0=params["rate"])


TOO_SLOW = (0.3, 0.2, 0.25, 0.15, 0.1, 1e-9, 1e-8)
TOO_FAST = (1e-3, 2e-3, 3e-3, 4e-3, 5e-3, 50.0, 80.0)


@pytest.mark.parametrize(
    ("function", "rates"), [(trees, TOO_SLOW), (xgb_trees, TOO_SLOW), (wide, TOO_SLOW), (line, TOO_FAST)]
)
def test_what_learns_step_by_step_reports_by_itself_and_can_be_pruned(
    tmp_path: Path, function: Any, rates: tuple[float, ...]
) -> None:
    on = bench(
        tmp_path, function, tune=Tune({"rate": choice(*rates)}, sampler="grid", pruner="median", metric="log_loss")
    )
    on.lifecycle.options["train"] = Train(batches=40, epochs=5)
    on.upto("tune")
    trials = on.json("tune", "study.json")["trials"]
    assert {one["state"] for one in trials} == {"complete", "pruned"}
    assert all(len(one["reported"]) > 1 for one in trials if one["state"] == "complete")
    assert all(one["value"] is None and "not promising" in one["message"] for one in trials if one["state"] == "pruned")


def test_a_metric_that_no_model_has_on_the_validation_split_is_said_before_any_trial(tmp_path: Path) -> None:
    on = bench(tmp_path)
    on.upto("preprocess")
    attempt = on.attempt("tune")
    path = attempt.open("preprocess", "y.validation.npy")
    np.save(tmp_path / "y.npy", np.zeros_like(np.load(path)))
    attempt.save_file("y.validation.npy", tmp_path / "y.npy")
    outputs = {**attempt.inputs["preprocess"].outputs, **attempt.outputs}
    on.results["preprocess"] = type(attempt.inputs["preprocess"])(attempt.inputs["preprocess"].facts, outputs)
    with pytest.raises(BadInput, match=r"roc_auc is undefined on the validation split: all its .* the same label"):
        on.do("tune")
