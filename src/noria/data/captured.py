"""Predictions that were served and the feedback that came for them, as tables; and the two joined.

Their small files are merged as they grow many (``merge.py``), so what was there at an earlier commit is told by the
commit that each row arrived by, never by reading the table as of then.
"""

import json
from collections.abc import Collection, Sequence
from hashlib import blake2b
from typing import Any

import polars as pl

from noria.data import merge, table
from noria.data.stored import readable
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
SHADOW = {  # what was sent in stands with the prediction that was answered
    "prediction": pl.String,
    "at": pl.String,
    "version": pl.Int64,
    "release": pl.String,
    "variant": pl.String,
    "outputs": pl.String,
}
Versions = tuple[int, int]  # commits of the tables of predictions and of feedback
FEEDBACK = {"prediction": pl.String, "at": pl.String, "label": pl.String, "rating": pl.Float64, "source": pl.String}


def path(settings: Settings, endpoint: str, kind: str) -> str:
    """Where the table of an endpoint's ``predictions`` or ``feedback`` lies."""
    return f"{settings.data}/_captured/{endpoint}/{kind}"


def subject_digest(subject: str) -> str:
    """How a subject stands in the captured tables: 128 bits of BLAKE2b, in hexadecimal."""
    return blake2b(subject.encode(), digest_size=16).hexdigest()


def about(settings: Settings, endpoint: str, subject: str) -> pl.DataFrame:
    """The captured predictions about a subject: by its digest, or by its key among what was sent in."""
    place = path(settings, endpoint, "predictions")
    opened = table._open(place)
    if opened is None:
        return pl.DataFrame(schema=PREDICTION)
    mine = pl.col("subject").eq(subject_digest(subject)).fill_null(value=False)
    maybe = [pl.col("inputs").str.contains(text, literal=True) for text in {subject, json.dumps(subject)[1:-1]}]
    found = pl.scan_delta(opened).select(list(PREDICTION)).filter(pl.any_horizontal(mine, *maybe)).collect()
    sent = found["inputs"].map_elements(lambda text: _names(text, subject), return_dtype=pl.Boolean)
    return found.filter(mine | sent)


def _names(inputs: str, subject: str) -> bool:
    return any(str(value) == subject for value in json.loads(inputs).values()) if inputs else False


def versions(settings: Settings, endpoint: str) -> Versions:
    """The newest commits of the tables of predictions and of feedback; −1 where there is none."""
    return table.version_of(path(settings, endpoint, "predictions")), table.version_of(
        path(settings, endpoint, "feedback")
    )


def predictions(settings: Settings, endpoint: str, upto: int | None = None) -> pl.DataFrame:
    """All captured predictions of an endpoint as of a commit of their table (None: the newest), oldest first."""
    return _all(settings, endpoint, "predictions", PREDICTION, upto).sort("id")


def newest(settings: Settings, endpoint: str, most: int) -> pl.DataFrame:
    """The newest captured predictions of an endpoint, at most so many, in no order."""
    place = path(settings, endpoint, "predictions")
    if table.version_of(place) < 0:
        return pl.DataFrame(schema=PREDICTION)
    with readable(place):
        return table.whole(place).select(list(PREDICTION)).top_k(most, by="id").collect()


def sent(predictions: pl.DataFrame) -> pl.DataFrame:
    """What was sent in, a column a feature, in the order of the predictions."""
    records = [json.loads(text) for text in predictions["inputs"] if text]
    return pl.DataFrame(records, infer_schema_length=None, strict=False) if records else pl.DataFrame()


def moments(at: pl.Series) -> pl.Series:
    """Times as they stand in the captured tables, as times in UTC; null where there is none."""
    return at.str.slice(0, 26).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)


def labels(settings: Settings, endpoint: str, upto: int | None = None) -> pl.DataFrame:
    """The truth of each prediction of which something was told, as of a commit of the feedback table.

    Returns
    -------
    DataFrame
        ``prediction``; its newest ``label`` and ``rating``, null where none has come; ``told``: when that label came;
        ``changed``: whether another label had come before; ``sources``: who told anything of it, each once, sorted.
    """
    found = _all(settings, endpoint, "feedback", FEEDBACK, upto)
    order = pl.col("at"), pl.col("_row")
    if not found.select(pl.col("prediction").is_duplicated().any()).item():  # the usual case, at a tenth of the price
        return found.select(
            "prediction", "label", "rating", pl.when(pl.col("label").is_not_null()).then("at").alias("told"),
            pl.lit(value=False).alias("changed"), pl.concat_list(pl.col("source").fill_null("")).alias("sources"),
        )  # fmt: skip
    label = pl.col("label").drop_nulls()
    return (
        found.sort(*order)
        .group_by("prediction", maintain_order=True)
        .agg(
            label.last(),
            pl.col("rating").drop_nulls().last(),
            pl.col("at").filter(pl.col("label").is_not_null()).last().alias("told"),
            (label.n_unique() > 1).alias("changed"),
            pl.col("source").fill_null("").unique().sort().alias("sources"),
        )
    )


def lookup(settings: Settings, endpoint: str, id: str) -> dict[str, Any] | None:
    """One prediction by its id."""
    place = path(settings, endpoint, "predictions")
    if table.version_of(place) < 0:
        return None
    with readable(place):
        found = table.whole(place).filter(pl.col("id") == id).select(*PREDICTION, table.BATCH, table.ROW).collect()
    return found.row(0, named=True) if found.height else None


def told(settings: Settings, endpoint: str, id: str) -> list[dict[str, Any]]:
    """All feedback on one prediction, in the order of its times."""
    place = path(settings, endpoint, "feedback")
    if table.version_of(place) < 0:
        return []
    with readable(place):
        found = table.whole(place).filter(pl.col("prediction") == id).select(*FEEDBACK, table.ROW).collect()
    return found.sort("at", table.ROW).to_dicts()


def joined(settings: Settings, endpoint: str, columns: Sequence[str] = tuple(PREDICTION)) -> pl.DataFrame:
    """Every prediction with what ``labels`` says of it, null where nothing has come; oldest first.

    Parameters
    ----------
    columns
        Of the predictions, to read no more than is needed; ``id`` is always among them.
    """
    wanted = ["id", *(name for name in columns if name != "id")]
    given = _all(settings, endpoint, "predictions", PREDICTION, None, wanted).sort("id")
    told = labels(settings, endpoint)
    return given.join(told, left_on="id", right_on="prediction", how="left", maintain_order="left")


def shadowed(settings: Settings, endpoint: str) -> pl.DataFrame:
    """What shadow versions would have answered, as ``joined`` gives what was: with the label of the prediction.

    ``answered`` holds the outputs that were given; a rating is of those, and stands at no shadow's.
    """
    own = ["version", "release", "variant", "outputs"]
    found = _all(settings, endpoint, "shadows", SHADOW, None).rename({"prediction": "id"}).select("id", *own)
    given = joined(settings, endpoint).with_columns(answered=pl.col("outputs"), rating=pl.lit(None, pl.Float64))
    return given.drop(own).join(found, on="id", how="inner").sort("id", "version")


def labelled(settings: Settings, endpoint: str, *, after: Versions, upto: Versions) -> pl.DataFrame:
    """Predictions that had a label as of the commits ``upto`` and had none as of ``after``.

    Returns
    -------
    DataFrame
        Predictions with what ``labels`` says of them, sorted by id. A prediction is in exactly one of the frames that
        consecutive ranges give, whether it or its label reached the tables first.
    """
    rows = _with_label(settings, endpoint, upto)
    if min(after) >= 0:
        rows = rows.join(_with_label(settings, endpoint, after), on="id", how="anti")
    return rows.sort("id")


def answered(settings: Settings, endpoint: str, upto: Versions) -> pl.DataFrame:
    """Every prediction as of the commits ``upto``: its version, outputs, and label, null where none had come."""
    given = _all(settings, endpoint, "predictions", PREDICTION, upto[0], ["id", "version", "outputs"]).sort("id")
    told = labels(settings, endpoint, upto[1]).select("prediction", "label")
    return given.join(told, left_on="id", right_on="prediction", how="left", maintain_order="left")


def source_rows(rows: pl.DataFrame, label: str, columns: Collection[str] | None = None) -> pl.DataFrame:
    """Labelled predictions as rows of the dataset, in their order: what was sent in, and the label.

    Parameters
    ----------
    columns
        Those that the dataset has; others that callers sent are left out. None: all are kept.
    """
    records = [
        {
            **{name: value for name, value in json.loads(inputs).items() if columns is None or name in columns},
            label: told,
        }
        for inputs, told in rows.select("inputs", "label").iter_rows()
    ]
    return pl.DataFrame(records, infer_schema_length=None) if records else pl.DataFrame()


def _with_label(settings: Settings, endpoint: str, upto: Versions) -> pl.DataFrame:
    told = labels(settings, endpoint, upto[1]).filter(pl.col("label").is_not_null())
    return predictions(settings, endpoint, upto[0]).join(told, left_on="id", right_on="prediction", how="inner")


def _all(
    settings: Settings, endpoint: str, kind: str, columns: dict[str, Any], version: int | None,
    wanted: Sequence[str] | None = None,
) -> pl.DataFrame:  # fmt: skip
    place = path(settings, endpoint, kind)
    kinds = {**columns, table.BATCH: pl.String, table.ROW: pl.Int64}
    names = list(kinds) if wanted is None else list(wanted)
    if version == -1 or table.version_of(place) < 0:
        return pl.DataFrame(schema={name: kinds[name] for name in names})
    with readable(place):
        rows = table.whole(place) if version is None else table.whole(place).filter(merge.arrived(place) <= version)
        return rows.select(names).collect()
