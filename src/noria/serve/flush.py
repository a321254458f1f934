"""The spool's segments become rows of the captured tables, each exactly once.

Which segments go together is written down first, under the id that the tables' commits carry; whoever comes after a
crash does the same again under the same id, which the tables refuse to take twice, and only then are the segments
deleted. A segment of which something could not be read is not deleted but set aside, as ``NAME.damaged``.
"""

import fcntl
import json
import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from noria.data import captured, merge, parquet, table
from noria.errors import NoriaError
from noria.serve import segment
from noria.serve.columns import Tables
from noria.settings import Settings

log = logging.getLogger("noria.serve")
MOST = 64  # segments in one flush


def flush(settings: Settings) -> int:
    """Carry all complete segments into the tables; the number of rows.

    Any number of processes may call it: one at a time works, the others find nothing to do.

    Raises
    ------
    StoreUnavailable
        If a table cannot be written; the segments stay.
    """
    folder = settings.spool
    if not folder.is_dir():
        return 0
    with _alone(folder) as mine:
        if not mine:
            return 0
        carried = Counter[str]()
        for plan in sorted(folder.glob("*.flush")):
            carried += _carry(settings, plan)
        while segments := segment.adopt(folder)[:MOST]:
            carried += _carry(settings, _plan(folder, segments))
        _merge(carried)
        return carried.total()


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _plan(folder: Path, segments: list[Path]) -> Path:
    plan = folder / f"{uuid4().hex}.flush"
    draft = plan.with_suffix(".draft")
    with draft.open("w") as file:
        json.dump([path.name for path in segments], file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, plan)
    segment.settle(folder)  # rows in a table whose plan is gone after a loss of power would be carried twice
    return plan


def _carry(settings: Settings, plan: Path) -> Counter[str]:
    """The number of rows by table."""
    try:
        segments = [plan.parent / name for name in json.loads(plan.read_text())]
    except (ValueError, TypeError):
        _set_aside(plan)
        return Counter()
    tables = Tables()
    damaged = set()
    for path in segments:
        if path.exists():  # a crash while deleting: then its rows are in the tables
            records, lost = segment.read(path)
            if not tables.add(records) or lost:
                damaged.add(path)
    carried = Counter[str]()
    for endpoint, kind, frame in tables.frames():
        place = captured.path(settings, endpoint, kind)
        table.append(place, plan.stem, frame)
        _settle(Path(place), Path(settings.data))
        carried[place] += frame.height
    for path in segments:
        if path in damaged:
            _set_aside(path)
        else:
            path.unlink(missing_ok=True)
    plan.unlink()
    return carried


def _settle(place: Path, root: Path) -> None:
    """Have a table's last commits on the disk, and the names of its folders: the rows are, and the segments, which are
    the only other place that has the rows, go next."""
    table.sync_log(str(place))
    for folder in (place, *place.parents):
        parquet.sync(folder)
        if folder == root:
            return


def _merge(places: Iterable[str]) -> None:
    """Make small files few. It can wait: the rows are where they belong."""
    for place in places:
        try:
            merge.merge(place)
        except NoriaError as error:
            log.error("%s", error)


def _set_aside(path: Path) -> None:
    kept = path.with_suffix(".damaged")
    os.replace(path, kept)
    log.error("the spool was damaged; what can be read of it was carried on, the file is kept (%s)", kept)
