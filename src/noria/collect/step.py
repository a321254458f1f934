"""Collect: what has arrived becomes batches, and with them the next dataset version."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import Connection

from noria.collect import arrive, files
from noria.collect.arrive import Arrival
from noria.collect.config import Captured, Files, Rows
from noria.data import captured, table
from noria.data.profile import profile
from noria.digest import Digest
from noria.errors import BadInput, UserCodeFailed
from noria.plan import Step
from noria.store import datasets, lineage, memo
from noria.store.attempt import Attempt

FORMAT = 1
LARGEST_ID = 16
REPLACED = "its file was replaced before a version with it was accepted"


def observe(world: Any, step: Step) -> list[list[str]]:
    """What the sources offer now, by name and digest."""
    return [[arrival.name, arrival.digest] for arrival, _ in _offered(world)]


def run(attempt: Attempt) -> None:
    """Write each new arrival as one batch, and stage the version that holds all batches."""
    dataset = attempt.lifecycle
    path = f"{attempt.settings.data}/{dataset}"
    with attempt.store.read() as c:
        known = datasets.batches(c, dataset)
    offered = _offered(attempt)
    fresh = arrive.new([arrival for arrival, _ in offered], {batch.digest for batch in known})
    if not fresh and not known:
        raise BadInput(
            "there are no data yet",
            where=", ".join(str(getattr(source, "pattern", source)) for source in attempt.config),
            do="Put files there, or correct the source in the lifecycle file.",
        )
    reader = {arrival.digest: read for arrival, read in reversed(offered)}
    made = []
    for index, arrival in enumerate(fresh):
        attempt.progress(f"collect {arrival.name}", index / len(fresh))
        made.append(_batch(attempt, path, arrival, reader[arrival.digest](), len(known) + index + 1))
    out, back = _corrected(attempt, known, [arrival for arrival, _ in offered])
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
    attempt: Attempt, known: Sequence[datasets.Batch], offered: Sequence[Arrival]
) -> tuple[list[datasets.Batch], list[datasets.Batch]]:
    """Batches to leave out because their file was corrected before it was accepted; those that are there again."""
    with attempt.store.read() as c:
        good = [one for one in datasets.versions(c, attempt.lifecycle) if one.verdict in ("pass", "warn")]
    held = {id for one in good for id in one.batches}
    names = {b.digest: str(b.source["name"]) for b in known if b.origin == "files"}
    out, back = arrive.replaced(offered, names, {b.digest for b in known if b.id in held})
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


def _batch(attempt: Attempt, path: str, arrival: Arrival, frame: pl.DataFrame, number: int) -> datasets.Batch:
    _check(frame, arrival, attempt)
    id = arrival.digest[:LARGEST_ID]
    frame = table.fitting(path, frame)  # what is counted is what is kept
    table.append(path, id, frame)
    stats = attempt.save_json(f"profile.{id}.json", profile(frame, attempt.schema).to_json())
    return datasets.Batch(
        id=id,
        dataset=attempt.lifecycle,
        number=number,
        digest=arrival.digest,
        rows=frame.height,
        bytes=arrival.bytes,
        origin=arrival.origin,
        source={"name": arrival.name},
        profile=stats.hex,
        state="accepted",
        reason=None,
        run_id=attempt.run_id,
        arrived_at=attempt.clock.now(),
    )


def _check(frame: pl.DataFrame, arrival: Arrival, attempt: Attempt) -> None:
    for column in (attempt.schema.label, attempt.schema.subject, attempt.schema.time, *attempt.schema.protected):
        if column is not None and column not in frame.columns:
            raise BadInput(
                f"there is no column {column!r} in {arrival.name}",
                where=f"columns are {', '.join(frame.columns[:20])}",
                do="Correct the file, or the schema in the lifecycle file.",
            )
    taken = sorted(set(frame.columns) & set(table.RESERVED))
    if taken:
        raise BadInput(f"column {', '.join(taken)} has a reserved name", where=arrival.name, do="Rename it.")


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


def _offered(world: Any) -> list[tuple[Arrival, Any]]:
    offered: list[tuple[Arrival, Any]] = []
    for source in world.config:
        offered += OFFERS[type(source)](world, source)
    if Captured not in {type(source) for source in world.config}:
        offered += _captured(world, Captured())
    return offered


def _files(world: Any, source: Files) -> list[tuple[Arrival, Any]]:
    paths = source.paths(world.project)
    digests = _digests(world, paths)
    return [
        (
            Arrival("files", str(path.relative_to(world.project)) if path.is_relative_to(world.project) else str(path),
                    digests[path], path.stat().st_size),
            lambda path=path: files.read(path, source),
        )
        for path in paths
    ]  # fmt: skip


def _digests(world: Any, paths: list[Path]) -> dict[Path, str]:
    """Digest of each file; one whose size, time and inode are as before is not read again."""
    with world.store.read() as c:
        remembered = memo.recall(c, "file digest")
    found, fresh = {}, {}
    for path in paths:
        stat = path.stat()
        mark = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
        held = remembered.get(str(path))
        if held and held["mark"] == mark:
            found[path] = held["digest"]
            continue
        found[path] = Digest.of_file(path).hex
        settled = world.clock.now().timestamp() - stat.st_mtime > 2  # a younger file may change within its time stamp
        if settled:
            fresh[str(path)] = {"mark": mark, "digest": found[path]}
    if fresh:
        with world.store.begin() as c:
            memo.remember(c, "file digest", fresh)
    return found


def _rows(world: Any, source: Rows) -> list[tuple[Arrival, Any]]:
    try:
        given = source.give()
        frame = given if isinstance(given, pl.DataFrame) else pl.DataFrame(given, infer_schema_length=None)
    except Exception as error:
        name = getattr(source.give, "__name__", "rows")
        raise UserCodeFailed(
            f"{name} did not give rows: {type(error).__name__}: {error}",
            where="collect",
            do="Return mappings from column to value, or a frame.",
        ) from error
    content = frame.select(sorted(frame.columns)).write_ndjson().encode() + repr(sorted(frame.columns)).encode()
    arrival = Arrival("rows", getattr(source.give, "__name__", "rows"), Digest.of(content).hex, len(content))
    return [(arrival, lambda: frame)] if frame.height else []


def _captured(world: Any, source: Captured) -> list[tuple[Arrival, Any]]:
    with world.store.read() as c:
        earlier = [b for b in datasets.batches(c, world.lifecycle) if b.origin == "captured"]
    offered: list[tuple[Arrival, Any]] = [
        (Arrival("captured", b.source["name"], b.digest, b.bytes), None) for b in earlier
    ]
    after = _reached(earlier[-1].source["name"]) if earlier else (-1, -1)
    upto = captured.versions(world.settings, world.lifecycle)
    if min(upto) >= 0 and upto != after:
        frame = captured.labelled(world.settings, world.lifecycle, world.schema, after=after, upto=upto)
        if frame.height:
            name = f"feedback up to {upto[0]}.{upto[1]}"
            digest = Digest.of_json([world.lifecycle, name, table.rows_digest(frame)]).hex
            offered.append((Arrival("captured", name, digest, int(frame.estimated_size())), lambda: frame))
    return offered


def _reached(name: str) -> captured.Versions:
    """The commits that a captured batch went up to, from its name."""
    predictions, _, feedback = name.rpartition(" ")[2].partition(".")
    return int(predictions), int(feedback)


OFFERS: dict[type, Any] = {Files: _files, Rows: _rows, Captured: _captured}
