"""Two versions in live traffic: which is better, and when that is known. A pure decision, to be asked at any time.

Peeking costs no error: all intervals hold at every look at once (``noria.stats.sequential``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from noria.stats.interval import Span
from noria.stats.sequential import ALPHA, Sample, difference, mismatch

PROMOTE, STOP, GO_ON = "promote", "stop", "go on"
SUSPICIOUS = 0.001  # a division of traffic less likely than this is a fault, not chance


@dataclass(frozen=True, slots=True)
class Guard:
    """A metric that must not get worse by more than ``by``, whatever else gets better."""

    metric: str
    by: float


@dataclass(frozen=True, slots=True)
class Rules:
    """What an experiment is to find out, fixed before it starts.

    metric
        Of which more is better, such as ``accuracy`` or ``rating``; name a loss with a minus: ``-brier``.
    effect
        The difference that matters, in the metric's unit.
    guards
        Metrics that must not get worse.
    least
        Subjects with a truth that each version must have before anything is said.
    alpha
        Probability to ever decide wrongly.
    shortest
        Seconds before which nothing but harm is said: whole weeks, where weekdays differ.
    longest
        Seconds after which an experiment that has not told anything is stopped; None: never.
    """

    metric: str
    effect: float
    guards: Sequence[Guard] = ()
    least: int = 100
    alpha: float = ALPHA
    shortest: float = 0.0
    longest: float | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "Rules":
        """Read back what ``plain`` gave."""
        return cls(**{**plain, "guards": tuple(Guard(**one) for one in plain["guards"])})


@dataclass(frozen=True, slots=True)
class Arm:
    """One version: its weight in the route, all its answers, and those of them whose truth is known, by metric."""

    version: int
    weight: float
    answers: int
    known: Mapping[str, Sample] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """``promote``, ``stop`` or ``go on``; why, in a sentence; the numbers behind it; and whether going on does harm."""

    word: str
    why: str
    evidence: Mapping[str, Any]
    harm: bool = False


def verdict(champion: Arm, challenger: Arm, rules: Rules) -> Verdict:
    """What an experiment says now.

    A fault in the division of traffic comes before harm, harm before too few answers, and all before the result.
    """
    shares = mismatch([champion.answers, challenger.answers], [champion.weight, challenger.weight])
    spans = {name: _gap(champion, challenger, name, rules) for name in _metrics(rules)}
    known = [_known(arm, rules.metric).count for arm in (champion, challenger)]
    evidence: dict[str, Any] = {
        "versions": [champion.version, challenger.version],
        "answers": [champion.answers, challenger.answers],
        "known": known,
        "mismatch": shares,
        "differences": {name: {"value": s.value, "low": s.low, "high": s.high} for name, s in spans.items()},
    }
    broken = [guard for guard in rules.guards if spans[guard.metric].high < -guard.by]
    if shares >= SUSPICIOUS and broken and min(known) >= rules.least:
        guard = broken[0]
        why = f"{guard.metric} is worse by {_shown(spans[guard.metric])}, and {guard.by:g} is allowed"
        return Verdict(STOP, why, evidence, harm=True)
    word, why = _said(shares, spans, known, rules)
    return Verdict(word, why, evidence)


def timely(said: Verdict, elapsed: timedelta, rules: Rules) -> Verdict:
    """The same verdict where its time has come: nothing but harm before the shortest time, a stop after the longest.

    Parameters
    ----------
    elapsed
        Since the experiment started; below 0, after a clock went back, counts as 0.
    """
    seconds = max(0.0, elapsed.total_seconds())
    if said.word != GO_ON and not said.harm and seconds < rules.shortest:
        left = timedelta(seconds=round(rules.shortest - seconds))
        return Verdict(GO_ON, f"{said.why}; nothing is decided for another {left}", said.evidence)
    if said.word == GO_ON and rules.longest is not None and seconds >= rules.longest:
        longest = timedelta(seconds=rules.longest)
        return Verdict(STOP, f"after {longest} nothing is known: {said.why}", said.evidence)
    return said


def _said(shares: float, spans: Mapping[str, Span], known: Sequence[int], rules: Rules) -> tuple[str, str]:
    if shares < SUSPICIOUS:
        return STOP, "the answers are not divided as the route says: the two cannot be compared"
    if min(known) < rules.least:
        return GO_ON, f"the truth of {min(known)} answers is known, {rules.least} are needed"
    span = spans[rules.metric]
    harmless = all(spans[guard.metric].low > -guard.by for guard in rules.guards)
    if span.low > 0:
        if harmless:
            return PROMOTE, f"{rules.metric} is better by {_shown(span)}"
        return GO_ON, f"{rules.metric} is better by {_shown(span)}, but a guard may still be broken"
    if span.high < 0:
        return STOP, f"{rules.metric} is worse by {_shown(span)}"
    if -rules.effect < span.low and span.high < rules.effect:
        return STOP, f"{rules.metric} differs by less than {rules.effect:g}: {_shown(span)}"
    return GO_ON, f"{rules.metric} differs by {_shown(span)}: not yet known"


def _metrics(rules: Rules) -> list[str]:
    return list(dict.fromkeys([rules.metric, *(guard.metric for guard in rules.guards)]))


def _gap(champion: Arm, challenger: Arm, metric: str, rules: Rules) -> Span:
    """By how much the challenger is better; each guard may err as rarely as all of them together are allowed to."""
    guards = [guard for guard in rules.guards if guard.metric == metric]
    scale = guards[0].by if guards and metric != rules.metric and guards[0].by > 0 else rules.effect
    alpha = rules.alpha if metric == rules.metric else rules.alpha / len(rules.guards)
    span = difference(_known(champion, metric), _known(challenger, metric), scale=scale, alpha=alpha)
    return Span(-span.value, -span.high, -span.low) if metric.startswith("-") else span


def _known(arm: Arm, metric: str) -> Sample:
    return arm.known.get(metric.removeprefix("-"), Sample())


def _shown(span: Span) -> str:
    return f"{abs(span.value):.3g} (from {span.low:.3g} to {span.high:.3g})"
