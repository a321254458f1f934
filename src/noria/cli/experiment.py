"""noria experiment: two versions in live traffic, which is better, and when that is known."""

from typing import Annotated, Any

import typer

from noria.cli import output
from noria.cli.endpoints import place_of
from noria.errors import UserError
from noria.feedback.config import duration
from noria.feedback.experiment import PROMOTE, STOP, Guard, Rules
from noria.feedback.exposure import spelled
from noria.run import experiments as work
from noria.run.place import Place
from noria.store import experiments

app = output.app("Two versions in live traffic: which is better, and when that is known.")
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Endpoint = Annotated[str, typer.Argument(help="The endpoint, such as loans.")]
Reason = Annotated[str, typer.Option(help="Why; it goes on record.")]
APPROVALS = ("automatic", "person")
EFFECTS = {"accuracy": 0.02, "subset_accuracy": 0.02, "brier": 0.01, "selection_rate": 0.02}


@app.command()
def start(
    endpoint: Endpoint,
    challenger: Annotated[str, typer.Option(help="The version that is tried, such as 4.")],
    metric: Annotated[str, typer.Option(help="What is to be better, such as accuracy, brier or rating.")] = "accuracy",
    effect: Annotated[float | None, typer.Option(help="The difference that matters, such as 0.02.")] = None,
    guard: Annotated[
        list[str] | None,
        typer.Option(help="What must not get worse, and by how much it may: brier=0.01, accuracy@sex=f:0.03."),
    ] = None,
    share: Annotated[int, typer.Option(help="The challenger's share of the subjects, in percent.", min=1, max=99)] = 50,
    least: Annotated[int, typer.Option(help="Subjects with a known truth that each version needs.", min=20)] = 100,
    shortest: Annotated[str | None, typer.Option(help="Nothing but harm is decided before: 7d.")] = None,
    longest: Annotated[str | None, typer.Option(help="It is stopped if nothing is known by then: 30d.")] = None,
    approval: Annotated[str, typer.Option(help="automatic, or person: somebody has the last word.")] = "automatic",
    reason: Reason = "begun by hand",
    json: AsJson = False,
) -> None:
    """Divide the traffic between the champion and a challenger; 'noria watch' and 'experiment check' look at it."""
    place = place_of(endpoint)
    number = output.number(challenger.rpartition("@")[2])
    if number is None:
        raise UserError(f"{challenger!r} is no version", where="--challenger", do="Write its number, such as 4.")
    if approval not in APPROVALS:
        raise UserError(f"no approval {approval!r}", where="--approval", do=f"Use {' or '.join(APPROVALS)}.")
    task = work.task_of(place, endpoint)
    asked = spelled(metric, task)
    matters = EFFECTS.get(metric.partition("@")[0].removeprefix("-")) if effect is None else effect
    if matters is None or not matters > 0:
        raise UserError(
            f"which difference of {metric} matters?", where="--effect", do="Give it in the metric's unit, above 0."
        )
    rules = Rules(
        metric=asked,
        effect=matters,
        guards=tuple(_guard(text, task) for text in guard or ()),
        least=least,
        shortest=duration(shortest, "--shortest").total_seconds() if shortest else 0.0,
        longest=duration(longest, "--longest").total_seconds() if longest else None,
    )
    made = work.start(place, endpoint, number, rules, share=share, approval=approval, reason=reason)
    if json:
        output.show_json(work.plain(work.look(place, made)))
    else:
        output.say(f"{made.id} began: {_versions(made)}, weights {output.cell(made.weights)}; {_asks(made)}")


@app.command()
def show(
    endpoint: Endpoint,
    number: Annotated[int | None, typer.Argument(help="Which one; the newest, if it is left out.")] = None,
    json: AsJson = False,
) -> None:
    """What an experiment says now; nothing is changed."""
    place = place_of(endpoint)
    with place.store.read() as c:
        held = experiments.all(c, endpoint)
        one = experiments.get(c, endpoint, number) if number is not None else held[-1] if held else None
    if one is None:
        raise UserError(f"{endpoint} never had an experiment", where="experiments", do="Start one: see --help.")
    _say(place, work.look(place, one), json)


@app.command("list")
def list_(
    endpoint: Annotated[str | None, typer.Argument(help="Of one endpoint; of all, if it is left out.")] = None,
    json: AsJson = False,
) -> None:
    """All experiments, oldest first."""
    place = output.existing_place() if endpoint is None else place_of(endpoint)
    with place.store.read() as c:
        found = experiments.all(c, endpoint)
    if json:
        output.show_json([{"id": one.id, **output.plain(one)} for one in found])
        return
    rows = [(one.id, _versions(one), one.state, one.started_at, one.ended_at, one.verdict, one.why) for one in found]
    output.show_table("Experiments", ["", "versions", "state", "from", "until", "verdict", "why"], rows)


@app.command()
def check(endpoint: Endpoint, json: AsJson = False) -> None:
    """Look at the experiment under way, and do what its numbers say: what 'noria watch' does all the time."""
    place = place_of(endpoint)
    work.opened(place, endpoint)
    looked = work.check(place, endpoint)
    if looked is not None:
        _say(place, looked, json)


@app.command()
def decide(
    endpoint: Endpoint,
    word: Annotated[str, typer.Argument(metavar="promote|stop", help="What is to be done.")],
    reason: Reason,
    json: AsJson = False,
) -> None:
    """Have the last word on the experiment under way, whatever its numbers say; they go on record with it."""
    if word not in (PROMOTE, STOP):
        raise UserError(f"cannot {word!r} an experiment", where="decide", do="Use promote or stop.")
    place = place_of(endpoint)
    _say(place, work.decide(place, endpoint, word, reason), json)


@app.command()
def stop(endpoint: Endpoint, reason: Reason = "stopped by hand", json: AsJson = False) -> None:
    """End the experiment under way: all traffic goes back to the champion."""
    place = place_of(endpoint)
    _say(place, work.decide(place, endpoint, STOP, reason), json)


def _say(place: Place, looked: work.Looked, json: bool) -> None:
    if json:
        output.show_json(work.plain(looked))
        return
    one, said = looked.experiment, looked.verdict
    ended = f", ended by {one.ended_by}" if one.ended_by else ""
    output.say(f"{one.id}: {_versions(one)}, {one.state} for {work.elapsed(one, place.clock.now())}{ended}")
    output.say(f"{_asks(one)}")
    output.say(f"{said.word}: {said.why}")
    rows = [
        (name, span["value"], span["low"], span["high"]) for name, span in said.evidence.get("differences", {}).items()
    ]
    if rows:
        output.show_table("Challenger minus champion", ["metric", "better by", "from", "to"], rows)
        answers, known = said.evidence["answers"], said.evidence["known"]
        output.say(f"subjects {answers[0]:,} and {answers[1]:,}, with a known truth {known[0]:,} and {known[1]:,}")


def _versions(one: experiments.Experiment) -> str:
    return f"{one.endpoint}@{one.challenger} against {one.endpoint}@{one.champion}"


def _asks(one: experiments.Experiment) -> str:
    rules: Any = one.rules
    guards = "".join(f", {guard['metric']} not worse by more than {guard['by']:g}" for guard in rules["guards"])
    return f"is {rules['metric'].removeprefix('-')} better by {rules['effect']:g}{guards}? ({one.approval})"


def _guard(text: str, task: str) -> Guard:
    name, sign, bound = text.rpartition(":") if ":" in text else text.rpartition("=")
    try:
        by = float(bound)
    except ValueError:
        by = -1.0
    if not sign or by < 0:
        raise UserError(f"{text!r} is no guard", where="--guard", do="Write METRIC=BOUND, such as brier=0.01.")
    return Guard(spelled(name, task), by)


def command(words: list[str]) -> int:
    return output.run_app(app, "experiment", words)
