"""From answers that were served to the weights a model learns with: on the way nothing forgets what a row counts."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
from sklearn.linear_model import LogisticRegression

import noria as nr
import projects
from data.steps import Bench
from noria.data import captured, table
from noria.data.table import WEIGHT

SCHEMA = nr.Schema(label="approved", subject="applicant", positive="yes")
ASKED = 600


class Noting(LogisticRegression):
    """Learns as its parent does, and keeps the newest weights and what it made of them."""

    given: ClassVar[list[Any]] = []

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "Noting":
        super().fit(X, y, sample_weight=sample_weight)
        self.given[:] = [None if sample_weight is None else np.asarray(sample_weight), self.coef_]
        return self


def noting(params: dict[str, Any]) -> Any:
    return Noting()


def served(bench: Bench) -> None:
    """Answers about new people; of low scores one in five gets a label, of high ones every one."""
    random = np.random.default_rng(4)
    at = datetime(2026, 1, 1, tzinfo=UTC).isoformat(timespec="microseconds")
    rows, told = [], []
    for n, person in enumerate(projects.rows(ASKED, seed=9, first=50_000).to_dicts()):
        score = 0.05 + 0.9 * n / ASKED
        label, id = person.pop("approved"), f"p{n:05}"
        outputs = {"label": "yes" if score > 0.5 else "no", "probabilities": {"no": 1 - score, "yes": score}}
        rows.append({**dict.fromkeys(captured.PREDICTION), "id": id, "at": at, "version": 1, "variant": "champion",
                     "subject": captured.subject_digest(person["applicant"]), "inputs": json.dumps(person),
                     "outputs": json.dumps(outputs)})  # fmt: skip
        if score > 0.5 or random.random() < 0.2:
            told.append({**dict.fromkeys(captured.FEEDBACK), "prediction": id, "at": at, "label": label, "source": "a"})
    for kind, found, kinds in (("predictions", rows, captured.PREDICTION), ("feedback", told, captured.FEEDBACK)):
        table.append(captured.path(bench.settings, "loans", kind), "x", pl.DataFrame(found, schema=kinds))


def turned(folder: Path, how: str) -> Bench:
    """Learned from a file, and then from that and from what was served, by a policy."""
    source = [nr.Files("inbox/*.csv"), nr.Captured(policy=how)]
    lifecycle = nr.Lifecycle("loans", collect=source, schema=SCHEMA, tune=nr.Tune({}, trials=1))
    lifecycle.train(noting)
    folder.mkdir()
    bench = Bench(folder, lifecycle)
    bench.arrive("1.csv", projects.rows(400))
    bench.upto("preprocess")
    served(bench)
    bench.turn()
    bench.upto("train")
    return bench


def test_a_model_learns_with_the_weights_that_its_rows_were_given(tmp_path: Path) -> None:
    bench = turned(tmp_path / "weights", "weights")
    rows = table.scan(f"{bench.settings.data}/loans", bench.results["collect"].facts["batches"]).collect()
    learned = pl.read_parquet(io.BytesIO(bench.bytes("preprocess", "rows.train.parquet")))
    of = dict(zip(rows["applicant"], rows[WEIGHT].fill_null(1.0), strict=True))
    own = np.array([of[name] for name in learned["applicant"]])
    served_ = np.array([name >= "a050000" for name in learned["applicant"]])
    assert served_.sum() > 100
    assert set(own[~served_]) == {1.0}  # rows of the file count as they are
    seldom, always = own[served_].max(), own[served_].min()
    assert (
        4 < seldom / always <= 10
    )  # about one in five of the low scores has a label, in each tenth of them another share
    weights, coefficients = Noting.given
    np.testing.assert_allclose(weights, own, rtol=1e-6)
    np.testing.assert_allclose(np.load(io.BytesIO(bench.bytes("preprocess", "w.train.npy"))), own, rtol=1e-6)

    turned(tmp_path / "all", "all")
    plain, others = Noting.given
    assert plain is None or set(plain) == {1.0}
    assert others.shape == coefficients.shape
    assert np.abs(others - coefficients).max() > 1e-3, "the weights make no difference to what is learned"
