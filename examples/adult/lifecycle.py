"""Census data, with bounds on how differently the sexes are treated."""

import lightgbm

import noria as nr

income = nr.Lifecycle(
    "income",
    collect="inbox/*.csv",
    schema=nr.Schema(
        label="income",
        subject="person",
        protected=["sex", "race"],
        positive=">50K",
        drop=["sex", "race", "relationship", "marital_status"],
    ),
    tune=nr.Tune({"num_leaves": nr.choice(7, 15)}, sampler="grid", metric="roc_auc"),
    analyze=nr.Analyze(slices=["education"], rounds=100),
    release=nr.Release(
        gates=[
            nr.at_least("roc_auc", 0.8),
            nr.fair("demographic_parity_difference", max=0.2, on=["sex"]),
            nr.fair("equal_opportunity_difference", max=0.2, on=["sex"]),
        ]
    ),
)


@income.train
def model(params: dict[str, int]) -> lightgbm.LGBMClassifier:
    return lightgbm.LGBMClassifier(n_estimators=60, verbose=-1, n_jobs=1, **params)
