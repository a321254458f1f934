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

from noria.model.ragged import Ragged
from noria.store.attempt import Attempt

ROWS = 65_536  # that are looked at together
LOCAL_HEADER = 30  # bytes before a zip member's name


@dataclass(frozen=True, slots=True)
class Files:
    """Where the arrays of one split lie; light enough to send to another process."""

    features: str
    packed: bool  # several arrays in one file: CSR, or ragged
    labels: str
    weights: str


@dataclass(frozen=True, slots=True)
class Part:
    """The arrays of one split, memory-mapped: features [n, m] (dense, CSR or ``Ragged``), labels [n], weights [n]."""

    X: Any
    y: Any
    w: Any

    @property
    def weights(self) -> NDArray[np.float32] | None:
        """The weights, or None if all are 1."""
        return None if np.all(self.w == 1) else np.asarray(self.w)


def files(attempt: Attempt, split: str) -> Files:
    """The processed data of a split."""
    is_packed = f"X.{split}.npz" in attempt.inputs["preprocess"].outputs
    names = (f"X.{split}.{'npz' if is_packed else 'npy'}", f"y.{split}.npy", f"w.{split}.npy")
    features, labels, weights = (str(attempt.open("preprocess", name)) for name in names)
    return Files(features, is_packed, labels, weights)


def open_part(where: Files) -> Part:
    """Memory-map a split: all processes that do share one copy."""
    features = _open_packed(Path(where.features)) if where.packed else np.load(where.features, mmap_mode="r")
    return Part(features, np.load(where.labels, mmap_mode="r"), np.load(where.weights, mmap_mode="r"))


def bytes_of(X: Any) -> int:
    """What the features take, as they are handed over."""
    if isinstance(X, Ragged):
        return X.shape[0] * X.shape[1] * X.dtype.itemsize
    return int(X.data.nbytes + X.indices.nbytes + X.indptr.nbytes) if sparse.issparse(X) else int(X.nbytes)


def whole(X: Any) -> Any:
    """All of some features as libraries take them: ragged ones padded."""
    return X.toarray() if isinstance(X, Ragged) else X


def chunks(count: int, rows: int = ROWS) -> Iterator[slice]:
    """All rows in order, so many at a time."""
    return (slice(start, min(start + rows, count)) for start in range(0, count, rows))


def _open_packed(path: Path) -> Any:
    """A CSR matrix or ragged rows, whose arrays are mapped; NumPy wrote them, not compressed."""
    with zipfile.ZipFile(path) as archive:
        members = {one.filename.removesuffix(".npy"): one for one in archive.infolist()}
        small = {name: np.load(archive.open(members[name])) for name in ("shape", "widths") if name in members}
        if any(one.compress_type != zipfile.ZIP_STORED for one in members.values()):
            return sparse.load_npz(path)

    def mapped(*names: str) -> list[NDArray[Any]]:
        return [_map(path, members[name].header_offset) for name in names]

    if "widths" in small:
        values, offsets = mapped("values", "offsets")
        return Ragged(values, offsets, tuple(small["widths"].tolist()))
    found = sparse.csr_matrix(tuple(mapped("data", "indices", "indptr")), shape=tuple(small["shape"]), copy=False)
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
