"""Clear away what nothing needs: bytes that no record names, what old steps left, files that are no part of a table.

What is needed is decided in one transaction of the metadata store, under the lock that steps begin with: the results of
which bytes will go are taken by no later run from then on. Only then bytes go, each thing by itself, so that who is
killed goes on with the same command. What was put or written within the grace, or since the oldest step at work began,
is never touched: it may be about to be put on record.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from noria import owner
from noria.data import leftover
from noria.digest import Digest
from noria.governance.alone import alone
from noria.governance.plan import Stores
from noria.store import audit, erasures, retention

NEWEST, GRACE = 3, timedelta(days=1)
OUTPUTS, ORPHANS, FILES, SCRATCH, SPOOL, SEARCHES, REPORTS, LOGS = (
    "outputs of old steps", "bytes that no record names", "files that are no part of a table", "scratch of processes "
    "that are gone", "drafts in the spool", "journals of old searches", "pages of old runs",
    "logs of old runs",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Policy:
    """What stays.

    newest
        Runs of each lifecycle of which everything stays, besides those that something live, held, waiting or at work
        needs.
    grace
        How long what was put or written stays, whatever it is.
    """

    newest: int = NEWEST
    grace: timedelta = GRACE


@dataclass(frozen=True, slots=True)
class Thing:
    """Something to clear away: of which kind, its name, its bytes; ``go`` does it and says whether it is gone."""

    kind: str
    name: str
    bytes: int
    go: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Cleared:
    """What went, or would go: by kind how many things and bytes. ``kept``: runs of which everything stays, and why."""

    things: tuple[Thing, ...]
    kept: Mapping[str, str]

    @property
    def bytes(self) -> int:
        return sum(one.bytes for one in self.things)

    def by_kind(self) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        for one in self.things:
            count, size = found.get(one.kind, (0, 0))
            found[one.kind] = (count + 1, size + one.bytes)
        return found


def look(stores: Stores, policy: Policy) -> Cleared:
    """What would go, with nothing changed."""
    with stores.store.read() as c:
        kept = retention.kept(c, policy.newest)
        free = retention.not_needed(c, kept)
        named, searches = retention.named(c), retention.searches(c, kept)
    before = _before(stores, policy)
    return Cleared(tuple(_things(stores, kept, free, named, searches, before)), kept.runs)


def collect(stores: Stores, policy: Policy, reason: str) -> Cleared:
    """Clear away; what went is recorded in the log of decisions before it goes.

    Raises
    ------
    UserError
        If an erasure or another clearing is at work in this home.
    """
    with alone(stores.settings.home):
        with stores.store.read() as c:
            erasures.none_open(c)
        seen = look(stores, policy)
        if not seen.things:
            return seen
        before = _before(stores, policy)
        with stores.store.begin() as c:
            kept, free = retention.let_go(c, policy.newest)
            named, searches = retention.named(c), retention.searches(c, kept)
            going = Cleared(tuple(_things(stores, kept, free, named, searches, before)), kept.runs)
            counts = {kind: {"things": count, "bytes": size} for kind, (count, size) in going.by_kind().items()}
            said = {"newest": policy.newest, "grace_hours": policy.grace.total_seconds() / 3600, "cleared": counts}
            audit.record(c, stores.clock, actor=stores.settings.actor, action="gc", subject="home", after=said,
                         reason=reason)  # fmt: skip
        gone = tuple(one for one in going.things if one.go())
        for table in leftover.tables(Path(stores.settings.data)):
            leftover.tidy(table)
    return Cleared(gone, kept.runs)


def _before(stores: Stores, policy: Policy) -> float:
    """What was put or written later stays, in seconds since 1970."""
    with stores.store.read() as c:
        at_work = retention.earliest_at_work(c, stores.clock.now())
    limit = (stores.clock.now() - policy.grace).timestamp()
    return limit if at_work is None else min(limit, at_work.timestamp())


def _things(
    stores: Stores, kept: retention.Kept, free: list[retention.Left], named: set[str], searches: set[str], before: float
) -> Iterator[Thing]:
    there = {one.digest.hex: one for one in stores.artifacts.held()}
    for left in free:
        if left.digest in there and there[left.digest].at < before:
            said = f"{left.name} of {left.run}"
            yield _artifact(stores, OUTPUTS, said, left.digest, there[left.digest].bytes, before)
    for hex, one in there.items():
        if hex not in named and one.at < before:
            yield _artifact(stores, ORPHANS, hex[:12], hex, one.bytes, before)
    for table in leftover.tables(Path(stores.settings.data)):
        for file in leftover.find(table, before):
            name = str(file.path.relative_to(stores.settings.data))
            yield Thing(FILES, name, file.bytes, lambda file=file: leftover.remove(file))  # type: ignore[misc]
    yield from _of_home(stores, kept, searches, before)


def _artifact(stores: Stores, kind: str, name: str, digest: str, bytes: int, before: float) -> Thing:
    return Thing(kind, name, bytes, lambda: stores.artifacts.discard(Digest(digest), before))


def _of_home(stores: Stores, kept: retention.Kept, searches: set[str], before: float) -> Iterator[Thing]:
    home = stores.settings.home
    scratch = home / "scratch"
    for left in owner.leftovers(scratch) if scratch.is_dir() else ():
        yield _path(SCRATCH, left, home)
    for draft in sorted(stores.settings.spool.glob("*.draft")) if stores.settings.spool.is_dir() else ():
        if draft.stat().st_mtime < before:
            yield _path(SPOOL, draft, home)
    for journal in sorted((home / "studies").glob("*.log")):
        told = journal.stem.rpartition("-")[2]
        if not any(one.startswith(told) for one in searches) and journal.stat().st_mtime < before:
            yield _path(SEARCHES, journal, home)
    for kind, folder in ((REPORTS, stores.settings.reports), (LOGS, home / "logs")):
        for left in sorted(folder.glob("*")):
            if left.is_dir() and left.name not in kept.runs and _newest(left) < before:
                yield _path(kind, left, home)


def _path(kind: str, path: Path, home: Path) -> Thing:
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) if path.is_dir() else _size(path)
    name = str(path.relative_to(home)) if path.is_relative_to(home) else path.name
    return Thing(kind, name, size, lambda: _gone(path))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _newest(folder: Path) -> float:
    return max((file.stat().st_mtime for file in folder.rglob("*")), default=folder.stat().st_mtime)


def _gone(path: Path) -> bool:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    return not path.exists()
