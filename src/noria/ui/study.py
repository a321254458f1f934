"""The search behind a version: its trials in order, each trial's parameters as a line, and which parameters count."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np

from noria.errors import NotFound
from noria.report import charts as shared
from noria.run.place import Place
from noria.stats.metrics import METRICS
from noria.store.registry import ModelVersion
from noria.ui import charts, find, kept
from noria.ui.ask import Ask, File, Shown

PAGE = 100  # trials
DRAWN = 300  # trials in a chart: more lines than that are one surface


def page(ask: Ask) -> Shown:
    """The trials, the best first unless asked otherwise."""
    found = _study(ask, ask.name("name"))
    trials, ranked = found["trials"], found["ranked"]
    order = ask.query("order", "best")
    listed = ranked if order == "best" else trials
    pages = max(1, -(-len(trials) // PAGE))
    here = min(max(1, ask.number("page", 1)), pages)
    best = next(iter(ranked), None)
    return Shown("study.html", {
        **{name: found[name] for name in ("model", "number", "run", "metric", "sampler", "chosen")},
        "count": len(trials), "trials": listed[(here - 1) * PAGE : here * PAGE], "page": here, "pages": pages,
        "order": order, "best": best, "states": found["states"], "params": found["params"],
        "importance": found["importance"],
        "seconds": found["seconds"],
    })  # fmt: skip


def _study(ask: Ask, name: str) -> dict[str, Any]:
    """The search behind a version, in order and ranked, with its digests as ``of``: a finished one never changes."""
    with ask.place.store.read() as c:
        version = find.model(c, name)
    left = kept.outputs(ask.place, version.run_id, "tune")
    parts = [left[one].digest.hex if one in left else None for one in ("study.json", "costs.json")]
    of = f"{version.model}@{version.number} {version.run_id} {dict(version.params)} {parts}"
    found: dict[str, Any] | None = kept.made(("study", of), lambda: _told(ask.place, version, of, *parts))
    if found is None:
        what = f"{version.model}@{version.number} has no study"
        raise NotFound(what, where="pages", do="Only a version that a run made has one.")
    return found


def _told(place: Place, version: ModelVersion, of: str, study: str | None, costs: str | None) -> dict[str, Any] | None:
    told = kept.read(place, study) if study else None
    if told is None:
        return None
    spent = {one["number"]: one for one in (kept.read(place, costs) if costs else None) or ()}
    trials = [{**one, **spent.get(one["number"], {})} for one in told["trials"]]
    known = METRICS.get(told["metric"])
    larger = known.larger_is_better if known else True
    return {
        "of": of, "model": version.model, "number": version.number, "run": version.run_id, "metric": told["metric"],
        "sampler": told["sampler"], "trials": trials, "ranked": _ranked(trials, larger), "larger": larger,
        "chosen": next((one["number"] for one in trials if one["params"] == dict(version.params)), None),
        "states": _states(trials), "params": list(_names(trials)), "importance": importance(trials),
        "seconds": sum(one.get("seconds") or 0.0 for one in trials),
    }  # fmt: skip


def _ranked(trials: Sequence[Mapping[str, Any]], larger: bool) -> list[Mapping[str, Any]]:
    sign = -1 if larger else 1
    return sorted(trials, key=lambda one: (one["value"] is None, sign * (one["value"] or 0.0), one["number"]))


def _states(trials: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in trials:
        found[one["state"]] = found.get(one["state"], 0) + 1
    return found


def _names(trials: Sequence[Mapping[str, Any]]) -> dict[str, None]:
    return dict.fromkeys(name for one in trials for name in one["params"])


def importance(trials: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """How much of the values' order each parameter alone explains: its squared rank correlation with them, of a
    category the share of the rank's variance between its values. No cause: parameters that a search chose together
    share it."""
    whole = [one for one in trials if one["value"] is not None]
    if len(whole) < 4:
        return []
    ranks = _ranks([one["value"] for one in whole])
    rows = [{"feature": name, "loss": _explained([one["params"].get(name) for one in whole], ranks)}
            for name in _names(whole)]  # fmt: skip
    return sorted(rows, key=lambda row: -row["loss"])


def _ranks(values: Sequence[float]) -> np.ndarray[Any, Any]:
    order = np.argsort(np.argsort(np.asarray(values, dtype=float), kind="stable"))
    return order.astype(float)


def _explained(values: Sequence[Any], ranks: np.ndarray[Any, Any]) -> float:
    if all(isinstance(one, int | float) and not isinstance(one, bool) for one in values):
        given = _ranks(values)
        if given.std() == 0 or ranks.std() == 0 or len(set(values)) < 2:
            return 0.0
        return float(np.corrcoef(given, ranks)[0, 1] ** 2)
    groups: dict[str, list[float]] = {}
    for value, rank in zip(values, ranks, strict=True):
        groups.setdefault(str(value), []).append(rank)
    between = sum(len(one) * (np.mean(one) - ranks.mean()) ** 2 for one in groups.values())
    whole = float(((ranks - ranks.mean()) ** 2).sum())
    return float(between / whole) if whole else 0.0


def history_chart(ask: Ask) -> File | Shown:
    """What each trial reached, in their order, and the best so far."""
    return _drawn(ask, _history)


def _drawn(ask: Ask, build: Callable[[dict[str, Any]], Any]) -> File | Shown:
    """A chart of the search that is asked for; ``build`` gives None where there is nothing to draw."""
    found = _study(ask, ask.query("of"))
    return charts.once(ask, found["of"], lambda: build(found))


def _history(found: dict[str, Any]) -> Any:
    whole = [one for one in found["trials"] if one["value"] is not None]
    if not whole:
        return None
    pick = max if found["larger"] else min
    rows, best = [], whole[0]["value"]
    for one in whole:
        best = pick(best, one["value"])
        rows.append({"trial": one["number"], "value": one["value"], "best": best})
    rows = _thinned(rows)
    base = alt.Chart(alt.Data(values=rows)).encode(x=alt.X("trial:Q", axis=alt.Axis(format="d", tickMinStep=1)))
    scale = alt.Scale(zero=False)
    dots = base.mark_point(filled=True, size=45, color=shared.MARK, opacity=0.65).encode(
        y=alt.Y("value:Q", title=found["metric"], scale=scale), tooltip=["trial:Q", "value:Q"]
    )
    line = base.mark_line(interpolate="step-after", color="#e0752d", strokeWidth=2).encode(
        y=alt.Y("best:Q", scale=scale)
    )
    return (dots + line).properties(width=charts.WIDTH, height=200)


def _thinned(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    step = -(-len(rows) // DRAWN)
    return rows if step <= 1 else [*rows[::step], rows[-1]]


def parallel_chart(ask: Ask) -> File | Shown:
    """Each trial a line through its parameters to its value; the colour is the value."""
    return _drawn(ask, _parallel)


def _parallel(found: dict[str, Any]) -> Any:
    whole = [one for one in found["ranked"] if one["value"] is not None][:DRAWN]
    names = [*list(_names(whole))[:10], found["metric"]]
    if len(whole) < 2:
        return None
    columns = {name: _placed([one["params"].get(name) for one in whole]) for name in names[:-1]}
    columns[found["metric"]] = _placed([one["value"] for one in whole])
    rows = [
        {"trial": one["number"], "axis": name, "place": columns[name][row], "value": one["value"],
         "shown": _shown(one["params"].get(name, one["value"]))}
        for row, one in enumerate(whole)
        for name in names
        if columns[name][row] is not None
    ]  # fmt: skip
    chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_line(opacity=0.55, strokeWidth=1.5)
        .encode(
            x=alt.X("axis:N", title=None, sort=names, axis=alt.Axis(labelAngle=0, labelPadding=8)),
            y=alt.Y("place:Q", title=None, axis=None),
            detail="trial:N",
            color=alt.Color(
                "value:Q",
                title=found["metric"],
                scale=alt.Scale(scheme="viridis", zero=False),
                legend=alt.Legend(gradientLength=280, tickCount=3),
            ),
            tooltip=["trial:N", "axis:N", "shown:N", "value:Q"],
        )
        .properties(width=charts.WIDTH, height=220)
    )
    return chart


def _placed(values: Sequence[Any]) -> list[float | None]:
    """Values from 0 to 1: numbers by size, by their logarithm where they reach over more than two powers of ten;
    others by their place among all."""
    present = [one for one in values if one is not None]
    if all(isinstance(one, int | float) and not isinstance(one, bool) for one in present):
        numbers = [None if one is None else float(one) for one in values]
        known = [one for one in numbers if one is not None]
        low, high = min(known), max(known)
        if low > 0 and high / low > 100:
            return _placed([None if one is None else float(np.log10(one)) for one in numbers])
        return [None if one is None else (one - low) / ((high - low) or 1.0) for one in numbers]
    order = {text: place for place, text in enumerate(sorted({str(one) for one in present}))}
    return [None if one is None else order[str(one)] / max(1, len(order) - 1) for one in values]


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def importance_chart(ask: Ask) -> File | Shown:
    """Which parameters count."""
    return _drawn(ask, lambda found: shared.importance(found["importance"]) if found["importance"] else None)
