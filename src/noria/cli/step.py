"""noria step RUN STEP: what orchestrators call."""

from typing import Annotated

import typer

from noria.cli import output
from noria.errors import Stopped
from noria.run import notify
from noria.run.execute import Order, execute
from noria.run.worker import code_of
from noria.store import runs

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
    with place.store.read() as c:
        found = runs.get(c, run)
        runs.step(c, run, word, shard)
    done = execute(place, code_of(place, found), Order(found, word, shard))
    for trouble in notify.send(place.settings.alerts, done.alerts):
        output.console.print(trouble)
    if json:
        output.show_json({"step": word, "state": done.step.state, "facts": done.step.facts, "why": done.step.why})
    else:
        output.console.print(f"{word} {done.step.state}")
    if done.step.state == "blocked":
        raise Stopped(
            done.step.message or "a gate does not hold", where=f"run {run}, step {word}", do="See its report."
        )
    return 0


def command(words: list[str]) -> int:
    return output.run_app(app, "step", words)
