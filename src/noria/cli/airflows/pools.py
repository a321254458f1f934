"""The pools of an export: read from their file, and held against what the steps ask for."""

from collections.abc import Mapping
from pathlib import Path

from noria.errors import UserError
from noria.plan import Plan, Step
from noria.pools import file
from noria.pools.pool import Pools

AROUND = ("begin", "end", "sweep")  # what goes with the steps, and asks for nothing


def pools_for(plan: Plan, path: Path | None, executor: str, places: Mapping[str, str]) -> Pools | None:
    """The declared pools, if each step fits in one; None without a file.

    Raises
    ------
    UserError
        If the file cannot be used, a step asks for what no pool has, or a step is to be a pod and nothing says of what.
    """
    if path is None:
        for step in plan.steps:
            if places.get(step.name, executor) == "kubernetes":
                raise _undescribed(step.name)
        return None
    pools = file.read(_text(path), str(path)).on(executor)
    for step in (*plan.steps, *map(Step, AROUND)):
        pool = pools.choose(step.name, step.resources)
        if places.get(step.name, pool.runs_on) == "kubernetes" and pools.pods is None:
            raise _undescribed(step.name)
    return pools


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UserError(
            f"the pools cannot be read: {what}", where=str(path), do="Give a TOML file: --pools."
        ) from error


def _undescribed(step: str) -> UserError:
    return UserError(
        "nothing says what its pod is made of",
        where=f"step {step}",
        do="Give a pools file with a table [pods], its namespace and image: --pools.",
    )
