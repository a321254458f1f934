"""A PyTorch module as the model; module and scaling become one ONNX graph."""

from typing import Any

from sklearn.preprocessing import StandardScaler
from torch import nn

import noria as nr

wines = nr.Lifecycle(
    "wines",
    collect="inbox/*.csv",
    schema=nr.Schema(label="cultivar", shares=(0.6, 0.2, 0.2)),
    tune=nr.Tune({"width": nr.choice(8, 16)}, sampler="grid", metric="accuracy"),
    analyze=nr.Analyze(rounds=100),
    release=nr.Release(gates=[nr.at_least("accuracy", 0.8)]),
)


@wines.preprocess
def features() -> StandardScaler:
    return StandardScaler()


@wines.train
def model(params: dict[str, Any]) -> nr.Torch:
    layers = nn.Sequential(nn.LazyLinear(params["width"]), nn.ReLU(), nn.Linear(params["width"], 3))
    return nr.Torch(layers, epochs=40, batch=16, lr=0.01)
