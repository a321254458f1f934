"""Who is champion: promotion and its reverse, with the route that follows, in one transaction."""

from datetime import datetime

from sqlalchemy import Connection

from noria.clock import Clock
from noria.errors import UserError
from noria.release import history
from noria.store import registry, routes


def promote(
    connection: Connection, clock: Clock, version: registry.ModelVersion, *, actor: str, reason: str
) -> routes.Route:
    """Make a version the champion and send it all the traffic; recorded in the audit log.

    Returns
    -------
    Route
        The endpoint's new revision.
    """
    aliases = registry.aliases(connection, version.model)
    registry.set_alias(connection, clock, version.model, registry.CHAMPION, version.number, actor=actor, reason=reason)
    if aliases.get(registry.CHALLENGER) == version.number:
        registry.set_alias(connection, clock, version.model, registry.CHALLENGER, None, actor=actor, reason=reason)
    return routes.set_weights(connection, clock, version.model, {str(version.number): 100}, actor=actor, reason=reason)


def rollback(connection: Connection, clock: Clock, model: str, *, actor: str, reason: str) -> routes.Route:
    """Make the champion before the present one champion again.

    Raises
    ------
    UserError
        If there was none before.
    """
    now = registry.aliases(connection, model).get(registry.CHAMPION)
    champions = [one.number for one in history.history(connection, model) if one.alias == registry.CHAMPION]
    earlier = [number for number in champions if number != now]
    if not earlier:
        raise UserError(f"{model} never had another champion", where="registry", do="See 'noria model list'.")
    return promote(connection, clock, registry.version(connection, model, earlier[-1]), actor=actor, reason=reason)


def restore(connection: Connection, clock: Clock, model: str, at: datetime, *, actor: str, reason: str) -> routes.Route:
    """Bring back what was live at a time: who was champion, challenger and shadow, and how the traffic was divided.

    Raises
    ------
    NotFound
        If nothing was live then.
    UserError
        If that is how it is now.
    """
    then = history.live(connection, model, at)
    now = registry.aliases(connection, model)
    weights = dict(then.route.weights) if then.route else {str(then.aliases[registry.CHAMPION]): 100}
    present = routes.newest(connection, model)
    if now == then.aliases and present is not None and dict(present.weights) == weights:
        raise UserError(f"{model} is as it was then", where="registry", do=f"See 'noria model history {model}'.")
    for name in sorted({*now, *then.aliases}):
        registry.set_alias(connection, clock, model, name, then.aliases.get(name), actor=actor, reason=reason)
    return routes.set_weights(connection, clock, model, weights, actor=actor, reason=reason)
