"""Predictions that were served and the feedback that came for them, as tables; and the two joined."""

import json
from typing import Any

import polars as pl

from noria.data import table
from noria.data.schema import Schema
from noria.settings import Settings

PREDICTION = {
    "id": pl.String,
    "at": pl.String,
    "endpoint": pl.String,
    "version": pl.Int64,
    "release": pl.String,
    "variant": pl.String,
    "subject": pl.String,
    "inputs": pl.String,
    "outputs": pl.String,
}
FEEDBACK = {"prediction": pl.String, "at": pl.String, "label": pl.String, "rating": pl.Float64, "source": pl.String}


def path(settings: Settings, endpoint: str, kind: str) -> str:
    """Where the table of an endpoint's ``predictions`` or ``feedback`` lies."""
    return f"{settings.data}/_captured/{endpoint}/{kind}"


def feedback_version(settings: Settings, endpoint: str) -> int:
    """The number of the newest commit of feedback; −1 if there never was any."""
    return table.version_of(path(settings, endpoint, "feedback"))


def predictions(settings: Settings, endpoint: str) -> pl.DataFrame:
    """All captured predictions of an endpoint, oldest first."""
    return _all(settings, endpoint, "predictions", PREDICTION, None).sort("id")


def labels(settings: Settings, endpoint: str, upto: int | None = None) -> pl.DataFrame:
    """The newest label and rating for each prediction, as of a commit of the feedback table (None: the newest)."""
    found = _all(settings, endpoint, "feedback", FEEDBACK, upto)
    return (
        found.sort("at", "_row")
        .group_by("prediction", maintain_order=True)
        .agg(pl.col("label").drop_nulls().last(), pl.col("rating").drop_nulls().last())
    )


def lookup(settings: Settings, endpoint: str, id: str) -> dict[str, Any] | None:
    """One prediction by its id."""
    place = path(settings, endpoint, "predictions")
    if table.version_of(place) < 0:
        return None
    found = pl.scan_delta(place).filter(pl.col("id") == id).collect()
    return found.row(0, named=True) if found.height else None


def joined(settings: Settings, endpoint: str) -> pl.DataFrame:
    """Every prediction with its label and rating, null where none has come."""
    return predictions(settings, endpoint).join(
        labels(settings, endpoint), left_on="id", right_on="prediction", how="left"
    )


def labelled(settings: Settings, endpoint: str, schema: Schema, *, after: int, upto: int) -> pl.DataFrame:
    """Predictions whose first label came in the feedback commits after ``after`` up to ``upto``, as source rows.

    Returns
    -------
    DataFrame
        The columns that were sent in, and the label; sorted by prediction id. A prediction is in exactly one of the
        frames that consecutive ranges give.
    """
    now = labels(settings, endpoint, upto).filter(pl.col("label").is_not_null())
    if after >= 0:
        before = labels(settings, endpoint, after).filter(pl.col("label").is_not_null())
        now = now.join(before, on="prediction", how="anti")
    rows = predictions(settings, endpoint).join(now, left_on="id", right_on="prediction", how="inner").sort("id")
    records = [
        {**json.loads(inputs), schema.label: label} for inputs, label in rows.select("inputs", "label").iter_rows()
    ]
    if not records:
        return pl.DataFrame()
    return pl.DataFrame(records, infer_schema_length=None)


def _all(settings: Settings, endpoint: str, kind: str, columns: dict[str, Any], version: int | None) -> pl.DataFrame:
    place = path(settings, endpoint, kind)
    if table.version_of(place) < 0:
        return pl.DataFrame(schema={**columns, table.BATCH: pl.String, table.ROW: pl.Int64})
    return pl.scan_delta(place, version=version).collect()
