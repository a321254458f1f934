"""What may be declared for analysis."""

from collections.abc import Sequence
from dataclasses import dataclass

from noria.errors import BadLifecycle


@dataclass(frozen=True)
class Analyze:
    """What is looked at on the analysis split.

    Parameters
    ----------
    slices
        Columns whose values make the subsets that get metrics of their own; the protected columns always do.
    sensitivity
        Size of the small change of each number, as a share of its standard deviation.
    smallest
        Subsets with fewer rows are shown but never judged.
    """

    slices: Sequence[str] = ()
    sensitivity: float = 0.01
    smallest: int = 30

    def __post_init__(self) -> None:
        if isinstance(self.slices, str):
            raise BadLifecycle("slices is a text, not a list", where="Analyze", do=f"Write slices=[{self.slices!r}].")
        if not 0 < self.sensitivity < 1:
            raise BadLifecycle("sensitivity is not between 0 and 1", where="Analyze", do="Use for example 0.01.")
