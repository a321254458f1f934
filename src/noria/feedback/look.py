"""All there is to say of what is live: performance, drift, how late the truth comes; from the stores, as a value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl

from noria.data import captured, sketch, table
from noria.data.moved import Bounds, Limits
from noria.data.schema import Schema
from noria.feedback.answers import by_version
from noria.feedback.config import duration
from noria.feedback.drift import Drifted, Held, drifted, over_time
from noria.feedback.estimate import Calibration
from noria.feedback.performance import VERSION, Measured, Wanted, each
from noria.feedback.reference import Reference, load
from noria.feedback.shadow import Compared, compare
from noria.plan import Plan
from noria.settings import Settings
from noria.store.artifacts import ArtifactStore
from noria.store.engine import Store

COLUMNS = ("id", "at", "version", "variant", "subject", "inputs", "outputs")
QUARTERS = 4
DO_NOT_APPLY = {
    "regression": "Of numbers nothing can be said without labels: an answer does not say how sure it is.",
    "multilabel": "With several labels a row nothing is estimated without labels.",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be looked at, of what a lifecycle declares.

    Attributes
    ----------
    slices
        The protected columns and those that the analysis is sliced by.
    window
        Length of the time windows.
    label_shift
        The change of a label's share that is told.
    """

    schema: Schema
    slices: Sequence[str] = ()
    window: timedelta = timedelta(weeks=1)
    bounds: Bounds = field(default_factory=Limits)
    label_shift: float = 0.1

    @classmethod
    def of_plan(cls, plan: Plan) -> "Asked":
        """From a plan, where no code of the user's is at hand."""
        schema = dict(plan.step("collect").config["schema"])
        schema.pop("kind", None)
        made = Schema(**{**schema, "shares": tuple(schema["shares"])})
        validate = plan.step("validate").config
        limits = Limits(**{name: validate[name] for name in Limits.__slots__ if name in validate})
        slices = plan.step("analyze").config.get("slices", ())
        seconds = plan.step("feedback").config.get("window")
        window = length(seconds) if seconds else timedelta(weeks=1)
        return cls(made, _slices(made, slices), window, limits, validate.get("label_shift", 0.1))

    @classmethod
    def declared(cls, schema: Schema, config_of: Any) -> "Asked":
        """From the configuration objects of a loaded lifecycle."""
        analyze, validate, feedback = (config_of(word) for word in ("analyze", "validate", "feedback"))
        return cls(schema, _slices(schema, analyze.slices), length(feedback.window), validate, validate.label_shift)


@dataclass(frozen=True, slots=True)
class Late:
    """How the truth comes: seconds from answer to label, and what does not fit.

    Attributes
    ----------
    median, most
        The middle label's delay, and that which nine of ten labels stay under, in seconds; None without labels.
    early
        Labels whose time is before their answer's: a clock went back, or two are apart.
    changed
        Answers of which another label had come before the one that counts, which is the newest.
    strange
        Labels that no class of the model has, or that are no numbers: counted, not compared.
    """

    median: float | None
    most: float | None
    early: int
    changed: int
    strange: int


@dataclass(frozen=True, slots=True)
class Performance:
    """An endpoint's performance as of the captured tables' commits ``upto`` (predictions, feedback).

    Attributes
    ----------
    measured
        Versions, and of each its variants, slices and windows; see ``noria.feedback.performance.Measured``.
    released
        By version, its metrics on the analysis rows when it was released.
    calibrated
        By version, whether its probabilities were corrected before anything was estimated from them.
    drift, drift_over_time
        Each version's newest answers against its release; and those of each of the newest time windows.
    """

    endpoint: str
    task: str
    upto: captured.Versions
    measured: Sequence[Measured]
    drift: Sequence[Drifted]
    drift_over_time: Sequence[Drifted]
    shadows: Sequence[Compared]
    late: Late
    released: Mapping[int, Mapping[str, float]]
    calibrated: Mapping[int, bool]

    @property
    def versions(self) -> list[Measured]:
        return self.by(VERSION)

    def by(self, what: str) -> list[Measured]:
        """The groups of one kind: ``version``, ``variant``, ``slice`` or ``window``."""
        return [one for one in self.measured if one.by == what]

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "endpoint": self.endpoint,
            "task": self.task,
            "upto": list(self.upto),
            "measured": [one.plain() for one in self.measured],
            "drift": [one.plain() for one in self.drift],
            "drift_over_time": [one.plain() for one in self.drift_over_time],
            "shadows": [one.plain() for one in self.shadows],
            "late": {name: getattr(self.late, name) for name in Late.__slots__},
            "released": {str(number): dict(metrics) for number, metrics in self.released.items()},
            "calibrated": {str(number): found for number, found in self.calibrated.items()},
            "estimate": DO_NOT_APPLY.get(self.task),
        }


def look(settings: Settings, store: Store, artifacts: ArtifactStore, endpoint: str, asked: Asked) -> Performance:
    """All there is to say of an endpoint now."""
    upto = captured.versions(settings, endpoint)
    joined = captured.joined(settings, endpoint, COLUMNS)
    task = asked.schema.task
    numbers = joined["version"].unique().sort().to_list()
    shadowed = captured.shadowed(settings, endpoint)
    found = {number: load(store, artifacts, endpoint, number) for number in numbers}
    references = {number: one for number, one in found.items() if one is not None}
    calibrations = {number: one.calibration(task) for number, one in references.items()}
    wanted = Wanted(
        task,
        [name for name in asked.slices if name in _columns(joined)],
        asked.window,
        {number: calibrations.get(number, Calibration()) for number in numbers},
        _edges(references),
    )
    held = {number: Held(one, asked.schema, asked.bounds, asked.label_shift) for number, one in references.items()}
    live = [(answers, held[answers.version]) for answers in by_version(joined, task) if answers.version in held]
    return Performance(
        endpoint=endpoint,
        task=task,
        upto=upto,
        measured=tuple(each(joined, wanted)),
        drift=tuple(drifted(*one) for one in live),
        drift_over_time=tuple(found for one in live for found in over_time(*one, asked.window)),
        shadows=tuple(compare(shadowed, task)),
        late=_late(joined, task),
        released={number: dict(one.metrics) for number, one in references.items()},
        calibrated={number: one.changes for number, one in calibrations.items()},
    )


def commits(settings: Settings, endpoint: str) -> list[int]:
    """The newest commits of all captured tables: the same, nothing new to look at."""
    kinds = ("predictions", "feedback", "shadows")
    return [table.version_of(captured.path(settings, endpoint, kind)) for kind in kinds]


def length(text: str) -> timedelta:
    """A length of time as it is declared, such as ``7d``."""
    return duration(text, "window")


def _slices(schema: Schema, slices: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*schema.protected, *slices]))


def _columns(joined: pl.DataFrame) -> set[str]:
    """What callers send, by the newest answer of each version."""
    last = joined.drop_nulls("inputs").group_by("version").last()
    return set(captured.sent(last).columns)


def _edges(references: Mapping[int, Reference]) -> dict[str, list[float]]:
    """Where numbers are cut into slices: at the quartiles of what the newest version learned from."""
    profiles = [one.profile for _, one in sorted(references.items()) if one.profile is not None]
    if not profiles:
        return {}
    return {
        name: sorted({float(sketch.quantile(column.bins, q / QUARTERS)) for q in range(1, QUARTERS)})
        for name, column in profiles[-1].columns.items()
        if column.kind == "number" and column.bins and column.distinct > 2 * QUARTERS
    }


def _late(joined: pl.DataFrame, task: str) -> Late:
    told = joined.filter(pl.col("label").is_not_null())
    if not told.height:
        return Late(None, None, 0, 0, 0)
    moments = [captured.moments(told[name]) for name in ("at", "told")]
    waited = (moments[1] - moments[0]).dt.total_microseconds().drop_nulls().to_numpy() / 1e6
    strange = sum(int((~answers.known).sum()) for answers in by_version(told, task))
    median, most = np.quantile(np.maximum(waited, 0), [0.5, 0.9]) if len(waited) else (None, None)
    return Late(
        None if median is None else float(median),
        None if most is None else float(most),
        int((waited < 0).sum()),
        int(told["changed"].sum()),
        strange,
    )
