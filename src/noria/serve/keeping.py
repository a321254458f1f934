"""What of a prediction is kept: of how many, and which of the columns that were sent in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SPACE = 1 << 32


@dataclass(frozen=True, slots=True)
class Keeping:
    """
    sample
        The share of predictions that is captured, from 0 to 1. The id decides, so that whoever has one can tell.
    redact
        Columns that are never written, not to the spool either.
    """

    sample: float = 1.0
    redact: frozenset[str] = frozenset()

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Keeping | None":
        """As ``Serve`` declares it; None if everything is kept."""
        found = cls(float(config.get("sample", 1.0)), frozenset(config.get("redact", ())))
        return None if found == cls() else found

    def takes(self, id: str) -> bool:
        """Whether the prediction is one of the sample; the last digits of an id are a hash of the others."""
        return int(id[-8:], 16) < self.sample * SPACE

    def cleaned(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """The columns that may be written."""
        return {name: values for name, values in columns.items() if name not in self.redact}
