"""What the spool's records are in the captured tables: columns, for thousands of rows cost a third of what they do one
by one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from noria.data import captured
from noria.data.captured import subject_digest
from noria.model import several
from noria.model.signature import listed
from noria.serve import ids
from noria.serve.segment import Predicted, PredictedRow, Record, Shadowed, Told, Version

ENCODE = msgspec.json.Encoder().encode  # what is no number there, such as NaN, is null
SCHEMAS = {"predictions": captured.PREDICTION, "feedback": captured.FEEDBACK, "shadows": captured.SHADOW}
TIME = "%Y-%m-%dT%H:%M:%S%.6f+00:00"
Column = Sequence[Any]


class Tables:
    """Rows of the tables, by endpoint and kind, as they are added."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], dict[str, list[Any]]] = {}

    def add(self, records: Iterable[Record]) -> bool:
        """Add all rows of one segment; whether each record told of one: a prediction needs its version before it."""
        versions: dict[int, Version] = {}
        told: dict[str, list[Told]] = {}
        rows: dict[int, list[PredictedRow]] = {}
        whole = True
        for record in records:
            if isinstance(record, Version):
                versions[record.key] = record
            elif isinstance(record, Told):
                told.setdefault(record.endpoint, []).append(record)
            elif record.key not in versions:
                whole = False
            elif isinstance(record, PredictedRow):
                rows.setdefault(record.key, []).append(record)
            elif isinstance(record, Predicted):
                self._predicted(record, versions[record.key])
            else:
                self._shadowed(record, versions[record.key])
        for endpoint, feedback in told.items():
            self._told(endpoint, feedback)
        for key, predictions in rows.items():
            self._rows(predictions, versions[key])
        return whole

    def frames(self) -> list[tuple[str, str, pl.DataFrame]]:
        """Endpoint, kind and rows of each table, in the tables' order."""
        return [
            (endpoint, kind, _frame(columns, SCHEMAS[kind]))
            for (endpoint, kind), columns in sorted(self._found.items())
        ]

    def _extend(self, of: str, kind: str, rows: int, same: Mapping[str, Any], columns: Mapping[str, Column]) -> None:
        """``same`` are the values that all these rows have."""
        known = self._found.setdefault((of, kind), {name: [] for name in SCHEMAS[kind]})
        for name, values in columns.items():
            known[name].extend(values)
        for name, value in same.items():
            known[name].extend([value] * rows)

    def _told(self, endpoint: str, told: list[Told]) -> None:
        columns: dict[str, Column] = {
            "prediction": [one.prediction for one in told],
            "at": [one.at for one in told],
            "label": [one.label for one in told],
            "rating": [one.rating for one in told],
            "source": [one.source for one in told],
        }
        self._extend(endpoint, "feedback", len(told), {}, columns)

    def _rows(self, predicted: list[PredictedRow], version: Version) -> None:
        rows = len(predicted)
        scores = np.frombuffer(b"".join([one.scores for one in predicted]), dtype=np.float32).reshape(rows, -1)
        columns: dict[str, Column] = {
            "id": [one.id for one in predicted],
            "at": [one.at for one in predicted],
            "variant": [one.variant for one in predicted],
            "subject": [None if one.subject is None else subject_digest(one.subject) for one in predicted],
            "inputs": [one.inputs.decode() for one in predicted],
            "outputs": _outputs(scores, version),
        }
        same = {"endpoint": version.endpoint, "version": version.number, "release": version.release}
        self._extend(version.endpoint, "predictions", rows, same, columns)

    def _predicted(self, record: Predicted, version: Version) -> None:
        rows = record.rows
        sent = {name: listed(values) for name, values in record.columns.items()}
        subjects: Column = [record.subject] * rows
        if version.subject is not None:
            subjects = sent.setdefault(version.subject, list(subjects))
        names, values = list(sent), zip(*sent.values(), strict=True) if sent else [()] * rows
        columns: dict[str, Column] = {
            "id": _ids(record.id, rows),
            "subject": [None if one is None else subject_digest(str(one)) for one in subjects],
            "inputs": [ENCODE(dict(zip(names, row, strict=True))).decode() for row in values],
            "outputs": _outputs(np.frombuffer(record.scores, dtype=np.float32).reshape(rows, -1), version),
        }
        same = {"at": record.at, "endpoint": version.endpoint, "version": version.number, "release": version.release,
                "variant": record.variant}  # fmt: skip
        self._extend(version.endpoint, "predictions", rows, same, columns)

    def _shadowed(self, record: Shadowed, version: Version) -> None:
        rows = record.rows
        scores = np.frombuffer(record.scores, dtype=np.float32).reshape(rows, -1)
        columns: dict[str, Column] = {"prediction": _ids(record.prediction, rows), "outputs": _outputs(scores, version)}
        same = {"at": record.at, "version": version.number, "release": version.release, "variant": "shadow"}
        self._extend(version.endpoint, "shadows", rows, same, columns)


def _ids(id: str, rows: int) -> list[str]:
    return [ids.of_row(id, row, rows) for row in range(rows)]


def _outputs(scores: NDArray[np.float32], version: Version) -> list[str]:
    """What was answered to each row, as JSON."""
    said = scores.tolist()
    if version.classes is None:
        return [ENCODE({"value": row[0]}).decode() for row in said]
    names = [str(one) for one in version.classes]
    if version.several:
        return [_several(row, names, version.classes) for row in said]
    heads = [f'{{"label":{ENCODE(one).decode()},"probabilities":' for one in version.classes]
    best = scores.argmax(axis=1).tolist()
    return [f"{heads[place]}{ENCODE(dict(zip(names, row, strict=True))).decode()}}}" for place, row in zip(best, said)]


def _several(row: list[float], names: list[str], classes: Sequence[Any]) -> str:
    labels = several.names(row, classes)
    probabilities = dict(zip(names, row, strict=True))
    said = {"label": several.BETWEEN.join(labels), "labels": labels, "probabilities": probabilities}
    return ENCODE(said).decode()


def _frame(columns: dict[str, list[Any]], schema: dict[str, Any]) -> pl.DataFrame:
    """Times are seconds since the epoch in the records, texts in the tables."""
    at = (pl.col("at") * 1e6).round().cast(pl.Int64).cast(pl.Datetime("us")).dt.strftime(TIME)
    return pl.DataFrame(columns, schema={**schema, "at": pl.Float64}).with_columns(at)
