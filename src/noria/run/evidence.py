"""What is known of a lifecycle at a moment: what has arrived, how what is live does, what a person or an erasure asks.

Looking is to cost next to nothing while nothing happens, so each part is looked at again only when what it comes from
has moved: files by their marks, captured answers by the commits of their tables, all else by the records.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from noria.collect import arrive
from noria.collect import captured as captured_source
from noria.collect.config import Captured, Files
from noria.collect.source import offered
from noria.digest import Digest
from noria.feedback.config import WhenLabelled
from noria.feedback.look import Asked, Performance, commits, look
from noria.feedback.trigger import Evidence, Turned
from noria.plan import Step
from noria.run import glance
from noria.run.place import Code, Place
from noria.store import datasets, erasures, experiments, registry, routes, runs, watches

QUIET_NS = 1_000_000_000  # a file that changed later than this may still be being written
PATIENCE_S = 60.0  # after which a file that never rests is taken as it is
ASIDE_S = 30.0  # between two looks at sources that have no marks: databases, functions, folders
PAST = 50  # runs

T = TypeVar("T")


@dataclass(slots=True)
class Remembered:
    """Parts that were looked at, by name: what they came from, and what was found."""

    parts: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    restless: dict[str, float] = field(default_factory=dict)  # file → since when it changes, on the monotonic clock

    def of(self, name: str, key: Any, work: Callable[[], T]) -> T:
        """The part as it was found, unless what it comes from moved."""
        held = self.parts.get(name)
        if held is None or held[0] != key:
            held = (key, work())
            self.parts[name] = held
        found: T = held[1]
        return found


def gather(place: Place, code: Code, memory: Remembered) -> Evidence:
    """What is known now."""
    name, feedback = code.lifecycle.name, code.lifecycle.feedback
    with place.store.read() as c:
        batches = {batch.digest for batch in datasets.batches(c, name)}
        route = routes.newest(c, name)
        watch = watches.get(c, name)
        champion = registry.champion(c, name)
        flagged = erasures.flagged(c)
    asks = flagged.get((name, champion.number), []) if champion else []
    live = {int(number) for number in route.weights} if route else set()
    seen = commits(place.settings, name)
    found = Evidence(
        arrived=memory.of(
            "arrived", [_marks(code), len(batches), _turn_of(code)], lambda: _arrived(place, code, batches)
        ),
        erased=[one.id for one in asks if one.models == "retrain"],
        asked=_asked(watch),
    )
    if not feedback.rules:
        return found
    measured = memory.of("live", [seen, route and route.revision], lambda: performance(place, code))
    count = lambda: captured_source.waiting(code.world(place, Step("collect")))  # noqa: E731  # only if it is asked for
    wants = any(isinstance(rule, WhenLabelled) for rule in feedback.rules)
    return replace(
        found,
        live=[one for one in measured.versions if one.version in live],
        released=measured.released,
        drift=[one for one in measured.drift if one.version in live],
        labelled=memory.of("labelled", [seen, len(batches)], count) if wants else 0,
    )


def performance(place: Place, code: Code) -> Performance:
    """All there is to say of what is live."""
    asked = Asked.declared(code.lifecycle.schema, code.lifecycle.config)
    return look(place.settings, place.store, place.artifacts, code.lifecycle.name, asked)


def restless(code: Code, memory: Remembered, now_ns: int) -> list[str]:
    """Files of the sources that may still be being written; one that never rests is taken as it is after a minute."""
    young = [path for path, mark in _marks(code).items() if mark is not None and max(mark[1:3]) > now_ns - QUIET_NS]
    now = time.monotonic()
    memory.restless = {path: memory.restless.get(path, now) for path in young}
    return [path for path, since in memory.restless.items() if now - since < PATIENCE_S]


def held(place: Place, lifecycle: str) -> str | None:
    """What must be over before a turn that nobody asked for."""
    with place.store.read() as c:
        one = experiments.running(c, lifecycle)
    return None if one is None else f"experiment {one.id} is under way, and a release would change its traffic"


def turns(place: Place, lifecycle: str, refused: Sequence[Mapping[str, str]]) -> list[Turned]:
    """The turns there were, the oldest first; ``refused``: calls that came to no run here."""
    with place.store.read() as c:
        past = runs.newest(c, lifecycle, PAST)
    found = [
        Turned(
            run.ended_at or run.started_at,
            run.trigger if run.cause else "",
            (run.cause or {}).get("mark", ""),
            run.state,
        )
        for run in past
    ]
    found += [Turned(datetime.fromisoformat(one["at"]), one["trigger"], one["mark"], one["state"]) for one in refused]
    return sorted(found, key=lambda one: one.at)


def _asked(watch: watches.Watch | None) -> tuple[str, str] | None:
    return None if watch is None or watch.asked is None else (watch.asked["id"], watch.asked["reason"])


def _marks(code: Code) -> dict[str, glance.Mark | None]:
    """The marks of every file that a source of files offers."""
    sources = [source for source in code.lifecycle.sources if isinstance(source, Files)]
    folder = code.folder("collect")
    return {str(path): glance.mark(str(path)) for source in sources for path in source.paths(folder)}


def _turn_of(code: Code) -> int:
    """Changes from time to time where a source has no marks, so that it is looked at."""
    unmarked = any(not isinstance(source, Files | Captured) for source in code.lifecycle.sources)
    return int(time.monotonic() / ASIDE_S) if unmarked else 0


def _arrived(place: Place, code: Code, known: set[str]) -> list[tuple[str, str]]:
    world = code.world(place, Step("collect"))
    fresh = arrive.new([one.arrival for one in offered(world) if one.take is not None], known)
    return [(one.name, one.digest) for one in fresh if one.origin != "captured"]


def mark_of(texts: str) -> str:
    """A call's mark, short enough for the records."""
    return texts if len(texts) <= 64 else Digest.of(texts.encode()).hex[:32]
