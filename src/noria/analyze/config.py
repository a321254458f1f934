"""What may be declared about the analysis."""

from collections.abc import Sequence
from dataclasses import dataclass

from noria.errors import BadLifecycle


@dataclass(frozen=True)
class Analyze:
    """What is looked at on the analysis split.

    Parameters
    ----------
    slices
        Columns (or ``"a & b"`` for a pair) by whose values rows are looked at apart; protected columns always are.
    sensitivity
        Size of the small change of each number, as a share of its standard deviation; 0: no such test.
    rounds
        Draws of the bootstrap behind each interval.
    min_rows
        Slices with fewer rows are not looked at.
    find
        Search for bad slices of one and two columns too.
    """

    slices: Sequence[str] = ()
    sensitivity: float = 0.01
    rounds: int = 200
    min_rows: int = 30
    find: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.slices, str):
            raise BadLifecycle("slices is a text, not a list", where="Analyze", do=f"Write slices=[{self.slices!r}].")
        if self.sensitivity < 0:
            raise BadLifecycle(f"sensitivity is {self.sensitivity}", where="Analyze", do="Use 0 or more.")
        for name in ("rounds", "min_rows"):
            if getattr(self, name) < 1:
                raise BadLifecycle(f"{name} is {getattr(self, name)}", where="Analyze", do="Use at least 1.")
