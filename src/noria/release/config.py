"""What may be declared about the release: gates, and who says yes."""

from collections.abc import Sequence
from dataclasses import dataclass

from noria.declared import check
from noria.errors import BadLifecycle
from noria.stats.names import METRICS

FAIRNESS = (
    "demographic_parity_difference",
    "equal_opportunity_difference",
    "equalized_odds_difference",
    "error_difference",
    "mean_answer_difference",
    "mean_error_difference",
)
KINDS_OF_COLUMNS = ("number", "text", "list", "category", "bool")
SMALL_CHANGES = ("number", "text", "list")  # of these kinds a change can be small; of the others it is another value


@dataclass(frozen=True, slots=True)
class BetterThanChampion:
    metric: str | None = None
    margin: float = 0.0
    surely: bool = False

    def __post_init__(self) -> None:
        check(self, least={"margin": 0})


@dataclass(frozen=True, slots=True)
class Fair:
    metric: str
    max: float
    on: tuple[str, ...] = ()
    min_rows: int = 30
    small: str = "warn"

    def __post_init__(self) -> None:
        check(self, least={"max": 0, "min_rows": 0})
        if self.small not in ("warn", "block"):
            raise BadLifecycle(f"small={self.small!r}", where="fair", do="Use 'warn' or 'block'.")


@dataclass(frozen=True, slots=True)
class NoSliceWorse:
    metric: str
    by: float

    def __post_init__(self) -> None:
        check(self, least={"by": 0})


@dataclass(frozen=True, slots=True)
class AtLeast:
    metric: str
    value: float

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True)
class Stable:
    max: float | None
    change: float | None
    kinds: tuple[str, ...]

    def __post_init__(self) -> None:
        check(self, least={"max": 0, "change": 0})
        if self.max is None and self.change is None:
            raise BadLifecycle("neither max nor change is given", where="stable", do="Give at least one.")
        for kind in self.kinds:
            if kind not in KINDS_OF_COLUMNS:
                raise BadLifecycle(
                    f"unknown kind {kind!r}", where="stable", do=f"Use some of {', '.join(KINDS_OF_COLUMNS)}."
                )


@dataclass(frozen=True, slots=True)
class Calibrated:
    max: float

    def __post_init__(self) -> None:
        check(self, least={"max": 0})


@dataclass(frozen=True, slots=True)
class Fits:
    max_mb: float | None
    max_ms: float | None

    def __post_init__(self) -> None:
        check(self, least={"max_mb": 0, "max_ms": 0})
        if self.max_mb is None and self.max_ms is None:
            raise BadLifecycle("neither max_mb nor max_ms is given", where="fits", do="Give at least one.")


Gate = BetterThanChampion | Fair | NoSliceWorse | AtLeast | Stable | Calibrated | Fits
KINDS = (BetterThanChampion, Fair, NoSliceWorse, AtLeast, Stable, Calibrated, Fits)


def better_than_champion(metric: str | None = None, margin: float = 0.0, *, surely: bool = False) -> BetterThanChampion:
    """Blocks a candidate that is worse than the champion on the same analysis rows, by a paired test.

    Parameters
    ----------
    metric
        None: ``roc_auc``, or ``rmse`` for regression.
    margin
        How much worse it may be and still go on.
    surely
        False: it is blocked if it is worse beyond chance, and warned of if it is worse. True: it is blocked unless it
        is better beyond chance; with a margin, unless it is no worse than that beyond chance.
    """
    return BetterThanChampion(_known(metric, "better_than_champion"), margin, surely)


def fair(metric: str, max: float, on: Sequence[str] = (), min_rows: int = 30, small: str = "warn") -> Fair:
    """Blocks a candidate that treats protected groups too differently.

    Parameters
    ----------
    metric
        ``demographic_parity_difference``, ``equal_opportunity_difference``, ``equalized_odds_difference`` (of several
        labels a row, for each of them), ``error_difference`` (share of wrong answers; in a regression, mean absolute
        error), and for a regression ``mean_answer_difference`` and ``mean_error_difference``.
    max
        Largest difference between two groups that may be.
    on
        Protected columns, or ``"a & b"`` for an intersection; empty: all of them and their intersections.
    min_rows
        A group with fewer rows never blocks by chance and never passes by chance: see ``small``.
    small
        What a group with too few rows leads to: ``warn``, or ``block``. It blocks in any case if its interval is wholly
        above ``max``.
    """
    if metric not in FAIRNESS:
        raise BadLifecycle(f"unknown fairness metric {metric!r}", where="fair", do=f"Use {', '.join(FAIRNESS)}.")
    return Fair(metric, max, (on,) if isinstance(on, str) else tuple(on), min_rows, small)


def no_slice_worse(metric: str, by: float = 0.1) -> NoSliceWorse:
    """Blocks a candidate with a slice that is worse than all rows by more than ``by``; in accuracy, beyond chance."""
    _known(metric, "no_slice_worse")
    return NoSliceWorse(metric, by)


def at_least(metric: str, value: float) -> AtLeast:
    """Blocks a candidate whose metric on the analysis split is worse than ``value`` (higher, where less is better)."""
    _known(metric, "at_least")
    return AtLeast(metric, value)


def stable(max: float | None = None, change: float | None = None, kinds: Sequence[str] = SMALL_CHANGES) -> Stable:
    """Blocks a candidate whose answers hang on small changes of a single input.

    Parameters
    ----------
    max
        Largest share of rows whose label may flip.
    change
        Largest mean change of the probability; in a regression, of the value, where no label can flip.
    kinds
        Of which columns: numbers that move a little, texts with a slip, lists that lose a value; ``category`` and
        ``bool`` too, if taking another row's value counts as small.
    """
    return Stable(max, change, (kinds,) if isinstance(kinds, str) else tuple(kinds))


def calibrated(max: float) -> Calibrated:
    """Blocks a candidate whose expected calibration error is above ``max``."""
    return Calibrated(max)


def fits(max_mb: float | None = None, max_ms: float | None = None) -> Fits:
    """Blocks a model package above ``max_mb`` MiB, or with more than ``max_ms`` milliseconds for one row."""
    return Fits(max_mb, max_ms)


@dataclass(frozen=True)
class Release:
    """Rules that must hold before a candidate becomes the next version.

    Parameters
    ----------
    gates
        Such as ``[nr.better_than_champion("roc_auc"), nr.fair("equal_opportunity_difference", max=0.1)]``.
    approval
        ``automatic``, or ``person``: it waits for ``noria model approve``.
    """

    gates: Sequence[Gate] = (BetterThanChampion(),)
    approval: str = "automatic"

    def __post_init__(self) -> None:
        if isinstance(self.gates, KINDS):
            raise BadLifecycle("gates is one gate, not a list", where="Release", do="Write gates=[...].")
        if not isinstance(self.gates, Sequence):
            raise BadLifecycle(f"gates={self.gates!r} is not a list", where="Release", do="Write gates=[...].")
        for gate in self.gates:
            if not isinstance(gate, KINDS):
                raise BadLifecycle(f"{gate!r} is no gate", where="Release", do="Use for example nr.at_least(...).")
        if self.approval not in ("automatic", "person"):
            raise BadLifecycle(f"approval {self.approval!r}", where="Release", do="Use 'automatic' or 'person'.")


def _known(metric: str | None, where: str) -> str | None:
    if metric not in (None, *METRICS):
        raise BadLifecycle(f"unknown metric {metric!r}", where=where, do=f"Use {', '.join(METRICS)}.")
    return metric
