"""Rules that must hold before the wheel turns on, one function each, yielding verdicts with evidence."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from noria.release.config import (
    AtLeast,
    BetterThanChampion,
    Calibrated,
    Fair,
    Fits,
    Gate,
    NoSliceWorse,
    Stable,
)
from noria.stats.compare import Gap
from noria.stats.groups import DIFFERENCES, largest
from noria.stats.metrics import METRICS, default


@dataclass(frozen=True, slots=True)
class Verdict:
    """``verdict`` is pass, warn or block; ``evidence`` is one sentence with the numbers."""

    gate: str
    verdict: str
    evidence: str

    def plain(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Case:
    """What gates judge by.

    analysis
        The analysis report, as plain data.
    compare
        The candidate against the champion by a metric, on the same analysis rows; None: there is no champion.
    megabytes
        Size of the package, in MiB.
    milliseconds
        Measures the time for one row; called only if a gate asks.
    """

    analysis: Mapping[str, Any]
    compare: Callable[[str], Gap | None]
    megabytes: float
    milliseconds: Callable[[], float]

    @property
    def task(self) -> str:
        return str(self.analysis["task"])


def better(gate: BetterThanChampion, case: Case) -> Iterator[Verdict]:
    """Blocks if the candidate is surely worse than the champion by more than the margin, or is not surely better."""
    metric = gate.metric or default(case.task)
    name = f"better than champion: {metric}"
    gap = case.compare(metric)
    if gap is None:
        yield Verdict(name, "pass", "there is no champion yet")
        return
    numbers = (
        f"{gap.candidate:.4f} against {gap.champion:.4f} on the same rows, "
        f"gain {gap.gain:+.4f} (95 %: {gap.low:+.4f} to {gap.high:+.4f})"
    )
    if gap.gain != gap.gain:
        yield Verdict(name, "block", f"{metric} is undefined on the analysis split")
    elif gap.high < -gate.margin:
        yield Verdict(name, "block", numbers)
    elif gate.surely and gap.low <= -gate.margin:
        yield Verdict(name, "block", f"{numbers}; it may be chance")
    else:
        yield Verdict(name, "pass" if gap.gain >= -gate.margin else "warn", numbers)


def fair(gate: Fair, case: Case) -> Iterator[Verdict]:
    """Blocks if two groups differ by more than the bound; a group too small to judge never passes by luck."""
    found = case.analysis["fairness"]
    columns = gate.on or tuple(dict.fromkeys(between.get("column", name) for name, between in found.items()))
    if not columns:
        yield Verdict(f"fair: {gate.metric}", "block", "no column is declared protected: Schema(protected=[...])")
    for column in columns:
        of_column = {name: one for name, one in found.items() if one.get("column", name) == column}
        if not of_column:
            text = f"{column} was not analysed: name it in Schema(protected=[...])"
            yield Verdict(f"fair by {column}: {gate.metric}", "block", text)
        for name, between in of_column.items():
            title = f"fair by {name}: {gate.metric}"
            if not set(DIFFERENCES[gate.metric]) <= set(between["groups"][0]["rates"]):
                yield Verdict(title, "block", f"it is no measure of a {case.task}")
            else:
                yield _fair(title, largest(between["groups"], gate.metric, gate.min_rows), gate)


def _fair(name: str, found: Mapping[str, Any], gate: Fair) -> Verdict:
    bound = gate.max
    small = f"too few rows to judge {', '.join(found['undecided'])}" if found["undecided"] else ""
    if found["value"] is None:
        return Verdict(name, "block", f"fewer than two groups have enough rows; {small}")
    numbers = (
        f"{found['value']:.3f} between {' and '.join(found['between'])} "
        f"(95 %: {found['low']:.3f} to {found['high']:.3f}), at most {bound:g}"
    )
    if found["value"] > bound:
        return Verdict(name, "block", numbers)
    if found["certain"] > bound:
        return Verdict(name, "block", f"{numbers}; a small group differs by at least {found['certain']:.3f}")
    return Verdict(name, gate.small, f"{numbers}; {small}") if small else Verdict(name, "pass", numbers)


def no_slice_worse(gate: NoSliceWorse, case: Case) -> Iterator[Verdict]:
    """Blocks if a slice is worse than all rows by more than the bound; warns if that may be chance."""
    name = f"no slice worse: {gate.metric}"
    whole = case.analysis["metrics"].get(gate.metric)
    judged = [one for one in case.analysis["slices"] if one["judged"] and gate.metric in one["metrics"]]
    if whole is None or not judged:
        yield Verdict(name, "block", "there is no slice to judge: Analyze(slices=[...])")
        return
    gain = METRICS[gate.metric].gain
    worse = [one for one in judged if gain(whole, one["metrics"][gate.metric]) > gate.by]
    sure = [one for one in worse if not _may_be_chance(one, gate.metric, whole)]
    worst = max(sure or worse or judged, key=lambda one: gain(whole, one["metrics"][gate.metric]))
    evidence = (
        f"{worst['column']} = {worst['group']}: {worst['metrics'][gate.metric]:.4f} against {whole:.4f} overall, "
        f"at most {gate.by:g} worse"
    )
    if worse and not sure:
        evidence += f"; with {worst['rows']} rows it may be chance"
    yield Verdict(name, "block" if sure else "warn" if worse else "pass", evidence)
    for one in case.analysis["found"][:3]:
        if gate.metric in ("accuracy", "subset_accuracy") and one["wrong"] - one["elsewhere"] > gate.by:
            here, there = f"{one['wrong']:.0%}", f"{one['elsewhere']:.0%}"
            text = f"found {one['column']} = {one['group']}: {here} wrong against {there} elsewhere"
            yield Verdict(name, "block", text)


def _may_be_chance(one: Mapping[str, Any], metric: str, whole: float) -> bool:
    """True if the slice's interval reaches the value of all rows; only accuracy has one."""
    return metric == "accuracy" and bool(one["accuracy_interval"][1] >= whole)


def at_least(gate: AtLeast, case: Case) -> Iterator[Verdict]:
    """Blocks if a metric does not reach its value."""
    better_if = "at least" if METRICS[gate.metric].larger_is_better else "at most"
    name = f"{gate.metric} {better_if} {gate.value:g}"
    value = case.analysis["metrics"].get(gate.metric)
    if value is None:
        yield Verdict(name, "block", f"{gate.metric} is undefined on the analysis split")
    else:
        good = METRICS[gate.metric].gain(value, gate.value) >= 0
        yield Verdict(name, "pass" if good else "block", f"{value:.4f}")


def stable(gate: Stable, case: Case) -> Iterator[Verdict]:
    """Blocks if a small change of one input flips too many labels, or moves the answers too far."""
    looked = [one for one in case.analysis["sensitivity"] if one["kind"] in gate.kinds]
    if gate.max is not None:
        yield _moved(f"stable: at most {gate.max:.1%} flipped", looked, "flipped", gate.max)
    if gate.change is not None:
        yield _moved(f"stable: mean change at most {gate.change:g}", looked, "change", gate.change)


def _moved(name: str, looked: Sequence[Mapping[str, Any]], what: str, bound: float) -> Verdict:
    if not looked:
        return Verdict(name, "block", "sensitivity was not measured: Analyze(sensitivity=0.01), stable(kinds=[...])")
    if all(one[what] is None for one in looked):
        return Verdict(name, "block", "no label can flip in a regression: bound the change, stable(change=...)")
    worst = max(looked, key=lambda one: one[what])
    said = f"{worst[what]:.2%}" if what == "flipped" else f"{worst[what]:.4g}"
    how = {"number": "moves a little", "text": "has a slip", "list": "loses a value"}.get(worst["kind"], "is another")
    return Verdict(name, "block" if worst[what] > bound else "pass", f"{said} when {worst['feature']} {how}")


def calibrated(gate: Calibrated, case: Case) -> Iterator[Verdict]:
    """Blocks if said and seen shares are too far apart."""
    name = f"calibrated: error at most {gate.max:g}"
    found = case.analysis["calibration"]
    if found is None:
        yield Verdict(name, "block", "calibration was not measured")
    else:
        yield Verdict(name, "block" if found["error"] > gate.max else "pass", f"{found['error']:.4f}")


def fits(gate: Fits, case: Case) -> Iterator[Verdict]:
    """Blocks if the package is too large or too slow."""
    if gate.max_mb is not None:
        verdict = "block" if case.megabytes > gate.max_mb else "pass"
        yield Verdict(f"size at most {gate.max_mb:g} MiB", verdict, f"{case.megabytes:.2f} MiB")
    if gate.max_ms is not None:
        took = case.milliseconds()
        # The measured time stays out of the evidence: a release record has the same bytes for the same model.
        verdict = "block" if took > gate.max_ms else "pass"
        yield Verdict(f"one row in at most {gate.max_ms:g} ms", verdict, "slower" if took > gate.max_ms else "it does")


RULES: Mapping[type, Callable[..., Iterator[Verdict]]] = {
    BetterThanChampion: better,
    Fair: fair,
    NoSliceWorse: no_slice_worse,
    AtLeast: at_least,
    Stable: stable,
    Calibrated: calibrated,
    Fits: fits,
}


def judge(gates: Sequence[Gate], case: Case) -> list[Verdict]:
    """The verdicts of all gates, in the order they were declared."""
    return [verdict for gate in gates for verdict in RULES[type(gate)](gate, case)]
