"""Handwritten digits, pixel by pixel."""

from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import MinMaxScaler

import noria as nr

digits = nr.Lifecycle(
    "digits",
    collect="inbox/*.csv",
    schema=nr.Schema(label="digit"),
    tune=nr.Tune({"width": nr.choice(16, 32)}, sampler="grid", metric="accuracy"),
    analyze=nr.Analyze(rounds=100),
    release=nr.Release(gates=[nr.at_least("accuracy", 0.9)]),
)


@digits.preprocess
def pixels() -> MinMaxScaler:
    return MinMaxScaler()


@digits.train
def model(params: dict[str, int]) -> MLPClassifier:
    return MLPClassifier((params["width"],), max_iter=150, early_stopping=True)
