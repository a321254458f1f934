"""The AI hierarchy of needs (Rogati, 2017), layer by layer: what a lifecycle does by itself, and what is missing.

Everything is told from the plan of the newest run and from what is on record; nobody fills in a questionnaire.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from noria.plan import Plan

AUTOMATIC, PARTLY, MISSING = "automatic", "partly", "missing"


@dataclass(frozen=True, slots=True)
class Seen:
    """Counts on record of one lifecycle, and its newest plan.

    by_itself
        Runs that no person started: by a trigger, a watch or an orchestrator.
    """

    plan: Plan
    runs: int
    by_itself: int
    batches: int
    batches_captured: int
    versions: int
    judged: int
    quarantined: int
    predictions: int
    labelled: int
    releases: int
    experiments: int
    alerts: int
    holds: int
    cleared: int
    database: str
    artifacts: str

    def config(self, step: str) -> Mapping[str, Any]:
        known = {one.name: one.config for one in self.plan.steps}
        return known.get(step, {})


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: what is done by itself, what is missing, and the word for both."""

    name: str
    does: Sequence[str]
    missing: Sequence[str]

    @property
    def state(self) -> str:
        return MISSING if not self.does else AUTOMATIC if not self.missing else PARTLY


Said = Iterator[tuple[bool, str]]  # (done, sentence)


def layers(seen: Seen) -> list[Layer]:
    """From the ground up."""
    found = []
    for name, say in LAYERS:
        told = list(say(seen))
        found.append(Layer(name, [text for done, text in told if done], [text for done, text in told if not done]))
    return found


def _collect(seen: Seen) -> Said:
    items = seen.config("collect").get("items") or ()
    kinds = ", ".join(f"{one.get('kind')} {one.get('pattern') or ''}".strip() for one in items)
    yield (
        bool(seen.batches),
        (
            f"{_many(seen.batches, 'batch', 'batches')} collected from {kinds}"
            if seen.batches
            else "no batch was ever collected"
        ),
    )
    yield (
        bool(seen.by_itself),
        (
            f"{seen.by_itself} of {_many(seen.runs, 'run', 'runs')} began by themselves"
            if seen.by_itself
            else "every run was started by a person: 'noria watch' or a schedule would start them"
        ),
    )


def _store(seen: Seen) -> Said:
    yield bool(seen.versions), f"{_many(seen.versions, 'version', 'versions')} of the data, each readable as it was"
    yield True, f"records in {seen.database}, artifacts in {seen.artifacts}"
    yield (
        bool(seen.cleared),
        ("what is not needed is cleared away" if seen.cleared else "nothing was ever cleared away: 'noria gc' would"),
    )
    yield False, "whether anybody makes backups is on no record"


def _explore(seen: Seen) -> Said:
    yield (
        bool(seen.judged),
        (
            f"{seen.judged} of {_many(seen.versions, 'version', 'versions')} judged against schema and history"
            if seen.judged
            else "no version of the data was ever judged"
        ),
    )
    if seen.quarantined:
        yield True, f"{_many(seen.quarantined, 'batch', 'batches')} left out"
    rules = seen.config("validate").get("rules") or seen.config("validate").get("expect")
    yield bool(rules), "rules of your own for the data" if rules else "no rule of your own for the data is declared"
    reached = next((one.reached for one in seen.plan.steps if one.name == "preprocess"), {})
    yield True, "features by your own code, versioned" if reached else "features by noria's defaults"


def _gate(one: Mapping[str, Any]) -> str:
    """A gate's kind as words, and the metric that it is about: ``at least (roc_auc)``."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(one.get("kind"))).lower()
    return f"{words} ({one['metric']})" if one.get("metric") else words


def _label(seen: Seen) -> Said:
    yield bool(seen.judged), "statistics of every batch, merged to those of every version"
    share = f"{seen.labelled / seen.predictions:.0%}" if seen.predictions else ""
    yield (
        bool(seen.labelled),
        (
            f"{seen.labelled:,} of {seen.predictions:,} answers got their label afterwards ({share})"
            if seen.labelled
            else "no label ever came back for an answer: 'noria feedback import' would bring some"
        ),
    )
    captured = any(one.get("kind") == "Captured" for one in seen.config("collect").get("items") or ())
    yield bool(seen.batches_captured) or captured, (
        f"{_many(seen.batches_captured, 'batch', 'batches')} of answers with labels became training data"
        if seen.batches_captured
        else "answers with labels will become training data" if captured
        else "answers are not collected as training data: add Captured() to collect"
    )  # fmt: skip


def _learn(seen: Seen) -> Said:
    trials = int(seen.config("tune").get("trials") or 0)
    searched = trials > 1 or bool(seen.config("tune").get("space"))
    yield (
        searched,
        f"hyper-parameters are searched (at most {trials} trials)" if searched else "hyper-parameters are not searched",
    )
    declared = seen.config("release").get("gates") or ()
    gates = [one.get("kind") for one in declared]
    said = ", ".join(map(_gate, declared))
    yield bool(gates), f"gates decide: {said}" if gates else "no gate decides about a release"
    against = "BetterThanChampion" in gates
    yield against, "a candidate must beat the champion" if against else "no gate compares a candidate with the champion"
    protected = (seen.config("release").get("schema") or {}).get("protected") or ()
    fair = any("air" in str(one) for one in gates)
    if protected:
        names = ", ".join(protected)
        yield fair, f"a gate bounds differences by {names}" if fair else f"no gate bounds differences by {names}"
    else:
        yield False, "no protected column is declared: nobody looks for discrimination"
    yield bool(seen.releases), f"{_many(seen.releases, 'version', 'versions')} released"


def _use(seen: Seen) -> Said:
    yield (
        bool(seen.predictions),
        (f"{seen.predictions:,} answers given and captured" if seen.predictions else "nothing was ever asked of it"),
    )
    retrain = seen.config("feedback").get("retrain")
    yield (
        bool(retrain),
        "what happens in use calls for a new turn" if retrain else "no rule calls for a new turn: Feedback(retrain=…)",
    )
    yield (
        bool(seen.experiments),
        (
            f"{_many(seen.experiments, 'experiment', 'experiments')} between versions in use"
            if seen.experiments
            else "no experiment between versions was ever run: 'noria experiment start' would"
        ),
    )
    yield seen.alerts > 0, f"{_many(seen.alerts, 'alert', 'alerts')} sent" if seen.alerts else "no alert was ever sent"


def _many(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}"


LAYERS: Sequence[tuple[str, Callable[[Seen], Said]]] = (
    ("collect", _collect),
    ("move and store", _store),
    ("explore and transform", _explore),
    ("aggregate and label", _label),
    ("learn and optimise", _learn),
    ("AI in use", _use),
)
