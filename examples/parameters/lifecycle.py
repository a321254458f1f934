"""Several labels a row: which of the common parameters a function takes."""

from sklearn.linear_model import LogisticRegression

import noria as nr

parameters = nr.Lifecycle(
    "parameters",
    collect="inbox/*.jsonl",
    schema=nr.Schema(label="parameters", task="multilabel", protected=["library"], shares=(0.6, 0.2, 0.2)),
    tune=nr.Tune({"C": nr.choice(1.0, 10.0)}, sampler="grid", metric="mean_average_precision"),
    analyze=nr.Analyze(rounds=100),
    release=nr.Release(
        gates=[
            nr.at_least("f1_micro", 0.3),
            nr.fair("error_difference", max=0.9, on=["library"]),
            nr.better_than_champion("mean_average_precision"),
        ]
    ),
)


@parameters.train
def model(params: dict[str, float]) -> LogisticRegression:
    return LogisticRegression(C=params["C"], solver="liblinear")
