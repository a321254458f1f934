"""A run that repeats the one before it, put on record by SQLite alone.

When a look at the surroundings shows that nothing changed, loading SQLAlchemy would take ten times as long as the work.
This is the one place beside the repositories that writes rows; the contract test of ``runs`` compares both ways.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from noria.plan import run_id

KIND = "glance"
WHY = "nothing it depends on changed"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a repeated run."""

    step: str
    state: str
    why: list[str]
    facts: Mapping[str, Any]
    message: None = None


@dataclass(frozen=True, slots=True)
class Repeated:
    """A run that reused everything."""

    id: str
    lifecycle: str
    number: int
    steps: tuple[Step, ...]


def recall(database: Path, key: str) -> dict[str, Any] | None:
    """What was noted under a key, or None: no database, nothing noted, or an older schema."""
    with _open(database) as connection:
        if connection is None:
            return None
        row = connection.execute("SELECT value FROM memo WHERE kind = ? AND key = ?", (KIND, key)).fetchone()
        return None if row is None else json.loads(row[0])


def note(database: Path, key: str, lifecycle: str, number: int, seen: Mapping[str, Any]) -> bool:
    """Note what a run looked at, and where the store stands after it; False if there is no database."""
    with _open(database) as connection:
        if connection is None:
            return False
        connection.execute("BEGIN IMMEDIATE")
        state = _state(connection, lifecycle)
        value = json.dumps({**seen, "lifecycle": lifecycle, "number": number, "state": state})
        connection.execute("INSERT OR REPLACE INTO memo (kind, key, value) VALUES (?, ?, ?)", (KIND, key, value))
        connection.commit()
        return True


def repeat(database: Path, key: str, noted: Mapping[str, Any]) -> Repeated | None:
    """Record the next run as one that reused every step of the noted one; None if the store has moved on since."""
    with _open(database) as connection:
        if connection is None:
            return None
        connection.execute("BEGIN IMMEDIATE")
        name, last = str(noted["lifecycle"]), int(noted["number"])
        if _state(connection, name) != noted["state"] or last != noted["state"]["run"]:
            connection.rollback()
            return None
        made = _record(connection, name, last)
        after = {**noted, "number": last + 1, "state": {**noted["state"], "run": last + 1}}
        connection.execute("UPDATE memo SET value = ? WHERE kind = ? AND key = ?", (json.dumps(after), KIND, key))
        connection.commit()
        return made


def _record(connection: sqlite3.Connection, name: str, last: int) -> Repeated:
    old, new = run_id(name, last), run_id(name, last + 1)
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(" ", timespec="microseconds")
    connection.execute(
        "INSERT INTO run (id, lifecycle, number, state, trigger, remedy, plan, key, started_at, ended_at)"
        " SELECT ?, lifecycle, ?, 'done', 'person', NULL, plan, key, ?, ? FROM run WHERE id = ?",
        (new, last + 1, now, now, old),
    )
    connection.execute(
        "INSERT INTO step_run (run_id, step, shard, state, attempt, fingerprint, ingredients, why, facts, reused_from,"
        " ready_at, ended_at) SELECT ?, step, shard, 'reused', 0, fingerprint, ingredients, ?, facts,"
        " coalesce(reused_from, id), ?, ? FROM step_run WHERE run_id = ? ORDER BY id",
        (new, json.dumps([WHY]), now, now, old),
    )
    connection.execute(
        "INSERT INTO output (step_run_id, name, digest, media, bytes)"
        " SELECT fresh.id, output.name, output.digest, output.media, output.bytes FROM step_run AS fresh"
        " JOIN step_run AS old ON old.step = fresh.step AND old.shard = fresh.shard AND old.run_id = ?"
        " JOIN output ON output.step_run_id = old.id WHERE fresh.run_id = ?",
        (old, new),
    )
    rows = connection.execute("SELECT step, facts FROM step_run WHERE run_id = ? ORDER BY id", (new,))
    steps = tuple(Step(step, "reused", [WHY], json.loads(facts or "{}")) for step, facts in rows)
    return Repeated(new, name, last + 1, steps)


def _state(connection: sqlite3.Connection, name: str) -> dict[str, int]:
    """What else a run depends on, as numbers that move when it does."""
    return {key: connection.execute(query, {"name": name}).fetchone()[0] or 0 for key, query in STATE.items()}


STATE = {
    "run": "SELECT max(number) FROM run WHERE lifecycle = :name",
    "running": "SELECT count(*) FROM run WHERE lifecycle = :name AND state = 'running'",
    "decisions": "SELECT max(number) FROM audit",
    "batches": "SELECT count(*) FROM batch WHERE dataset = :name AND state = 'accepted'",
    "versions": "SELECT max(number) FROM dataset_version WHERE dataset = :name",
}


@contextmanager
def _open(database: Path) -> Iterator[sqlite3.Connection | None]:
    """The database if it is one that has this version's tables."""
    if not database.is_file():
        yield None
        return
    with closing(sqlite3.connect(database, timeout=30, isolation_level=None)) as connection:
        try:
            connection.execute("SELECT 1 FROM memo LIMIT 1")
        except sqlite3.DatabaseError:  # damaged, locked or of another version: the full way says which
            yield None
            return
        connection.execute("PRAGMA synchronous=NORMAL")
        yield connection
