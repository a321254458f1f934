"""Models, their immutable versions, the aliases that move, and the releases that say why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from noria.clock import Clock
from noria.errors import NotFound
from noria.store import audit
from noria.store.tables import alias, model_version, release

CHAMPION, CHALLENGER, SHADOW = "champion", "challenger", "shadow"


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """``package`` is the artifact digest of the model package, in hexadecimal."""

    model: str
    number: int
    package: str
    format: str
    run_id: str
    dataset: str
    dataset_version: int
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    release_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Release:
    """Why a candidate became, or did not become, the next version. ``number`` is None when it was refused."""

    id: str
    model: str
    number: int | None
    run_id: str
    decision: str
    record: str
    verdicts: Any
    decided_by: str
    reason: str
    at: datetime


def versions(connection: Connection, model: str | None = None) -> list[ModelVersion]:
    """All versions, of one model or of all, oldest first."""
    query = select(model_version).order_by(model_version.c.model, model_version.c.number)
    if model is not None:
        query = query.where(model_version.c.model == model)
    return [ModelVersion(**row) for row in connection.execute(query).mappings()]


def version(connection: Connection, model: str, number: int) -> ModelVersion:
    """One version; ``NotFound`` if there is none of that number."""
    query = select(model_version).where(model_version.c.model == model, model_version.c.number == number)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFound(f"no version {number} of model {model}", where="registry", do="See 'noria model list'.")
    return ModelVersion(**row)


def of_release(connection: Connection, release_id: str) -> ModelVersion | None:
    """The version that a release made, if it made one."""
    row = connection.execute(select(model_version).where(model_version.c.release_id == release_id)).mappings().first()
    return ModelVersion(**row) if row else None


def next_number(connection: Connection, model: str) -> int:
    """The number the model's next version gets, if nobody else takes it first."""
    query = select(func.max(model_version.c.number)).where(model_version.c.model == model)
    return (connection.execute(query).scalar() or 0) + 1


def add_version(connection: Connection, made: ModelVersion) -> None:
    """Register a version; a number that is taken raises ``sqlalchemy.exc.IntegrityError`` and commits nothing."""
    connection.execute(insert(model_version).values(**{name: getattr(made, name) for name in ModelVersion.__slots__}))


def add_release(connection: Connection, made: Release) -> None:
    """Keep a release record; the same id again changes nothing."""
    values = {name: getattr(made, name) for name in Release.__slots__}
    connection.execute(_insert(connection)(release).values(**values).on_conflict_do_nothing())


def get_release(connection: Connection, id: str) -> Release:
    """One release; ``NotFound`` if there is none of that id."""
    row = connection.execute(select(release).where(release.c.id == id)).mappings().first()
    if row is None:
        raise NotFound(f"no release {id}", where="registry", do="See 'noria model list'.")
    return Release(**row)


def releases(connection: Connection, model: str) -> list[Release]:
    """All releases of a model, oldest first."""
    query = select(release).where(release.c.model == model).order_by(release.c.at, release.c.id)
    return [Release(**row) for row in connection.execute(query).mappings()]


def aliases(connection: Connection, model: str) -> dict[str, int]:
    """Alias → version number."""
    query = select(alias.c.name, alias.c.number).where(alias.c.model == model).order_by(alias.c.name)
    return {row.name: row.number for row in connection.execute(query)}


def champion(connection: Connection, model: str) -> ModelVersion | None:
    """The version that others must beat; None before the first release."""
    number = aliases(connection, model).get(CHAMPION)
    return None if number is None else version(connection, model, number)


def set_alias(
    connection: Connection, clock: Clock, model: str, name: str, number: int | None, *, actor: str, reason: str
) -> None:
    """Point an alias at a version, or (None) take it away; recorded in the audit log if that changes anything."""
    before = aliases(connection, model).get(name)
    if before == number:
        return
    if number is None:
        connection.execute(alias.delete().where(alias.c.model == model, alias.c.name == name))
    else:
        values = {"number": number, "at": clock.now()}
        statement = _insert(connection)(alias).values(model=model, name=name, **values)
        connection.execute(statement.on_conflict_do_update(index_elements=["model", "name"], set_=values))
    audit.record(
        connection,
        clock,
        actor=actor,
        action=f"alias {name}",
        subject=f"model:{model}",
        before=before,
        after=number,
        reason=reason,
    )


def _insert(connection: Connection) -> Any:
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
