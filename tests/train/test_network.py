"""A PyTorch module as an estimator: it learns, the same every time, with weights, from CSR, and as its share."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy import sparse
from torch import nn

from noria.errors import UserCodeFailed
from noria.train import fit
from noria.train.network import Torch
from noria.train.trial import RunningTrial


def rows(count: int = 600, seed: int = 0) -> tuple[Any, Any]:
    random = np.random.default_rng(seed)
    X = random.normal(0, 1, (count, 5)).astype(np.float32)
    return X, (X[:, 0] - X[:, 1] + random.normal(0, 0.3, count) > 0).astype(np.int64)


def net(outputs: int = 2) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, outputs))


def trained(outputs: int = 2, y: Any = None, **options: Any) -> Torch:
    X, truth = rows()
    weight = options.pop("weight", None)
    return Torch(net(outputs), **{"epochs": 8, "lr": 0.02, "random_state": 0, **options}).fit(
        X, truth if y is None else y, weight
    )


@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_it_learns_classes(outputs: int) -> None:
    X, y = rows(seed=1)
    found = trained(outputs)
    p = found.predict_proba(X)
    assert p.shape == (600, 2), "a class that training never saw has no column"
    assert p.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (found.predict(X) == y).mean() > 0.85
    assert found.classes_.tolist() == [0, 1]


def test_it_answers_where_its_weights_are_wherever_it_learned() -> None:
    found = trained(2)
    before = found.predict_proba(rows()[0])
    found.device_ = "cuda"  # packing moves the weights of what was learned there
    assert (found.predict_proba(rows()[0]) == before).all()


def test_it_learns_values_and_several_labels() -> None:
    X, y = rows()
    values = trained(1, (X[:, 0] * 2).astype(np.float32), epochs=30)
    assert not hasattr(values, "predict_proba")
    assert np.abs(values.predict(X) - X[:, 0] * 2).mean() < 0.3
    several = trained(2, np.column_stack([y, 1 - y]))
    assert (several.predict(X) == np.column_stack([y, 1 - y])).mean() > 0.9


def test_the_same_seed_gives_the_same_weights_and_another_another() -> None:
    first, same, other = (trained(random_state=seed).predict_proba(rows()[0]) for seed in (0, 0, 1))
    assert (first == same).all()
    assert not (first == other).all()


def test_weights_reach_the_loss() -> None:
    """A row of weight two counts as the row twice, one of weight 0 not at all."""
    X, y = rows()
    weight = np.where(np.arange(600) % 3 == 0, 0, 2).astype(np.float32)
    odd = np.where(np.arange(600) % 3 == 0, 1 - y, y)  # those without weight are wrong
    heavy = trained(y=odd, weight=weight, batch=600)
    plain = Torch(net(), epochs=8, lr=0.02, batch=600, random_state=0).fit(X[weight > 0], y[weight > 0])
    assert heavy.predict_proba(X) == pytest.approx(plain.predict_proba(X), abs=1e-4)


def test_csr_gives_what_dense_rows_give() -> None:
    X, y = rows()
    one = Torch(net(), epochs=2, random_state=0).fit(sparse.csr_matrix(X), y)
    two = Torch(net(), epochs=2, random_state=0).fit(X, y)
    assert (one.predict_proba(sparse.csr_matrix(X)) == two.predict_proba(X)).all()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: trained(3, (rows()[0][:, 0]).astype(np.float32)), "gives 3 numbers a row where 1 are due"),
        (lambda: trained(2, rows()[1] + 2), "gives 2 numbers a row where 4 are due"),
        (lambda: trained(loss=lambda said, y: nn.functional.cross_entropy(said, y)), "one loss a row"),
    ],
)
def test_what_does_not_fit_is_one_sentence(make: Any, said: str) -> None:
    with pytest.raises(UserCodeFailed, match=said):
        make()


def test_a_module_that_is_returned_is_trained_and_its_first_weights_are_seeded() -> None:
    made = [fit.make(lambda params: nn.Linear(5, params["out"]), {"out": 2}, "classification", 7) for _ in range(2)]
    assert [type(one).__name__ for one in made] == ["Torch", "Torch"]
    assert made[0].random_state == 7
    assert (made[0].module.weight == made[1].module.weight).all()


def test_a_function_of_two_parameters_gets_the_trial() -> None:
    seen = []

    def model(params: Any, trial: RunningTrial) -> Any:
        seen.append((trial.number, trial.should_prune()))
        return nn.Linear(5, 2)

    fit.make(model, {}, "classification", 0, trial=RunningTrial(4, {}))
    assert seen == [(4, False)]
