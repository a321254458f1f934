"""noria erase: a subject's rows, out of everything."""

import sys
from typing import Annotated, Any

import typer

from noria.cli import output
from noria.digest import Digest
from noria.errors import UserError
from noria.governance import erase as erasing
from noria.governance.plan import Plan
from noria.run.place import Place
from noria.serve.emptied import carry
from noria.store import erasures

POLICIES = (erasing.RETRAIN, erasing.ACCEPT)
app = output.app("Erase a subject: its rows, out of every table, artifact, record and file.")


@app.command()
def erase(
    subject: Annotated[str, typer.Argument(help="The subject's key, as it stands in the subject column.")],
    dataset: Annotated[str | None, typer.Option(help="In this dataset only; in all if left out.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what there is, change nothing.")] = False,
    reason: Annotated[str, typer.Option(help="Why; it goes on record: do not name the subject in it.")] = "",
    models: Annotated[
        str, typer.Option(help="What is to become of models that learned from it: retrain or accept.")
    ] = erasing.RETRAIN,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Erase a subject's rows everywhere; interrupted, the same command goes on."""
    place = output.existing_place()
    if dry_run:
        _show(erasing.look(place, subject, dataset), json=json)
        return
    _check(subject, reason, models)
    asked = erasing.Request(subject, dataset, models, place.settings.actor, reason)
    done = erasing.erase_subject(place, asked, lambda: carry(place.settings), _tell)
    if done is None:
        _nothing(place, subject, json=json)
        return
    file = _written(place, done)
    if json:
        output.show_json({**done.certificate, "certificate": done.erasure.certificate, "file": str(file)})
        return
    _summary(done)
    output.say(f"The certificate: {file}")


def _check(subject: str, reason: str, models: str) -> None:
    if models not in POLICIES:
        raise UserError(f"no policy {models!r}", where="--models", do=f"Policies are {' and '.join(POLICIES)}.")
    if not subject.strip():
        raise UserError("the subject's key is empty", where="noria erase", do="Give the key.")
    if not reason.strip():
        raise UserError(
            "an erasure needs a reason", where="noria erase", do='Give one: --reason "…", or look with --dry-run.'
        )
    if subject in reason:
        raise UserError("the reason names the subject", where="--reason", do="It stays on record: say it otherwise.")


def _show(plan: Plan, *, json: bool) -> None:
    counts = plan.counts()
    if json:
        output.show_json({"dry_run": True, **counts})
        return
    rows = [(name, f"batch {id}", count) for name, held in counts["batches"].items() for id, count in held.items()]
    for kind in ("predictions", "feedback"):
        rows += [(name, kind, count) for name, count in counts[kind].items() if count]
    if not rows:
        output.say("There is nothing of this subject.")
        return
    output.show_table("Rows of this subject", ["dataset", "in", "rows"], rows)
    output.say("Nothing was changed. What was made of these rows goes with them.")


def _nothing(place: Place, subject: str, *, json: bool) -> None:
    digest = erasures.Secret(place.settings.secret).digest(subject)
    with place.store.read() as c:
        before = erasures.of(c, digest)
    if json:
        output.show_json({"erased": False, "earlier": [one.id for one in before]})
    elif before:
        output.say(f"This subject is erased already: erasure {before[-1].id} of {output.cell(before[-1].ended_at)}.")
    else:
        output.say("There is nothing of this subject; nothing was changed.")


def _written(place: Place, done: erasing.Outcome) -> Any:
    file = place.settings.reports / f"erasure-{done.erasure.id}.html"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(place.artifacts.get(Digest(str(done.erasure.page))))
    return file


def _summary(done: erasing.Outcome) -> None:
    for one in done.certificate["datasets"]:
        rows = sum(batch["rows_removed"] for batch in one["batches"])
        versions = ", ".join(version["version"] for version in one["versions_amended"]) or "no version"
        output.say(
            f"{one['dataset']}: {rows:,} rows, {one['predictions_removed']:,} predictions and "
            f"{one['feedback_removed']:,} feedbacks are gone; amended: {versions}."
        )
        if one["models_that_learned"]:
            output.say(f"  learned from them: {', '.join(one['models_that_learned'])} ({done.erasure.models})")
            if done.erasure.models == erasing.RETRAIN:
                output.say("  the next 'noria run' makes a model without them")
        for source in one["sources_that_still_hold_them"]:
            output.say(f"  still in the source, which is not noria's: {source}")
    for place in done.certificate["left"]:
        output.say(f"A file still mentions it: {place}")


def _tell(text: str) -> None:
    if sys.stderr.isatty():
        print(f"noria: {text}", file=sys.stderr, flush=True)


def command(words: list[str]) -> int:
    return output.run_app(app, "erase", words)
