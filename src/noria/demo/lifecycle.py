"""The demo's lifecycle: who earns more than 50,000 dollars a year, from census data that arrive in waves."""

from sklearn.linear_model import LogisticRegression

import noria as nr

HIDDEN: list[str] = []  # the demo's story changes this line: features the model may not see

income = nr.Lifecycle(
    "income",
    collect="inbox/*.parquet",
    schema=nr.Schema(label="income", subject="person", protected=["sex", "race"], positive=">50K", drop=HIDDEN),
    validate=nr.Validate(label_shift=0.1, on_shift="stop"),
    tune=nr.Tune({"C": nr.loguniform(1e-3, 1e1)}, trials=6, metric="roc_auc"),
    analyze=nr.Analyze(slices=["education", "occupation"], sensitivity=0.01),
    release=nr.Release(
        gates=[
            nr.better_than_champion("roc_auc", margin=0.05),
            nr.fair("demographic_parity_difference", max=0.28, on=["sex"]),
        ]
    ),
    serve=nr.Serve(champion=90, challenger=10),
)


@income.train
def model(params: dict[str, float]) -> LogisticRegression:
    return LogisticRegression(C=params["C"], max_iter=300)
