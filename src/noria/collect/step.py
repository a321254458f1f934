"""Collect: what has arrived becomes batches, and with them the next dataset version."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import Connection

from noria.collect import arrive, check, pieces, refuse
from noria.collect.arrive import Arrival
from noria.collect.offer import Offer, Taken
from noria.collect.source import offered
from noria.data import parquet, table
from noria.errors import BadInput, Damaged
from noria.plan import Step
from noria.store import datasets, erasures, lineage
from noria.store.attempt import Attempt

FORMAT = 4
LARGEST_ID = 16
REPLACED = "its file was replaced before a version with it was accepted"


def observe(world: Any, step: Step) -> list[list[str]]:
    """What the sources offer now, by name and digest, and what a person, validation or an erasure took out since."""
    with world.store.read() as c:
        known = datasets.batches(c, world.lifecycle)
        amended = [["amended", erasure] for erasure in erasures.touching(c, world.lifecycle)]
    out = [["left out", batch.id] for batch in known if batch.state != "accepted" and batch.reason != REPLACED]
    return [*([one.arrival.name, one.arrival.digest] for one in offered(world)), *out, *amended]


def run(attempt: Attempt) -> None:
    """Write each new arrival as one batch, and stage the version that holds all batches."""
    dataset = attempt.lifecycle
    path = f"{attempt.settings.data}/{dataset}"
    with attempt.store.read() as c:
        known = datasets.batches(c, dataset)
    offers = offered(attempt)
    arrivals = [one.arrival for one in offers]
    fresh = arrive.new(arrivals, {batch.digest for batch in known})
    if not fresh and not known:
        raise BadInput(
            "there are no data yet",
            where=", ".join(str(getattr(source, "pattern", source)) for source in attempt.config),
            do="Put files there, or correct the source in the lifecycle file.",
        )
    by_digest = {one.arrival.digest: one for one in reversed(offers)}
    made = []
    for index, arrival in enumerate(fresh):
        attempt.progress(f"collect {arrival.name}", index / len(fresh))
        made.append(_batch(attempt, path, by_digest[arrival.digest], len(known) + index + 1))
    out, back = _corrected(attempt, known, made, arrivals)
    batches = [*[b for b in known if (b.state == "accepted" and b not in out) or b in back], *made]
    ids = [batch.id for batch in batches]
    with attempt.store.read() as c:
        existing = [v for v in datasets.versions(c, dataset) if v.digest == datasets.version_digest(ids)]
        baseline = datasets.accepted(c, dataset)
        number = existing[0].number if existing else datasets.next_number(c, dataset)
    base = existing[0].baseline if existing else (baseline.number if baseline else None)
    attempt.facts.update(
        dataset=dataset,
        version=number,
        digest=datasets.version_digest(ids),
        rows=sum(batch.rows for batch in batches),
        batches=ids,
        new=_new_since(base, ids, attempt),
        baseline=base,
    )
    attempt.commit_with(lambda c: _set_states(c, dataset, out, back))
    if made or not existing:
        attempt.commit_with(lambda c: _keep(c, attempt, made, ids, number))


def _corrected(
    attempt: Attempt, known: Sequence[datasets.Batch], made: Sequence[datasets.Batch], offered: Sequence[Arrival]
) -> tuple[list[datasets.Batch], list[datasets.Batch]]:
    """Batches to leave out because their file was corrected before it was accepted; those that are there again."""
    with attempt.store.read() as c:
        good = [one for one in datasets.versions(c, attempt.lifecycle) if one.verdict in ("pass", "warn")]
    held = {id for one in good for id in one.batches}
    names = {b.digest: str(b.source["name"]) for b in known if b.origin == "files"}
    after = {b.digest: str(b.source["after"]) for b in (*known, *made) if "after" in b.source}
    out, back = arrive.replaced(offered, names, {b.digest for b in known if b.id in held}, after)
    return (
        [b for b in known if b.digest in out and b.state == "accepted"],
        [b for b in known if b.digest in back and b.reason == REPLACED],
    )


def _set_states(c: Connection, dataset: str, out: Sequence[datasets.Batch], back: Sequence[datasets.Batch]) -> None:
    for batch in out:
        datasets.set_state(c, dataset, batch.id, "quarantined", REPLACED)
    for batch in back:
        datasets.set_state(c, dataset, batch.id, "accepted", None)


def _new_since(baseline: int | None, ids: Sequence[str], attempt: Attempt) -> list[str]:
    """What validation has to judge: the batches that no accepted version held."""
    if baseline is None:
        return list(ids)
    with attempt.store.read() as c:
        old = datasets.get_version(c, attempt.lifecycle, baseline)
    return [id for id in ids if id not in old.batches]


def _batch(attempt: Attempt, path: str, offer: Offer, number: int) -> datasets.Batch:
    arrival = offer.arrival
    if offer.take is None:
        raise Damaged(f"the record of {arrival.name} is gone", where="collect", do="Restore the metadata store.")
    taken = refuse.without_erased(attempt, offer.take(attempt), arrival.name)
    id = taken.content[:LARGEST_ID]
    own = {name: kind for name, kind in taken.schema.items() if arrival.origin != "captured" or name not in table.MARKS}
    check.usable(own, arrival.name, attempt.schema)
    try:
        short = partial(check.short, taken.rows, arrival.name)
        rows = _write(path, id, taken, short, attempt.scratch)
    except BadInput as error:  # tables know columns, not where they come from
        where = error.where if arrival.name in error.where else f"{arrival.name} for {error.where}"
        raise BadInput(error.what, where=where, do=error.do) from error
    return datasets.Batch(
        id=id,
        dataset=attempt.lifecycle,
        number=number,
        digest=arrival.digest,
        rows=rows,
        bytes=arrival.bytes if taken.bytes is None else taken.bytes,
        origin=arrival.origin,
        source={"name": arrival.name, **taken.note},
        profile=None,  # validation makes it
        state="accepted",
        reason=None,
        run_id=attempt.run_id,
        arrived_at=attempt.clock.now(),
    )


def _write(path: str, id: str, taken: Taken, short: Callable[[], None], scratch: Path) -> int:
    """Write the rows and say how many they are: a file that fits is taken as it is. ``short`` refuses long values."""
    if isinstance(taken.rows, pl.DataFrame):
        short()
        frame = table.fitting(path, taken.rows)
        taken.check()
        table.append(path, id, frame)
        return frame.height
    with _readable(taken.rows):
        if taken.own or not table.adoptable(path, taken.rows):
            short()
            return _placed(path, id, taken, taken.rows, scratch)
        height = parquet.height(taken.rows)
        table.adopt(path, id, taken.rows, digest=taken.content, check=taken.check, beside=short)
        return height


def _placed(path: str, id: str, taken: Taken, file: Path, scratch: Path) -> int:
    """A file that was made here, or is made from one whose types do not fit: the rows go through memory in pieces."""
    height = parquet.height(file)
    if not table.adoptable(path, file):
        file = pieces.fitted(file, scratch / f"{id}.fitted", partial(table.fitting, path))
    taken.check()
    table.place(path, id, file)
    return height


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise BadInput(
            f"{file.name} cannot be collected: it is damaged: {str(error).splitlines()[0][:160]}",
            where=str(file),
            do="Correct or remove the file.",
        ) from error


def _keep(c: Connection, attempt: Attempt, made: Sequence[datasets.Batch], ids: list[str], number: int) -> None:
    for batch in made:
        datasets.add_batch(c, batch)
        node = f"batch:{batch.dataset}/{batch.id}"
        lineage.link(c, node, f"source:{batch.source['name']}", "content of")
    rows = sum(b.rows for b in datasets.batches(c, attempt.lifecycle) if b.id in ids)
    version = datasets.add_version(c, attempt.clock, attempt.lifecycle, ids, rows, attempt.run_id)
    if version.number != number:
        raise BadInput(
            "another run collected at the same moment", where=attempt.lifecycle, do="Run the same command again."
        )
    node = f"dataset_version:{version.dataset}@{version.number}"
    for id in ids:
        lineage.link(c, node, f"batch:{version.dataset}/{id}", "holds")
    lineage.link(c, node, f"step:{attempt.run_id}/collect", "made by")
