"""What validation found, as values."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

ORDER = {"block": 0, "warn": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One finding: the column, what was seen, how grave (block, warn, info), what to do."""

    column: str
    what: str
    severity: str
    do: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``word`` is pass, warn or block."""

    word: str
    anomalies: Sequence[Anomaly]
    remedy: str | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def judge(anomalies: Sequence[Anomaly], remedy: str | None) -> Verdict:
    """The verdict that findings and a remedy give together: a remedied shift warns instead of blocking."""
    ordered = sorted(anomalies, key=lambda one: (ORDER[one.severity], one.column, one.what))
    graves = {one.severity for one in ordered}
    word = "block" if "block" in graves else "warn" if "warn" in graves else "pass"
    return Verdict(word, ordered, remedy)
