"""noria step RUN STEP: what orchestrators call."""

import sys
from typing import Annotated

import typer

from noria.cli import output
from noria.errors import NotFound, Stopped, UserError
from noria.run import notify
from noria.run.execute import Order, execute
from noria.run.leave_out import leave_out
from noria.run.place import Place
from noria.run.worker import code_of
from noria.store import datasets, runs

app = output.app("Do one step of a run. Doing it twice, or two copies at once, commits its outputs once.")


@app.command()
def step(
    run: Annotated[str, typer.Argument(help="The run's id.")],
    word: Annotated[str, typer.Argument(metavar="STEP", help="The step's word, such as train.")],
    shard: Annotated[int, typer.Option(min=0, help="Which part of a step that is divided.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> int:
    """Do one step with the code that the run was made with."""
    place = output.existing_place()
    found = _run(place, run)
    parts = {step.name: step.shards for step in found.plan.steps}
    if word not in parts:
        raise output.unknown("step", word, parts, where=f"run {run}")
    if shard >= parts[word]:
        raise UserError(
            f"step {word} has no shard {shard}", where=f"run {run}", do=f"It is divided into {parts[word]}, from 0."
        )
    done = execute(place, code_of(place, found), Order(found, word, shard))
    for trouble in notify.send(place, done.alerts):
        print(f"noria: {trouble}", file=sys.stderr)
    left_out = leave_out(place, found, done)
    for sentence in left_out:
        print(f"noria: {sentence}", file=sys.stderr)
    blocked = done.step.state == "blocked"
    if json:
        output.show_json(
            {"step": word, "state": done.step.state, "facts": done.step.facts, "why": done.step.why,
             "message": done.step.message}
        )  # fmt: skip
        return 3 if blocked else 0
    output.say(f"{word} {done.step.state}")
    if blocked:
        raise Stopped(
            done.step.message or "a gate does not hold",
            where=f"run {run}, step {word}",
            do="Do the run again from collect." if len(left_out) > 1 else "See its report.",
        )
    return 0


def _run(place: Place, id: str) -> runs.Run:
    with place.store.read() as c:
        newest = [one.id for name in datasets.datasets(c) for one in runs.newest(c, name, 5)]
        try:
            return runs.get(c, id)
        except NotFound as error:
            raise output.unknown("run", id, newest, where="runs") from error


def command(words: list[str]) -> int:
    return output.run_app(app, "step", words)
