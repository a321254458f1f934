"""What may be declared for validation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from noria.declared import check
from noria.errors import BadLifecycle
from noria.validate.rules import RULES, WORDS


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
        ``stop`` or ``warn``: short for ``rules={"label_shift": "block"}`` or ``"warn"``.
    rules
        What a finding does, by the rule's name in ``noria.validate.rules``: ``pass`` (it stands in the report),
        ``warn`` (it is also an alert) or ``block`` (it also stops the run).
    expect
        The file with the schema that new rows must fit, such as ``"loans.schema.toml"``, beside the lifecycle file;
        ``noria data schema DATASET --write FILE`` writes one. None: what the rows from before imply.
    """

    label_shift: float = 0.1
    drift: float = 0.2
    wasserstein: float = 0.5
    l_infinity: float = 0.15
    psi: float = 0.25
    missing: float = 0.03
    skew: float = 0.1
    on_shift: str = "stop"
    rules: Mapping[str, str] = field(default_factory=dict)
    expect: str | None = None

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
        if self.expect is not None and (Path(self.expect).is_absolute() or ".." in Path(self.expect).parts):
            raise BadLifecycle(
                f"expect={self.expect!r} does not lie beside the lifecycle file",
                where="Validate",
                do="Put it into the project's folder: the code bundle takes it along.",
            )
        for name, word in self.rules.items():
            check_rule(name, word, "Validate, rules")

    def words(self) -> dict[str, str]:
        """What each rule does of which something is declared."""
        return {"label_shift": "warn" if self.on_shift == "warn" else "block", **self.rules}


def check_rule(name: object, word: object, where: str) -> None:
    """Refuse a rule that there is not, or that would do what no rule does, with ``BadLifecycle``."""
    if name not in RULES:
        near = get_close_matches(str(name), RULES, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise BadLifecycle(f"there is no rule {name!r}", where=where, do=f"{hint}Rules are {', '.join(RULES)}.")
    if word not in WORDS:
        raise BadLifecycle(f"rule {name!r} is {word!r}", where=where, do="Use 'pass', 'warn' or 'block'.")
