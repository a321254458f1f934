"""A number is predicted, not a label."""

from sklearn.linear_model import Ridge

import noria as nr

diabetes = nr.Lifecycle(
    "diabetes",
    collect="inbox/*.csv",
    schema=nr.Schema(label="progression", task="regression", protected=["sex"], shares=(0.6, 0.2, 0.2)),
    tune=nr.Tune({"alpha": nr.loguniform(1e-2, 1e2)}, trials=8, metric="rmse"),
    analyze=nr.Analyze(rounds=100),
    release=nr.Release(
        gates=[
            nr.at_least("r2", 0.25),
            nr.better_than_champion("rmse"),
            nr.fair("mean_error_difference", max=30),
            nr.calibrated(max=30),
        ]
    ),
)


@diabetes.train
def model(params: dict[str, float]) -> Ridge:
    return Ridge(alpha=params["alpha"])
