"""Rows transformed in pieces, by whoever is there: parts of the step on other machines, or the step itself.

A piece is a range of the version's rows, whatever split they are in. Cut or not, the same pieces go through the
transformer: so the arrays are the same whoever transformed which.
"""

import json
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from noria.data import split, table
from noria.data.schema import SPLITS
from noria.data.stored import readable
from noria.errors import UserError
from noria.model.frame import columns_of
from noria.model.ragged import Ragged
from noria.model.signature import Signature
from noria.model.sklearn import to_frame
from noria.model.stable import unpickled
from noria.preprocess import user
from noria.store.attempt import Attempt

PREPROCESSOR, SIGNATURE = "preprocessor", "signature.json"
PREPARED = -1  # the number of what was made before the parts


def ends(height: int, count: int) -> list[int]:
    """Where pieces of about the same size begin and end."""
    return [height * place // count for place in range(count + 1)]


def fitted(attempt: Attempt) -> tuple[Any, bytes] | None:
    """The transformer that was fitted for the parts, and its bytes; None if none was."""
    file = attempt.of_part(PREPARED, PREPROCESSOR)
    if file is None:
        return None
    packed = file.read_bytes()
    return unpickled(packed), packed


def transform(attempt: Attempt) -> None:
    """One part: the features of its piece of the rows, by split.

    Raises
    ------
    UserError
        If nothing was fitted beforehand.
    """
    ready, described = fitted(attempt), attempt.of_part(PREPARED, SIGNATURE)
    if ready is None or described is None:
        raise UserError(
            f"part {attempt.part} of preprocess has no transformer",
            where=f"run {attempt.run_id}",
            do=f"Make it first: noria step {attempt.run_id} preprocess --prepare.",
        )
    signature = Signature.of(json.loads(described.read_bytes()))
    frame = _piece(attempt)
    assigned = split.assign(frame, attempt.schema, attempt.inputs["validate"].facts.get("cuts"))
    for name in SPLITS:
        rows = frame.filter(assigned == name)
        if rows.height:
            _save(attempt, name, user.transform(ready[0], to_frame(columns_of(rows, signature.inputs)), name))
    attempt.facts["rows"] = frame.height


def features(attempt: Attempt, transformer: Any, raw: Any, rows: NDArray[np.int64], height: int, name: str) -> Any:
    """The features of one split: what parts have made of it, and the rest made here.

    Parameters
    ----------
    raw
        The inputs of the split's rows.
    rows
        Their numbers among all ``height`` rows of the version, ascending.
    """
    count = attempt.step.shards
    if count == 1:
        return user.transform(transformer, raw, name)
    made = []
    for number, (first, last) in enumerate(pairwise(np.searchsorted(rows, ends(height, count))), 1):
        if first < last:
            found = _kept(attempt, number, name)
            fits = found is not None and found.shape[0] == last - first
            made.append(found if fits else user.transform(transformer, raw[first:last], name))
    return _joined(made)


def _piece(attempt: Attempt) -> pl.DataFrame:
    facts = attempt.inputs["collect"].facts
    path = f"{attempt.settings.data}/{facts['dataset']}"
    with readable(path):
        rows = table.scan(path, facts["batches"])
        height = rows.select(pl.len()).collect().item()
        cuts = ends(height, attempt.step.shards)
        first, last = cuts[attempt.part - 1], cuts[attempt.part]
        return rows.slice(first, last - first).collect()


def _save(attempt: Attempt, name: str, made: Any) -> None:
    path = attempt.scratch / name
    with path.open("wb") as file:
        if sp.issparse(made):
            sp.save_npz(file, made, compressed=False)
        elif isinstance(made, Ragged):
            np.savez(file, values=made.values, offsets=made.offsets, widths=np.array(made.widths))
        else:
            np.save(file, made)
    kind = "csr" if sp.issparse(made) else "ragged" if isinstance(made, Ragged) else "dense"
    attempt.save_file(f"{kind}.{name}", path)


def _kept(attempt: Attempt, number: int, name: str) -> Any:
    for kind in ("dense", "csr", "ragged"):
        file = attempt.of_part(number, f"{kind}.{name}")
        if file is None:
            continue
        if kind == "csr":
            return sp.load_npz(file)
        found = np.load(file, mmap_mode="r")
        if kind == "dense":
            return found
        return Ragged(found["values"], found["offsets"], tuple(int(width) for width in found["widths"]))
    return None


def _joined(made: list[Any]) -> Any:
    if sp.issparse(made[0]):
        return sp.vstack(made, format="csr")
    if not isinstance(made[0], Ragged):
        return np.concatenate(made)
    starts = np.cumsum([0, *(len(one.values) for one in made)])
    offsets = [one.offsets[:-1] + start for one, start in zip(made, starts, strict=False)]
    return Ragged(np.concatenate([one.values for one in made]), np.concatenate([*offsets, starts[-1:]]), made[0].widths)
