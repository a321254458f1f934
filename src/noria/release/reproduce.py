"""A model that was built again, beside the one on record: the same to the bit, or how far apart and why."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from noria.digest import Digest
from noria.model import convert
from noria.model.environment import differences
from noria.model.package import Package
from noria.model.signature import Columns

UNEXPLAINED = "nothing on record differs: look for randomness without a seed, or for threads, in what is named first"


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that the recipe makes, by its digest then and now; None: it was not made."""

    name: str
    recorded: str | None
    made: str | None

    @property
    def same(self) -> bool:
        return self.recorded == self.made


@dataclass(frozen=True, slots=True)
class Reproduced:
    """What came of building a version again.

    parts
        In the order in which they are made: the first that differs is where the two ways part.
    distance
        How far the two models' answers to the analysis rows are apart; None if the packages are the same bytes.
    reasons
        Why they differ, as far as is known; empty if they do not.
    """

    model: str
    number: int
    parts: tuple[Part, ...]
    distance: convert.Check | None
    reasons: tuple[str, ...]

    @property
    def identical(self) -> bool:
        """True if the packages are the same bytes, whatever led to them."""
        return self.parts[-1].same

    @property
    def agrees(self) -> bool:
        """True if no row gets another label; for regression, if no answer differs by more than float32 rounds."""
        return self.distance is None or self.distance.accepted

    def said(self) -> str:
        """The outcome as one sentence."""
        name = f"{self.model}@{self.number}"
        if self.distance is None:
            return f"{name} is reproduced bit-identical: {len(self.parts)} parts have the digests on record."
        first = next(one.name for one in self.parts if not one.same)
        apart = f"at most {self.distance.largest:.3g} on {self.distance.rows:,} analysis rows"
        labels = f", {self.distance.labels:,} get another label" if self.distance.labels else ""
        return f"{name} is not bit-identical: answers differ by {apart}{labels}. The first part to differ is {first}."

    def plain(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "number": self.number,
            "identical": self.identical,
            "agrees": self.agrees,
            "distance": None if self.distance is None else asdict(self.distance),
            "reasons": list(self.reasons),
            "parts": [{**asdict(one), "same": one.same} for one in self.parts],
        }


def parts_of(step: str, recorded: Mapping[str, str], made: Mapping[str, str]) -> list[Part]:
    """What a step left, then and now, by digests; in the order of their names."""
    return [Part(f"{step}: {name}", recorded.get(name), made.get(name)) for name in sorted({*recorded, *made})]


def files_of(recorded: Package, made: Package) -> list[Part]:
    """What two packages hold: each file, and all else that the manifest says."""
    then, now = ({name: Digest.of(data).hex for name, data in one.files.items()} for one in (recorded, made))
    about = [Digest.of_json([one.kind, one.signature.plain(), dict(one.params), dict(one.release)]).hex
             for one in (recorded, made)]  # fmt: skip
    return [*parts_of("model", then, now), Part("model: signature, parameters and metrics", *about)]


def distance(recorded: Package, made: Package, rows: Columns) -> convert.Check:
    """How far the answers to some rows are apart."""
    then, now = (one.predictor().predict(rows) for one in (recorded, made))
    return convert.compare(then, now, tolerance=1e-6)


def reasons(
    parts: Sequence[Part], then: Mapping[str, Any], here: Mapping[str, Any], changed: Sequence[str]
) -> tuple[str, ...]:
    """Why the parts differ: what is known to be other than it was; ``changed`` are sentences about code and files."""
    if all(one.same for one in parts):
        return ()
    return (*changed, *differences(then, here)) or (UNEXPLAINED,)
