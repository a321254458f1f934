"""What may be declared for serving."""

from dataclasses import dataclass

from noria.declared import check
from noria.errors import BadLifecycle


@dataclass(frozen=True)
class Serve:
    """How traffic is divided when a new version is released beside a champion.

    Parameters
    ----------
    champion, challenger
        Weights; ``challenger=0`` replaces the champion at once.
    """

    champion: int = 90
    challenger: int = 10

    def __post_init__(self) -> None:
        check(self)
        if min(self.champion, self.challenger) < 0 or self.champion + self.challenger == 0:
            raise BadLifecycle(
                "weights must be 0 or more and not all 0", where="Serve", do="Use for example 90 and 10."
            )
