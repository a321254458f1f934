"""What answered for a model at a time, with which weights, and who had decided so."""

from noria.cli import output
from noria.release import history
from noria.run.place import Place


def show(place: Place, model: str, at: str | None, *, json: bool) -> None:
    """Print it; ``at``: a time as a person writes it, None for now."""
    now = place.clock.now()
    with place.store.read() as c:
        found = history.live(c, model, history.moment(at, now) if at else now)
        spans = [one for one in history.history(c, model) if one.holds(found.at)]
    if json:
        output.show_json({"at": found.at, "aliases": dict(found.aliases), "route": found.route, "decided": spans})
        return
    output.say(f"{model} at {output.cell(found.at)}:")
    if found.route is not None:
        route = found.route
        whole = sum(route.weights.values())
        weights = ", ".join(f"version {version}: {weight / whole:.0%}" for version, weight in route.weights.items())
        beside = f"; shadow: {', '.join(map(str, route.shadow))}" if route.shadow else ""
        output.say(f"  {weights}{beside} (revision {route.revision}, since {output.cell(route.at)})")
        output.say(f"  decided by {route.actor}: {route.reason}")
    rows = [(one.alias, one.number, one.since, one.actor, one.reason) for one in spans]
    output.show_table("Aliases", ["alias", "version", "since", "by", "why"], rows)
