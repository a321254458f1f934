"""Collecting by itself: what arrived becomes a dataset version, and the wheel is turned by whoever hears of it."""

from dataclasses import dataclass, replace
from pathlib import Path

from noria.errors import NoriaError
from noria.run import announce, events, notify
from noria.run.execute import COLLECTS, Done, Order, execute
from noria.run.local import compile_file, key_of, load
from noria.run.place import Place
from noria.store import runs


@dataclass(frozen=True, slots=True)
class Collected:
    """How the step ended, and sentences about whom it could not be told."""

    run: runs.Run
    done: Done
    troubles: tuple[str, ...] = ()


def collect(place: Place, file: Path) -> Collected:
    """Do the first step of a lifecycle, in a run that has no other.

    Raises
    ------
    NoriaError
        What the step said; the run is marked failed.
    """
    code = load(file)
    plan = compile_file(place, file, code)
    only = replace(plan, steps=tuple(step for step in plan.steps if step.name == "collect"))
    with place.store.begin() as c:
        run = runs.start(c, place.clock, only, key=key_of(only, None), trigger=COLLECTS, remedy=None)
    announce.run_began(place, run)
    try:
        done = execute(place, code, Order(run, "collect"))
    except NoriaError as error:
        _end(place, run, "failed", str(error))
        raise
    _end(place, run, "done", None)
    told = events.tell(place, run, done.step)
    return Collected(run, done, (*notify.send(place, done.alerts), *([told] if told else [])))


def _end(place: Place, run: runs.Run, state: str, message: str | None) -> None:
    with place.store.begin() as c:
        runs.end(c, place.clock, run.id, state, message)
        ended = runs.get(c, run.id)
    announce.run_ended(place, ended)
