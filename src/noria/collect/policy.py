"""Which answers that were served are learned from, and how much each counts: so that a model does not learn from the
world only what its own decisions let it see.

Weights are inverse propensities (Horvitz and Thompson 1952; of selective labels, Lakkaraju et al. 2017): among a
version's answers with about the same score, the share that has a label tells how rarely such a label is seen.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from noria.collect.config import Captured
from noria.data import explore
from noria.data.table import VARIANT, VERSION, WEIGHT

BINS = 10
FEWEST = 20  # answers of a bin whose share is believed; of fewer, that of the version is taken
SALT = "sample"
DIGITS = 6
TRUE = ("true", "1", "yes")
SCORE = r".*:\s*(-?[0-9][-+0-9.eE]*)"  # the last number: the favourable class's probability, or the value


def kept(rows: pl.DataFrame, source: Captured) -> pl.DataFrame:
    """The labelled answers that may be learned from."""
    if source.policy == "exclude":
        return rows.clear()
    if source.policy == "exploration":
        rows = rows.filter(_chance_decided(rows, source.explored))
    if source.consent is not None:
        rows = rows.filter(_says(rows, source.consent))
    if source.without:
        told = rows["sources"].list.eval(pl.element().is_in(list(source.without))).list.any()
        rows = rows.filter(~told)
    if source.share < 1:
        who = rows.select(pl.coalesce("subject", "id")).to_series()
        rows = rows.filter(pl.Series([explore.point(one, SALT) < source.share for one in who], dtype=pl.Boolean))
    return rows


def marked(frame: pl.DataFrame, rows: pl.DataFrame, answered: pl.DataFrame, source: Captured) -> pl.DataFrame:
    """Rows of the dataset with the marks of the answers that they were.

    Parameters
    ----------
    frame, rows
        The dataset's rows, and the labelled answers they come from, in the same order.
    answered
        All answers there are, with ``label``, null where none has come: what the weights are made of.
    """
    weights = propensity_weights(rows, answered, source) if source.policy == "weights" else np.ones(rows.height)
    return frame.with_columns(
        rows["version"].alias(VERSION),
        rows["variant"].alias(VARIANT),
        pl.Series(WEIGHT, weights, dtype=pl.Float64),
    )


def propensity_weights(rows: pl.DataFrame, answered: pl.DataFrame, source: Captured) -> NDArray[np.float64]:
    """A weight a row, of mean 1: how rarely an answer like it gets a label. Where nearly all do, all weights are 1."""
    both = pl.concat([answered.select("version", "outputs", "label"), rows.select("version", "outputs", "label")])
    bins = _bins(both).with_columns(seen=pl.col("label").is_not_null())
    all_, mine = bins.head(answered.height), bins.tail(rows.height)
    by_bin = all_.group_by("version", "bin").agg(pl.len().alias("there"), pl.col("seen").mean().alias("share"))
    by_version = all_.group_by("version").agg(pl.col("seen").mean().alias("overall"))
    found = mine.join(by_bin, on=["version", "bin"], how="left", maintain_order="left").join(
        by_version, on="version", how="left", maintain_order="left"
    )
    share = pl.when(pl.col("there") >= FEWEST).then("share").otherwise("overall")
    inverse = (1 / found.select(share.alias("share"))["share"].fill_null(1.0).clip(1e-9, 1)).to_numpy()
    if source.explored is not None:
        inverse = np.where(_says(rows, source.explored).to_numpy(), 1.0, inverse)
    weights = np.minimum(inverse / inverse.mean(), source.most) if len(inverse) else inverse
    return np.round(weights / weights.mean(), DIGITS) if len(weights) else weights


def _bins(answers: pl.DataFrame) -> pl.DataFrame:
    """Each answer's tenth among its version's, by the score."""
    score = pl.col("outputs").str.extract(SCORE).cast(pl.Float64, strict=False).fill_null(0.0)
    rank = pl.col("score").rank("min").over("version") - 1
    return answers.with_columns(score=score).with_columns(bin=(rank * BINS // pl.len().over("version")).cast(pl.Int64))


def _chance_decided(rows: pl.DataFrame, column: str | None) -> pl.Series:
    """Whether chance decided about an answer: as the caller's column says, or without one, that it drew the version."""
    return (rows["variant"] == explore.EXPLORED).fill_null(value=False) if column is None else _says(rows, column)


def _says(rows: pl.DataFrame, column: str) -> pl.Series:
    """Whether a column that was sent in is true."""
    texts = rows["inputs"].str.json_path_match(f"$['{column}']").str.to_lowercase()
    return texts.is_in(TRUE).fill_null(value=False)
