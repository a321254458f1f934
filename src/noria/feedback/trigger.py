"""Turn again? A pure decision: what calls for a turn, and whether one may begin now.

A call is answered by a turn. An event (a file, a request) is answered for good by a turn that ended or that a gate
stopped. A state that lasts (a drop, a drift) calls again after the longest pause, unless a gate stopped the turn: then
a person is to decide, and was told. A turn that failed is tried again after a pause that doubles; a budget bounds it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from noria.feedback.config import (
    Every,
    Feedback,
    Rule,
    When,
    WhenDrift,
    WhenLabelled,
    WhenLabelShift,
    duration,
)
from noria.feedback.drift import Drifted
from noria.feedback.performance import Measured
from noria.stats.metrics import METRICS

FEWEST = 100  # answers with a label below which a drop is not believed

PERSON, ERASURE, NEW_DATA, LABELLED = "person", "erasure", "new data", "labelled"
PERFORMANCE, LABEL_SHIFT, DRIFT, SCHEDULE = "performance", "label shift", "drift", "schedule"
ORDER = (PERSON, ERASURE, NEW_DATA, LABELLED, PERFORMANCE, LABEL_SHIFT, DRIFT, SCHEDULE)
LASTING = (ERASURE, PERFORMANCE, LABEL_SHIFT, DRIFT)  # states, not events

TURN, WAIT, HOLD = "turn", "wait", "hold"


@dataclass(frozen=True, slots=True)
class Call:
    """What calls for a turn: by which trigger, why in a sentence; ``mark`` tells it from others of the trigger."""

    trigger: str
    why: str
    mark: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known at a moment.

    Attributes
    ----------
    arrived
        Names and digests of what the sources offer and no run has taken; not of captured answers.
    live
        Each version that gets traffic, measured.
    released
        By version, its metrics when it was released.
    drift
        Each version's live traffic against its release.
    labelled
        Predictions that got a label since some were last collected.
    erased
        Erasures of rows that the champion learned from, and that ask for another model.
    asked
        What a person asked for: the request's id and reason.
    """

    arrived: Sequence[tuple[str, str]] = ()
    live: Sequence[Measured] = ()
    released: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    drift: Sequence[Drifted] = ()
    labelled: int = 0
    erased: Sequence[str] = ()
    asked: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Turned:
    """A turn there was. ``state``: running, done, stopped or failed; ``mark`` as in ``Call``, empty if by hand."""

    at: datetime
    trigger: str
    mark: str
    state: str


@dataclass(frozen=True, slots=True)
class Decision:
    """``turn``: now, because of ``call``. ``hold``: something calls, and has to wait, ``until`` when if that is known.
    ``wait``: nothing calls."""

    word: str
    why: str
    call: Call | None = None
    until: datetime | None = None


def calls(declared: Feedback, evidence: Evidence, turns: Sequence[Turned], now: datetime) -> list[Call]:
    """Everything that calls for a turn, the most urgent first."""
    found = [*_always(declared, evidence)]
    for rule in declared.rules:
        found += _of(rule, evidence, [one.at for one in believed(turns, declared, now)], now)
    return sorted(found, key=lambda one: ORDER.index(one.trigger))


def decide(
    declared: Feedback, calling: Sequence[Call], turns: Sequence[Turned], now: datetime, held: str | None = None
) -> Decision:
    """Whether to turn now.

    Parameters
    ----------
    turns
        Those there were, the oldest first.
    held
        What must be over before a turn that nobody asked for, such as an experiment; None: nothing.
    """
    past = believed(turns, declared, now)
    waits: list[tuple[datetime, str]] = []
    for call in calling:
        if call.trigger == PERSON:
            if not _answered(call, past):
                return Decision(TURN, call.why, call)
            continue
        until = _pause(call, past, declared)
        if until is None:
            continue
        if until > now:
            waits.append((until, f"{call.why}; the last turn for it was a moment ago"))
            continue
        if held is not None:
            return Decision(HOLD, f"{call.why}; {held}", call)
        spent = [
            one.at for one in past if one.trigger not in (PERSON, "") and now - one.at < duration(declared.per, "per")
        ]
        if len(spent) >= declared.turns:
            why = f"{call.why}; {len(spent)} turns in {declared.per} are the budget"
            return Decision(HOLD, why, call, spent[-declared.turns] + duration(declared.per, "per"))
        return Decision(TURN, call.why, call)
    if waits:
        until, why = min(waits)
        return Decision(HOLD, why, None, until)
    return Decision(WAIT, "nothing calls for a turn")


def believed(turns: Sequence[Turned], declared: Feedback, now: datetime) -> list[Turned]:
    """The turns with times that can be: after a clock went back, one that lies ahead counts as now, and one further
    ahead than the budget's time is of a clock that was wrong, and does not count."""
    far = now + duration(declared.per, "per")
    return [Turned(min(one.at, now), one.trigger, one.mark, one.state) for one in turns if one.at <= far]


def _always(declared: Feedback, evidence: Evidence) -> Iterator[Call]:
    if evidence.asked is not None:
        id, reason = evidence.asked
        yield Call(PERSON, reason, id)
    if evidence.erased:
        many = ", ".join(evidence.erased)
        yield Call(ERASURE, f"the champion learned from rows that erasure {many} took away", many)
    if evidence.arrived and declared.on_data:
        names = [name for name, _ in evidence.arrived]
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        yield Call(NEW_DATA, f"new: {shown}", " ".join(sorted(digest for _, digest in evidence.arrived)))


def _of(rule: Rule, evidence: Evidence, turned: Sequence[datetime], now: datetime) -> Iterator[Call]:
    if isinstance(rule, When):
        yield from _dropped(rule, evidence)
    elif isinstance(rule, WhenDrift):
        for one in evidence.drift:
            if len(one.moved) >= rule.columns:
                names = ", ".join(moved.column for moved in one.moved[:3])
                yield Call(DRIFT, f"what version {one.version} sees moved: {names}", f"version {one.version}")
    elif isinstance(rule, WhenLabelShift):
        for one in evidence.drift:
            if one.labels is not None and abs(one.labels.change) >= rule.by:
                label, now_, then = one.labels.label, one.labels.now, one.labels.before
                why = f"the share of label {label} is {now_:.0%} live and was {then:.0%}"
                yield Call(LABEL_SHIFT, why, f"version {one.version}")
    elif isinstance(rule, WhenLabelled):
        if evidence.labelled >= rule.rows:
            yield Call(LABELLED, f"{evidence.labelled:,} predictions got a label", str(evidence.labelled // rule.rows))
    elif isinstance(rule, Every):
        last = max(turned, default=None)
        if last is None or now - last >= duration(rule.time, "every"):
            yield Call(SCHEDULE, f"every {rule.time}", now.isoformat())


def _dropped(rule: When, evidence: Evidence) -> Iterator[Call]:
    """A version is worse than at release by more than the bound, and surely worse at all."""
    metric = METRICS[rule.metric]
    sign = 1.0 if metric.larger_is_better else -1.0
    for one in evidence.live:
        span = (one.estimated if rule.estimated else one.metrics).get(rule.metric)
        then = evidence.released.get(one.version, {}).get(rule.metric)
        rows = one.predictions if rule.estimated else one.compared
        if span is None or then is None or rows < FEWEST or not sign * (then - span.value) > rule.drops:
            continue
        near = span.high if metric.larger_is_better else span.low
        if sign * (then - near) > 0 or near != near:
            how = "is estimated at" if rule.estimated else "is"
            why = f"{rule.metric} of version {one.version} {how} {span.value:.3f} live and was {then:.3f} at release"
            yield Call(PERFORMANCE, why, f"{rule.metric} of {one.version}")


def _answered(call: Call, past: Sequence[Turned]) -> bool:
    return any(one.trigger == call.trigger and one.mark == call.mark and one.state != "failed" for one in past)


def _pause(call: Call, past: Sequence[Turned], declared: Feedback) -> datetime | None:
    """From when on a turn may answer the call; None if one has."""
    same = [one for one in past if one.trigger == call.trigger and one.mark == call.mark]
    if not same:
        return datetime.min.replace(tzinfo=UTC)
    last = same[-1]
    if last.state == "running" or last.state == "stopped" or (last.state == "done" and call.trigger not in LASTING):
        return None
    longest = duration(declared.longest, "longest")
    pause = min(longest, duration(declared.pause, "pause") * 2 ** min(len(same) - 1, 30))
    return last.at + (pause if last.state == "failed" else longest)
