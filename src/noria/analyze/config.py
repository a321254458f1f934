"""What may be declared about the analysis."""

from collections.abc import Sequence
from dataclasses import dataclass

from noria.declared import check


@dataclass(frozen=True)
class Analyze:
    """What is looked at on the analysis split.

    Parameters
    ----------
    slices
        Columns (or ``"a & b"`` for a pair) by whose values rows are looked at apart; protected columns always are.
    sensitivity
        Size of the small change of each number, as a share of its standard deviation (whole numbers: at least 1); 0: no
        such test.
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
        check(self, least={"sensitivity": 0, "rounds": 1, "min_rows": 1})
