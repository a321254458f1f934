"""The processed data of a split: arrays that lie on disk once, mapped into the memory of whoever trains."""

import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from noria.store.attempt import Attempt

ROWS = 65_536  # that are looked at together
LOCAL_HEADER = 30  # bytes before a zip member's name


@dataclass(frozen=True, slots=True)
class Files:
    """Where the arrays of one split lie; light enough to send to another process."""

    features: str
    sparse: bool
    labels: str
    weights: str


@dataclass(frozen=True, slots=True)
class Part:
    """The arrays of one split, memory-mapped: features [n, m], labels [n], weights [n]."""

    X: Any
    y: Any
    w: Any

    @property
    def weights(self) -> NDArray[np.float32] | None:
        """The weights, or None if all are 1."""
        return None if np.all(self.w == 1) else np.asarray(self.w)


def files(attempt: Attempt, split: str) -> Files:
    """The processed data of a split."""
    is_sparse = f"X.{split}.npz" in attempt.inputs["preprocess"].outputs
    names = (f"X.{split}.{'npz' if is_sparse else 'npy'}", f"y.{split}.npy", f"w.{split}.npy")
    features, labels, weights = (str(attempt.open("preprocess", name)) for name in names)
    return Files(features, is_sparse, labels, weights)


def open_part(where: Files) -> Part:
    """Memory-map a split: all processes that do share one copy."""
    features = _open_csr(Path(where.features)) if where.sparse else np.load(where.features, mmap_mode="r")
    return Part(features, np.load(where.labels, mmap_mode="r"), np.load(where.weights, mmap_mode="r"))


def bytes_of(X: Any) -> int:
    """What the features take."""
    return int(X.data.nbytes + X.indices.nbytes + X.indptr.nbytes) if sparse.issparse(X) else int(X.nbytes)


def chunks(count: int, rows: int = ROWS) -> Iterator[slice]:
    """All rows in order, so many at a time."""
    return (slice(start, min(start + rows, count)) for start in range(0, count, rows))


def _open_csr(path: Path) -> Any:
    """A CSR matrix whose three arrays are mapped; it was written by SciPy, not compressed."""
    with zipfile.ZipFile(path) as archive:
        members = {one.filename: one for one in archive.infolist()}
        shape = np.load(archive.open(members["shape.npy"]))
        if any(one.compress_type != zipfile.ZIP_STORED for one in members.values()):
            return sparse.load_npz(path)
    arrays = [_map(path, members[f"{name}.npy"].header_offset) for name in ("data", "indices", "indptr")]
    found = sparse.csr_matrix(tuple(arrays), shape=tuple(shape), copy=False)
    found.has_sorted_indices = True
    return found


def _map(path: Path, offset: int) -> NDArray[Any]:
    """One array that lies in a zip at that place."""
    with path.open("rb") as file:
        file.seek(offset)
        name, extra = struct.unpack("<HH", file.read(LOCAL_HEADER)[-4:])
        file.seek(name + extra, 1)
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        if 0 in shape:
            return np.empty(shape, dtype)
        return np.memmap(path, dtype, "r", file.tell(), shape)
