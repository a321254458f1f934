"""The one idempotent command: a step reads its inputs, computes, and commits in one transaction.

Run it twice, kill it half-way, run two copies at once: outputs are committed once, by the newest attempt.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from noria import owner
from noria.digest import Digest
from noria.errors import Busy, Failure, NoriaError, OutOfMemory, StoreUnavailable, Superseded, UserError
from noria.peak import Peak
from noria.plan import Plan, Step
from noria.run import announce, lease, memory, parts, printed
from noria.run import fingerprint as fp
from noria.run.place import Code, Place
from noria.store import alerts, erasures, lineage, made, orchestrated, runs
from noria.store.alerts import Sent
from noria.store.attempt import Attempt, Result

MODULES: Mapping[str, str] = {
    "collect": "noria.collect.step",
    "validate": "noria.validate.step",
    "preprocess": "noria.preprocess.step",
    "tune": "noria.train.tune_step",
    "train": "noria.train.step",
    "analyze": "noria.analyze.step",
    "release": "noria.release.step",
    "deploy": "noria.serve.deploy_step",
    "feedback": "noria.feedback.step",
}
COLLECTS = "collect"  # the trigger of a run that only collects: what it finds is for another one to turn
SHOWN = 5  # processed data that are named one by one


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done: one step of one run. ``force``: compute even if the result is there."""

    run: runs.Run
    word: str
    shard: int = 0
    force: bool = False
    memory_mb: int | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """How a step ended, and the alerts that its commit put on record."""

    step: runs.StepRun
    alerts: tuple[Sent, ...] = ()


def execute(
    place: Place, code: Code, order: Order, progress: Callable[[str, float], None] = lambda text, share: None
) -> Done:
    """Do one step, or find that it is done.

    Raises
    ------
    NoriaError
        What the step said; the step run is marked failed.
    Superseded
        If a newer attempt took the step meanwhile; nothing was committed.
    """
    plan_step = order.run.plan.step(order.word)
    module = import_module(MODULES[order.word])
    with place.store.begin() if order.shard else place.store.read() as c:
        row = parts.row(c, order.run.id, order.word, order.shard)
        inputs = _inputs(c, order.run, plan_step)
    if row.state in runs.FINISHED:
        return Done(row)
    observe = getattr(module, "observe", None)
    observed = None if observe is None else observe(code.world(place, plan_step), plan_step)
    ingredients = parts.ingredients(_ingredients(order, plan_step, module, inputs, observed), plan_step, order.shard)
    digest = fp.fingerprint(ingredients)
    with place.store.begin() as c:
        row = runs.step(c, order.run.id, order.word, order.shard)
        if row.state in runs.FINISHED:
            return Done(row)
        _refuse_if_held(row, place)
        erasures.must_not_be_open(c, order.run.lifecycle)
        same = None if order.force else parts.reusable(c, order.run.lifecycle, row, ingredients)
        why = _why(c, order, row, ingredients, reused=same is not None)
        runs.mark(
            c, row.id, fingerprint=digest, ingredients=ingredients, why=why,
            ready_at=_ready_at(c, order, row),
        )  # fmt: skip
        if same is not None:
            result = runs.result(c, same.id) if same.shard == order.shard else Result({}, {})  # a part nobody needs
            now = place.clock.now()
            runs.finish(c, place.clock, row.id, row.attempt, "reused", result, reused_from=same.id, started_at=now)
        else:
            runs.claim(c, place.clock, row.id, owner=owner.me())
        if order.word == "collect" and order.run.trigger != COLLECTS:
            key = orchestrated.key_of(observed)
            orchestrated.claim(c, place.clock, order.run.lifecycle, key, order.run.id)
        row = runs.step(c, order.run.id, order.word, order.shard)
    if same is not None:
        announce.step_ended(place, order.run, row, inputs)
        return Done(row)
    return _told_of(place, code, order, inputs, row, progress)


def _told_of(
    place: Place,
    code: Code,
    order: Order,
    inputs: Mapping[str, Result],
    row: runs.StepRun,
    progress: Callable[[str, float], None],
) -> Done:
    """Compute; who listens hears of the attempt's begin, and of its end if it is still ours."""
    step, module = _as_ordered(order.run.plan.step(order.word), order), import_module(MODULES[order.word])
    announce.step_began(place, order.run, row, inputs)
    try:
        done = _compute(place, code, order, step, module, inputs, row.id, row.attempt, progress)
    except Superseded:
        raise
    except BaseException:
        with place.store.read() as c:
            announce.step_ended(place, order.run, runs.step(c, order.run.id, order.word, order.shard), inputs)
        raise
    announce.step_ended(place, order.run, done.step, inputs)
    return done


def _as_ordered(step: Step, order: Order) -> Step:
    """The step with the memory that it may take where it is done now."""
    if order.memory_mb is None:
        return step
    return replace(step, resources=replace(step.resources, memory_mb=order.memory_mb))


def _compute(
    place: Place,
    code: Code,
    order: Order,
    step: Step,
    module: ModuleType,
    inputs: Mapping[str, Result],
    id: int,
    number: int,
    progress: Callable[[str, float], None],
) -> Done:
    peak = Peak()
    helped: dict[int, Result] = {}
    if step.shards > 1:
        with place.store.read() as c:
            helped = parts.left(c, runs.step(c, order.run.id, order.word, order.shard))
    log = printed.kept(place.settings.home, order.run.id, order.word, order.shard, number, place.clock.now())
    with _scratch(place) as scratch, _heartbeat(place, id, number), log as said:
        attempt = Attempt(
            run_id=order.run.id,
            run_number=order.run.number,
            lifecycle=order.run.lifecycle,
            plan=order.run.plan,
            step=step,
            config=code.lifecycle.config(order.word),
            schema=code.lifecycle.schema,
            functions=code.functions(),
            inputs=inputs,
            seed=order.run.plan.seed,
            remedy=order.run.remedy,
            project=code.folder(order.word),
            scratch=scratch,
            settings=place.settings,
            clock=place.clock,
            store=place.store,
            artifacts=place.artifacts,
            progress=said.noting(progress),
            config_of=code.lifecycle.config,
            part=order.shard,
            parts=helped,
        )
        try:
            with memory.bound(step):
                parts.work(module, order.shard)(attempt)
            return _commit(place, order, attempt, id, number, peak)
        except Superseded:
            raise
        except BaseException as error:
            said.failed(error)
            told = _told(place, step, error)
            _note_failure(place, id, number, told)
            if told is error:
                raise
            raise told from error


def _told(place: Place, step: Step, error: BaseException) -> BaseException:
    """What the surroundings did to a step, as a sentence; libraries wrap a full disk in errors of their own."""
    if isinstance(error, NoriaError):
        return error
    if isinstance(error, MemoryError):
        return OutOfMemory(
            "there is not enough memory", where=f"step {step.name}", do="Free memory, or take less data."
        )
    if type(error).__name__ == PANIC:
        return Failure(
            f"a library gave up: {(str(error).splitlines() or [''])[0][:160]}",
            where=f"step {step.name}",
            do="A file may be damaged: see 'noria data verify'.",
        )
    if any(sign in str(error) for sign in FULL):
        return StoreUnavailable(
            "the disk is full",
            where=str(place.settings.home),
            do="Free space, then run the same command again; finished work is kept.",
        )
    return error


PANIC = "PanicException"  # of libraries written in Rust; each has its own, and none is an Exception
FULL = tuple(os.strerror(number) for number in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT))


def _commit(place: Place, order: Order, attempt: Attempt, id: int, number: int, peak: Peak) -> Done:
    state = "done" if attempt.blocked is None else "blocked"
    sent = tuple(_sent(attempt, order, index) for index in range(len(attempt.alerts)))
    with place.store.begin() as c:
        for effect in attempt.effects:
            effect(c)
        for one in sent:
            alerts.add(c, one)
        node = f"step:{order.run.id}/{order.word}"
        lineage.link(c, node, f"run:{order.run.id}", "part of")
        for word in order.run.plan.step(order.word).needs:
            lineage.link(c, node, f"step:{order.run.id}/{word}", "after")
        for name, output in attempt.outputs.items():
            lineage.link(c, f"artifact:{output.digest.hex}", node, name)
        runs.finish(
            c,
            place.clock,
            id,
            number,
            state,
            Result(attempt.facts, attempt.outputs),
            message=attempt.blocked,
            peak_memory_mb=peak.mb(),
        )
        return Done(runs.step(c, order.run.id, order.word, order.shard), sent)


def _sent(attempt: Attempt, order: Order, index: int) -> Sent:
    alert = attempt.alerts[index]
    return Sent(
        id=Digest.of_json([order.run.id, order.word, order.shard, index]).hex[:32],
        lifecycle=order.run.lifecycle,
        run_id=order.run.id,
        step=order.word,
        severity=alert.severity,
        what=alert.what,
        where=alert.where,
        evidence=dict(alert.evidence),
        do=alert.do,
        at=attempt.clock.now(),
    )


def _inputs(connection: Any, run: runs.Run, step: Step) -> dict[str, Result]:
    words = before(run.plan, step.name)
    states = {row.step: row for row in runs.steps(connection, run.id)}
    for word in words:
        if states[word].state not in runs.FINISHED:
            raise UserError(
                f"step {step.name} needs {word}, which is {states[word].state}",
                where=f"run {run.id}",
                do=f"Do it first: noria step {run.id} {word}",
            )
    return {word: runs.result(connection, states[word].id) for word in words}


def before(plan: Plan, word: str) -> list[str]:
    """All steps that ``word`` needs, directly or through others, in the plan's order."""
    wanted = set(plan.step(word).needs)
    for step in reversed(list(plan.in_order())):
        if step.name in wanted:
            wanted.update(step.needs)
    return [step.name for step in plan.in_order() if step.name in wanted]


def _ingredients(
    order: Order, step: Step, module: ModuleType, inputs: Mapping[str, Result], observed: object
) -> dict[str, str]:
    return fp.ingredients(
        step,
        format=module.FORMAT,
        seed=order.run.plan.seed,
        remedy=order.run.remedy if order.word == "validate" else None,
        inputs=inputs,
        uses=getattr(module, "USES", None),
        observed=observed,
    )


def _why(
    connection: Any, order: Order, row: runs.StepRun, ingredients: Mapping[str, str], *, reused: bool
) -> list[str]:
    if reused:
        return ["nothing it depends on changed"]
    if order.force:
        return ["it was forced"]
    if row.attempt > 0 or row.message is not None:
        return [f"its last attempt failed: {row.message}" if row.message else "its last attempt did not finish"]
    last = runs.last_like(connection, order.run.lifecycle, order.word, row.id)
    if last is None:
        return ["it never ran before"]
    found = fp.changes(last.ingredients, ingredients) or [f"its last run ended {last.state}"]
    return [*found, *_invalidated(connection, order, ingredients)]


def _invalidated(connection: Any, order: Order, ingredients: Mapping[str, str]) -> list[str]:
    """What a changed transformer means for the processed data that there are."""
    gone = made.invalidated(connection, order.run.lifecycle, ingredients) if order.word == "preprocess" else []
    if not gone:
        return []
    shown = ", ".join(f"{order.run.lifecycle}@{version} (run {run})" for run, version in gone[-SHOWN:])
    more = f" and {len(gone) - SHOWN} earlier ones" if len(gone) > SHOWN else ""
    return [f"invalid from now on: the processed data of {shown}{more}"]


def _ready_at(connection: Any, order: Order, row: runs.StepRun) -> datetime:
    """Since when this attempt could have begun: what it waited is counted from here, whatever runs it."""
    if row.state == "failed" and row.ended_at is not None:
        return row.ended_at
    return row.ready_at or runs.ready_at(connection, order.run, order.word)


def _refuse_if_held(row: runs.StepRun, place: Place) -> None:
    if row.state != "running" or row.owner is None or row.lease_until is None:
        return
    if owner.is_gone(row.owner) or row.lease_until < place.clock.now():
        return
    raise Busy(
        f"step {row.step} is being done by {row.owner}",
        where=f"run {row.run_id}",
        do="Wait for it, or end that process and run the same command again.",
    )


def _note_failure(place: Place, id: int, number: int, error: BaseException) -> None:
    message = str(error) if isinstance(error, NoriaError) else f"{type(error).__name__}: {error}"
    try:
        with place.store.begin() as c:
            runs.finish(c, place.clock, id, number, "failed", Result({}, {}), message=message)
    except NoriaError as second:
        error.add_note(f"The failure could not be put on record: {second}")


@contextmanager
def _scratch(place: Place) -> Iterator[Path]:
    root = place.settings.home / "scratch"
    root.mkdir(parents=True, exist_ok=True)
    for left in owner.leftovers(root):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=owner.prefix(), dir=root))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _heartbeat(place: Place, id: int, number: int) -> AbstractContextManager[None]:
    def renew() -> bool:
        with place.store.begin() as c:
            return runs.renew(c, place.clock, id, number)

    return lease.renewed(runs.LEASE, renew)
