"""Erase a subject from here: first what there is, then a second word, then the certificate.

An erasure is a thread of these pages. It is on record from its first moment: where the pages end meanwhile, the same
form, or the same command, goes on.
"""

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from noria.digest import Digest
from noria.errors import BadInput, NoriaError, NotFound, Overtaken
from noria.governance import erase as erasing
from noria.serve.emptied import carry
from noria.store import erasures
from noria.ui import find
from noria.ui.ask import Ask, File, Gone, Shown
from noria.ui.door import ADMIN
from noria.ui.words import marked

POLICIES = (erasing.RETRAIN, erasing.ACCEPT)
MOST_JOBS, SHOWN = 20, 50


@dataclass(slots=True)
class Job:
    """An erasure at work. It knows no key: only who asked for it and why, what it says, and how it ended."""

    id: str
    home: Path
    actor: str
    reason: str
    said: list[str] = field(default_factory=list)
    state: str = "running"
    erasure: str = ""
    trouble: str = ""


_jobs: OrderedDict[str, Job] = OrderedDict()
_lock = threading.Lock()


def page(ask: Ask) -> Shown:
    """The form, and the erasures there were."""
    with ask.place.store.read() as c:
        found = erasures.all(c)[::-1][:SHOWN]
    rows = [{name: getattr(one, name) for name in TOLD} for one in found]
    return Shown("erase.html", {"erasures": rows, "may": ask.visitor.may(ADMIN), "plan": None, "subject": ""})


TOLD = ("id", "datasets", "state", "models", "actor", "reason", "begun_at", "ended_at", "certificate", "page")


def look(ask: Ask) -> Shown:
    """What there is of a subject: nothing is changed."""
    ask.must(ADMIN)
    subject, dataset = ask.given("subject").strip(), ask.given("dataset") or None
    if not subject:
        raise BadInput("the subject's key is empty", where="form", do="Give the key.")
    counts = erasing.look(ask.place, subject, dataset).counts()
    rows = [{"dataset": name, "in": f"batch {id}", "rows": rows} for name, held in counts["batches"].items()
            for id, rows in held.items()]  # fmt: skip
    rows += [{"dataset": name, "in": kind, "rows": count} for kind in ("predictions", "feedback")
             for name, count in counts[kind].items() if count]  # fmt: skip
    return Shown("erase.html", {**page(ask).values, "plan": rows, "subject": subject, "dataset": dataset or ""})


def erase(ask: Ask) -> Gone:
    """Erase, after the key was written a second time."""
    ask.must(ADMIN)
    subject, models = ask.given("subject").strip(), ask.given("models", erasing.RETRAIN)
    if not subject or ask.given("again").strip() != subject:
        raise BadInput("the key was not written again as it is", where="form", do="Nothing was changed; look again.")
    person = ask.person()
    if subject in person.reason:
        raise BadInput("the reason names the subject", where="form", do="It stays on record: say it otherwise.")
    if models not in POLICIES:
        raise BadInput(f"no policy {models[:20]!r}", where="form", do=f"Policies are {' and '.join(POLICIES)}.")
    asked = erasing.Request(subject, ask.given("dataset") or None, models, person.name, person.reason)
    job = Job(secrets.token_hex(8), ask.place.settings.home, person.name, person.reason)
    _begin(job)
    threading.Thread(target=_work, args=(ask, asked, job), name="erase").start()
    return Gone(f"/erase/{job.id}", marked("The erasure has begun."))


def _begin(job: Job) -> None:
    """One at a time in a home."""
    with _lock:
        held = next((one for one in _jobs.values() if one.state == "running" and one.home == job.home), None)
        if held is not None:
            what = f"while you looked, {held.actor} began an erasure ({held.reason})"
            raise Overtaken(what, where="pages", do="Nothing was changed; look again when it has ended.")
        _jobs[job.id] = job
        while len(_jobs) > MOST_JOBS:
            _jobs.popitem(last=False)


def _work(ask: Ask, asked: erasing.Request, job: Job) -> None:
    place = ask.place
    try:
        done = erasing.erase_subject(place, asked, lambda: carry(place.settings), job.said.append)
        job.erasure = done.erasure.id if done else ""
        job.state = "done" if done else "nothing"
    except NoriaError as error:
        job.state, job.trouble = "failed", str(error)
    except Exception as error:
        job.state, job.trouble = "failed", f"{type(error).__name__}; the same form goes on where it stopped"
        raise
    finally:
        ask.slow.tell()


def progress(ask: Ask) -> Shown:
    """How far an erasure is."""
    job = _jobs.get(ask.name("job"))
    if job is None:
        raise NotFound("no such erasure at work", where="pages", do="See the list of all at /erase.")
    return Shown(
        "erasing.html", {"job": {name: getattr(job, name) for name in ("id", "said", "state", "erasure", "trouble")}}
    )


def certificate(ask: Ask) -> File | Shown:
    """What was removed where: a page, or JSON."""
    with ask.place.store.read() as c:
        found = next((one for one in erasures.all(c) if one.id == ask.name("id")), None)
    if found is None or found.page is None or found.certificate is None:
        raise find.unknown("certificate", ask.name("id"), [])
    as_json = "application/json" in ask.request.headers.get("accept", "")
    data: Any = ask.place.artifacts.get(Digest(found.certificate if as_json else found.page))
    return File(data, "application/json" if as_json else "text/html")
