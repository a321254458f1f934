"""What stands out in an analysis, in sentences: for who has a minute."""

from collections.abc import Iterator, Mapping
from typing import Any

from noria.analyze.cells import said

UNFAIR, SLICES, DOMINATED = 5, 3, 3  # that are named one by one
SENSITIVE = 0.01  # share of labels that flip from which a feature is named
SMALL = {"number": "moves a little", "text": "has a slip", "list": "loses a value"}
OF_CLASSES = {
    "error_difference": "the share of wrong answers",
    "demographic_parity_difference": "the share given {positive}",
}
OF_NUMBERS = {"error_difference": "the mean absolute error", "mean_error_difference": "the mean error"}
Found = Mapping[str, Any]


def findings(result: Found) -> list[str]:
    """The sentences, the gravest kind first; none if nothing stands out."""
    return [*_apart(result), *_unfair(result), *_slices(result), *_dominated(result), *_sensitive(result)]


def _apart(result: Found) -> Iterator[str]:
    near, rows = result["disjoint"]["near"], result["rows"]
    if near["telling"] and near["rows"]:
        yield f"{near['rows']:,} of {rows:,} rows are nearly the same as rows learned from: figures may be too good."


def _unfair(result: Found) -> Iterator[str]:
    """Differences between groups that are no chance, the surest first, and groups that are too small to tell; of single
    columns only."""
    single = {name: one for name, one in result["fairness"].items() if " & " not in one["column"]}
    plain = OF_NUMBERS if result["task"] == "regression" else OF_CLASSES
    sure = [
        (one["low"], f"By {name}, {plain[metric].format(positive=between['label'] or result['positive'])}", one)
        for name, between in single.items()
        for metric, one in between["differences"].items()
        if metric in plain and one["value"] is not None and one["low"] > 0
    ]
    sure.sort(key=lambda one: -one[0])
    for _, what, one in sure[:UNFAIR]:
        span = f"95 %: {one['low']:.2g} to {one['high']:.2g}"
        yield f"{what} differs by {one['value']:.2g} ({span}) between {' and '.join(one['between'])}."
    if len(sure) > UNFAIR:
        yield f"{len(sure) - UNFAIR} more differences between groups are beyond chance."
    small = {
        one["column"]: [group["group"] for group in one["groups"] if not group["judged"]] for one in single.values()
    }
    for column, groups in small.items():
        if groups:
            yield f"By {column}, there are too few rows to judge {', '.join(groups)}."


def _slices(result: Found) -> Iterator[str]:
    found = result["found"]
    of = "answers are among the worst tenth" if result["task"] == "regression" else "answers are wrong"
    for one in found[:SLICES]:
        where = said(one["column"], one["group"])
        yield (
            f"Where {where}, {_percent(one['wrong'])} of {one['rows']:,} {of}; elsewhere {_percent(one['elsewhere'])}."
        )
    if len(found) > SLICES:
        yield f"{len(found) - SLICES} more bad slices were found; at most one in twenty of all is chance."


def _dominated(result: Found) -> Iterator[str]:
    for one in result["dominated"][:DOMINATED]:
        yield (
            f"Where {said(one['column'], one['group'])}, {_percent(one['given'])} of {one['rows']:,} rows are given "
            f"{one['label']}, though {_percent(1 - one['truth'])} have another label."
        )


def _sensitive(result: Found) -> Iterator[str]:
    flips = [one for one in result["sensitivity"] if one["kind"] in SMALL and (one["flipped"] or 0) > SENSITIVE]
    if flips:
        worst = max(flips, key=lambda one: one["flipped"])
        yield f"{_percent(worst['flipped'], 1)} of the labels flip when {worst['feature']} {SMALL[worst['kind']]}."


def _percent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f} %"
