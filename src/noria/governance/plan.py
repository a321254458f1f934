"""What an erasure has to take away, and from where: found before anything is removed, and kept until all of it is gone.

What it knows of the person is in one file that only its owner reads, so that an erasure which was interrupted can be
finished; the file goes with the rest.
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from noria.clock import Clock
from noria.data import captured, erase, multiset, table
from noria.data.looked import Looked
from noria.governance import traces
from noria.governance.traces import Traces
from noria.settings import Settings
from noria.store import datasets, runs
from noria.store.artifacts import ArtifactStore
from noria.store.datasets import Batch
from noria.store.engine import Store

Subjects = Mapping[str, str | None]  # dataset → its subject column


class Stores(Protocol):
    """Where everything is; ``noria.run.place.Place`` is one."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def store(self) -> Store: ...
    @property
    def artifacts(self) -> ArtifactStore: ...


@dataclass(frozen=True, slots=True)
class Cut:
    """What a batch loses: rows, and what it holds and is called after that (None: it is on no record)."""

    removed: int
    rows: int | None = None
    digest: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is known of the person, and where.

    batches
        By dataset and batch, what it loses.
    predictions
        By endpoint, ids of the predictions about the person.
    feedback
        By endpoint, how much feedback came for these.
    doomed, redacted
        Artifacts that go, and those that are replaced by others, by digest.
    learned
        Artifacts that stay though one of the texts is in them: models, by run, step and name.
    """

    key: str
    batches: Mapping[str, Mapping[str, Cut]] = field(default_factory=dict)
    predictions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    feedback: Mapping[str, int] = field(default_factory=dict)
    texts: Sequence[str] = ()
    numbers: Sequence[float] = ()
    doomed: Sequence[str] = ()
    redacted: Mapping[str, str] = field(default_factory=dict)
    learned: Sequence[str] = ()

    @property
    def traces(self) -> Traces:
        return Traces(tuple(self.texts), frozenset(self.numbers))

    @property
    def empty(self) -> bool:
        return not any(self.batches.values()) and not any(self.predictions.values())

    def counts(self) -> dict[str, Any]:
        """How many rows in which places: no value of any."""
        return {
            "batches": {name: {id: cut.removed for id, cut in held.items()} for name, held in self.batches.items()},
            "predictions": {name: len(ids) for name, ids in self.predictions.items()},
            "feedback": dict(self.feedback),
        }

    def keep(self, file: Path) -> None:
        """On the disk when this returns, whole or not at all."""
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.draft")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as target:
            json.dump(asdict(self), target)
            target.flush()
            os.fsync(target.fileno())
        os.replace(draft, file)

    @classmethod
    def read(cls, file: Path) -> "Plan | None":
        """What was kept; None if nothing was."""
        if not file.exists():
            return None
        raw = json.loads(file.read_text())
        cuts = {name: {id: Cut(**cut) for id, cut in held.items()} for name, held in raw["batches"].items()}
        return cls(**{**raw, "batches": cuts})

    def and_also(self, other: "Plan") -> "Plan":
        """Both, where this one was made first: what a batch held is as this one says."""
        names = {*self.batches, *other.batches}
        ids = {name: _both(self.predictions.get(name, ()), other.predictions.get(name, ())) for name in
               {*self.predictions, *other.predictions}}  # fmt: skip
        return replace(
            self,
            batches={name: {**other.batches.get(name, {}), **self.batches.get(name, {})} for name in sorted(names)},
            predictions=ids,
            feedback={name: max(self.feedback.get(name, 0), other.feedback.get(name, 0)) for name in sorted(names)},
            texts=_both(self.texts, other.texts),
            numbers=_both(self.numbers, other.numbers),
            doomed=_both(self.doomed, other.doomed),
            redacted={**other.redacted, **self.redacted},
            learned=_both(self.learned, other.learned),
        )


def _both(one: Iterable[Any], other: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys([*one, *other]))


def subjects(stores: Stores) -> dict[str, str | None]:
    """Every dataset, with the column that its newest run says holds the subject."""
    with stores.store.read() as c:
        newest = {name: runs.newest(c, name) for name in datasets.datasets(c)}
    return {name: _column(found[0]) if found else None for name, found in newest.items()}


def _column(run: runs.Run) -> str | None:
    schema = run.plan.step("collect").config.get("schema") or {}
    return schema.get("subject")


@dataclass(slots=True)
class Known:
    """What looking found so far, so that the same is not read again.

    ``told``: by dataset, the commit of its table, the person's predictions, and what gives the person away in both.
    """

    looked: Looked = field(default_factory=dict)
    told: dict[str, tuple[int, list[str], Traces]] = field(default_factory=dict)


def find(stores: Stores, key: str, where: Subjects, known: Known | None = None) -> Plan:
    """All that there is of a subject, in tables; nothing is changed."""
    known = known or Known()
    batches: dict[str, dict[str, Cut]] = {}
    predictions: dict[str, list[str]] = {}
    feedback: dict[str, int] = {}
    told = traces.of(key, [], pl.DataFrame(), None, [captured.subject_digest(key)])
    for name, column in where.items():
        path = f"{stores.settings.data}/{name}"
        commit = table.version_of(path)
        rows = {} if column is None else erase.find(path, column, [key], known.looked)
        answers = captured.about(stores.settings, name, key)
        if rows or answers.height:
            ids = answers["id"].to_list()
            if known.told.get(name, ())[:2] != (commit, ids):
                known.told[name] = commit, ids, _traces(key, path, column, rows, answers)
            found = known.told[name][2]
            told = Traces((*told.texts, *found.texts), told.numbers | found.numbers)
        held = _batches(stores, name) if rows else {}
        batches[name] = {id: _cut(held.get(id), one) for id, one in rows.items()}
        predictions[name] = answers["id"].to_list()
        place = captured.path(stores.settings, name, "feedback")
        heard = erase.find(place, "prediction", predictions[name], known.looked)
        feedback[name] = sum(one.height for one in heard.values())
    return Plan(key, batches, predictions, feedback, list(dict.fromkeys(told.texts)), sorted(told.numbers))


def _traces(key: str, path: str, column: str | None, rows: Mapping[str, pl.DataFrame], answers: pl.DataFrame) -> Traces:
    """What gives a person away in the rows of a table and in what was sent in."""
    sent, ids = _sent(answers), answers["id"].to_list()
    if column is None:
        return traces.of(key, [], sent, None, ids)
    opened = table._open(path)
    whole = None if opened is None else pl.scan_delta(opened)
    if whole is not None and column not in whole.collect_schema():
        whole = None
    own = [one.drop(column, strict=False) for one in rows.values()]
    return traces.of(key, own, sent.drop(column, strict=False), whole, ids)


def _sent(answers: pl.DataFrame) -> pl.DataFrame:
    sent = [json.loads(text) for text in answers["inputs"] if text]
    return pl.DataFrame(sent, infer_schema_length=None, strict=False) if sent else pl.DataFrame()


def _batches(stores: Stores, dataset: str) -> dict[str, Batch]:
    with stores.store.read() as c:
        return {one.id: one for one in datasets.batches(c, dataset)}


def _cut(held: Batch | None, rows: pl.DataFrame) -> Cut:
    """What the batch holds afterwards follows from what it held: damage done before stays to be seen."""
    if held is None:
        return Cut(rows.height)
    digest = held.rows_digest
    after = multiset.without(digest, multiset.digest(rows)) if digest else None
    return Cut(rows.height, held.rows - rows.height, after, digest)
