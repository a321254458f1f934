"""Between groups, by Fairlearn's definitions."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate
from numpy.typing import NDArray

from noria.analyze.cells import Cells, Grouping
from noria.model.signature import Signature
from noria.stats import interval
from noria.stats.groups import differences
from noria.stats.interval import wilson
from noria.stats.weighing import HALF

Values = NDArray[Any]
SHARES = {
    "selection_rate": selection_rate,
    "true_positive_rate": true_positive_rate,
    "false_positive_rate": false_positive_rate,
}


def fairness(
    cells: Cells, protected: Sequence[str], y: Values, scores: Values, signature: Signature, smallest: int
) -> dict[str, Any]:
    """For each protected column and each pair of them, between their groups: differences, and each group's rates.

    With several labels a row, each label is looked at by itself, as if it alone were given or not. In a regression the
    rates are mean answer, mean error (answer minus truth) and mean absolute error, in the label's unit.

    Returns
    -------
    dict
        By the name of what was compared: ``column``, ``label`` (None unless there are several), ``groups`` and
        ``differences``.
    """
    found: dict[str, Any] = {}
    for name in [*protected, *(" & ".join(pair) for pair in combinations(protected, 2))]:
        by = cells.by(name)
        for label, groups in _judged(by, y, scores, signature, smallest):
            key = name if label is None else f"{name}: {label}"
            found[key] = {
                "column": name,
                "label": label,
                "groups": groups,
                "differences": differences(groups, smallest),
            }
    return found


def _judged(
    by: Grouping, y: Values, scores: Values, signature: Signature, smallest: int
) -> Iterator[tuple[str | None, list[dict[str, Any]]]]:
    if signature.classes is None:
        yield None, _numbers(by, y.astype(np.float64), scores.astype(np.float64), smallest)
    elif signature.several:
        for place, label in enumerate(signature.classes):
            yield str(label), _rates(by, y[:, place].astype(int), (scores[:, place] >= HALF).astype(int), smallest)
    else:
        best = signature.positive_index
        given = scores.argmax(axis=1)
        yield None, _rates(by, (y == best).astype(int), (given == best).astype(int), smallest, wrong=given != y)


def _rates(
    by: Grouping, truth: Values, given: Values, smallest: int, wrong: Values | None = None
) -> list[dict[str, Any]]:
    """Rates of each group with Wilson's intervals.

    Parameters
    ----------
    truth, given
        1 where the favourable label is true, or was given.
    wrong
        Where another label than the true one was given, if there are more than two; None: where the two differ.
    smallest
        A group whose rates rest on fewer rows is shown with its interval, but is not judged by its value alone.
    """
    shares = _shares(by, truth, given)
    wrong = truth != given if wrong is None else wrong
    everyone = np.ones(len(truth), dtype=bool)
    bases = {"selection_rate": (everyone, given), "true_positive_rate": (truth == 1, given)}
    bases |= {"false_positive_rate": (truth == 0, given), "error": (everyone, wrong)}
    counted = {name: (by.sums(base), by.sums(base & (hit == 1))) for name, (base, hit) in bases.items()}
    found = []
    for place, name in _in_order(by):
        rates = {}
        for rate, (rows, hits) in counted.items():
            share = shares[rate][place] if rate in shares else hits[place] / rows[place]
            low, high = wilson(hits[place], int(rows[place]))
            rates[rate] = _rate(float(share) if rows[place] else None, int(rows[place]), low, high, smallest)
        found.append(_group(name, int(counted["error"][0][place]), rates, smallest))
    return found


def _shares(by: Grouping, truth: Values, given: Values) -> dict[str, Any]:
    """Fairlearn's rates of each group, by the group's place.

    They depend on the counts of the four cases of truth and answer only, so it is given those as weights: of as many
    rows as there are it makes Python objects.
    """
    cases = np.bincount(by.codes * 4 + truth * 2 + given, minlength=4 * len(by.names))
    there = np.flatnonzero(cases)
    group, case = np.divmod(there, 4)
    weights = {name: {"sample_weight": cases[there]} for name in SHARES}
    frame = MetricFrame(
        metrics=SHARES, y_true=case // 2, y_pred=case % 2, sensitive_features=group, sample_params=weights
    )
    return {name: frame.by_group[name] for name in SHARES}


def _numbers(by: Grouping, truth: Values, given: Values, smallest: int) -> list[dict[str, Any]]:
    """Means of each group with Student's intervals; of one row alone there is none, and no difference is judged."""
    gap = given - truth
    of = {"mean_answer": given, "mean_error": gap, "error": np.abs(gap)}
    found = []
    for place, name in _in_order(by):
        mine = by.codes == place
        rows = int(mine.sum())
        rates = {}
        for rate, values in of.items():
            span = interval.mean(values[mine])
            value, low, high = (None, None, None) if span is None else span
            rates[rate] = _rate(value, rows, low, high, smallest)
        found.append(_group(name, rows, rates, smallest))
    return found


def _in_order(by: Grouping) -> list[tuple[int, str]]:
    return sorted(enumerate(by.names), key=lambda one: one[1])


def _rate(value: float | None, rows: int, low: float | None, high: float | None, smallest: int) -> dict[str, Any]:
    return {"value": value, "rows": rows, "low": low, "high": high, "judged": rows >= smallest}


def _group(name: str, rows: int, rates: dict[str, Any], smallest: int) -> dict[str, Any]:
    return {"group": name, "rows": rows, "judged": rows >= smallest, "rates": rates}
