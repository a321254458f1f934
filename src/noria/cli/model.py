"""noria model: versions, aliases, releases."""

from typing import Annotated

import typer

from noria.cli import output
from noria.errors import NotFound, UserError
from noria.release import promote as promotion
from noria.run.place import Place
from noria.store import registry, routes

app = output.app("Model versions and why they became so.")
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Name = Annotated[str, typer.Argument(metavar="MODEL[@VERSION]", help="Such as loans, loans@3 or loans@champion.")]
Reason = Annotated[str, typer.Option(help="Why; it goes on record.")]


@app.command("list")
def list_(json: AsJson = False) -> None:
    """All versions of all models."""
    place = output.existing_place()
    with place.store.read() as c:
        found = registry.versions(c)
        names = {model: registry.aliases(c, model) for model in {v.model for v in found}}
    rows = [
        (v.model, v.number, ", ".join(a for a, n in names[v.model].items() if n == v.number), v.format,
         f"{v.dataset}@{v.dataset_version}", v.metrics, v.created_at)
        for v in found
    ]  # fmt: skip
    if json:
        output.show_json(found)
    else:
        output.show_table("Models", ["model", "version", "alias", "format", "data", "metrics", "made"], rows)


@app.command()
def show(name: Name, json: AsJson = False) -> None:
    """One version: what it was made of, what it scored, why it was released."""
    place = output.existing_place()
    found = find(place, name)
    with place.store.read() as c:
        release = registry.get_release(c, found.release_id)
    if json:
        output.show_json({"version": found, "release": release})
        return
    output.show_table(
        f"{found.model}@{found.number}",
        ["", ""],
        [
            ("package", f"{found.format}, {found.package[:12]}"),
            ("data", f"{found.dataset}@{found.dataset_version}"),
            ("parameters", found.params),
            ("metrics", found.metrics),
            ("run", found.run_id),
            ("release", f"{release.id}: {release.decision} by {release.decided_by}, {release.reason}"),
            *((f"gate {v['gate']}", f"{v['verdict']}: {v['evidence']}") for v in release.verdicts),
        ],
    )


@app.command()
def card(name: Name) -> None:
    """Print the file with the model card."""
    place = output.existing_place()
    found = find(place, name)
    file = place.settings.reports / found.run_id / "release-card.html"
    if not file.exists():
        from noria.run.reports import write
        from noria.store import runs

        with place.store.read() as c:
            run, steps = runs.get(c, found.run_id), runs.steps(c, found.run_id)
        write(place, run, steps)
    print(file)


@app.command()
def promote(name: Name, reason: Reason = "promoted by hand", json: AsJson = False) -> None:
    """Make a version the champion; all its endpoint's traffic goes to it."""
    place = output.existing_place()
    found = find(place, name)
    with place.store.begin() as c:
        route = promotion.promote(c, place.clock, found, actor=place.settings.actor, reason=reason)
    _say(route, json)


@app.command()
def rollback(
    name: Annotated[str, typer.Argument(metavar="MODEL")], reason: Reason = "rolled back by hand", json: AsJson = False
) -> None:
    """Make the champion before this one the champion again."""
    place = output.existing_place()
    with place.store.begin() as c:
        route = promotion.rollback(c, place.clock, name, actor=place.settings.actor, reason=reason)
    _say(route, json)


def find(place: Place, name: str) -> registry.ModelVersion:
    """The version that ``MODEL``, ``MODEL@3`` or ``MODEL@champion`` names."""
    model, _, which = name.partition("@")
    with place.store.read() as c:
        names = registry.aliases(c, model)
        number = int(which) if which.isdigit() else names.get(which or registry.CHAMPION)
        if number is None:
            known = sorted({v.model for v in registry.versions(c)})
            if model not in known:
                raise NotFound(f"no model {model}", where="registry", do=f"There are: {', '.join(known) or 'none'}.")
            raise UserError(f"{model} has no {which or 'champion'}", where="registry", do="See 'noria model list'.")
        return registry.version(c, model, number)


def _say(route: routes.Route, json: bool) -> None:
    if json:
        output.show_json(route)
    else:
        output.console.print(f"{route.endpoint}: revision {route.revision}, weights {output.cell(route.weights)}")


def command(words: list[str]) -> int:
    return output.run_app(app, "model", words)
