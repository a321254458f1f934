"""How fast and how safely a lifecycle goes round: times and shares from the records, nothing that anybody was asked.

The first four measures are those of DORA (lead time, frequency, change failure rate, time to restore) carried over to
models; the fifth is what people cost the wheel.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Any

from noria.store.alerts import Sent
from noria.store.audit import Entry
from noria.store.datasets import Batch, Version
from noria.store.registry import ModelVersion, Release
from noria.store.routes import Route

WEEK_S = 7 * 86_400.0
HOUR_S = 3_600.0
LOUD = ("warn", "block")  # alerts that say something is wrong


@dataclass(frozen=True, slots=True)
class Records:
    """What is on record of one lifecycle, oldest first."""

    batches: Sequence[Batch]
    versions: Sequence[Version]
    models: Sequence[ModelVersion]
    releases: Sequence[Release]
    routes: Sequence[Route]
    alerts: Sequence[Sent]
    audit: Sequence[Entry]
    answers: Mapping[str, str] = field(default_factory=dict)  # release that decides → release that waited


@dataclass(frozen=True, slots=True)
class Spread:
    """Some lengths of time, in seconds: how many, all together, the middle one, the ninth of ten, the longest."""

    count: int
    total: float = 0.0
    median: float | None = None
    ninetieth: float | None = None
    longest: float | None = None

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Spread":
        if not seconds:
            return cls(0)
        ordered = sorted(seconds)
        return cls(
            len(ordered),
            sum(ordered),
            median(ordered),
            ordered[min(len(ordered) - 1, int(len(ordered) * 0.9))],
            ordered[-1],
        )


@dataclass(frozen=True, slots=True)
class Loop:
    """
    lead
        From the arrival of a batch to the first answer that a model which learned from it could give.
    unserved
        Batches that no model which answers or answered has learned from yet.
    releases, per_week
        Released versions, and how many a week since the first batch arrived.
    live, rolled_back, share_rolled_back
        Versions that ever got traffic, those of them that an older one replaced, and their share (None of none).
    restore
        From the moment a version that was rolled back became champion to the moment the older one was again.
    restore_from_alert
        The same from the first alert in between that said something was wrong; of those where there was one.
    waited
        How long candidates and versions of data waited for a person's word, where one was given.
    waiting
        How long those wait that nobody has answered, by what they are.
    """

    lead: Spread
    unserved: int
    releases: int
    per_week: float | None
    live: int
    rolled_back: Sequence[int]
    share_rolled_back: float | None
    restore: Spread
    restore_from_alert: Spread
    waited: Spread
    waiting: Mapping[str, float]


def measure(found: Records, now: datetime) -> Loop:
    """The figures as of a moment."""
    served = _served(found.routes)
    lead = list(_lead(found, served))
    back = list(_rolled_back(found.audit))
    released = [one for one in found.releases if one.decision == "released"]
    began = found.batches[0].arrived_at if found.batches else None
    weeks = max((now - began).total_seconds() / WEEK_S, 1 / 7) if began else None
    waited, waiting = _waits(found, now)
    numbers = sorted({number for number, _, _ in back})
    return Loop(
        lead=Spread.of([seconds for seconds in lead if seconds is not None]),
        unserved=sum(seconds is None for seconds in lead),
        releases=len(released),
        per_week=len(released) / weeks if weeks else None,
        live=len(served),
        rolled_back=numbers,
        share_rolled_back=len(numbers) / len(served) if served else None,
        restore=Spread.of([(end - begin).total_seconds() for _, begin, end in back]),
        restore_from_alert=Spread.of(list(_from_alert(back, found.alerts))),
        waited=Spread.of(waited),
        waiting=waiting,
    )


def _served(routes: Sequence[Route]) -> dict[int, datetime]:
    """When each version first got traffic."""
    first: dict[int, datetime] = {}
    for one in routes:
        for number in one.weights:
            first.setdefault(int(number), one.at)
    return first


def _lead(found: Records, served: Mapping[int, datetime]) -> Iterator[float | None]:
    """By accepted batch, the seconds until a version that had learned from it answered; None if none does."""
    holds = {one.number: set(one.batches) for one in found.versions}
    for batch in found.batches:
        if batch.state != "accepted":
            continue
        times = [
            served[model.number]
            for model in found.models
            if model.number in served and batch.id in holds.get(model.dataset_version, ())
        ]
        yield max((min(times) - batch.arrived_at).total_seconds(), 0.0) if times else None


def _rolled_back(audit: Sequence[Entry]) -> Iterator[tuple[int, datetime, datetime]]:
    """Versions that an older one replaced as champion: which, since when it was, and when it was no more."""
    champion: tuple[int, datetime] | None = None
    for one in audit:
        if one.action != "alias champion" or one.after is None:
            continue
        number, at = int(one.after), datetime.fromisoformat(one.at)
        if champion is not None and number < champion[0]:
            yield champion[0], champion[1], at
        champion = (number, at)


def _from_alert(back: Sequence[tuple[int, datetime, datetime]], alerts: Sequence[Sent]) -> Iterator[float]:
    for _, begin, end in back:
        told = [one.at for one in alerts if one.severity in LOUD and begin <= one.at <= end]
        if told:
            yield (end - min(told)).total_seconds()


def _waits(found: Records, now: datetime) -> tuple[list[float], dict[str, float]]:
    answered = {asked: by for by, asked in found.answers.items()}
    by_id = {one.id: one for one in found.releases}
    waited, waiting = [], {}
    for one in found.releases:
        if one.decision != "waiting":
            continue
        answer = by_id.get(answered.get(one.id, ""))
        if answer is not None:
            waited.append((answer.at - one.at).total_seconds())
        else:
            waiting[f"release {one.id}"] = (now - one.at).total_seconds()
    accepted = {one.subject: datetime.fromisoformat(one.at) for one in found.audit if one.action == "accept"}
    newest = found.versions[-1].number if found.versions else None
    for version in found.versions:
        at = accepted.get(f"dataset_version:{version.dataset}@{version.number}")
        if at is not None:
            waited.append((at - version.created_at).total_seconds())
        elif version.verdict == "block" and version.number == newest:
            waiting[f"data {version.dataset}@{version.number}"] = (now - version.created_at).total_seconds()
    return waited, waiting


def plain(found: Loop) -> dict[str, Any]:
    """As JSON has it: seconds, shares and counts."""

    def spread(one: Spread) -> dict[str, float | None]:
        return {"count": one.count, "median_s": one.median, "p90_s": one.ninetieth, "longest_s": one.longest}

    back = {"versions_live": found.live, "versions_rolled_back": list(found.rolled_back)}
    return {
        "lead_time": {**spread(found.lead), "batches_not_served_yet": found.unserved},
        "release_frequency": {"releases": found.releases, "per_week": found.per_week},
        "rolled_back": {**back, "share": found.share_rolled_back},
        "time_to_restore": {**spread(found.restore), "from_first_alert": spread(found.restore_from_alert)},
        "waited_for_people": {
            **spread(found.waited), "hours": sum_hours(found), "waiting_now_s": dict(found.waiting),
        },
    }  # fmt: skip


def sum_hours(found: Loop) -> float:
    """Hours that the wheel stood still for people, those that it still does among them."""
    return (found.waited.total + sum(found.waiting.values())) / HOUR_S
