"""noria model: versions, aliases, releases."""

from collections.abc import Mapping
from typing import Annotated

import typer

from noria.cli import model_again, model_dossier, model_live, model_move, model_show, model_study, output
from noria.cli.model_find import AsJson, Reason
from noria.errors import NotFound, UserError
from noria.release import approve as approval
from noria.run.place import Place
from noria.store import datasets, erasures, registry, runs
from noria.store.verdicts import Person

app = output.app("Model versions and why they became so.")
ReleaseId = Annotated[str, typer.Argument(metavar="RELEASE", help="The id that the stopped run named.")]


@app.command("list")
def list_(json: AsJson = False) -> None:
    """All versions of all models."""
    place = output.existing_place()
    with place.store.read() as c:
        found = registry.versions(c)
        flagged = erasures.flagged(c)
        names = {model: registry.aliases(c, model) for model in {v.model for v in found}}
    called = {(v.model, v.number): [a for a, n in names[v.model].items() if n == v.number] for v in found}
    if json:
        output.show_json(
            [{**output.plain(v), "aliases": called[v.model, v.number],
              "learned_from_erased": [one.id for one in flagged.get((v.model, v.number), [])]} for v in found]
        )  # fmt: skip
    else:
        rows = [
            (v.model, v.number, ", ".join(called[v.model, v.number]), v.format, f"{v.dataset}@{v.dataset_version}",
             _foremost(v.metrics), v.created_at)
            for v in found
        ]  # fmt: skip
        output.show_table("Models", ["model", "version", "alias", "format", "data", "quality", "made"], rows)
        for (model, version), learned in flagged.items():
            output.say(f"{model}@{version} {model_show.learned_from_erased(learned)}")
        for one in _waiting(place):
            output.say(
                f"A candidate for {one.model}, of run {one.run_id}, waits: noria model approve {one.id} --reason '…'"
            )


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


for _word in (
    model_show.show,
    model_show.card,
    model_show.record,
    model_study.study,
    model_live.promote,
    model_live.rollback,
    model_live.history,
    model_live.live,
    model_again.reproduce,
    model_move.export,
    model_dossier.dossier,
):
    app.command()(_word)
app.command("import")(model_move.import_)


def _foremost(metrics: Mapping[str, float]) -> str:
    """The one metric that a list has room for."""
    name = next((one for one in ("roc_auc", "rmse") if one in metrics), next(iter(metrics), ""))
    return f"{name} {output.cell(metrics[name])}" if name else ""


def _me(place: Place, reason: str) -> Person:
    if not reason.strip():
        raise UserError("the reason is empty", where="--reason", do="Say why; it goes on record.")
    return Person(place.settings.actor, reason)


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


def command(words: list[str]) -> int:
    return output.run_app(app, "model", words)
