"""noria gc: clear away what nothing needs, and hold what must stay."""

from datetime import timedelta
from typing import Annotated

import typer

from noria.cli import output
from noria.errors import UserError
from noria.governance import gc
from noria.governance.gc import Cleared, Policy
from noria.governance.seek import seek
from noria.run.place import Place
from noria.store import holds

UNITS = ("B", "kB", "MB", "GB", "TB")
KINDS = ("model", "data", "release", "run")
app = output.app("Clear away what nothing needs; hold what must stay whatever happens.")
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Kind = Annotated[str, typer.Argument(metavar="[KIND]", help="model, data, release or run; may be left out.")]
Id = Annotated[str | None, typer.Argument(help="Its id, such as loans@3.")]
Reason = Annotated[str, typer.Option(help="Why; it goes on record.")]


@app.callback(invoke_without_command=True)
def clear(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, change nothing.")] = False,
    keep: Annotated[int, typer.Option(min=1, help="Runs of each lifecycle of which everything stays.")] = gc.NEWEST,
    grace: Annotated[
        float, typer.Option(min=0, help="Hours that whatever was written stays, so that who is at work finds it.")
    ] = gc.GRACE.total_seconds() / 3600,
    reason: Annotated[str, typer.Option(help="Why; it goes on record.")] = "retention",
    json: AsJson = False,
) -> None:
    """Clear away what nothing needs: bytes without a record, old steps' outputs, files that are no part of a table.

    Everything of a version that is live, held, or waits for approval stays, and of the newest runs.
    """
    if context.invoked_subcommand is not None:
        return
    place, policy = output.existing_place(), Policy(keep, timedelta(hours=grace))
    found = gc.look(place, policy) if dry_run else gc.collect(place, policy, reason)
    if json:
        output.show_json(_plain(found, dry_run=dry_run))
    else:
        _show(found, dry_run=dry_run)


@app.command()
def hold(kind: Kind, id: Id = None, reason: Reason = "", json: AsJson = False) -> None:
    """Hold a thing with all that it was made of, until the hold is ended."""
    place = output.existing_place()
    node = _node(place, kind, id)
    with place.store.begin() as c:
        made = holds.place(c, place.clock, node, actor=place.settings.actor, reason=reason)
    output.show_json(made) if json else output.say(f"{made.node} is held: {made.reason}")


@app.command()
def release(kind: Kind, id: Id = None, reason: Reason = "", json: AsJson = False) -> None:
    """End a hold."""
    place = output.existing_place()
    node = _node(place, kind, id)
    with place.store.begin() as c:
        ended = holds.lift(c, place.clock, node, actor=place.settings.actor, reason=reason)
    output.show_json(ended) if json else output.say(f"{ended.node} is held no more; it was held for: {ended.reason}")


@app.command("holds")
def holds_(json: AsJson = False) -> None:
    """What is held, by whom and why."""
    place = output.existing_place()
    with place.store.read() as c:
        found = holds.holds(c)
    if json:
        output.show_json(found)
    else:
        rows = [(one.node, one.reason, one.actor, one.at) for one in found]
        output.show_table("Holds", ["what", "why", "by", "since"], rows)


def _node(place: Place, kind: str, id: str | None) -> str:
    if id is not None and kind not in KINDS:
        raise output.unknown("kind", kind, KINDS, where="noria gc hold")
    node = seek(place, id if id is not None else kind, kind if id is not None else None).seed.node.id
    if node.partition(":")[0] not in holds.KINDS:
        do = "Hold a model version, a version of data, a release or a run."
        raise UserError(f"{node.replace(':', ' ', 1)} cannot be held", where="noria gc hold", do=do)
    return node


def _plain(found: Cleared, *, dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "bytes": found.bytes,
        "kinds": {kind: {"things": count, "bytes": size} for kind, (count, size) in found.by_kind().items()},
        "things": [{"kind": one.kind, "name": one.name, "bytes": one.bytes} for one in found.things],
        "kept": dict(found.kept),
    }


def _show(found: Cleared, *, dry_run: bool) -> None:
    if found.kept:
        why: dict[str, list[str]] = {}
        for run, reason in found.kept.items():
            why.setdefault(reason, []).append(run)
        rows = [(", ".join(ids), one) for one, ids in why.items()]
        output.show_table("Everything stays of", ["runs", "because"], rows)
    if not found.things:
        output.say("There is nothing to clear away.")
        return
    cleared = [(kind, count, _size(size)) for kind, (count, size) in found.by_kind().items()]
    output.show_table("Would go" if dry_run else "Cleared away", ["what", "things", "size"], cleared)
    if dry_run:
        output.say(f"{_size(found.bytes)} would be freed. Nothing was changed.")
    else:
        output.say(f"{_size(found.bytes)} freed, on record.")


def _size(count: int) -> str:
    size = float(count)
    for unit in UNITS:
        if size < 1000 or unit == UNITS[-1]:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError("the last unit takes all")


def command(words: list[str]) -> int:
    return output.run_app(app, "gc", words or ["--keep", str(gc.NEWEST)])
