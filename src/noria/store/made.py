"""What was made of a dataset version: the other end of the walk from a model to its data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from noria.store import registry, runs
from noria.store.runs import StepRun
from noria.store.tables import run, step_run

CODE = ("code ",)
SETTINGS = ("config ", "file ", "noria", "seed")


@dataclass(frozen=True, slots=True)
class Processed:
    """Processed data, and what they were made with.

    run_id
        The run that made them; later ones may use them again.
    code
        The digest of each unit of the user's code that was reached, by the unit's name; all of it is in ``bundle``.
    settings
        Whatever else decides how the step makes them, as texts: what was declared, files that its transformer reads.
    outputs
        Digests of the artifacts, by name.
    """

    run_id: str
    bundle: str
    code: Mapping[str, str]
    settings: Mapping[str, str]
    outputs: Mapping[str, str]


def processed(connection: Connection, dataset: str, number: int) -> list[Processed]:
    """What preprocessing made of a version, oldest first."""
    rows = _of_version(connection, dataset, number, "preprocess")
    return [_processed(connection, row) for row in rows if row.state == "done"]


def newest(connection: Connection, dataset: str) -> Processed | None:
    """What preprocessing was asked for last, whether it has done it or not; None if nothing ever ran."""
    rows = [row for row in _steps(connection, dataset, "preprocess") if row.ingredients]
    return _processed(connection, rows[-1]) if rows else None


def anomalies(connection: Connection, dataset: str, number: int) -> int | None:
    """How many anomalies the last validation of a version found; None if it was not validated."""
    counts = [_fact(row, "anomalies") for row in _of_version(connection, dataset, number, "validate")]
    return next((count for count in reversed(counts) if count is not None), None)


def models(connection: Connection, dataset: str, number: int) -> list[registry.ModelVersion]:
    """The model versions that learned from a dataset version."""
    return [one for one in registry.versions(connection) if (one.dataset, one.dataset_version) == (dataset, number)]


def invalidated(connection: Connection, dataset: str, ingredients: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Earlier processed data that are made otherwise from now on: the run that made them, and the dataset's version.

    Parameters
    ----------
    ingredients
        What preprocessing is asked for now. Other batches make other data, but invalidate none.
    """
    now = _how(ingredients, CODE + SETTINGS)
    versions = {row.run_id: _fact(row, "version") for row in _steps(connection, dataset, "collect")}
    return [
        (row.run_id, int(versions[row.run_id]))
        for row in _steps(connection, dataset, "preprocess")
        if row.state == "done" and row.ingredients and _how(row.ingredients, CODE + SETTINGS) != now
    ]


def _how(ingredients: Mapping[str, Any] | None, kinds: tuple[str, ...]) -> dict[str, str]:
    """Those of a step's ingredients that say how its result is made, not from what."""
    return {name: str(value) for name, value in (ingredients or {}).items() if name.startswith(kinds)}


def _processed(connection: Connection, row: StepRun) -> Processed:
    code, settings = _how(row.ingredients, CODE), _how(row.ingredients, SETTINGS)
    outputs = {name: one.digest.hex for name, one in runs.result(connection, row.id).outputs.items()}
    return Processed(row.run_id, runs.get(connection, row.run_id).plan.bundle, code, settings, outputs)


def _of_version(connection: Connection, dataset: str, number: int, word: str) -> list[StepRun]:
    """What one step did in all runs on a version."""
    on_it = {row.run_id for row in _steps(connection, dataset, "collect") if _fact(row, "version") == number}
    return [row for row in _steps(connection, dataset, word) if row.run_id in on_it]


def _fact(row: StepRun, name: str) -> Any:
    return (row.facts or {}).get(name)


def _steps(connection: Connection, lifecycle: str, word: str) -> list[StepRun]:
    query = (
        select(step_run)
        .join(run, run.c.id == step_run.c.run_id)
        .where(run.c.lifecycle == lifecycle, step_run.c.step == word, step_run.c.shard == 0)
        .order_by(step_run.c.id)
    )
    return [StepRun(**row) for row in connection.execute(query).mappings()]
