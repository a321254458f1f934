"""Who is champion: promotion and its reverse, with the route that follows, in one transaction."""

from sqlalchemy import Connection

from noria.clock import Clock
from noria.errors import UserError
from noria.store import audit, registry, routes


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
    history = [
        entry.after
        for entry in audit.entries(connection)
        if entry.action == "alias champion" and entry.subject == f"model:{model}" and entry.after is not None
    ]
    now = registry.aliases(connection, model).get(registry.CHAMPION)
    earlier = [number for number in history if number != now]
    if not earlier:
        raise UserError(f"{model} never had another champion", where="registry", do="See 'noria model list'.")
    return promote(connection, clock, registry.version(connection, model, earlier[-1]), actor=actor, reason=reason)
