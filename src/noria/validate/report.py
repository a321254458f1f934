"""What validation found, as values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from noria.validate.rules import RULES

ORDER = {"block": 0, "warn": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One finding.

    Attributes
    ----------
    rule
        Which of ``noria.validate.rules.RULES`` does not hold.
    column, what, do
        Where, what was seen, and what can be done about it.
    evidence
        What was measured, as plain data.
    severity
        block, warn or info (a rule that lets pass); left out, what the rule says by itself.
    """

    rule: str
    column: str
    what: str
    do: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    severity: str = ""

    def __post_init__(self) -> None:
        if not self.severity:
            object.__setattr__(self, "severity", severity(RULES[self.rule].word))


def severity(word: str) -> str:
    """How grave a finding is under a rule's word."""
    return "info" if word == "pass" else word


@dataclass(frozen=True, slots=True)
class Verdict:
    """``word`` is pass, warn or block."""

    word: str
    anomalies: Sequence[Anomaly]
    remedy: str | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def blocking(self) -> list[Anomaly]:
        return [one for one in self.anomalies if one.severity == "block"]


def graded(
    found: Sequence[Anomaly], rules: Mapping[str, str], columns: Mapping[str, Mapping[str, str]]
) -> Iterator[Anomaly]:
    """Findings as grave as is declared.

    Parameters
    ----------
    rules
        The word of each rule that is declared; the others keep theirs.
    columns
        The same by column, which goes before.
    """
    for one in found:
        word = columns.get(one.column, {}).get(one.rule, rules.get(one.rule))
        yield replace(one, severity=severity(word)) if word else one


def judge(anomalies: Sequence[Anomaly], remedy: str | None) -> Verdict:
    """The verdict that findings and a remedy give together, the gravest first.

    A remedy for the labels' balance lets a shift of labels warn instead of blocking; ``accept`` lets everything.
    """
    eased = [replace(one, severity="warn") if _eased(one, remedy) else one for one in anomalies]
    ordered = sorted(eased, key=lambda one: (ORDER[one.severity], one.column, one.rule, one.what))
    graves = {one.severity for one in ordered}
    word = "block" if "block" in graves else "warn" if "warn" in graves else "pass"
    return Verdict(word, ordered, remedy)


def _eased(one: Anomaly, remedy: str | None) -> bool:
    return one.severity == "block" and (remedy == "accept" or (remedy is not None and one.rule == "label_shift"))
