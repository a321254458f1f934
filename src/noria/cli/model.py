"""noria model: versions, aliases, releases."""

from collections.abc import Mapping
from typing import Annotated

import typer

from noria.cli import output
from noria.errors import NotFound, UserError
from noria.release import approve as approval
from noria.release import promote as promotion
from noria.run.place import Place
from noria.store import datasets, registry, routes, runs

app = output.app("Model versions and why they became so.")
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Name = Annotated[str, typer.Argument(metavar="MODEL[@VERSION]", help="Such as loans, loans@3 or loans@champion.")]
Reason = Annotated[str, typer.Option(help="Why; it goes on record.")]
ReleaseId = Annotated[str, typer.Argument(metavar="RELEASE", help="The id that the stopped run named.")]


@app.command("list")
def list_(json: AsJson = False) -> None:
    """All versions of all models."""
    place = output.existing_place()
    with place.store.read() as c:
        found = registry.versions(c)
        names = {model: registry.aliases(c, model) for model in {v.model for v in found}}
    called = {(v.model, v.number): [a for a, n in names[v.model].items() if n == v.number] for v in found}
    if json:
        output.show_json([{**output.plain(v), "aliases": called[v.model, v.number]} for v in found])
    else:
        rows = [
            (v.model, v.number, ", ".join(called[v.model, v.number]), v.format, f"{v.dataset}@{v.dataset_version}",
             _foremost(v.metrics), v.created_at)
            for v in found
        ]  # fmt: skip
        output.show_table("Models", ["model", "version", "alias", "format", "data", "quality", "made"], rows)
        for one in _waiting(place):
            output.say(
                f"A candidate for {one.model}, of run {one.run_id}, waits: noria model approve {one.id} --reason '…'"
            )


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
def card(name: Name, json: AsJson = False) -> None:
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
    if json:
        output.show_json({"model": found.model, "number": found.number, "file": file})
    else:
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
    must_be_known(place, name)
    with place.store.begin() as c:
        route = promotion.rollback(c, place.clock, name, actor=place.settings.actor, reason=reason)
    _say(route, json)


@app.command()
def approve(release: ReleaseId, reason: Reason, json: AsJson = False) -> None:
    """Say yes to a candidate that waits: it becomes the next version, and the next run deploys it."""
    place = output.existing_place()
    _must_be_known(place, release)
    with place.store.begin() as c:
        made = approval.approve(c, place.artifacts, place.clock, release, _me(place, reason))
        newest = runs.newest(c, made.model)[0].id == made.run_id
    if json:
        output.show_json(made)
        return
    name = f"{made.model}@{made.number}"
    output.say(f"{name} is released, on record why.")
    output.say(
        "Next: the same 'noria run FILE' goes on with deploy."
        if newest
        else f"A newer run has begun since; to give this version traffic: noria model promote {name}"
    )


@app.command()
def refuse(release: ReleaseId, reason: Reason, json: AsJson = False) -> None:
    """Say no to a candidate that waits; the champion goes on serving."""
    place = output.existing_place()
    _must_be_known(place, release)
    with place.store.begin() as c:
        made = approval.refuse(c, place.artifacts, place.clock, release, _me(place, reason))
    if json:
        output.show_json(made)
    else:
        output.say(f"The candidate of run {made.run_id} is refused, on record why.")


def _foremost(metrics: Mapping[str, float]) -> str:
    """The one metric that a list has room for."""
    name = next((one for one in ("roc_auc", "rmse") if one in metrics), next(iter(metrics), ""))
    return f"{name} {output.cell(metrics[name])}" if name else ""


def _me(place: Place, reason: str) -> approval.Person:
    if not reason.strip():
        raise UserError("the reason is empty", where="--reason", do="Say why; it goes on record.")
    return approval.Person(place.settings.actor, reason)


def _waiting(place: Place) -> list[registry.Release]:
    """What waits for a person: a dataset and its model have the lifecycle's name."""
    with place.store.read() as c:
        found = [approval.waiting(c, name) for name in datasets.datasets(c)]
    return [one for one in found if one is not None]


def _must_be_known(place: Place, release: str) -> None:
    try:
        with place.store.read() as c:
            registry.get_release(c, release)
    except NotFound as error:
        waiting = [one.id for one in _waiting(place)]
        raise output.unknown("release", release, waiting, where="releases that wait for approval") from error


def find(place: Place, name: str) -> registry.ModelVersion:
    """The version that ``MODEL``, ``MODEL@3`` or ``MODEL@champion`` names."""
    model, _, which = name.partition("@")
    must_be_known(place, model)
    with place.store.read() as c:
        names = registry.aliases(c, model)
        number = names.get(which or registry.CHAMPION, output.number(which))
        if number is None:
            raise output.unknown("alias", f"{model}@{which or registry.CHAMPION}", names, where="registry")
        return registry.version(c, model, number)


def must_be_known(place: Place, model: str) -> None:
    """``NotFound`` if no version of the model was ever released."""
    with place.store.read() as c:
        known = {one.model for one in registry.versions(c)}
    if model not in known:
        raise output.unknown("model", model, known, where="registry")


def _say(route: routes.Route, json: bool) -> None:
    if json:
        output.show_json(route)
    else:
        output.say(f"{route.endpoint}: revision {route.revision}, weights {output.cell(route.weights)}")


def command(words: list[str]) -> int:
    return output.run_app(app, "model", words)
