"""Metrics per subset: those the user names, and bad ones that are found."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from noria.analyze.cells import Cells, Grouping
from noria.stats.compare import discoveries, two_shares
from noria.stats.interval import wilson
from noria.stats.metrics import METRICS, all_of

FOUND = 20  # bad slices that are kept
CHANCE = 0.05
KEYS = 0.5  # a column with more different values a row than this tells rows apart: it makes no slices


def table(
    cells: Cells, columns: Sequence[str], y: NDArray[Any], answer: NDArray[Any], task: str, smallest: int
) -> list[dict[str, Any]]:
    """One entry a subset: column, group, rows, whether it is large enough to be judged, metrics, accuracy interval."""
    found = []
    for name, value, mask in cells.masks(columns):
        entry: dict[str, Any] = {"column": name, "group": value, "rows": int(mask.sum())}
        entry["judged"] = entry["rows"] >= smallest
        entry["metrics"] = all_of(task, y[mask], answer[mask])
        if task == "classification":
            right = int((answer[mask].argmax(axis=1) == y[mask]).sum())
            entry["accuracy_interval"] = list(wilson(right, entry["rows"]))
        found.append(entry)
    return found


class _Tried(NamedTuple):
    """All groups by some columns that have enough rows: their names, rows, wrong rows, and whether they are to be told.

    A group by two columns says more than one by either alone only if it is worse than the rest of both.
    """

    columns: str
    groups: tuple[str, ...]
    rows: NDArray[np.float64]
    wrong: NDArray[np.float64]
    more: NDArray[np.bool_]


def search(cells: Cells, columns: Sequence[str], wrong: NDArray[np.bool_], smallest: int) -> list[dict[str, Any]]:
    """Subsets by one and two columns in which far more answers are wrong than elsewhere, beyond chance.

    Parameters
    ----------
    wrong
        Per row: the answer is wrong (in a regression: among the worst tenth; of several labels a row: more of them
        are wrong than in the middle row).

    Returns
    -------
    list
        Worst first. Of those listed at most one in twenty is by chance (Benjamini-Hochberg over the whole search). Of
        two columns only what is worse than the rest of the group by either.
    """
    tried = list(_tried(cells, columns, wrong, smallest))
    if not tried:
        return []
    rows, bad = np.concatenate([one.rows for one in tried]), np.concatenate([one.wrong for one in tried])
    more = np.concatenate([one.more for one in tried])
    total, all_wrong = len(wrong), int(wrong.sum())
    p = two_shares(bad, rows, all_wrong - bad, total - rows)
    here, elsewhere = bad / rows, (all_wrong - bad) / np.maximum(1, total - rows)
    names = [(one.columns, group) for one in tried for group in one.groups]
    kept = [
        {
            "column": names[place][0],
            "group": names[place][1],
            "rows": int(rows[place]),
            "wrong": float(here[place]),
            "elsewhere": float(elsewhere[place]),
            "p": float(p[place]),
        }
        for place in np.flatnonzero(discoveries(p) & (here > elsewhere) & more)
    ]
    kept.sort(key=lambda one: (one["p"], one["column"], one["group"]))
    return kept[:FOUND]


def worst(found: list[dict[str, Any]], metric: str) -> dict[str, Any] | None:
    """The judged slice with the worst value."""
    judged = [one for one in found if one["judged"] and metric in one["metrics"]]
    if not judged:
        return None
    sign = 1 if METRICS[metric].larger_is_better else -1
    one = min(judged, key=lambda entry: sign * entry["metrics"][metric])
    return {"slice": f"{one['column']} = {one['group']}", "metric": metric, "value": one["metrics"][metric]}


def _tried(cells: Cells, columns: Sequence[str], wrong: NDArray[np.bool_], smallest: int) -> Iterator[_Tried]:
    known = {name: cells.by(name) for name in columns}
    usable = {name: one for name, one in known.items() if len(one.names) <= KEYS * max(1, len(wrong))}
    for name, one in usable.items():
        yield _counted(name, one, (), wrong, smallest)
    for a, b in combinations(usable, 2):
        crossed = usable[a].cross(usable[b])
        if crossed is not None:
            yield _counted(f"{a} & {b}", crossed, (usable[a], usable[b]), wrong, smallest)


def _counted(
    columns: str, by: Grouping, parents: Sequence[Grouping], wrong: NDArray[np.bool_], smallest: int
) -> _Tried:
    rows, bad = by.sums(), by.sums(wrong)
    enough = np.flatnonzero((rows >= smallest) & (rows < len(wrong)))
    one_row = np.zeros(len(by.names), dtype=np.int64)
    one_row[by.codes] = np.arange(len(by.codes))
    more = np.ones(len(enough), dtype=bool)
    for parent in parents:
        place = parent.codes[one_row[enough]]
        left, left_bad = parent.sums()[place] - rows[enough], parent.sums(wrong)[place] - bad[enough]
        worse = bad[enough] * np.maximum(left, 1) > left_bad * rows[enough]
        more &= worse & (two_shares(bad[enough], rows[enough], left_bad, left) < CHANCE)
    return _Tried(columns, tuple(by.names[place] for place in enough), rows[enough], bad[enough], more)
