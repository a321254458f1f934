"""A plan on this machine: each step in order, in this process."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

import noria
from noria import owner
from noria.collect.config import Captured, Files
from noria.compile import compile_plan
from noria.data import captured
from noria.digest import Digest
from noria.errors import BadLifecycle, Busy, NoriaError, UserError
from noria.lifecycle import Lifecycle
from noria.plan import Plan
from noria.run import announce, bundle, events, glance, named, notify
from noria.run.execute import Done, Order, execute
from noria.run.leave_out import leave_out
from noria.run.place import Code, Place
from noria.run.reach import reach
from noria.store import audit, memo, orchestrated, runs

REMEDIES = ("resample", "reweight", "quarantine", "accept", "none")
EXPLAINED = ("quarantine", "accept")  # remedies that need a reason
FILES = "lifecycle file"  # what is remembered of each lifecycle: where it is declared


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

    def said(self, message: str) -> None: ...


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

    packed = bundle.pack(file.resolve(), code.project, named.all_files(code))
    digest = place.artifacts.put(packed)
    files = named.digests(code)
    return compile_plan(code.lifecycle, reach=reacher(code), bundle=digest.hex, entry=file.name, files=files)


def reacher(code: Code) -> Callable[[Callable[..., object]], dict[str, str]]:
    """What says which code of the project a function reaches: digests by kind and name."""

    def reached(function: Callable[..., object]) -> dict[str, str]:
        found = reach(function, project=code.project)
        return {f"{unit.kind} {unit.name}": unit.digest for unit in found.units}

    return reached


def turn(
    place: Place,
    file: Path,
    *,
    remedy: str | None = None,
    reason: str | None = None,
    force: Collection[str] = (),
    trigger: str = "person",
    cause: Mapping[str, str] | None = None,
    watcher: Watcher | None = None,
) -> Turn:
    """Turn the wheel once; a run that was interrupted goes on where it stopped.

    Parameters
    ----------
    remedy
        What to do about a block of the data: ``resample`` or ``reweight`` the labels, ``quarantine`` the batches and go
        on without them, ``accept`` them as they are, or ``none`` after one of the first two.
    reason
        Why; needed to quarantine and to accept.
    force
        Step words to compute again even if nothing changed.
    trigger, cause
        What called for it, and why, for the record.

    Raises
    ------
    NoriaError
        What made a step fail; the run is marked failed. A run stopped by a gate is returned, not raised.
    """
    watcher = watcher or Watcher()
    began_ns = time.time_ns()
    check_remedy(remedy, reason)
    code = load(file)
    plan = compile_file(place, file, code)
    unknown = set(force) - {step.name for step in plan.steps}
    if unknown:
        raise UserError(
            f"no step {', '.join(sorted(unknown))}",
            where="--force",
            do=f"Steps are {', '.join(step.name for step in plan.steps)}.",
        )
    run = _open(place, plan, remedy=remedy, reason=reason, trigger=trigger, cause=cause)
    _remember(place, run.lifecycle, file)
    watcher.started(run)
    announce.run_began(place, run)
    try:
        state, message = _walk(place, code, run, force, watcher)
    except NoriaError as error:
        _end(place, run, watcher, "failed", str(error))
        raise
    except Exception as error:
        _end(place, run, watcher, "failed", f"{type(error).__name__}: {error}")
        raise
    _end(place, run, watcher, state, message)
    if state == "done" and remedy is None:
        _note(place, file, code, run, min(began_ns, int(run.started_at.timestamp() * 1e9)))
    with place.store.read() as c:
        return Turn(runs.get(c, run.id), tuple(runs.steps(c, run.id)))


def file_of(place: Place, lifecycle: str) -> Path | None:
    """The file that declares a lifecycle, as it was last run on this machine or one that shares its folders; None if it
    is not there."""
    with place.store.read() as c:
        found = memo.recall(c, FILES).get(lifecycle)
    return Path(found) if found is not None and Path(found).is_file() else None


def _remember(place: Place, lifecycle: str, file: Path) -> None:
    with place.store.begin() as c:
        memo.remember(c, FILES, {lifecycle: str(file.resolve())})


def _walk(place: Place, code: Code, run: runs.Run, force: Collection[str], watcher: Watcher) -> tuple[str, str | None]:
    """Do each step in order; after batches were left out, again from the first. The state it ended in, and why."""
    words = [step.name for step in run.plan.in_order()]
    left, message = list(words), None
    while left:
        word = left.pop(0)
        watcher.step_started(word)
        done = execute(place, code, Order(run, word, force=word in force), watcher.progress)
        told = events.tell(place, run, done.step)
        for trouble in (*notify.send(place, done.alerts), *([told] if told else [])):
            watcher.trouble(trouble)
        watcher.step_ended(done)
        if done.step.state != "blocked":
            continue
        remedied = leave_out(place, run, done)
        for sentence in remedied:
            watcher.said(sentence)
        if len(remedied) < 2:
            return "stopped", " ".join([str(done.step.message), *remedied])
        left, message = list(words), " ".join(remedied)
    return "done", message


def check_remedy(remedy: str | None, reason: str | None) -> None:
    """``UserError`` if there is no such remedy, or it needs a reason."""
    if remedy is not None and remedy not in REMEDIES:
        raise UserError(f"no remedy {remedy!r}", where="--remedy", do=f"Remedies are {', '.join(REMEDIES)}.")
    if remedy in EXPLAINED and not (reason or "").strip():
        raise UserError(f"to {remedy} data needs a reason", where="--remedy", do='Give one: --reason "…".')
    if reason is not None and remedy is None:
        raise UserError("a reason of what?", where="--reason", do="Give --remedy too.")


def _open(
    place: Place, plan: Plan, *, remedy: str | None, reason: str | None, trigger: str, cause: Mapping[str, str] | None
) -> runs.Run:
    key = key_of(plan, remedy)
    with place.store.begin() as c:
        for last in runs.newest(c, plan.lifecycle):
            if was_decided(last, runs.steps(c, last.id)) and last.key == key_of(plan, remedy or last.remedy):
                runs.reopen(c, last.id)
                return runs.get(c, last.id)
            if last.state != "running":
                break
            must_not_be_alive(place, last, runs.steps(c, last.id))
            _must_be_ours(c, last)
            if last.key == key:
                return last
            runs.end(c, place.clock, last.id, "failed", "it was interrupted, and the lifecycle changed since")
        run = runs.start(c, place.clock, plan, key=key, trigger=trigger, remedy=remedy, cause=cause)
        audit_remedy(c, place, run, reason)
        return run


def audit_remedy(connection: Connection, place: Place, run: runs.Run, reason: str | None) -> None:
    """Put on record who asked for the run's remedy and why, if it has one."""
    if run.remedy is None:
        return
    audit.record(
        connection,
        place.clock,
        actor=place.settings.actor,
        action="remedy",
        subject=f"run:{run.id}",
        after=run.remedy,
        reason=reason or f"noria run --remedy {run.remedy}",
    )


def key_of(plan: Plan, remedy: str | None) -> str:
    """What a run is made from, as a digest: a run of the same that was interrupted goes on."""
    return Digest.of_json([noria.__version__, plan.to_json(), remedy]).hex


def was_decided(run: runs.Run, steps: Sequence[runs.StepRun]) -> bool:
    """True if a gate had stopped the run and a person said yes since."""
    return run.state == "stopped" and all(step.state != "blocked" for step in steps)


def _must_be_ours(connection: Connection, run: runs.Run) -> None:
    """A run that waits between two tasks of an orchestrator is not interrupted."""
    said = orchestrated.of_run(connection, run.id)
    if said is not None:
        raise Busy(
            f"run {run.number} of {run.lifecycle} is being turned by Airflow, {said.dag_id} {said.dag_run}",
            where=f"run {run.id}",
            do=f"Wait for it; if that run is gone: noria airflow end {run.id}.",
        )


def must_not_be_alive(place: Place, run: runs.Run, steps: list[runs.StepRun]) -> None:
    """``Busy`` if a process is at one of the run's steps."""
    for step in steps:
        held = step.state == "running" and step.owner is not None and step.lease_until is not None
        if held and not owner.is_gone(str(step.owner)) and step.lease_until > place.clock.now():  # type: ignore[operator]
            raise Busy(
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
    with place.store.read() as c:
        made_from = runs.step(c, run.id, "preprocess").ingredients or {}
    given = [str(Path(name.removeprefix("file ")).resolve()) for name in made_from if name.startswith("file ")]
    glance.note(
        place.settings,
        file,
        run.lifecycle,
        run.number,
        files=sorted({*bundle.files(file.resolve(), code.project), *named.all_files(code)}),
        patterns=[*(source.pattern for source in sources if isinstance(source, Files)), *given],
        folders=[Path(captured.path(place.settings, run.lifecycle, kind)) / "_delta_log" for kind in kinds],
        began_ns=began_ns,
    )


def _end(place: Place, run: runs.Run, watcher: Watcher, state: str, message: str | None) -> None:
    with place.store.begin() as c:
        runs.end(c, place.clock, run.id, state, message)
        ended = runs.get(c, run.id)
    for trouble in announce.run_ended(place, ended):
        watcher.trouble(trouble)
