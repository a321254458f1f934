"""Lists become one feature a value, names one a letter."""

import lightgbm
from sklearn.compose import ColumnTransformer

import noria as nr

functions = nr.Lifecycle(
    "functions",
    collect="inbox/*.csv",
    schema=nr.Schema(label="library"),
    tune=nr.Tune({"num_leaves": nr.choice(7, 15)}, sampler="grid", metric="accuracy"),
    analyze=nr.Analyze(rounds=100),
    release=nr.Release(gates=[nr.at_least("accuracy", 0.7)]),
)


@functions.preprocess
def features() -> ColumnTransformer:
    return ColumnTransformer(
        [
            ("parameters", nr.MultiHot(min_count=3, unseen="count"), ["parameters"]),
            ("letters", nr.CharIndices(16), ["name"]),
        ]
    )


@functions.train
def model(params: dict[str, int]) -> lightgbm.LGBMClassifier:
    return lightgbm.LGBMClassifier(n_estimators=60, verbose=-1, n_jobs=1, **params)
