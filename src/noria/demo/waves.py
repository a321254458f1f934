"""The Adult census data as arrivals: person ids and waves are made from the order of rows, nothing else is invented.

Data: "Adult", Barry Becker and Ronny Kohavi, 1996, UCI Machine Learning Repository, DOI 10.24432/C5XW20, CC BY 4.0.
"""

from pathlib import Path

import numpy as np
import polars as pl

SOURCE = Path(__file__).with_name("adult.parquet")
NUMBERS = ("age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours_per_week")
FIRST = 16_000  # rows of the first wave, as they come
EACH = 4_500  # rows of each label in the second wave, which makes its label share 50/50 instead of 76/24
LIVE = 300  # people of each label who are asked about while the model serves: the world that the second wave announced


def people() -> pl.DataFrame:
    """All rows with numbers as numbers and a person id made from the row's place."""
    frame = pl.read_parquet(SOURCE).with_columns(pl.col(name).cast(pl.Float64) for name in NUMBERS)
    ids = pl.Series("person", [f"person-{place:05d}" for place in range(frame.height)])
    return frame.insert_column(0, ids)


def first(frame: pl.DataFrame) -> pl.DataFrame:
    """The first wave."""
    return frame.head(FIRST)


def second(frame: pl.DataFrame) -> pl.DataFrame:
    """A later wave in which both labels are equally frequent."""
    return _balanced(frame[FIRST:], slice(None, EACH))


def live(frame: pl.DataFrame) -> pl.DataFrame:
    """People in no wave, as many of each label, whose income becomes known after the model was asked."""
    return _balanced(frame[FIRST:], slice(-LIVE, None))


def _balanced(frame: pl.DataFrame, part: slice) -> pl.DataFrame:
    """The same part of the rows of each label, in the frame's order."""
    high = (frame["income"] == ">50K").to_numpy()
    return frame[np.sort(np.concatenate([np.flatnonzero(high)[part], np.flatnonzero(~high)[part]]))]
