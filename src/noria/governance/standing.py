"""How a lifecycle stands: the figures of its loop and the layers it covers, gathered from the stores."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from noria.data import captured, table
from noria.errors import NotFound
from noria.governance import loop, needs
from noria.governance.loop import Loop, Records
from noria.governance.needs import Layer, Seen
from noria.governance.plan import Stores
from noria.store import alerts, audit, datasets, experiments, holds, lineage, registry, routes, runs

MOST_ALERTS = 100_000
BY_PEOPLE = "person"  # how a run says that a person began it


@dataclass(frozen=True, slots=True)
class Standing:
    """Of one lifecycle."""

    lifecycle: str
    loop: Loop
    layers: tuple[Layer, ...]


def standing(stores: Stores, lifecycle: str) -> Standing:
    """Look at one lifecycle.

    Raises
    ------
    NotFound
        If it never ran.
    """
    with stores.store.read() as c:
        turns = runs.newest(c, lifecycle, 1 << 30)
        if not turns:
            raise NotFound(f"lifecycle {lifecycle} never ran", where="noria report", do="Type: noria run FILE.")
        releases = registry.releases(c, lifecycle)
        found = Records(
            batches=datasets.batches(c, lifecycle),
            versions=datasets.versions(c, lifecycle),
            models=registry.versions(c, lifecycle),
            releases=releases,
            routes=routes.history(c, lifecycle),
            alerts=list(alerts.newest(c, lifecycle, MOST_ALERTS)),
            audit=[one for one in audit.entries(c) if _about(one.subject, lifecycle)],
            answers=_answers(c, [one.id for one in releases]),
        )
        tried, held = len(experiments.all(c, lifecycle)), len(holds.holds(c))
        cleared = sum(one.action == "gc" for one in audit.entries(c))
    given, told = _counted(stores, lifecycle)
    seen = Seen(
        plan=turns[0].plan,
        runs=len(turns),
        by_itself=sum(one.trigger != BY_PEOPLE for one in turns),
        batches=len(found.batches),
        batches_captured=sum(one.origin == "captured" for one in found.batches),
        versions=len(found.versions),
        judged=sum(one.verdict is not None for one in found.versions),
        quarantined=sum(one.state == "quarantined" for one in found.batches),
        predictions=given,
        labelled=told,
        releases=sum(one.decision == "released" for one in releases),
        experiments=tried,
        alerts=len(found.alerts),
        holds=held,
        cleared=cleared,
        database="PostgreSQL" if stores.store.engine.dialect.name == "postgresql" else "SQLite",
        artifacts="a bucket" if stores.settings.artifacts.startswith("s3://") else "a folder",
    )
    return Standing(lifecycle, loop.measure(found, stores.clock.now()), tuple(needs.layers(seen)))


def lifecycles(stores: Stores) -> list[str]:
    """All that ever ran."""
    with stores.store.read() as c:
        return runs.lifecycles(c)


def plain(one: Standing) -> dict[str, Any]:
    """As JSON has it."""
    return {
        "lifecycle": one.lifecycle,
        "loop": loop.plain(one.loop),
        "hierarchy_of_needs": [
            {"layer": layer.name, "state": layer.state, "does": list(layer.does), "missing": list(layer.missing)}
            for layer in one.layers
        ],
    }


def _about(subject: str, lifecycle: str) -> bool:
    return subject == f"model:{lifecycle}" or subject.startswith(f"dataset_version:{lifecycle}@")


def _answers(c: Any, releases: list[str]) -> Mapping[str, str]:
    edges = lineage.touching(c, [f"release:{id}" for id in releases], up=True)
    return {one.child.partition(":")[2]: one.parent.partition(":")[2] for one in edges if one.role == "decides"}


def _counted(stores: Stores, lifecycle: str) -> tuple[int, int]:
    """How many answers were captured, and how many of them have a label."""
    places = [captured.path(stores.settings, lifecycle, kind) for kind in ("predictions", "feedback")]
    if table.version_of(places[0]) < 0:
        return 0, 0
    given = int(table.whole(places[0]).select(pl.len()).collect().item())
    if table.version_of(places[1]) < 0:
        return given, 0
    told = table.whole(places[1]).filter(pl.col("label").is_not_null()).select(pl.col("prediction").n_unique())
    return given, int(told.collect().item())
