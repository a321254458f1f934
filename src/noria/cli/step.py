"""noria step RUN STEP: what orchestrators call."""

import os
import sys
import time
from typing import Annotated

import typer

from noria import owner
from noria.cli import output
from noria.errors import Busy, NotFound, Stopped, Undecided, UserError
from noria.plan import PREPARES, Plan
from noria.run import notify
from noria.run.ended import note_end
from noria.run.execute import Done, Order, execute
from noria.run.leave_out import leave_out
from noria.run.parts import PREPARE
from noria.run.place import Code, Place
from noria.run.worker import code_of
from noria.store import datasets, runs

PARENT = "NORIA_PARENT"  # set by who started this and must not be outlived: its process id
LOOK_S = 1.0
app = output.app("Do one step of a run. Doing it twice, or two copies at once, commits its outputs once.")


@app.command()
def step(
    run: Annotated[str, typer.Argument(help="The run's id.")],
    word: Annotated[str, typer.Argument(metavar="STEP", help="The step's word, such as train.")],
    shard: Annotated[int, typer.Option(min=0, help="Which part of a step that is divided, from 1; 0: the step.")] = 0,
    prepare: Annotated[bool, typer.Option("--prepare", help="Make what the parts of the step start from.")] = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for another process that is at it.")] = 0,
    memory_mb: Annotated[int | None, typer.Option(min=1, help="MiB it may take, in place of those declared.")] = None,
    ended: Annotated[str, typer.Option(help="Do nothing: record why the process that did it ended silently.")] = "",
    host: Annotated[str, typer.Option(help="With --ended: the machine it ran on, which is no more.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> int:
    """Do one step, or one part of it, with the code that the run was made with."""
    owner.follow(os.environ.get(PARENT))
    place = output.existing_place()
    found = _run(place, run)
    _must_be_there(found.plan, word, shard, prepare, run)
    order = Order(found, word, PREPARE if prepare else shard, memory_mb=memory_mb)
    if ended:
        return _ended(place, order, ended, host, json)
    done = _do(place, code_of(place, found.plan), order, wait)
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
        return 0 if not blocked else 7 if _waits(done) else 3
    output.say(f"{word} {done.step.state}")
    if blocked:
        raise (Undecided if _waits(done) else Stopped)(
            done.step.message or "a gate does not hold",
            where=f"run {run}, step {word}",
            do="Do the run again from collect." if len(left_out) > 1 else "See its report.",
        )
    return 0


def _do(place: Place, code: Code, order: Order, wait: float) -> Done:
    """The step; while another process is at it, wait: it may be the last try, which is ending."""
    until = time.monotonic() + wait
    while True:
        try:
            return execute(place, code, order)
        except Busy:
            if time.monotonic() >= until:
                raise
            time.sleep(LOOK_S)


def _ended(place: Place, order: Order, why: str, host: str, json: bool) -> int:
    noted = note_end(place, order, why, host)
    if json:
        output.show_json({"step": order.word, "noted": noted})
    else:
        output.say(f"{order.word} {'failed: ' + why if noted else 'keeps what it said itself'}")
    return 0


def _waits(done: Done) -> bool:
    return (done.step.facts or {}).get("decision") == "waiting"


def _must_be_there(plan: Plan, word: str, shard: int, prepare: bool, run: str) -> None:
    parts = {step.name: step.shards for step in plan.steps}
    if word not in parts:
        raise output.unknown("step", word, parts, where=f"run {run}")
    divided = parts[word] > 1
    if shard and (not divided or shard > parts[word]):
        how = f"It is divided into {parts[word]}, from 1." if divided else "It is not divided."
        raise UserError(f"step {word} has no part {shard}", where=f"run {run}", do=how)
    if prepare and not (divided and word in PREPARES):
        raise UserError(f"step {word} has nothing to prepare", where=f"run {run}", do="Leave out --prepare.")


def _run(place: Place, id: str) -> runs.Run:
    with place.store.read() as c:
        newest = [one.id for name in datasets.datasets(c) for one in runs.newest(c, name, 5)]
        try:
            return runs.get(c, id)
        except NotFound as error:
            raise output.unknown("run", id, newest, where="runs") from error


def command(words: list[str]) -> int:
    return output.run_app(app, "step", words)
