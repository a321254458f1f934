"""Which damages validation finds, and how often it alarms without one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import polars as pl

from benchmarks.data import corruptions, evidently
from benchmarks.measure import Line, Peer, Target, Trouble
from noria.data.profile import Profile, profile
from noria.validate.config import Validate
from noria.validate.findings import Fresh, findings
from noria.validate.report import Anomaly

CLEAN = 40  # batches without damage
SEEDS = 2  # batches of each damage
SHIFTS = 40  # batches with the smallest label shift
ALARMS = ("block", "warn")
SMALL = ("label share 50 to 40 %", "label share 50 to 60 %")


@cache
def before() -> Profile:
    return profile(corruptions.baseline(corruptions.BASELINE), corruptions.SCHEMA)


def alarms(frame: pl.DataFrame) -> list[Anomaly]:
    """The alarms that a batch raises with the defaults."""
    schema = corruptions.SCHEMA
    fresh = Fresh(profile(frame, schema), corruptions.ARRIVED, frame)
    return [one for one in findings(fresh, before(), schema, Validate()) if one.severity in ALARMS]


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of batches with an alarm: of each damage, of the smallest label shifts, of clean batches."""

    found: Mapping[str, float]
    shifts: float
    false: float


@dataclass(frozen=True, slots=True)
class Cases:
    """Batches: of each damage, with the smallest label shifts, clean."""

    damaged: Sequence[tuple[str, pl.DataFrame]]
    shifted: Sequence[pl.DataFrame]
    clean: Sequence[pl.DataFrame]

    @classmethod
    def made(cls, seeds: int = SEEDS, shifts: int = SHIFTS, clean: int = CLEAN) -> "Cases":
        return cls(
            [(name, corruptions.damaged(name, seed)) for name in corruptions.DAMAGES for seed in range(seeds)],
            [corruptions.damaged(SMALL[seed % len(SMALL)], 100 + seed) for seed in range(shifts)],
            [corruptions.clean(500 + seed) for seed in range(clean)],
        )


def rates(cases: Cases) -> Rates:
    """Try all of them."""
    hits: dict[str, list[bool]] = {}
    for name, frame in cases.damaged:
        hits.setdefault(name, []).append(bool(alarms(frame)))
    return Rates(
        {name: _share(found) for name, found in hits.items()},
        _share([any(one.rule == "label_shift" for one in alarms(frame)) for frame in cases.shifted]),
        _share([bool(alarms(frame)) for frame in cases.clean]),
    )


def _share(found: Sequence[bool]) -> float:
    return sum(found) / max(1, len(found))


def lines() -> list[Line]:
    cases = Cases.made()
    got = rates(cases)
    share = sum(got.found.values()) / max(1, len(got.found))
    missed = ", ".join(name for name, rate in got.found.items() if rate < 1)
    found = f"damages found of {len(got.found)} ({'missed: ' + missed if missed else 'all'})"
    damages, shifts, clean = _evidently(cases)
    return [
        Line(found, "%", [100 * share], damages),
        Line("label shifts of 10 points found, 2,000 rows", "%", [100 * got.shifts], shifts, Target(100, most=False)),
        Line(f"clean batches of {CLEAN} with an alarm", "%", [100 * got.false], clean, Target(5)),
    ]


def _evidently(cases: Cases) -> list[list[Peer]]:
    """What it says to the same batches, by what is held to be an alarm; label shifts by an alarm about the label."""
    frames = [*(frame for _, frame in cases.damaged), *cases.shifted, *cases.clean]
    try:
        tests = evidently.failed(corruptions.baseline(corruptions.BASELINE), frames)
    except Trouble as trouble:
        return [[Peer(evidently.TITLE, missing=str(trouble))]] * 3
    first, last = len(cases.damaged), len(frames) - len(cases.clean)
    label = corruptions.SCHEMA.label
    found = (
        evidently.alarms(tests[:first]),
        evidently.alarms(tests[first:last], label),
        evidently.alarms(tests[last:]),
    )
    return [[Peer(f"{evidently.TITLE}, {reading}", [rate]) for reading, rate in one.items()] for one in found]
