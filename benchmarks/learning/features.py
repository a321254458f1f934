"""Features on disk as the preprocess step leaves them, and a search on them in a process of its own."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from noria.model.signature import Field, Signature
from noria.train.arrays import Files, chunks

SIGNATURE = Signature((Field("x", "number"),), ("no", "yes"), "y", "yes")
PROGRAM = """
import sys, time
from pathlib import Path
from benchmarks.learning import features
folder, workers, trials, kind = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
import noria.train.tune  # a step has its libraries loaded when it begins
if __name__ == "__main__":
    began = time.perf_counter()
    features.search(folder, workers, trials, kind)
    (folder / "took").write_text(str(time.perf_counter() - began))
"""


@contextmanager
def folder(rows: int, columns: int) -> Iterator[Path]:
    """A folder with the arrays of a training and a validation split, a tenth as large."""
    with TemporaryDirectory(prefix="noria-bench-learning-") as name:
        for split, count in (("train", rows), ("validation", rows // 10)):
            _write(Path(name), split, count, columns)
        yield Path(name)


def files(where: Path, split: str) -> Files:
    return Files(*(str(where / f"X.{split}.npy"), False, str(where / f"y.{split}.npy"), str(where / f"w.{split}.npy")))


def search(where: Path, workers: int, trials: int, kind: str) -> None:
    """Trials of gradient boosting, or of a linear model that copies nothing; each on one thread."""
    from noria.train import fit, tune
    from noria.train.config import Tune, integer

    study = str(where / f"study-{workers}.log")
    how = Tune({"seed": integer(1, trials)}, sampler="random", trials=trials, workers=workers)
    function = {"boosting": _boosting, "linear": _linear}[kind]
    splits = files(where, "train"), files(where, "validation")
    one_thread = fit.How(threads=1)
    job = tune.Job(function, "classification", 0, "roc_auc", SIGNATURE, *splits, study, None, one_thread)
    found, kept = tune.search(how, job, 0, lambda text, share: None)
    assert all(one.state == "complete" for one in found), found[0].message
    kept.finish()


def command(where: Path, workers: int, trials: int, kind: str) -> list[str]:
    return [sys.executable, "-c", PROGRAM, str(where), str(workers), str(trials), kind]


def _boosting(params: dict[str, int]) -> object:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=60, n_jobs=1, verbose=-1, random_state=params["seed"])


def _linear(params: dict[str, int]) -> object:
    from sklearn.linear_model import SGDClassifier

    return SGDClassifier(loss="log_loss", max_iter=1, tol=None, random_state=params["seed"])


def _write(where: Path, split: str, count: int, columns: int) -> None:
    random = np.random.default_rng(len(split))
    features = np.lib.format.open_memmap(where / f"X.{split}.npy", "w+", np.float32, (count, columns))
    labels = np.empty(count, np.int64)
    for part in chunks(count):
        features[part] = random.standard_normal((part.stop - part.start, columns), dtype=np.float32)
        labels[part] = features[part][:, 0] + features[part][:, 1] > random.standard_normal(part.stop - part.start)
    features.flush()
    np.save(where / f"y.{split}.npy", labels)
    np.save(where / f"w.{split}.npy", np.ones(count, np.float32))
