"""Which damages validation finds, and how often it alarms without one."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import polars as pl

from benchmarks.data import corruptions
from benchmarks.measure import Line, Target
from noria.data.profile import Profile, profile
from noria.validate.config import Validate
from noria.validate.findings import Fresh, findings
from noria.validate.report import Anomaly

CLEAN = 40  # batches without damage
SEEDS = 3  # batches of each damage
SHIFTS = 40  # batches with the smallest label shift
ALARMS = ("block", "warn")


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


def rates(seeds: int = SEEDS, shifts: int = SHIFTS, clean: int = CLEAN) -> Rates:
    """Try all of it."""
    found = {
        name: sum(bool(alarms(corruptions.damaged(name, seed))) for seed in range(seeds)) / max(1, seeds)
        for name in corruptions.DAMAGES
    }
    small = ["label share 50 to 40 %", "label share 50 to 60 %"]
    shifted = [
        any(one.column == "label" for one in alarms(corruptions.damaged(small[seed % 2], 100 + seed)))
        for seed in range(shifts)
    ]
    quiet = [bool(alarms(corruptions.clean(500 + seed))) for seed in range(clean)]
    return Rates(found, sum(shifted) / max(1, shifts), sum(quiet) / max(1, clean))


def lines() -> list[Line]:
    got = rates()
    share = sum(got.found.values()) / len(got.found)
    missed = ", ".join(name for name, rate in got.found.items() if rate < 1)
    return [
        Line(f"damages found of {len(got.found)} ({'missed: ' + missed if missed else 'all'})", "%", [100 * share]),
        Line("label shifts of 10 points found, 2,000 rows", "%", [100 * got.shifts], target=Target(100, most=False)),
        Line("clean batches with an alarm", "%", [100 * got.false], target=Target(5)),
    ]
