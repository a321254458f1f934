"""Served answers as arrays: what one version said, and what turned out to be true."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from noria.data import lists

NUMBER = r"\s*(-?[0-9][-+0-9.eE]*)"


@dataclass(frozen=True, slots=True)
class Answers:
    """What one version answered.

    Attributes
    ----------
    version
        The model version's number.
    rows
        A row an answer, as ``noria.data.captured.joined`` gives them.
    classes
        In the model's order, of two the favourable one last; None in a regression.
    scores
        float64: probabilities [n, classes], or values [n] in a regression. NaN where an answer cannot be read.
    truth
        Class indices [n] (−1: not known), or 0 and 1 [n, labels], or values [n] (NaN: not known).
    known
        Which rows have a label that can be compared: one of a class that the model knows, or a number.
    """

    version: int
    task: str
    rows: pl.DataFrame
    classes: tuple[str, ...] | None
    scores: NDArray[np.float64]
    truth: NDArray[np.float64] | NDArray[np.int64] | NDArray[np.int8]
    known: NDArray[np.bool_]

    @property
    def labelled(self) -> int:
        """Answers for which a label came, comparable or not."""
        return self.rows.height - self.rows["label"].null_count()

    @property
    def favourable(self) -> NDArray[np.float64]:
        """1 where the favourable answer was given : of two classes the last."""
        return np.asarray(self.scores.argmax(axis=1) == self.scores.shape[1] - 1, dtype=np.float64)

    def take(self, which: NDArray[np.bool_]) -> "Answers":
        """Some of the rows."""
        return Answers(
            self.version, self.task, self.rows.filter(which), self.classes, self.scores[which], self.truth[which],
            self.known[which],
        )  # fmt: skip


def by_version(joined: pl.DataFrame, task: str) -> Iterator[Answers]:
    """The answers of each version, the oldest version first."""
    for version in joined["version"].unique().sort().to_list():
        yield of(joined.filter(pl.col("version") == version), version, task)


def of(rows: pl.DataFrame, version: int, task: str) -> Answers:
    """The answers of one version; ``outputs`` is what it said, as JSON."""
    outputs, label = rows["outputs"], rows["label"]
    if task == "regression":
        values = _number(outputs, "value")
        numbers = label.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()  # a text is no label of a number
        return Answers(version, task, rows, None, values, numbers, np.isfinite(numbers) & np.isfinite(values))
    classes = _classes(outputs)
    scores = np.column_stack([_number(outputs, name) for name in classes]) if classes else np.zeros((rows.height, 0))
    said = np.isfinite(scores).all(axis=1)
    if task == "multilabel":
        names = lists.parts(label.fill_null("")).to_list()
        several = np.array([[name in row for name in classes] for row in names], dtype=np.int8)
        return Answers(
            version, task, rows, classes, scores, several.reshape(rows.height, len(classes)),
            said & label.is_not_null().to_numpy(),
        )  # fmt: skip
    codes = label.replace_strict(list(classes), list(range(len(classes))), default=-1, return_dtype=pl.Int64)
    truth = codes.fill_null(-1).to_numpy()
    return Answers(version, task, rows, classes, scores, truth, said & (truth >= 0))


def _classes(outputs: pl.Series) -> tuple[str, ...]:
    first = outputs.drop_nulls().head(1).to_list()
    return tuple(json.loads(first[0]).get("probabilities", {})) if first else ()


def _number(outputs: pl.Series, name: str) -> NDArray[np.float64]:
    """A number under a name, as servers write it: in JSON a quotation mark within a name has a backslash before it, so
    nothing but a name stands between a brace or comma and a colon. Seven times as fast as to decode each text."""
    spelled = json.dumps(name, ensure_ascii=False)
    found = outputs.str.extract(r"[{,]\s*" + re.escape(spelled) + r"\s*:" + NUMBER).cast(pl.Float64, strict=False)
    return found.fill_null(np.nan).to_numpy()
