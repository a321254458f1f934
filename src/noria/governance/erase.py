"""Erase a subject: out of every table, artifact, record and file, until no byte of it is left; and refuse it from then.

It goes in steps that can each be done again. It is put on record, and no step of the lifecycles starts any more; those
at work are waited for, and what servers took is carried into the tables. What there is is found and noted in a private
file. Tables are stripped; the records are amended in one transaction; artifacts, pages and leftovers go; the database
is written anew; the note goes; the certificate is put on record. Killed anywhere, the same command goes on.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from noria import owner
from noria.data import captured, erase, subjects, table
from noria.digest import Digest, canonical
from noria.errors import NotFound, UserError
from noria.governance import certificate, gone
from noria.governance import plan as plans
from noria.governance.alone import alone
from noria.governance.plan import Known, Plan, Stores
from noria.store import audit, datasets, erasures, holds, scrub
from noria.store.erasures import Erasure, Secret

RETRAIN, ACCEPT = "retrain", "accept"
POLL_S = 0.1  # between two looks at who is at work
ROUNDS = 5  # of looking whether a server took something about the subject meanwhile


@dataclass(frozen=True, slots=True)
class Request:
    """Whom to erase where, what becomes of models that learned, who asks and why. ``dataset`` None: everywhere."""

    key: str
    dataset: str | None
    models: str
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """An erasure that is done, and its certificate."""

    erasure: Erasure
    certificate: Mapping[str, Any]


Carry = Callable[[], object]
Say = Callable[[str], None]


def look(stores: Stores, key: str, dataset: str | None) -> Plan:
    """What there is of a subject, with nothing changed.

    Raises
    ------
    NotFound
        If there is no such dataset.
    UserError
        If the dataset has no subject column.
    """
    return plans.find(stores, key, _where(stores, dataset))


def erase_subject(stores: Stores, asked: Request, carry: Carry, say: Say = lambda text: None) -> Outcome | None:
    """Erase, or finish what was begun; None if there is nothing of the subject anywhere.

    Parameters
    ----------
    carry
        Has everything that servers took so far carried into the tables before it returns.
    say
        Hears what it is waiting for or doing.

    Raises
    ------
    NotFound, UserError
        As ``look`` does; also if another erasure is at work here, or the secret is not the one of earlier erasures.
    StoreUnavailable
        If a store cannot be used: the same command goes on.
    """
    where = _where(stores, asked.dataset)
    secret, known = Secret(stores.settings.secret), Known()
    with alone(stores.settings.home):
        begun = _begun(stores, asked, secret, where, carry, known)
        if begun is None:
            return None
        where = {name: column for name, column in plans.subjects(stores).items() if name in begun.datasets}
        _wait(stores, begun, say)
        carry()
        note = _note(stores, begun.id)
        plan = _planned(stores, asked.key, where, note, known)
        for _ in range(ROUNDS):
            say("taking rows out of the tables")
            _strip(stores, plan, where, known)
            more = plans.find(stores, asked.key, where, known)
            if more.empty:
                break
            plan = _kept(stores, plan.and_also(more), note)
        gone.forget(stores, begun.id, plan)
        say("taking away what was made of them")
        orphans = gone.remove(stores, begun.id, plan)
        pages = list(gone.reports(stores, plan))
        files = list(_leftovers(stores, plan))
        return _end(stores, begun, plan, note, {"orphans": orphans, "pages": len(pages), "files": files})


def _where(stores: Stores, dataset: str | None) -> dict[str, str | None]:
    known = plans.subjects(stores)
    if dataset is None:
        return known
    if dataset not in known:
        there = ", ".join(sorted(known)) or "none yet"
        raise NotFound(f"no dataset {dataset}", where="noria erase", do=f"There are: {there}.")
    if known[dataset] is None:
        raise UserError(
            f"{dataset} has no subject column: nobody's rows can be told from others'",
            where="noria erase",
            do="Declare Schema(subject=…) and run the lifecycle once.",
        )
    return {dataset: known[dataset]}


def _begun(
    stores: Stores, asked: Request, secret: Secret, where: Mapping[str, str | None], carry: Carry, known: Known
) -> Erasure | None:
    """The erasure of this subject that is not done, or a new one if there is anything to erase."""
    digest = secret.digest(asked.key)
    with stores.store.read() as c:
        everything = erasures.all(c)
    secret.must_be([one.secret for one in everything])
    open_ = [one for one in everything if one.subject == digest and one.state == erasures.BEGUN]
    if open_:
        return open_[0]
    carry()
    found = plans.find(stores, asked.key, where, known)
    if found.empty:
        return None
    _must_not_be_held(stores, found)
    count = sum(one.subject == digest for one in everything)
    made = Erasure(
        id=Digest.of_json([digest, count]).hex[:16], subject=digest, secret=secret.told, datasets=sorted(where),
        state=erasures.BEGUN, models=asked.models, actor=asked.actor, reason=asked.reason, counts={},
        certificate=None, page=None, begun_at=stores.clock.now(), ended_at=None,
    )  # fmt: skip
    with stores.store.begin() as c:
        erasures.begin(c, made)
        after = {"subject": digest, "datasets": made.datasets, "models": made.models}
        audit.record(c, stores.clock, actor=made.actor, action="erase begun", subject=f"erasure:{made.id}", after=after,
                     reason=made.reason)  # fmt: skip
    return made


def _must_not_be_held(stores: Stores, found: Plan) -> None:
    """A legal hold goes before an erasure: both cannot be obeyed, and it is not for a program to choose."""
    with stores.store.read() as c:
        kept = holds.reach(c).data
        versions = [one for name in found.batches for one in datasets.versions(c, name)]
    for one in versions:
        if (one.dataset, one.number) in kept and set(one.batches) & set(found.batches[one.dataset]):
            raise UserError(
                f"{one.dataset}@{one.number} holds rows of this subject and is under a legal hold",
                where="noria erase",
                do="See 'noria gc holds'; end the hold first: noria gc release … --reason '…'.",
            )


def _wait(stores: Stores, begun: Erasure, say: Say) -> None:
    """Until no step of the lifecycles is at work: it holds rows in memory, and would put what it made of them on
    record."""
    told = ""
    while True:
        with stores.store.read() as c:
            working = erasures.working(c, begun.datasets)
        alive = [one for one in working if _is_alive(stores, one)]
        if not alive:
            return
        now = ", ".join(f"step {one.step} of run {one.run_id}" for one in alive)
        if now != told:
            say(f"waiting for {now}")
            told = now
        time.sleep(POLL_S)


def _is_alive(stores: Stores, step: Any) -> bool:
    if step.owner is None or step.lease_until is None or owner.is_gone(step.owner):
        return False
    return bool(step.lease_until > stores.clock.now())


def _note(stores: Stores, id: str) -> Path:
    return stores.settings.home / "erasing" / f"{id}.json"


def _planned(stores: Stores, key: str, where: Mapping[str, str | None], note: Path, known: Known) -> Plan:
    """What was noted before it was interrupted, and what there is now."""
    noted, now = Plan.read(note), plans.find(stores, key, where, known)
    return _kept(stores, now if noted is None else noted.and_also(now), note)


def _kept(stores: Stores, plan: Plan, note: Path) -> Plan:
    found = gone.look(stores, plan)
    whole = replace(plan, doomed=sorted(found.doomed), redacted=found.redacted, learned=sorted(found.kept))
    whole.keep(note)
    return whole


def _strip(stores: Stores, plan: Plan, where: Mapping[str, str | None], known: Known) -> None:
    for name, column in where.items():
        if column is not None:
            erase.strip(f"{stores.settings.data}/{name}", column, [plan.key], mine=True, looked=known.looked)
            subjects.tidy(f"{stores.settings.data}/{name}")
        ids = plan.predictions.get(name, ())
        erase.strip(captured.path(stores.settings, name, "predictions"), "id", ids, mine=False)
        erase.strip(captured.path(stores.settings, name, "feedback"), "prediction", ids, mine=False)


def _leftovers(stores: Stores, plan: Plan) -> Iterator[str]:
    """Remove files of killed processes; logs of steps and damaged segments of the spool that mention the subject."""
    scratch = stores.settings.home / "scratch"
    for left in owner.leftovers(scratch) if scratch.is_dir() else ():
        for file in sorted(left.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        left.rmdir() if left.is_dir() else left.unlink()
        yield "scratch of a process that was killed"
    for log in sorted((stores.settings.home / "logs").glob("*/*.log")):
        if plan.traces.within(log.read_bytes()):
            log.unlink()
            yield f"log of {log.parent.name}, {log.stem}"
    spool = stores.settings.spool
    for damaged in sorted(spool.glob("*.damaged")) if spool.is_dir() else ():
        if plan.traces.within(damaged.read_bytes()):
            damaged.unlink()
            yield f"damaged segment {damaged.name} of the spool"


def left(stores: Stores, plan: Plan) -> list[str]:
    """Files of the home that still hold one of the texts, by their places in it; tables were looked through before."""
    home, found = stores.settings.home, []
    places = {home, Path(stores.settings.data), stores.settings.spool}
    for folder, _, names in (step for place in places if place.is_dir() for step in os.walk(place)):
        for name in names:
            file = Path(folder) / name
            if file.parent.name.startswith(table.BATCH) or file.parent.name == "erasing":
                continue
            if _mentions(stores, file, plan):
                found.append(str(plan.traces.without(os.path.relpath(file, home))))
    return sorted(set(found))


def _mentions(stores: Stores, file: Path, plan: Plan) -> bool:
    try:
        data = scrub.read_beside(file) if scrub.is_of_database(stores.store, file) else file.read_bytes()
        return plan.traces.within(data)
    except OSError:  # it went meanwhile
        return False


def _end(stores: Stores, begun: Erasure, plan: Plan, note: Path, extra: Mapping[str, Any]) -> Outcome:
    """Write the database anew, then the certificate; the note goes last but one, so that nothing of it is lost."""
    scrub.vacuum(stores.store)
    found = certificate.made(stores, begun, plan, {**extra, "kept": list(plan.learned), "left": left(stores, plan)})
    data, page = canonical(found), certificate.html(found)
    digest, of_page = stores.artifacts.put(data), stores.artifacts.put(page)
    note.unlink(missing_ok=True)
    ended = replace(
        begun, state=erasures.DONE, counts=plan.counts(), certificate=digest.hex, page=of_page.hex,
        ended_at=stores.clock.now(),
    )  # fmt: skip
    with stores.store.begin() as c:
        erasures.note(c, begun.id, state=ended.state, counts=ended.counts, certificate=ended.certificate,
                      page=ended.page, ended_at=ended.ended_at)  # fmt: skip
        audit.record(
            c,
            stores.clock,
            actor=begun.actor,
            action="erase",
            subject=f"erasure:{begun.id}",
            before=None,
            after={"subject": begun.subject, "certificate": digest.hex, "models": begun.models},
            reason=begun.reason,
        )
    return Outcome(ended, found)
