"""The recorded recipe of a model version, run again from its batches, in a scratch folder that goes afterwards.

The code bundle, the parameters, the seed, the dataset version and the remedy are those on record; features, split and
model are made anew. The stores are only read.
"""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import polars as pl

from noria.compile import compile_plan
from noria.data import table
from noria.digest import Digest
from noria.errors import Damaged, NotFound, UserError
from noria.model import package
from noria.model.environment import environment
from noria.model.frame import columns_of
from noria.model.signature import Columns
from noria.plan import Plan
from noria.release import record
from noria.release import reproduce as built
from noria.run import bundle, local
from noria.run import fingerprint as fp
from noria.run.beside import Beside
from noria.run.execute import MODULES
from noria.run.place import Code, Place, bundle_of
from noria.store import datasets, erasures, registry, runs
from noria.store.attempt import Attempt, Result
from noria.store.folder import Folder

AGAIN = ("preprocess", "train")  # the parameters that tuning found are part of the recipe
Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is on record of how a version was made: its release, its run, and what each step left."""

    release: registry.Release
    run: runs.Run
    left: Mapping[str, Result]


def reproduce(
    place: Place, version: registry.ModelVersion, progress: Progress = lambda text, share: None
) -> built.Reproduced:
    """Build a version again and compare.

    Raises
    ------
    UserError
        If it was imported, or what it was made of is gone: its code bundle, a batch, rows of a batch.
    Damaged
        If its package or its bundle are not what their digests say.
    """
    recipe = _recipe(place, version)
    recorded = package.read(place.artifacts.path(Digest(version.package)), Digest(version.package))
    _all_rows_are_there(place, recipe)
    with tempfile.TemporaryDirectory(prefix="noria-reproduce-") as folder:
        again = _Again(place, recipe, _code(place, recipe.run.plan, Path(folder) / "code"), Path(folder))
        made = again.build(progress)
        parts = [*again.parts(), *built.files_of(recorded, made)]
        parts.append(built.Part("package", version.package, again.left["train"].outputs["model"].digest.hex))
        apart = None if parts[-1].same else built.distance(recorded, made, again.rows(recorded))
        then = record.read(place.artifacts, recipe.release)["environment"]
        why = () if parts[-1].same else built.reasons(parts, then, environment(), again.changes())
    return built.Reproduced(version.model, version.number, tuple(parts), apart, why)


class _Again:
    """The steps of a recipe, done anew."""

    def __init__(self, place: Place, recipe: Recipe, code: Code, folder: Path) -> None:
        self.place, self.recipe, self.code, self.folder = place, recipe, code, folder
        self.artifacts = Beside(place.artifacts, Folder(folder / "artifacts"))
        self.left = dict(recipe.left)

    def build(self, progress: Progress) -> package.Package:
        for word in AGAIN:
            attempt = self._attempt(word, progress)
            attempt.scratch.mkdir()
            import_module(MODULES[word]).run(attempt)
            self.left[word] = Result(attempt.facts, attempt.outputs)
        digest = self.left["train"].outputs["model"].digest
        return package.read(self.artifacts.path(digest), digest)

    def parts(self) -> list[built.Part]:
        """What preprocessing left, then and now."""
        then, now = (
            {name: one.digest.hex for name, one in left["preprocess"].outputs.items()}
            for left in (self.recipe.left, self.left)
        )
        return built.parts_of("preprocess", then, now)

    def rows(self, of: package.Package) -> Columns:
        """The analysis rows, as the recorded model takes them."""
        file = self.artifacts.path(self.left["preprocess"].outputs["rows.analysis.parquet"].digest)
        return columns_of(pl.read_parquet(file), of.signature.inputs)

    def changes(self) -> list[str]:
        """What the same code reaches here and did not then: other libraries, files that are not in the bundle."""
        plan = self.recipe.run.plan
        now = compile_plan(self.code.lifecycle, reach=local.reacher(self.code), bundle=plan.bundle, entry=plan.entry)
        found = [
            fp.changes(*({f"code {name}": one for name, one in at.step(word).reached.items()} for at in (plan, now)))
            for word in AGAIN
        ]
        return list(dict.fromkeys(sentence for sentences in found for sentence in sentences))

    def _attempt(self, word: str, progress: Progress) -> Attempt:
        run, lifecycle = self.recipe.run, self.code.lifecycle
        return Attempt(
            run_id=run.id,
            run_number=run.number,
            lifecycle=run.lifecycle,
            plan=run.plan,
            step=run.plan.step(word),
            config=lifecycle.config(word),
            schema=lifecycle.schema,
            functions=self.code.functions(),
            inputs=dict(self.left),
            seed=run.plan.seed,
            remedy=run.remedy,
            project=self.code.project,
            scratch=self.folder / word,
            settings=self.place.settings,
            clock=self.place.clock,
            store=self.place.store,
            artifacts=self.artifacts,
            progress=progress,
        )


def _recipe(place: Place, version: registry.ModelVersion) -> Recipe:
    with place.store.read() as c:
        run, release = runs.get(c, version.run_id), registry.get_release(c, version.release_id)
        if "train" not in {step.name for step in run.plan.steps}:
            raise UserError(
                f"{version.model}@{version.number} was imported: how it was made is not on record",
                where=f"run {run.id}",
                do="Ask who made it.",
            )
        left = {row.step: runs.result(c, row.id) for row in runs.steps(c, run.id)}
    return Recipe(release, run, left)


def _code(place: Place, plan: Plan, folder: Path) -> Code:
    try:
        data = bundle_of(place, plan.bundle)
    except NotFound as error:
        raise UserError(
            f"the code bundle {plan.bundle[:12]} is gone, so the version cannot be built again",
            where=error.where,
            do="Restore the artifact store from a backup.",
        ) from error
    return local.load(bundle.unpack(data, folder) / plan.entry)


def _all_rows_are_there(place: Place, recipe: Recipe) -> None:
    """Fewer rows than on record give another model: say so before an hour of training."""
    facts = recipe.left["collect"].facts
    name, ids = facts["dataset"], facts["batches"]
    with place.store.read() as c:
        wanted = {one.id: one.rows for one in datasets.batches(c, name) if one.id in ids}
        amended = erasures.amendments(c, name).get(facts["version"], [])
    since = [one for one in amended if one.at > recipe.run.started_at]
    if since:
        raise UserError(
            f"{since[0].rows_before - since[-1].rows_after:,} rows were erased since: the same model cannot be built",
            where=f"{name}@{facts['version']}",
            do="Turn the wheel again for a model without them.",
        )
    try:
        counted = table.scan(f"{place.settings.data}/{name}", ids).group_by(table.BATCH).len().collect()
    except Damaged as error:
        raise UserError(f"{error.what}: {_OF} {name}@{facts['version']}", where=error.where, do=error.do) from error
    held = dict(counted.iter_rows())
    for id in ids:
        if held.get(id, 0) != wanted.get(id):
            raise UserError(
                f"batch {id} holds {held.get(id, 0):,} rows of {wanted.get(id) or 0:,}: some were erased, so the same "
                "model cannot be built from them",
                where=f"{name}@{facts['version']}",
                do="Turn the wheel again for a model without them.",
            )


_OF = "it belongs to"
