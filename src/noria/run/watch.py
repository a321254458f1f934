"""The embedded daemon: it looks, and turns the wheel when something calls for it.

One process a lifecycle, by a lease in the store. What it has to know after a restart is in the records: the runs, which
say what called for them, and a few words with the lease. A file that breaks, a database that is away or a fault of
noria's own stops no watch: it tells, waits, and looks again.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from noria.digest import Digest
from noria.errors import BadLifecycle, NoriaError, Superseded, UserError
from noria.feedback.config import duration
from noria.feedback.trigger import PERSON, TURN, Call, Decision, calls, decide
from noria.run import bundle, child, events, experiments, glance, lease, local, named, notify
from noria.run.evidence import Remembered, gather, held, mark_of, restless, turns
from noria.run.place import Code, Place
from noria.store import alerts, erasures, runs, watches
from noria.store.alerts import Sent

REFUSED = 20  # turns that came to no run, of which it is known when they were
LONGEST_S = 60.0  # between two looks while something is wrong
ENDED_WELL, ENDED_ILL, STOPPED_BY_GATE = 0, 1, 3

Tell = Callable[[Mapping[str, Any]], None]


@dataclass(slots=True)
class Watching:
    """One watch at work.

    poll
        Seconds between two looks.
    tell
        Hears every event: plain data with ``event``, ``at`` and ``lifecycle``.
    ended
        Set to end it: what runs is interrupted, and goes on when a watch starts again.
    """

    place: Place
    file: Path
    poll: float
    tell: Tell
    ended: threading.Event = field(default_factory=threading.Event)
    memory: Remembered = field(default_factory=Remembered)
    code: Code | None = None
    lease: watches.Watch | None = None
    _read: Any = None  # the marks of the files that the lifecycle was loaded from
    _broken: str = ""  # why the lifecycle cannot be loaded
    _told: str | None = None  # what of that was told
    _waits: str = ""
    _tries: int = 0  # turns in a row that came to no end
    _again: float = 0.0  # when the next may be tried, on the monotonic clock
    _lost: threading.Event = field(default_factory=threading.Event)

    def run(self, *, once: bool = False) -> int:
        """Watch until it is ended; ``once``: until nothing more is to be done now. The exit code.

        Raises
        ------
        UserError
            If the lifecycle is being watched already, or its file is broken as the watch begins.
        Superseded
            If another watch took over.
        """
        self._load()
        assert self.code is not None  # it is loaded, or that was an error
        name = self.code.lifecycle.name
        with self.place.store.begin() as c:
            self.lease = watches.claim(c, self.place.clock, name, str(self.file.resolve()))
        self._say("watching", file=str(self.file), poll=self.poll)
        with self._renewing():
            try:
                return self._rounds(once=once)
            finally:
                self._release()

    def _rounds(self, *, once: bool) -> int:
        pause, code = self.poll, ENDED_WELL
        while not self.ended.is_set():
            try:
                turned = self._round()
                pause = self.poll
            except Superseded:
                raise
            except Exception as error:  # whatever it is: the next look may find it mended
                self._say(
                    "trouble", what=str(error) if isinstance(error, NoriaError) else f"{type(error).__name__}: {error}"
                )
                turned, pause = None, min(LONGEST_S, 2 * pause)
                if once:
                    return ENDED_ILL
            if self._lost.is_set():
                raise Superseded("another watch took over", where=str(self.file), do="This one has ended.")
            if once and turned is not None:
                return turned
            if once and self._waits != "rest":
                return code
            self.ended.wait(min(pause, 0.2) if once else pause)
        return code

    def _round(self) -> int | None:
        """Look once, and turn if something calls for it: the exit code of the turn; None if there was none."""
        self._load()
        code = self.code
        if code is None or self._broken:
            return None
        name = code.lifecycle.name
        looked = experiments.check(self.place, name)
        if looked is not None and not looked.experiment.open:
            self._say(
                "experiment", experiment=looked.experiment.id, verdict=looked.verdict.word, why=looked.verdict.why
            )
        unfinished, busy = self._unfinished(name)
        if busy is not None:
            self._wait("busy", busy)
            return None
        if unfinished is not None and time.monotonic() < self._again:
            self._wait("again", f"{unfinished.why}; the last try was a moment ago")
            return None
        if unfinished is not None:
            return self._turn(code, unfinished)
        young = restless(code, self.memory, time.time_ns())
        if young:
            self._wait("rest", f"{young[0]} is still being written")
            return None
        try:
            with self.place.store.read() as c:
                erasures.must_not_be_open(c, name)
        except UserError as error:
            self._wait(str(error), str(error))
            return None
        decision = self._decided(code)
        if decision.word == TURN and decision.call is not None:
            return self._turn(code, decision.call)
        self._wait(decision.call.why if decision.call else decision.word, decision.why, until=decision.until)
        return None

    def _decided(self, code: Code) -> Decision:
        name, feedback, now = code.lifecycle.name, code.lifecycle.feedback, self.place.clock.now()
        past = turns(self.place, name, self._state().get("refused", ()))
        evidence = gather(self.place, code, self.memory)
        calling = [Call(one.trigger, one.why, mark_of(one.mark)) for one in calls(feedback, evidence, past, now)]
        return decide(feedback, calling, past, now, held(self.place, name))

    def _unfinished(self, name: str) -> tuple[Call | None, str | None]:
        """A run that was interrupted, or that a person decided about, is gone on with before anything else; or who is
        at it now."""
        with self.place.store.read() as c:
            newest = runs.newest(c, name)
            steps = runs.steps(c, newest[0].id) if newest else []
        if not newest:
            return None, None
        run, cause = newest[0], newest[0].cause or {}
        if local.was_decided(run, steps):
            return Call(PERSON, f"somebody decided about run {run.number}", f"{run.id} decided"), None
        if run.state != "running" or self.place.settings.airflow:  # Airflow goes on with its own
            return None, None
        try:
            local.must_not_be_alive(self.place, run, steps)
        except NoriaError as error:
            return None, str(error)
        return Call(run.trigger, cause.get("why", f"run {run.number} was interrupted"), cause.get("mark", "")), None

    def _turn(self, code: Code, call: Call) -> int:
        """Turn in a process of its own, and keep what becomes of it."""
        before = self._newest(code)
        self._waits = ""
        if self.place.settings.airflow:
            return self._post(code, call)
        self._say("turn", trigger=call.trigger, why=call.why)
        ended = child.turn(self.file, call, self.place.settings.home, self._is_over)
        if ended.code is None:
            self._say("interrupted", why=ended.said)
            return ENDED_WELL
        run = self._newest(code)
        same = before is not None and run is not None and (run.number, run.state) == (before.number, before.state)
        if call.trigger == PERSON and self.lease is not None:
            with self.place.store.begin() as c:
                watches.answered(c, self.lease, call.mark)
        if run is None or same or run.state == "running":
            self._failed(code, call, ended.said)
            return ENDED_ILL
        self._tries = 0
        self._say("ended", run=run.id, state=run.state, message=run.message)
        return {"done": ENDED_WELL, "stopped": STOPPED_BY_GATE}.get(run.state, ENDED_ILL)

    def _post(self, code: Code, call: Call) -> int:
        """Where Airflow turns the wheel, what calls for a turn is an event of the dataset's asset."""
        try:
            events.call(self.place, code.lifecycle.name, call.trigger, call.why)
        except NoriaError as error:
            self._failed(code, call, str(error))
            return ENDED_ILL
        self._tries = 0
        self._kept(call, "done")
        if call.trigger == PERSON and self.lease is not None:
            with self.place.store.begin() as c:
                watches.answered(c, self.lease, call.mark)
        self._say("posted", trigger=call.trigger, why=call.why)
        return ENDED_WELL

    def _failed(self, code: Code, call: Call, said: str) -> None:
        """A turn that came to no end: it is tried again after a pause that doubles, by the next process too."""
        feedback = code.lifecycle.feedback
        pause = duration(feedback.pause, "pause").total_seconds() * 2 ** min(self._tries, 30)
        self._again = time.monotonic() + min(pause, duration(feedback.longest, "longest").total_seconds())
        self._tries += 1
        self._say("ended", run=None, state="failed", message=said)
        self._kept(call, "failed")
        if self._tries == 1:
            self._alert("warn", f"a turn could not be made: {said}", f"Correct it; what called for it: {call.why}.")

    def _newest(self, code: Code) -> runs.Run | None:
        with self.place.store.read() as c:
            return next(iter(runs.newest(c, code.lifecycle.name)), None)

    def _is_over(self) -> bool:
        return self.ended.is_set() or self._lost.is_set()

    def _load(self) -> None:
        """The lifecycle as its files say now; of one that broke, a word once, and the watch goes on waiting."""
        marks = self._marks()
        if marks == self._read and not self._broken:
            return
        self._read = marks
        try:
            loaded, names = self._loaded()
        except NoriaError as error:
            if self.code is None:
                raise
            self._broke(str(error))
            return
        if self._broken == self._told:
            self._say("mended")
        self._broken, self._told, self.code = "", None, loaded
        self._read = self._marks(names)

    def _loaded(self) -> tuple[Code, list[Path]]:
        """The lifecycle, and the files that it is made of."""
        try:
            with contextlib.redirect_stdout(sys.stderr):  # what the user's file prints is no event
                loaded = local.load(self.file)
                names = [*bundle.files(self.file.resolve(), loaded.project), *named.all_files(loaded)]
        except (SystemExit, SyntaxError, OSError) as error:
            said = f"{type(error).__name__}: {error}"
            raise BadLifecycle(said, where=str(self.file), do="Correct it.") from error
        name = loaded.lifecycle.name
        if self.code is not None and name != self.code.lifecycle.name:
            raise BadLifecycle(
                f"the lifecycle is called {name} now", where=str(self.file), do="Start another watch for it."
            )
        return loaded, names

    def _broke(self, said: str) -> None:
        """Told once, and only if it is still so at the next look: an editor may be writing the file."""
        if said == self._broken and self._told != said:
            self._told = said
            self._say("broken", what=said)
            self._alert("warn", f"the lifecycle file broke while it was watched: {said}", "Mend it; the watch goes on.")
        self._broken = said

    def _marks(self, names: list[Path] | None = None) -> dict[str, Any]:
        """The marks of the lifecycle's files: those named, or those that were read last."""
        paths = [str(self.file), *map(str, names)] if names is not None else list(self._read or {str(self.file): None})
        return {path: glance.mark(path) for path in paths}

    def _wait(self, key: str, why: str, **more: Any) -> None:
        """Tell why nothing is done, once until that changes."""
        if key != self._waits:
            self._waits = key
            self._say("waits", why=why, **more)

    def _state(self) -> Mapping[str, Any]:
        if self.lease is None:
            return {}
        with self.place.store.read() as c:
            found = watches.get(c, self.lease.lifecycle)
        return found.state if found is not None else {}

    def _kept(self, call: Call, state: str) -> None:
        """Keep what became of a call that came to no run here, so that the next process knows too."""
        if self.lease is None:
            return
        at = self.place.clock.now().isoformat()
        kept = [
            *self._state().get("refused", ()),
            {"at": at, "trigger": call.trigger, "mark": mark_of(call.mark), "state": state},
        ]
        with self.place.store.begin() as c:
            watches.keep(c, self.lease, {**self._state(), "refused": kept[-REFUSED:]})

    def _say(self, event: str, **more: Any) -> None:
        name = self.code.lifecycle.name if self.code else ""
        self.tell({"at": self.place.clock.now(), "event": event, "lifecycle": name, **more})

    def _alert(self, severity: str, what: str, do: str) -> None:
        name = self.code.lifecycle.name if self.code else ""
        sent = Sent(
            Digest.of_json(["watch", name, what, self.place.clock.now().isoformat()]).hex[:32],
            name, None, None, severity, what, str(self.file), {}, do, self.place.clock.now(),
        )  # fmt: skip
        with self.place.store.begin() as c:
            alerts.add(c, sent)
        for trouble in notify.send(self.place, [sent]):
            self._say("trouble", what=trouble)

    def _renewing(self) -> contextlib.AbstractContextManager[None]:
        def renew() -> bool:
            with self.place.store.begin() as c:
                return self.lease is None or watches.renew(c, self.place.clock, self.lease)

        return lease.renewed(watches.LEASE, renew, self._lost.set)

    def _release(self) -> None:
        if self.lease is not None and not self._lost.is_set():
            with contextlib.suppress(NoriaError), self.place.store.begin() as c:  # it runs out by itself
                watches.release(c, self.lease)
        self._say("ended watching")
