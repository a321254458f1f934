"""A plan on this machine: each step in order, in this process."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import noria
from noria import owner
from noria.collect.config import Captured, Files
from noria.compile import compile_plan
from noria.data import captured
from noria.digest import Digest
from noria.errors import BadLifecycle, NoriaError, UserError
from noria.lifecycle import Lifecycle
from noria.plan import Plan
from noria.run import bundle, glance, notify
from noria.run.execute import Done, Order, execute
from noria.run.place import Code, Place
from noria.run.reach import reach
from noria.store import audit, runs

REMEDIES = ("resample", "reweight", "none")


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the wheel: the run as it ended, and its steps."""

    run: runs.Run
    steps: tuple[runs.StepRun, ...]

    def step(self, word: str) -> runs.StepRun:
        return next(step for step in self.steps if step.step == word)


class Watcher:
    """Hears what happens in a turn. Does nothing: the CLI and the demo override what they show."""

    def started(self, run: runs.Run) -> None: ...

    def step_started(self, word: str) -> None: ...

    def progress(self, text: str, share: float) -> None: ...

    def step_ended(self, done: Done) -> None: ...

    def trouble(self, message: str) -> None: ...


def load(file: Path) -> Code:
    """The one lifecycle that a file declares.

    Raises
    ------
    BadLifecycle
        If the file declares none or several.
    UserError
        If it cannot be imported.
    """
    project = file.resolve().parent
    module = bundle.load_lifecycle_module(file, project)
    found = {id(value): value for value in vars(module).values() if isinstance(value, Lifecycle)}
    if len(found) != 1:
        raise BadLifecycle(
            f"the file declares {len(found) or 'no'} lifecycle{'s' if len(found) > 1 else ''}",
            where=str(file),
            do="Declare exactly one noria.Lifecycle in it.",
        )
    return Code(next(iter(found.values())), project)


def compile_file(place: Place, file: Path, code: Code) -> Plan:
    """The plan of the lifecycle; its code bundle is put into the artifact store."""

    def reached(function: Callable[..., object]) -> dict[str, str]:
        found = reach(function, project=code.project)
        return {f"{unit.kind} {unit.name}": unit.digest for unit in found.units}

    packed = bundle.pack(file.resolve(), code.project)
    digest = place.artifacts.put(packed)
    return compile_plan(code.lifecycle, reach=reached, bundle=digest.hex, entry=file.name)


def turn(
    place: Place,
    file: Path,
    *,
    remedy: str | None = None,
    force: Collection[str] = (),
    trigger: str = "person",
    watcher: Watcher | None = None,
) -> Turn:
    """Turn the wheel once; a run that was interrupted goes on where it stopped.

    Parameters
    ----------
    remedy
        What to do about a label shift: ``resample``, ``reweight`` or ``none``.
    force
        Step words to compute again even if nothing changed.

    Raises
    ------
    NoriaError
        What made a step fail; the run is marked failed. A run stopped by a gate is returned, not raised.
    """
    watcher = watcher or Watcher()
    began_ns = time.time_ns()
    _check(remedy)
    code = load(file)
    plan = compile_file(place, file, code)
    unknown = set(force) - {step.name for step in plan.steps}
    if unknown:
        raise UserError(
            f"no step {', '.join(sorted(unknown))}",
            where="--force",
            do=f"Steps are {', '.join(step.name for step in plan.steps)}.",
        )
    run = _open(place, plan, remedy=remedy, trigger=trigger)
    watcher.started(run)
    state, message = "done", None
    try:
        for step in plan.in_order():
            watcher.step_started(step.name)
            done = execute(place, code, Order(run, step.name, force=step.name in force), watcher.progress)
            for trouble in notify.send(place.settings.alerts, done.alerts):
                watcher.trouble(trouble)
            watcher.step_ended(done)
            if done.step.state == "blocked":
                state, message = "stopped", done.step.message
                break
    except NoriaError as error:
        _end(place, run, "failed", str(error))
        raise
    except Exception as error:
        _end(place, run, "failed", f"{type(error).__name__}: {error}")
        raise
    _end(place, run, state, message)
    if state == "done" and remedy is None:
        _note(place, file, code, run, min(began_ns, int(run.started_at.timestamp() * 1e9)))
    with place.store.read() as c:
        return Turn(runs.get(c, run.id), tuple(runs.steps(c, run.id)))


def _check(remedy: str | None) -> None:
    if remedy is not None and remedy not in REMEDIES:
        raise UserError(f"no remedy {remedy!r}", where="--remedy", do=f"Remedies are {', '.join(REMEDIES)}.")


def _open(place: Place, plan: Plan, *, remedy: str | None, trigger: str) -> runs.Run:
    key = _key(plan, remedy)
    with place.store.begin() as c:
        for last in runs.newest(c, plan.lifecycle):
            if _was_decided(c, last) and last.key == _key(plan, remedy or last.remedy):
                runs.reopen(c, last.id)
                return runs.get(c, last.id)
            if last.state != "running":
                break
            _refuse_if_alive(place, last, runs.steps(c, last.id))
            if last.key == key:
                return last
            runs.end(c, place.clock, last.id, "failed", "it was interrupted, and the lifecycle changed since")
        run = runs.start(c, place.clock, plan, key=key, trigger=trigger, remedy=remedy)
        if remedy is not None:
            audit.record(
                c,
                place.clock,
                actor=place.settings.actor,
                action="remedy",
                subject=f"run:{run.id}",
                after=remedy,
                reason=f"noria run --remedy {remedy}",
            )
        return run


def _key(plan: Plan, remedy: str | None) -> str:
    return Digest.of_json([noria.__version__, plan.to_json(), remedy]).hex


def _was_decided(connection: Any, run: runs.Run) -> bool:
    """True if a gate had stopped the run and a person said yes since."""
    return run.state == "stopped" and all(step.state != "blocked" for step in runs.steps(connection, run.id))


def _refuse_if_alive(place: Place, run: runs.Run, steps: list[runs.StepRun]) -> None:
    for step in steps:
        held = step.state == "running" and step.owner is not None and step.lease_until is not None
        if held and not owner.is_gone(str(step.owner)) and step.lease_until > place.clock.now():  # type: ignore[operator]
            raise UserError(
                f"run {run.number} of {run.lifecycle} is being turned by {step.owner}",
                where=f"step {step.step}",
                do="Wait for it, or end that process; then the same command goes on where it stopped.",
            )


def _note(place: Place, file: Path, code: Code, run: runs.Run, began_ns: int) -> None:
    """Let the next turn see at a glance that nothing changed, if all its sources are files."""
    sources = code.lifecycle.sources
    if not all(isinstance(source, Files | Captured) for source in sources):
        return
    kinds = ("predictions", "feedback")
    glance.note(
        place.settings,
        file,
        run.lifecycle,
        run.number,
        files=sorted(bundle.files(file.resolve(), code.project)),
        patterns=[source.pattern for source in sources if isinstance(source, Files)],
        folders=[Path(captured.path(place.settings, run.lifecycle, kind)) / "_delta_log" for kind in kinds],
        began_ns=began_ns,
    )


def _end(place: Place, run: runs.Run, state: str, message: str | None) -> None:
    with place.store.begin() as c:
        runs.end(c, place.clock, run.id, state, message)
