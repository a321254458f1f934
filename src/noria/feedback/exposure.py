"""What an experiment has seen: each version's subjects, and what is known of the answers they got.

Traffic is divided by subject, so a subject counts once: by each metric, its first answer in the experiment whose truth
is known. All its answers would be taken for as many independent ones, and every interval would be too narrow. Who was
answered by both versions, because the division changed, counts for neither. Answers whose version chance drew, whoever
asked, are no part of it.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from noria.data.explore import EXPLORED
from noria.errors import UserError
from noria.feedback.answers import Answers, by_version
from noria.feedback.experiment import Arm, Rules
from noria.stats.sequential import Sample

FOLLOWED = timedelta(seconds=1)  # servers follow a route within a second
PLACE = re.compile(r"(-?[a-z_]+)(?:@([^=]+)=(.*))?")  # metric@column=group

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Means:
    """A metric that is a mean over answers, as a confidence sequence needs: of each answer a number, NaN unknown."""

    of: Callable[[Answers], Floats]
    tasks: Sequence[str]
    loss: bool = False


def _accuracy(answers: Answers) -> Floats:
    right = (answers.scores.argmax(axis=1) == answers.truth).astype(np.float64)
    return np.where(answers.known, right, np.nan)


def _brier(answers: Answers) -> Floats:
    truth = np.eye(answers.scores.shape[1])[np.where(answers.known, answers.truth, 0).astype(np.int64)]
    halved = ((answers.scores - truth) ** 2).sum(axis=1) / (2 if answers.scores.shape[1] == 2 else 1)
    return np.where(answers.known, halved, np.nan)


def _subset(answers: Answers) -> Floats:
    same = ((answers.scores >= 0.5) == (answers.truth > 0)).all(axis=1).astype(np.float64)
    return np.where(answers.known, same, np.nan)


def _absolute(answers: Answers) -> Floats:
    return np.where(answers.known, np.abs(answers.scores - answers.truth), np.nan)


def _rating(answers: Answers) -> Floats:
    return answers.rows["rating"].cast(pl.Float64).fill_null(np.nan).to_numpy()


ALL = ("classification", "multilabel", "regression")
MEANS: Mapping[str, Means] = {
    "accuracy": Means(_accuracy, ("classification",)),
    "brier": Means(_brier, ("classification",), loss=True),
    "selection_rate": Means(lambda answers: answers.favourable, ("classification",)),
    "subset_accuracy": Means(_subset, ("multilabel",)),
    "absolute_error": Means(_absolute, ("regression",), loss=True),
    "rating": Means(_rating, ALL),
}


def spelled(name: str, task: str) -> str:
    """A metric as ``Rules`` has it, a loss with its minus: ``brier`` is ``-brier``, ``accuracy@sex=f`` stays.

    Raises
    ------
    UserError
        If it is no mean over answers of such a task.
    """
    found = PLACE.fullmatch(name)
    known = [word for word, one in MEANS.items() if task in one.tasks]
    word = found[1].removeprefix("-") if found else name
    if word not in known:
        raise UserError(f"{name!r} is no metric of an experiment", where=task, do=f"Use {', '.join(known)}.")
    return f"-{name.removeprefix('-')}" if MEANS[word].loss else name.removeprefix("-")


def arms(
    joined: pl.DataFrame, task: str, rules: Rules, weights: Mapping[int, float], since: datetime, *, fresh: bool
) -> tuple[Arm, Arm, int]:
    """Champion and challenger, as far as they are known, and how many subjects were answered by both.

    Parameters
    ----------
    joined
        Captured predictions with what is known of them.
    weights
        The champion's and the challenger's in the route, in this order.
    since
        When the experiment started.
    fresh
        Whether the challenger got no traffic before: then counting starts with its first answer, which shows that
        servers have followed the route; else a second after the start.
    """
    champion, challenger = weights
    rows = _counted(joined, challenger, since, fresh=fresh).filter(pl.col("version").is_in([champion, challenger]))
    unit = pl.coalesce("subject", pl.col("id").str.split(".").list.first()).alias("unit")
    rows = rows.with_columns(unit)
    both = rows.group_by("unit").agg(pl.col("version").n_unique().alias("versions")).filter(pl.col("versions") > 1)
    rows = rows.join(both, on="unit", how="anti", maintain_order="left")
    answers = {one.version: one for one in by_version(rows, task)} if rows.height else {}
    found = [
        Arm(
            number,
            weights[number],
            rows.filter(pl.col("version") == number)["unit"].n_unique(),
            dict(_samples(answers[number], rules)) if number in answers else {},
        )
        for number in (champion, challenger)
    ]
    return found[0], found[1], both.height


def _counted(joined: pl.DataFrame, challenger: int, since: datetime, *, fresh: bool) -> pl.DataFrame:
    sticky = joined.filter(pl.col("variant").ne_missing(EXPLORED))
    rows = sticky.filter(pl.col("at") >= (since if fresh else since + FOLLOWED).isoformat(timespec="microseconds"))
    if not fresh:
        return rows
    first = rows.filter(pl.col("version") == challenger)["id"].min()
    return rows.filter(pl.col("id") > first) if isinstance(first, str) else rows.clear()


def _samples(answers: Answers, rules: Rules) -> Iterator[tuple[str, Sample]]:
    for name in dict.fromkeys([rules.metric, *(guard.metric for guard in rules.guards)]):
        key = name.removeprefix("-")
        word, column, group = PLACE.fullmatch(key).groups()  # type: ignore[union-attr]  # spelled() has seen it
        values = MEANS[word].of(answers)
        rows = answers.rows.select("unit", "inputs" if column else pl.lit("").alias("inputs")).with_columns(
            value=values
        )
        rows = rows.filter(pl.col("value").is_not_nan())
        if column:
            rows = rows.filter(pl.col("inputs").str.json_path_match(f"$['{column}']") == group)
        first = rows.unique("unit", keep="first", maintain_order=True)["value"].to_numpy()
        yield key, _sample(first)


def _sample(values: Floats) -> Sample:
    if not len(values):
        return Sample()
    centre = float(values.mean())
    return Sample(len(values), centre, float(((values - centre) ** 2).sum()))
