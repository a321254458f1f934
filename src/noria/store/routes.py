"""Route revisions: how an endpoint's traffic is divided, since when, and who said so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from noria.clock import Clock
from noria.digest import Digest
from noria.store import audit, notices
from noria.store.tables import route


@dataclass(frozen=True, slots=True)
class Route:
    """Weights by model version number, as text; ``salt`` decides which subject gets which.

    explore
        The share of requests that a version drawn by chance answers, whoever they are about.
    """

    endpoint: str
    revision: int
    weights: Mapping[str, int]
    shadow: Any
    salt: str
    actor: str
    reason: str
    at: datetime
    explore: float = 0.0


def newest(connection: Connection, endpoint: str) -> Route | None:
    """The revision in force."""
    query = select(route).where(route.c.endpoint == endpoint).order_by(route.c.revision.desc()).limit(1)
    row = connection.execute(query).mappings().first()
    return Route(**row) if row else None


def all_newest(connection: Connection) -> list[Route]:
    """The revision in force of every endpoint, by name."""
    last = select(route.c.endpoint, func.max(route.c.revision).label("revision")).group_by(route.c.endpoint).subquery()
    query = select(route).join(last, (last.c.endpoint == route.c.endpoint) & (last.c.revision == route.c.revision))
    return [Route(**row) for row in connection.execute(query.order_by(route.c.endpoint)).mappings()]


def history(connection: Connection, endpoint: str) -> list[Route]:
    """All revisions, oldest first."""
    query = select(route).where(route.c.endpoint == endpoint).order_by(route.c.revision)
    return [Route(**row) for row in connection.execute(query).mappings()]


def endpoints(connection: Connection) -> list[str]:
    """The names of all endpoints."""
    query = select(route.c.endpoint).distinct().order_by(route.c.endpoint)
    return [row.endpoint for row in connection.execute(query)]


def at(connection: Connection, endpoint: str, moment: datetime | str) -> Route | None:
    """The revision that was in force at a time, given as such or in ISO 8601; None if none was yet."""
    try:
        when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    except ValueError:  # captured by another program, which wrote something else
        return None
    before = select(route).where(route.c.endpoint == endpoint, route.c.at <= when.astimezone(UTC))
    row = connection.execute(before.order_by(route.c.revision.desc()).limit(1)).mappings().first()
    return Route(**row) if row else None


def set_weights(
    connection: Connection, clock: Clock, endpoint: str, weights: Mapping[str, int], *, actor: str, reason: str,
    shadow: Sequence[int] | None = None, explore: float | None = None,
) -> Route:  # fmt: skip
    """Divide an endpoint's traffic anew; the same weights again are no new revision. Audited.

    Subjects keep their variant across revisions as far as the weights allow: the salt stays.

    Parameters
    ----------
    shadow
        Versions that get copies of all requests, and answer nobody; None: those that do, but for any that now answers.
    explore
        The share of requests that a version drawn by chance answers, 0 to 1; None: as it is.
    """
    before = newest(connection, endpoint)
    watched = [int(number) for number in before.shadow] if before else []
    beside = sorted({one for one in (watched if shadow is None else shadow) if weights.get(str(one), 0) <= 0})
    ordered = {number: weights[number] for number in sorted(weights, key=int) if weights[number] > 0}
    drawn = before.explore if before else 0.0
    share = drawn if explore is None else explore
    if before is not None and dict(before.weights) == ordered and watched == beside and drawn == share:
        return before
    made = Route(
        endpoint=endpoint,
        revision=before.revision + 1 if before else 1,
        weights=ordered,
        shadow=beside,
        salt=before.salt if before else Digest.of_json(["route", endpoint]).hex[:16],
        actor=actor,
        reason=reason,
        at=clock.now(),
        explore=share,
    )
    notices.tell(connection, endpoint)
    connection.execute(insert(route).values(**{name: getattr(made, name) for name in Route.__slots__}))
    audit.record(
        connection,
        clock,
        actor=actor,
        action="route",
        subject=f"endpoint:{endpoint}",
        before=dict(before.weights) if before else None,
        after=ordered,
        reason=reason,
    )
    for action, was, now in (("shadow", watched, beside), ("explore", drawn, share)):
        if was != now:
            audit.record(
                connection,
                clock,
                actor=actor,
                action=action,
                subject=f"endpoint:{endpoint}",
                before=was,
                after=now,
                reason=reason,
            )
    return made
