"""Parts of a step that is divided: they only help, and the step itself does what none of them has done.

Each part leaves its results under a fingerprint of its own: the step's, and which part it is. So what a part computed
from something else is never taken, and what it computed before is not computed again.
"""

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from sqlalchemy import Connection

from noria.errors import UserError
from noria.plan import PREPARES, Step
from noria.run import fingerprint as fp
from noria.store import runs
from noria.store.attempt import Attempt, Result

PREPARE = -1  # what is made once, before the other parts
PART = "part"  # the ingredient that tells a part's fingerprint from its step's


def row(connection: Connection, run_id: str, word: str, shard: int) -> runs.StepRun:
    """The step run of a step (0) or of one of its parts."""
    return runs.part(connection, run_id, word, shard) if shard else runs.step(connection, run_id, word)


def ingredients(found: Mapping[str, str], step: Step, shard: int) -> dict[str, str]:
    """What decides the result of a step, or of one of its parts.

    Where parts start from something that was made before, rows go through it in pieces, which may differ in the last
    digit of a float: into how many is an ingredient of the whole step.
    """
    whole = dict(found)
    if step.shards > 1 and step.name in PREPARES:
        whole["pieces"] = str(step.shards)
    return {**whole, PART: f"{shard} of {step.shards}"} if shard else whole


def reusable(
    connection: Connection, lifecycle: str, row: runs.StepRun, found: Mapping[str, str]
) -> runs.StepRun | None:
    """The step run whose result is this one's; of a part also that of its whole step, which then needs no part."""
    same = runs.reusable(connection, lifecycle, row.step, fp.fingerprint(found), row.shard)
    if same is not None or not row.shard:
        return same
    return runs.reusable(connection, lifecycle, row.step, fp.fingerprint(_whole(found)))


def left(connection: Connection, row: runs.StepRun) -> dict[int, Result]:
    """What the parts left that an attempt may use, by number: computed in this run, from the same."""
    whole = _whole(row.ingredients or {})
    found = {}
    for part in runs.parts(connection, row.run_id, row.step):
        if part.state in runs.FINISHED and part.shard != row.shard and _whole(part.ingredients or {}) == whole:
            found[part.shard] = runs.result(connection, part.id)
    return found


def work(module: ModuleType, shard: int) -> Callable[[Attempt], Any]:
    """The function of a stage that does a step or one of its parts.

    Raises
    ------
    UserError
        If the stage is not divided.
    """
    name = "run" if shard == 0 else "prepare" if shard == PREPARE else "part"
    found: Callable[[Attempt], Any] | None = getattr(module, name, None)
    if found is None:
        raise UserError(f"{module.__name__} has no parts", where="plan", do="Export the lifecycle again.")
    return found


def _whole(found: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in found.items() if name != PART}
