"""Texts: each sentence is the mean of its words' vectors."""

from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression

import noria as nr

sentences = nr.Lifecycle(
    "sentences",
    collect=nr.Files("inbox/*.csv", text=["sentence"]),
    schema=nr.Schema(label="library", subject="object"),
    tune=nr.Tune({"C": nr.choice(1.0, 30.0)}, sampler="grid", metric="accuracy"),
    analyze=nr.Analyze(rounds=100),
    release=nr.Release(gates=[nr.at_least("accuracy", 0.6)]),
)


@sentences.preprocess
def meaning() -> ColumnTransformer:
    return ColumnTransformer([("words", nr.TokenVectors(100, min_count=2), ["sentence"])])


@sentences.train
def model(params: dict[str, float]) -> LogisticRegression:
    return LogisticRegression(C=params["C"], max_iter=500)
