"""``python -m benchmarks.learning.steps FOLDER (noria | by hand)``: one preprocessing, timed into the file ``took``."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import numpy as np
import polars as pl

from benchmarks.data import reference

KINDS = ["kind0", "kind1", "kind2"]
NUMBERS = [f"normal{i}" for i in range(6)] + [f"skewed{i}" for i in range(4)] + ["count", "percent", "units", "age"]


@contextmanager
def prepared(rows: int) -> Iterator[Path]:
    """A folder in which the first two steps of a run are done."""
    with TemporaryDirectory(prefix="noria-bench-preprocess-") as name:
        folder = Path(name)
        reference.table(rows).select(*NUMBERS, *KINDS, "flag", "who", "label").write_parquet(folder / "rows.parquet")
        yield folder


def transformer() -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    return ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), [*NUMBERS, "flag"]),
            ("kinds", OneHotEncoder(handle_unknown="ignore", sparse_output=False), KINDS),
        ]
    )


def by_hand(folder: Path) -> None:
    """Read, split, fit on the training part, transform each, save as float32."""
    frame = pl.read_parquet(folder / "rows.parquet")
    part = frame["who"].hash(0) % 10
    made = transformer()
    for name, chosen in (("train", part < 7), ("validation", part == 7), ("analysis", part > 7)):
        rows = frame.filter(chosen)
        raw = rows.drop("who", "label").to_pandas()
        if name == "train":
            made.fit(raw)
        np.save(folder / f"X.{name}.npy", np.ascontiguousarray(made.transform(raw), dtype=np.float32))
        np.save(folder / f"y.{name}.npy", (rows["label"] == "yes").cast(pl.Int64).to_numpy())
        rows.write_parquet(folder / f"{name}.parquet")


def main(folder: Path, how: str) -> None:
    if how == "by hand":
        import pandas  # noqa: F401 - both sides are timed with their libraries loaded
        import sklearn.compose  # noqa: F401

        began = time.perf_counter()
        by_hand(folder)
    else:
        on = _bench(folder)
        began = time.perf_counter()
        on.do("preprocess")
    (folder / "took").write_text(str(time.perf_counter() - began))


def _bench(folder: Path) -> Any:
    """The first two steps done, outside what is timed."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
    import noria as nr
    import noria.preprocess.step  # as above
    from data.steps import Bench  # type: ignore[import-not-found]  # steps without a runner, as the tests do them

    source = nr.Lifecycle("bench", collect=str(folder / "rows.parquet"), schema=nr.Schema(label="label", subject="who"))
    source.preprocess(transformer)
    on = Bench(Path(mkdtemp(dir=folder)), source)
    on.do("collect")
    on.do("validate")
    return on


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
