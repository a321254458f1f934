"""Whether what is sent in, what is answered and what turns out to be true are as they were at the release."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl

from noria.data import captured
from noria.data.moved import Bounds, Moved, between
from noria.data.profile import Profile, profile
from noria.data.schema import Schema
from noria.feedback.answers import Answers
from noria.feedback.performance import windows
from noria.feedback.reference import Reference
from noria.stats.shift import Shift, shifted

ROWS = 20_000  # the newest answers of a version
FEWEST = 100  # of them
FEW, NOTHING_LEARNED = "too few answers to say", "what it learned from is not there to compare with"
WINDOWS, ROWS_WINDOW = 12, 4_000  # the newest time windows, and of each the newest answers
ANSWERED = Schema(label="\0no label", task="regression")  # a profile of answers counts no labels


@dataclass(frozen=True, slots=True)
class Drifted:
    """One version's live traffic against its release.

    Attributes
    ----------
    rows
        Of the newest answers, those that were looked at; with fewer than 100 nothing is said.
    inputs
        Each column that was sent in, furthest first, against the data it was learned from.
    answers
        The label that was given and each class's probability, or the value, against the answers to the analysis rows.
    labels
        How the share of a true label moved against the data learned from; None if none did.
    window
        The time window that the answers are of: where it begins; None: the newest, whenever they were given.
    """

    version: int
    rows: int
    inputs: Sequence[Moved] = ()
    answers: Sequence[Moved] = ()
    labels: Shift | None = None
    window: str | None = None

    @property
    def moved(self) -> list[Moved]:
        """What moved far and surely, columns that were sent in before answers."""
        return [one for one in (*self.inputs, *self.answers) if one.moved]

    @property
    def silence(self) -> str | None:
        """Why nothing is said; None if something is."""
        if self.inputs or self.answers:
            return None
        return FEW if self.rows < FEWEST else NOTHING_LEARNED

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "version": self.version,
            "window": self.window,
            "rows": self.rows,
            "silence": self.silence,
            "inputs": [_plain(one) for one in self.inputs],
            "answers": [_plain(one) for one in self.answers],
            "labels": None if self.labels is None else {
                "change": self.labels.change, **{name: getattr(self.labels, name) for name in Shift.__slots__}
            },
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Held:
    """What live traffic is held against, and with what bounds."""

    reference: Reference
    schema: Schema
    bounds: Bounds
    label_shift: float = 0.1


def drifted(answers: Answers, held: Held, most: int = ROWS) -> Drifted:
    """One version's newest answers, at most so many, against its release."""
    newest = answers.take(np.arange(answers.rows.height) >= answers.rows.height - most)
    found = Drifted(answers.version, newest.rows.height)
    if found.rows < FEWEST:
        return found
    reference = held.reference
    if reference.profile is not None:
        found = replace(found, inputs=_inputs(newest, reference.profile, held), labels=_labels(newest, held))
    if reference.scores is not None and reference.scores.shape[1:] == newest.scores.shape[1:]:
        then, now = (_answered(scores, newest) for scores in (reference.scores, newest.scores))
        found = replace(found, answers=between(then, now, ANSWERED, held.bounds))
    return found


def over_time(answers: Answers, held: Held, length: timedelta) -> Iterator[Drifted]:
    """One version's answers of each of the newest time windows against its release, the oldest window first."""
    begins = windows(answers.rows["at"], length)
    for name in begins.drop_nulls().unique().sort().to_list()[-WINDOWS:]:
        own = answers.take((begins == name).fill_null(value=False).to_numpy())
        yield replace(drifted(own, held, ROWS_WINDOW), window=name)


def _inputs(newest: Answers, learned: Profile, held: Held) -> list[Moved]:
    rows = captured.sent(newest.rows)
    hidden = held.schema.hidden()
    features = {name: one for name, one in learned.columns.items() if name not in hidden}
    now = profile(rows.select(name for name in rows.columns if name in features), ANSWERED)
    return between(replace(learned, columns=features), now, held.schema, held.bounds)


def _labels(newest: Answers, held: Held) -> Shift | None:
    if newest.task != "classification" or held.reference.profile is None:
        return None
    known = newest.rows["label"].drop_nulls().value_counts()
    now = dict(zip(known["label"].to_list(), known["count"].to_list(), strict=True))
    return shifted(held.reference.profile.labels, now, bound=held.label_shift)


def _answered(scores: Any, like: Answers) -> Profile:
    """Statistics of answers: the label given and each class's probability, or the value."""
    if like.classes is None:
        return profile(pl.DataFrame({"value": scores}), ANSWERED)
    columns = {f"probability of {name}": pl.Series(scores[:, k]) for k, name in enumerate(like.classes)}
    if like.task == "classification":
        columns["answer"] = pl.Series(np.array(like.classes, dtype=object)[scores.argmax(axis=1)], dtype=pl.String)
    return profile(pl.DataFrame(columns), ANSWERED)


def _plain(one: Moved) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Moved.__slots__} | {"measures": dict(one.measures)}
