"""Verdicts become a decision (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

from noria.release.gates import Verdict


@dataclass(frozen=True, slots=True)
class Decision:
    """``word`` is released, refused or waiting; ``reason`` is for people."""

    word: str
    reason: str


def decide(verdicts: Sequence[Verdict], approval: str) -> Decision:
    """Refused if a gate blocks; else waiting if a person must approve; else released.

    Examples
    --------
    >>> decide([Verdict("size", "pass", "1 MiB")], "automatic")
    Decision(word='released', reason='every gate holds')
    """
    blocking = [f"{one.gate}: {one.evidence}" for one in verdicts if one.verdict == "block"]
    if blocking:
        return Decision("refused", "; ".join(blocking))
    if approval == "person":
        return Decision("waiting", "every gate holds; a person must approve")
    warned = sum(one.verdict == "warn" for one in verdicts)
    return Decision("released", f"no gate blocks; {warned} warn" if warned else "every gate holds")
