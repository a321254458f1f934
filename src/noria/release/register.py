"""A released candidate becomes a numbered version, whoever decided: the gates, or a person."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from noria.clock import Clock
from noria.store import lineage, registry


def register(
    connection: Connection, clock: Clock, record: Mapping[str, Any], *, run_id: str, actor: str
) -> registry.ModelVersion:
    """Add the version that a release record names, with its lineage; champion if it is the first, else challenger."""
    made = registry.ModelVersion(
        model=record["model"],
        number=record["number"],
        package=record["package"],
        format=record["format"],
        run_id=run_id,
        dataset=record["dataset"],
        dataset_version=record["dataset_version"],
        params=record["params"],
        metrics=(record["analysis"] or {}).get("metrics", {}),
        release_id=record["release"],
        created_at=clock.now(),
    )
    registry.add_version(connection, made)
    lineage.link(connection, f"model_version:{made.model}@{made.number}", f"release:{made.release_id}", "released by")
    alias = registry.CHALLENGER if registry.champion(connection, made.model) else registry.CHAMPION
    registry.set_alias(connection, clock, made.model, alias, made.number, actor=actor, reason=record["reason"])
    return made
