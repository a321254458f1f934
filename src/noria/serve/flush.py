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
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import numpy as np
import polars as pl

from noria.data import captured, merge, parquet, table
from noria.data.captured import subject_digest
from noria.errors import NoriaError
from noria.model import several
from noria.model.signature import listed
from noria.serve import ids, segment
from noria.serve.segment import Predicted, PredictedRow, Shadowed, Told, Version
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
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    damaged = set()
    for path in segments:
        if path.exists():  # a crash while deleting: then its rows are in the tables
            found, whole = _rows(path)
            for endpoint, kind, row in found:
                rows.setdefault((endpoint, kind), []).append(row)
            if not whole:
                damaged.add(path)
    columns = {"predictions": captured.PREDICTION, "feedback": captured.FEEDBACK, "shadows": captured.SHADOW}
    carried = Counter[str]()
    for (endpoint, kind), of_table in sorted(rows.items()):
        place = captured.path(settings, endpoint, kind)
        table.append(place, plan.stem, pl.DataFrame(of_table, schema=columns[kind]))
        _settle(Path(place), Path(settings.data))
        carried[place] += len(of_table)
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


def _rows(path: Path) -> tuple[list[tuple[str, str, dict[str, Any]]], bool]:
    """All rows of a segment, with their endpoint and table; and whether that is all that was in it."""
    records, lost = segment.read(path)
    whole = not lost
    versions: dict[int, Version] = {}
    rows: list[tuple[str, str, dict[str, Any]]] = []
    for record in records:
        if isinstance(record, Version):
            versions[record.key] = record
        elif isinstance(record, Told):
            rows.append((record.endpoint, "feedback", _told(record)))
        elif record.key in versions:
            version = versions[record.key]
            if isinstance(record, Shadowed):
                rows.extend((version.endpoint, "shadows", row) for row in _shadowed(record, version))
                continue
            if isinstance(record, PredictedRow):
                rows.append((version.endpoint, "predictions", _predicted_row(record, version)))
                continue
            rows.extend((version.endpoint, "predictions", row) for row in _predicted(record, version))
        else:  # its version was introduced in the damaged place
            whole = False
    return rows, whole


def _told(record: Told) -> dict[str, Any]:
    return {
        "prediction": record.prediction,
        "at": _time(record.at),
        "label": record.label,
        "rating": record.rating,
        "source": record.source,
    }


def _predicted(record: Predicted, version: Version) -> Iterator[dict[str, Any]]:
    scores = np.frombuffer(record.scores, dtype=np.float32).reshape(record.rows, -1)
    columns = {name: listed(values) for name, values in record.columns.items()}
    for place in range(record.rows):
        inputs = {name: values[place] for name, values in columns.items()}
        subject = record.subject
        if version.subject is not None:
            own = inputs.setdefault(version.subject, record.subject)
            subject = None if own is None else str(own)
        yield {
            "id": ids.of_row(record.id, place, record.rows),
            "at": _time(record.at),
            "endpoint": version.endpoint,
            "version": version.number,
            "release": version.release,
            "variant": record.variant,
            "subject": None if subject is None else subject_digest(subject),
            "inputs": _json(inputs),
            "outputs": _json(_outputs(scores[place], version)),
        }


def _predicted_row(record: PredictedRow, version: Version) -> dict[str, Any]:
    return {
        "id": record.id,
        "at": _time(record.at),
        "endpoint": version.endpoint,
        "version": version.number,
        "release": version.release,
        "variant": record.variant,
        "subject": None if record.subject is None else subject_digest(record.subject),
        "inputs": record.inputs.decode(),
        "outputs": _json(_outputs(np.frombuffer(record.scores, dtype=np.float32), version)),
    }


def _shadowed(record: Shadowed, version: Version) -> Iterator[dict[str, Any]]:
    scores = np.frombuffer(record.scores, dtype=np.float32).reshape(record.rows, -1)
    for place in range(record.rows):
        yield {
            "prediction": ids.of_row(record.prediction, place, record.rows),
            "at": _time(record.at),
            "version": version.number,
            "release": version.release,
            "variant": "shadow",
            "outputs": _json(_outputs(scores[place], version)),
        }


def _outputs(scores: np.ndarray[Any, Any], version: Version) -> Mapping[str, Any]:
    said = scores.tolist()
    if version.classes is None:
        return {"value": said[0]}
    probabilities = dict(zip(map(str, version.classes), said, strict=True))
    if version.several:
        labels = several.names(said, version.classes)
        return {"label": several.BETWEEN.join(labels), "labels": labels, "probabilities": probabilities}
    return {"label": version.classes[said.index(max(said))], "probabilities": probabilities}


def _json(value: Any) -> str:
    """As JSON; what is no number there, such as NaN, is null."""
    return msgspec.json.encode(value).decode()


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")
