"""Rules that must hold before the wheel turns on, one function each, yielding verdicts with evidence."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from noria.release.config import AtLeast, Better, Fair, Gate, Slices
from noria.stats.compare import Gap
from noria.stats.metrics import METRICS


@dataclass(frozen=True, slots=True)
class Verdict:
    """``verdict`` is pass, warn or block; ``evidence`` is one sentence with the numbers."""

    gate: str
    verdict: str
    evidence: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Case:
    """What gates judge by: the analysis report, and the comparison with the champion (None: there is none)."""

    analysis: Mapping[str, Any]
    compare: Callable[[str], Gap | None]


def better(gate: Better, case: Case) -> Iterator[Verdict]:
    """Blocks if the candidate is surely worse than the champion by more than the slack."""
    name = f"better than champion: {gate.metric}"
    gap = case.compare(gate.metric)
    if gap is None:
        yield Verdict(name, "pass", "there is no champion yet")
        return
    numbers = f"{gap.candidate:.4f} against {gap.champion:.4f}, gain {gap.gain:+.4f} ({gap.low:+.4f} to {gap.high:+.4f})"
    verdict = "block" if gap.high < -gate.slack else "pass" if gap.low >= -gate.slack else "warn"
    yield Verdict(name, verdict, numbers)


def fair(gate: Fair, case: Case) -> Iterator[Verdict]:
    """Blocks if groups differ by more than the bound; a group too small to be judged warns instead of passing."""
    columns = [gate.column] if gate.column else list(case.analysis["protected"])
    if not columns:
        yield Verdict(f"fair: {gate.metric}", "block", "no protected column is declared: Schema(protected=[...])")
    for column in columns:
        found = case.analysis["fairness"].get(column, {"differences": {}, "groups": []})
        value = found["differences"].get(gate.metric)
        small = [g["group"] for g in found["groups"] if not g["judged"]]
        name = f"fair by {column}: {gate.metric}"
        if value is None:
            yield Verdict(name, "block", "there are not two groups large enough to compare")
        elif value > gate.max:
            yield Verdict(name, "block", f"{value:.3f} is more than {gate.max:g}")
        elif small:
            yield Verdict(name, "warn", f"{value:.3f} of at most {gate.max:g}; too small to judge: {', '.join(small)}")
        else:
            yield Verdict(name, "pass", f"{value:.3f} of at most {gate.max:g}")


def at_least(gate: AtLeast, case: Case) -> Iterator[Verdict]:
    """Blocks if a metric does not reach its value."""
    value = case.analysis["metrics"].get(gate.metric)
    name = f"{gate.metric} reaches {gate.value:g}"
    if value is None:
        yield Verdict(name, "block", f"{gate.metric} is not defined on the analysis split")
        return
    good = value >= gate.value if METRICS[gate.metric].larger_is_better else value <= gate.value
    yield Verdict(name, "pass" if good else "block", f"{value:.4f}")


def slices(gate: Slices, case: Case) -> Iterator[Verdict]:
    """Blocks if a subset's metric is under the overall one by more than allowed."""
    overall = case.analysis["metrics"].get(gate.metric)
    judged = [s for s in case.analysis["slices"] if s["judged"] and gate.metric in s["metrics"]]
    name = f"no slice worse: {gate.metric}"
    if overall is None or not judged:
        yield Verdict(name, "block", "there is no subset to judge: Analyze(slices=[...])")
        return
    sign = 1.0 if METRICS[gate.metric].larger_is_better else -1.0
    worst = max(judged, key=lambda s: sign * (overall - s["metrics"][gate.metric]))
    gap = sign * (overall - worst["metrics"][gate.metric])
    text = f"{worst['column']} = {worst['group']}: {worst['metrics'][gate.metric]:.4f} against {overall:.4f} overall"
    yield Verdict(name, "block" if gap > gate.by else "pass", text)


RULES: Mapping[type, Callable[..., Iterator[Verdict]]] = {Better: better, Fair: fair, AtLeast: at_least, Slices: slices}


def judge(gates: list[Gate], case: Case) -> list[Verdict]:
    """The verdicts of all gates, in the order they were declared."""
    return [verdict for gate in gates for verdict in RULES[type(gate)](gate, case)]
