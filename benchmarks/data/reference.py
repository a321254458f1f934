"""The reference table: rows of 22 columns of all kinds, seeded, as Parquet."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from noria.data.schema import Schema

SCHEMA = Schema(label="label", subject="who", time="at", protected=["flag"], positive="yes")
COLUMNS = 22
BEGIN_US = 1_735_689_600_000_000  # 2025
DAY_US = 86_400_000_000


def table(rows: int, seed: int = 0) -> pl.DataFrame:
    """Ten floats, four integers, four categories, a truth value, a time, a subject, a label."""
    random = np.random.default_rng(seed)
    columns: dict[str, object] = {f"normal{i}": random.normal(50 * i, 10 + i, rows) for i in range(6)}
    for i in range(4):
        columns[f"skewed{i}"] = np.where(random.random(rows) < 0.02, np.nan, random.lognormal(i, 1, rows).round(2))
    columns["count"] = random.poisson(3, rows)
    columns["percent"] = random.integers(0, 101, rows)
    columns["units"] = random.integers(0, 10**6, rows).astype(np.int32)
    columns["age"] = random.integers(18, 90, rows).astype(np.int16)
    for i, kinds in enumerate((3, 12, 50, 1000)):
        columns[f"kind{i}"] = pl.Series([f"value {n:04d}" for n in range(kinds)])[random.integers(0, kinds, rows)]
    columns["flag"] = random.random(rows) < 0.3
    columns["at"] = pl.Series(BEGIN_US + np.sort(random.integers(0, 90 * DAY_US, rows))).cast(pl.Datetime("us"))
    columns["who"] = pl.Series(np.arange(rows) + seed * 10**8).cast(pl.String)
    columns["label"] = pl.Series(["no", "yes"])[(random.random(rows) < 0.5).astype(np.int64)]
    made = pl.DataFrame(columns)
    assert made.width == COLUMNS
    return made.with_columns(pl.col(f"skewed{i}").fill_nan(None) for i in range(4))


@contextmanager
def files(rows: int, count: int = 1, *, seed: int = 0) -> Iterator[list[Path]]:
    """Parquet files of that many rows each; gone afterwards."""
    with TemporaryDirectory(prefix="noria-bench-data-") as folder:
        paths = [Path(folder) / f"{n}.parquet" for n in range(count)]
        for n, path in enumerate(paths):
            table(rows, seed + n).write_parquet(path)
        yield paths
