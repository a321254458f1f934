"""What may be declared for serving."""

from collections.abc import Sequence
from dataclasses import dataclass

from noria.declared import check
from noria.errors import BadLifecycle


@dataclass(frozen=True)
class Serve:
    """How traffic is divided when a new version is released beside a champion, and what is kept of predictions.

    Parameters
    ----------
    champion, challenger
        Weights; ``challenger=0`` replaces the champion at once.
    sample
        The share of predictions that is captured, above 0 and at most 1. Which ones, their ids decide; feedback for one
        that is not is taken all the same, and counts for nothing.
    redact
        Columns that servers never write anywhere. Without the subject's column no digest of the subject is kept
        either; a model that learns from captured predictions has to do without these columns.
    explore
        The share of requests that one of the route's versions answers by chance, each as likely, whoever they are
        about; captured under the variant ``explored``. None: as the route has it, at first 0.
    """

    champion: int = 90
    challenger: int = 10
    sample: float = 1.0
    redact: Sequence[str] = ()
    explore: float | None = None

    def __post_init__(self) -> None:
        check(self)
        if not 0 < self.sample <= 1:
            raise BadLifecycle(f"sample is {self.sample!r}", where="Serve", do="Use a share above 0, at most 1.")
        if self.explore is not None and not 0 <= self.explore <= 1:
            raise BadLifecycle(f"explore is {self.explore!r}", where="Serve", do="Use a share from 0 to 1.")
        if min(self.champion, self.challenger) < 0 or self.champion + self.challenger == 0:
            raise BadLifecycle(
                "weights must be 0 or more and not all 0", where="Serve", do="Use for example 90 and 10."
            )
