"""How good what is live really is: served answers against the labels and ratings that came later."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from noria.data import captured
from noria.data.grouping import group
from noria.feedback.answers import Answers, by_version
from noria.feedback.estimate import Calibration, estimate
from noria.stats.interval import Span, bootstrap, mean, wilson
from noria.stats.metrics import METRICS, all_of, within

VERSION, VARIANT, SLICE, WINDOW = "version", "variant", "slice", "window"
MOST = 50  # groups of one column
DRAWN = 2_000  # labelled rows that an interval is drawn of; it is then scaled to the rows there are
ROUNDS = 200
SEED = 0


@dataclass(frozen=True, slots=True)
class Ratings:
    """What users said of answers: how many did, the mean with its 95 % interval (None of a single one)."""

    count: int
    mean: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """Some answers of one version.

    Attributes
    ----------
    by, name
        What the answers have in common: ``version`` (all of it), ``variant``, ``slice`` (such as ``sex = f``), or
        ``window`` (the day it begins, in UTC).
    predictions, labelled
        Answers, and those of them whose label has come.
    compared
        Labelled answers that could be compared: a label that no class of the model has cannot.
    metrics
        By name, of the compared answers, with 95 % intervals: Wilson's of the accuracy, else bootstrap.
    estimated
        The same of all answers, expected without labels (``noria.feedback.estimate``); empty where that does not
        apply: in a regression, and with several labels a row.
    """

    version: int
    by: str
    name: str
    predictions: int
    labelled: int
    compared: int
    metrics: Mapping[str, Span] = field(default_factory=dict)
    estimated: Mapping[str, Span] = field(default_factory=dict)
    ratings: Ratings | None = None

    @property
    def unlabelled(self) -> float:
        """The share of answers whose label has not come, 0 to 1."""
        return 1 - self.labelled / self.predictions

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "version": self.version,
            "by": self.by,
            "name": self.name,
            "predictions": self.predictions,
            "labelled": self.labelled,
            "compared": self.compared,
            "unlabelled": self.unlabelled,
            "metrics": {name: _plain(span) for name, span in self.metrics.items()},
            "estimated": {name: _plain(span) for name, span in self.estimated.items()},
            "ratings": None if self.ratings is None else {
                name: getattr(self.ratings, name) for name in Ratings.__slots__
            },
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """What answers are told apart by.

    Attributes
    ----------
    slices
        Columns that were sent in: each group of each is a slice; numbers are cut at ``edges`` or their own quartiles.
    window
        Length of a time window; None: no windows. They begin on Mondays at 0:00 UTC, or part whole days evenly.
    calibration
        By version, what its probabilities mean, for the estimate.
    edges
        By column, where numbers are cut into slices.
    """

    task: str
    slices: Sequence[str] = ()
    window: timedelta | None = None
    calibration: Mapping[int, Calibration] = field(default_factory=dict)
    edges: Mapping[str, Sequence[float]] = field(default_factory=dict)


def measure(joined: pl.DataFrame, task: str) -> list[Measured]:
    """Each version that answered, the oldest first.

    Parameters
    ----------
    joined
        What ``noria.data.captured.joined`` gives.
    """
    return list(each(joined.drop("variant", strict=False), Wanted(task)))


def each(joined: pl.DataFrame, wanted: Wanted) -> Iterator[Measured]:
    """Each version that answered, and then its variants, slices and time windows."""
    for answers in by_version(joined, wanted.task):
        calibration = wanted.calibration.get(answers.version)
        yield _measured(answers, VERSION, str(answers.version), calibration)
        for by, name, which in _parts(answers.rows, wanted):
            yield _measured(answers.take(which), by, name, calibration)


def _parts(rows: pl.DataFrame, wanted: Wanted) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    if "variant" in rows.columns:
        for name in rows["variant"].drop_nulls().unique().sort().to_list():
            yield VARIANT, name, _is(rows["variant"], name)
    for column in wanted.slices:
        groups = group(_sent(rows["inputs"], column), wanted.edges.get(column))
        for name in groups.unique().sort().head(MOST).to_list():
            yield SLICE, f"{column} = {name}", _is(groups, name)
    if wanted.window is not None:
        begins = windows(rows["at"], wanted.window)
        for name in begins.drop_nulls().unique().sort().to_list():
            yield WINDOW, name, _is(begins, name)


def _is(values: pl.Series, name: str) -> NDArray[np.bool_]:
    return (values == name).fill_null(value=False).to_numpy()


def windows(at: pl.Series, length: timedelta) -> pl.Series:
    """Where the time window of each moment (ISO 8601) begins, as text in UTC; null where it is no time."""
    moments = captured.moments(at)
    if length == timedelta(weeks=1):
        begins = moments.dt.truncate("1w")
    else:
        begins = moments.dt.truncate(f"{int(length.total_seconds())}s")
    return begins.dt.strftime("%Y-%m-%d" if length % timedelta(days=1) == timedelta(0) else "%Y-%m-%d %H:%M")


def _sent(inputs: pl.Series, column: str) -> pl.Series:
    """One column of what was sent in: numbers as numbers."""
    path = "$['" + column.replace("\\", "\\\\").replace("'", "\\'") + "']"
    texts = inputs.str.json_path_match(path)
    numbers = texts.cast(pl.Float64, strict=False)
    return numbers if numbers.null_count() == texts.null_count() and numbers.len() > numbers.null_count() else texts


def _measured(answers: Answers, by: str, name: str, calibration: Calibration | None) -> Measured:
    known = answers.take(answers.known) if not answers.known.all() else answers
    found = Measured(answers.version, by, name, answers.rows.height, answers.labelled, known.rows.height)
    expected = {}
    if calibration is not None and answers.task == "classification":
        expected = estimate(answers.scores, calibration)
    return replace(found, metrics=_metrics(known), estimated=expected, ratings=ratings(answers.rows["rating"]))


def _plain(span: Span) -> dict[str, float | None]:
    """Ends that no draw defines are null."""
    return {name: value if np.isfinite(value) else None for name, value in span._asdict().items()}


def ratings(given: pl.Series) -> Ratings | None:
    """What users said; None if nobody rated."""
    values = given.drop_nulls().to_numpy().astype(np.float64)
    if not len(values):
        return None
    span = mean(values)
    return Ratings(len(values), float(values.mean())) if span is None else Ratings(len(values), *span)


def _metrics(known: Answers) -> dict[str, Span]:
    rows = known.rows.height
    found = all_of(known.task, known.truth, known.scores) if rows else {}
    if not found:
        return {}
    few = slice(None) if rows <= DRAWN else np.linspace(0, rows - 1, DRAWN).astype(int)
    y, scores = known.truth[few], known.scores[few]
    ends = bootstrap({name: METRICS[name].prepare(y, scores) for name in found}, len(y), seed=SEED, rounds=ROUNDS)
    scale = float(np.sqrt(len(y) / rows))
    spans = {}
    for name, value in found.items():
        at, (low, high) = METRICS[name].of(y, scores), ends[name]
        spans[name] = Span(value, *within(name, value + (low - at) * scale, value + (high - at) * scale))
    if "accuracy" in spans:
        right = int((known.scores.argmax(axis=1) == known.truth).sum())
        spans["accuracy"] = Span(found["accuracy"], *wilson(right, rows))
    return spans
