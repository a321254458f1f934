"""How shadow versions answered beside those that answered: how often they agree, how far they differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from noria.feedback.answers import Answers, of
from noria.feedback.performance import Measured, measure


@dataclass(frozen=True, slots=True)
class Compared:
    """A shadow version.

    Attributes
    ----------
    measured
        How good it would have been, by the labels of the predictions that were answered.
    agreement
        The share of rows with the same label, None for regression.
    difference
        The mean absolute difference of the values, or of the probabilities over the classes that both know.
    """

    measured: Measured
    agreement: float | None
    difference: float

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**self.measured.plain(), "shadow": True, "agreement": self.agreement, "difference": self.difference}


def compare(shadowed: pl.DataFrame, task: str) -> list[Compared]:
    """Each shadow version beside what was answered.

    Parameters
    ----------
    shadowed
        What ``captured.shadowed`` gives.
    """
    found = []
    for entry in measure(shadowed, task) if shadowed.height else []:
        rows = shadowed.filter(pl.col("version") == entry.version)
        parts = [
            part
            for _, part in rows.group_by(
                pl.col("answered").str.extract_all(r'"[^"]*":').list.join(""), maintain_order=True
            )
        ]
        pairs = [
            (of(part, 0, task), of(part.with_columns(outputs=pl.col("answered")), 0, task))
            for part in parts  # of each champion that answered: its classes may be others
        ]
        same = None if task == "regression" else _weighed([_same(*pair) for pair in pairs])
        found.append(Compared(entry, same, _weighed([_apart(*pair) for pair in pairs]) or 0.0))
    return found


def _weighed(parts: Sequence[tuple[float, int]]) -> float:
    return sum(value * rows for value, rows in parts) / sum(rows for _, rows in parts)


def _same(ours: Answers, theirs: Answers) -> tuple[float, int]:
    labels = [side.rows["outputs"].str.json_path_match("$.label") for side in (ours, theirs)]
    return float(np.mean((labels[0] == labels[1]).to_numpy())), ours.rows.height


def _apart(ours: Answers, theirs: Answers) -> tuple[float, int]:
    if ours.classes is None or theirs.classes is None:
        return float(np.mean(np.abs(ours.scores - theirs.scores))), ours.rows.height
    both = [name for name in ours.classes if name in theirs.classes]
    mine, given = (side.scores[:, [side.classes.index(n) for n in both]] for side in (ours, theirs) if side.classes)
    return float(np.mean(np.abs(mine - given))) if both else 1.0, ours.rows.height
