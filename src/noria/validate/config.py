"""What may be declared for validation."""

from dataclasses import dataclass

from noria.declared import check
from noria.errors import BadLifecycle


@dataclass(frozen=True)
class Validate:
    """When data are not fit to learn from.

    Parameters
    ----------
    label_shift
        Largest change of any label's share against the baseline that is let pass, as a fraction: 0.1 is ten points.
        It must also be more than chance would give (95 % interval).
    drift
        Largest Jensen-Shannon distance of a column against the baseline, 0 to 1; above it, a warning. This and the
        next three must also be more than chance would give, all columns together.
    wasserstein
        The same in standard deviations that a number's values had to be moved by.
    l_infinity
        The same of the largest change of a category's share, 0 to 1.
    psi
        The same of the population stability index of categories.
    missing
        Largest share of missing values in a column above what the baseline had; above it, a warning.
    skew
        Largest difference of a label's share between the splits, tested as ``label_shift`` is.
    on_shift
        ``stop`` or ``warn``.
    """

    label_shift: float = 0.1
    drift: float = 0.2
    wasserstein: float = 0.5
    l_infinity: float = 0.15
    psi: float = 0.25
    missing: float = 0.1
    skew: float = 0.1
    on_shift: str = "stop"

    def __post_init__(self) -> None:
        check(self)
        for name in ("label_shift", "drift", "missing", "skew", "l_infinity"):
            if not 0 < getattr(self, name) <= 1:
                raise BadLifecycle(
                    f"{name}={getattr(self, name)!r} is not between 0 and 1", where="Validate", do="Use a fraction."
                )
        for name in ("wasserstein", "psi"):
            if not getattr(self, name) > 0:
                raise BadLifecycle(
                    f"{name}={getattr(self, name)!r} is not above 0", where="Validate", do="Use a positive number."
                )
        if self.on_shift not in ("stop", "warn"):
            raise BadLifecycle(f"on_shift={self.on_shift!r}", where="Validate", do="Use 'stop' or 'warn'.")
