"""Images, documents and other whole files: one row a file."""

from functools import partial
from mimetypes import guess_type
from pathlib import Path
from typing import Any

import polars as pl

from noria.collect import marks
from noria.collect.arrive import Arrival
from noria.collect.config import Folder
from noria.collect.offer import Offer, Taken
from noria.data import table
from noria.data.stored import readable
from noria.digest import Digest
from noria.errors import BadInput
from noria.store import datasets

ANY = "application/octet-stream"


def offers(world: Any, source: Folder) -> list[Offer]:
    """What was collected before, and the files that have come since then, as one arrival.

    Raises
    ------
    BadInput
        If there is no such folder.
    """
    root = world.project / source.path
    if not root.is_dir():
        raise BadInput(f"there is no folder {source.path}", where=str(root), do="Make it, or correct the source.")
    with world.store.read() as c:
        earlier = [b for b in datasets.batches(c, world.lifecycle) if b.source.get("folder") == source.path]
    found = [Offer(Arrival("folder", b.source["name"], b.digest, b.bytes), None) for b in earlier]
    rows = _rows(world, root).join(_known(world, [b.id for b in earlier]), on=["digest", "label"], how="anti",
                                   nulls_equal=True)  # fmt: skip
    if rows.height:
        digest = Digest.of_json([source.path, rows.rows()]).hex
        name = f"{rows.height} files of {source.path}"
        arrival = Arrival("folder", name, digest, int(rows["bytes"].sum()))
        found.append(Offer(arrival, partial(_taken, world.schema.label, source, rows, digest)))
    return found


def _rows(world: Any, root: Path) -> pl.DataFrame:
    """The files that are there now, in the order of their names; of those with one content and label, the first."""
    paths = sorted(path for path in root.rglob("*") if path.is_file() and not _hidden(path.relative_to(root)))
    rows = [
        (marks.named(path, world.project), digest, mark[0], guess_type(path.name)[0] or ANY, _label(path, root))
        for path, (digest, mark) in marks.digests(world, paths).items()
    ]
    columns = {"path": pl.String, "digest": pl.String, "bytes": pl.Int64, "media": pl.String, "label": pl.String}
    return pl.DataFrame(rows, schema=columns, orient="row").unique(
        ["digest", "label"], keep="first", maintain_order=True
    )


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _label(path: Path, root: Path) -> str | None:
    parts = path.relative_to(root).parts
    return parts[0] if len(parts) > 1 else None


def _known(world: Any, batches: list[str]) -> pl.DataFrame:
    """Content and label of every file that was collected."""
    if not batches:
        return pl.DataFrame(schema={"digest": pl.String, "label": pl.String})
    path = f"{world.settings.data}/{world.lifecycle}"
    with readable(path):
        rows = table.scan(path, batches)
        return rows.select("digest", pl.col(world.schema.label).cast(pl.String).alias("label")).collect()


def _taken(label: str, source: Folder, rows: pl.DataFrame, digest: str, attempt: Any) -> Taken:
    if label in rows.columns[:-1]:
        raise BadInput(f"the label is named {label!r}, like another column of a folder's rows", where="Schema",
                       do="Name it otherwise.")  # fmt: skip
    return Taken(rows.rename({"label": label}), digest, {"folder": source.path})
