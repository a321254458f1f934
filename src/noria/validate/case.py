"""What a validation has to judge: the version, its new batches, and what they are held against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import polars.selectors as cs

from noria.data import split, table
from noria.data.profile import Profile
from noria.data.remedy import REMEDIES
from noria.data.stored import readable
from noria.store import datasets
from noria.store.attempt import Attempt
from noria.store.datasets import Batch, Version
from noria.store.verdicts import ACCEPT
from noria.validate import batches as profiles
from noria.validate import schema_file, splits
from noria.validate.expected import Columns


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be judged.

    Attributes
    ----------
    new
        The version's batches that no accepted version held; without any, the whole version is looked at.
    before
        Profile of the others; None if there are none.
    must
        What the lifecycle's schema file says of new rows; None without one.
    labels
        Rows of each label that the new ones are held against; None: those of ``before``.
    remedy
        What eases the verdict: what this run was started with, or what was decided before.
    cuts
        Where time is cut into splits; None if they do not go by time.
    """

    attempt: Attempt
    version: Version
    new: Sequence[Batch]
    before: Profile | None
    must: Columns | None
    labels: Mapping[str, int] | None
    remedy: str | None
    cuts: split.Cuts | None = None

    def profile(self, batches: Sequence[Batch]) -> Profile:
        """The profile of batches, with the labels of each split."""
        found = profiles.merged(self.attempt, batches)
        with readable(self.path):
            return replace(found, splits=splits.labels(self.rows(batches), self.attempt.schema, self.cuts))

    def rows(self, batches: Sequence[Batch]) -> pl.LazyFrame:
        return table.scan(self.path, [batch.id for batch in batches]).drop(table.BOOKKEEPING, strict=False)

    @property
    def path(self) -> str:
        return f"{self.attempt.settings.data}/{self.version.dataset}"


def case_of(attempt: Attempt) -> Case:
    """The case that the collect step left.

    Raises
    ------
    BadLifecycle
        If the schema file cannot be used.
    BadInput
        If a batch cannot be read.
    """
    facts = attempt.inputs["collect"].facts
    with attempt.store.read() as c:
        held = {one.id: one for one in datasets.batches(c, facts["dataset"])}
        versions = {one.number: one for one in datasets.versions(c, facts["dataset"])}
    version = versions[facts["version"]]
    base = None if facts["baseline"] is None else versions[facts["baseline"]]
    case = Case(
        attempt,
        version,
        [],
        None,
        must=_declared(attempt.project, attempt.config.expect),
        labels=None,
        remedy=_remedy(attempt, version, base),
    )
    if attempt.schema.split == "time":
        case = replace(case, cuts=_cuts(case, base))
    before = _before(case, base, held)
    new = facts["new"] or ([] if before else facts["batches"])
    return replace(
        case,
        before=before,
        new=[held[id] for id in new],
        labels=_accepted_labels(case, base, versions, held),
    )


def _cuts(case: Case, base: Version | None) -> split.Cuts:
    """The cuts on record, and those of the time after them: what was cut once stays as it is."""
    schema = case.attempt.schema
    kept = case.version.cuts or (base.cuts if base else None) or ()
    known = set(base.batches) if base and base.cuts else set()
    fresh = [id for id in case.version.batches if id not in known]
    if not fresh:
        return kept
    with readable(case.path):
        times = table.scan(case.path, fresh).select(cs.by_name(str(schema.time), require_all=False)).collect()
    return split.extended(kept, split.moments(times, schema), schema.shares)


def _declared(project: Path, name: str | None) -> Columns | None:
    return None if name is None else schema_file.read(project / name)


def _before(case: Case, base: Version | None, batches: Mapping[str, Batch]) -> Profile | None:
    """The baseline's profile: as its own validation kept it, unless batches were taken out since."""
    if base is None:
        return None
    attempt, held = case.attempt, case.version.batches
    if set(base.batches) <= set(held):
        kept = profiles.kept(attempt, base.profile)
        if kept is not None and (kept.splits or attempt.schema.task == "regression"):
            return kept
    left = [batches[id] for id in base.batches if id in held]
    return case.profile(left) if left else None


def _remedy(attempt: Attempt, version: Version, base: Version | None) -> str | None:
    """What this run was started with, or was decided for this version, or, of the labels' balance, for its baseline."""
    if attempt.remedy in (*REMEDIES, ACCEPT):
        return attempt.remedy
    if attempt.remedy == "none":
        return None
    inherited = base.remedy if base and base.remedy in REMEDIES else None
    return version.remedy or inherited


def _accepted_labels(
    case: Case, base: Version | None, versions: Mapping[int, Version], batches: Mapping[str, Batch]
) -> Mapping[str, int] | None:
    """The labels since the newest version that a person accepted as it is: that is how they are from then on."""
    here = base
    while here is not None and here.remedy != ACCEPT:
        here = versions.get(here.baseline) if here.baseline is not None else None
    if base is None or here is None or here.baseline is None:
        return None
    old = set(versions[here.baseline].batches)
    since = [batches[id] for id in base.batches if id not in old and id in case.version.batches]
    return profiles.merged(case.attempt, since).labels if since else None
