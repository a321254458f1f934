"""Features whose rows are of different lengths, kept without padding: all values one after the other, and where each
row ends.

To whoever looks at them they are the padded array: 0 behind the last value of a row. So a transformer may give either
without a difference to any model, and what is padded is a mini-batch, or the rows of a request, never a split.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Rows = slice | int | NDArray[Any] | Sequence[int]


@dataclass(frozen=True, slots=True, eq=False)
class Ragged:
    """Rows [n, sum of widths], each of one or more blocks of at most so many values.

    values
        [total], row after row, in a row block after block; memory-mapped or not.
    offsets
        int64 [n * blocks + 1]: where in ``values`` each block of each row begins, and the end of the last.
    widths
        The most values of each block.

    Examples
    --------
    >>> texts = Ragged.of_lists([[4, 2], [], [3]], width=3)
    >>> texts.values.tolist(), texts.offsets.tolist()
    ([4, 2, 3], [0, 2, 2, 3])
    >>> np.asarray(texts[1:])
    array([[0, 0, 0],
           [3, 0, 0]])
    """

    values: NDArray[Any]
    offsets: NDArray[np.int64]
    widths: tuple[int, ...]

    @classmethod
    def of_lists(cls, rows: Sequence[Sequence[int]], width: int) -> "Ragged":
        """Whole numbers, the first ``width`` of each row; one block."""
        lengths = np.fromiter((min(len(row), width) for row in rows), dtype=np.int64, count=len(rows))
        flat = (one for row in rows for one in row[:width])
        return cls(np.fromiter(flat, dtype=np.int64, count=int(lengths.sum())), _ends(lengths), (width,))

    @classmethod
    def of_array(cls, rows: NDArray[Any]) -> "Ragged":
        """Rows [n, m] that are all of the same length."""
        count, width = rows.shape
        return cls(np.ascontiguousarray(rows).ravel(), np.arange(count + 1, dtype=np.int64) * width, (width,))

    @property
    def shape(self) -> tuple[int, int]:
        return (len(self.offsets) - 1) // len(self.widths), sum(self.widths)

    @property
    def ndim(self) -> int:
        return 2

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.values.dtype

    @property
    def nbytes(self) -> int:
        return int(self.values.nbytes + self.offsets.nbytes)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Rows) -> Any:
        """Some rows, of a slice with step 1 without a copy of the values; or one row as a padded array."""
        count, blocks = len(self), len(self.widths)
        if isinstance(rows, int | np.integer):
            return self[[int(rows)]].toarray()[0]
        if isinstance(rows, slice) and rows.step in (None, 1):
            first, last, _ = rows.indices(count)
            offsets = np.asarray(self.offsets[first * blocks : max(first, last) * blocks + 1])
            return Ragged(self.values[offsets[0] : offsets[-1]], offsets - offsets[0], self.widths)
        chosen = np.arange(count)[rows]
        starts = self.offsets[:-1].reshape(count, blocks)[chosen].ravel()
        lengths = self.lengths()[chosen].ravel()
        return Ragged(self.values[_places(starts, lengths)], _ends(lengths), self.widths)

    def lengths(self) -> NDArray[np.int64]:
        """How many values each block of each row has, [n, blocks]."""
        return np.diff(self.offsets).reshape(-1, len(self.widths))

    def astype(self, dtype: Any) -> "Ragged":
        return Ragged(self.values.astype(dtype), self.offsets, self.widths)

    def toarray(self) -> NDArray[Any]:
        """The padded array [n, sum of widths]."""
        found = np.zeros(self.shape, dtype=self.dtype)
        rows, columns = self._cells()
        found[rows, columns] = self.values
        return found

    def tocsr(self) -> Any:
        """The same as a CSR matrix."""
        ends = self.offsets[:: len(self.widths)]
        return sparse.csr_matrix((np.asarray(self.values), self._cells()[1], ends), shape=self.shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self.toarray() if dtype is None else self.toarray().astype(dtype)

    def __array_function__(self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        """What NumPy does with it: columns are put beside it without padding, all else sees the padded array."""
        if function is np.hstack:
            return beside([one if isinstance(one, Ragged) else Ragged.of_array(np.asarray(one)) for one in args[0]])
        return function(*_plain(args), **{name: _plain(one) for name, one in kwargs.items()})

    def _cells(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row and column of each value."""
        lengths = np.diff(self.offsets)
        first = np.cumsum((0, *self.widths[:-1]))
        block = np.tile(np.arange(len(self.widths)), len(self))
        columns = np.arange(len(self.values)) + np.repeat(first[block] - self.offsets[:-1], lengths)
        return np.repeat(np.arange(len(lengths)) // len(self.widths), lengths), columns


def beside(parts: Sequence[Ragged]) -> Ragged:
    """The columns of several, one beside the other."""
    lengths = np.hstack([one.lengths() for one in parts])
    ends = _ends(lengths.ravel())
    values = np.empty(int(ends[-1]), dtype=np.result_type(*(one.dtype for one in parts)))
    place = 0
    for one in parts:
        mine = slice(place, place + len(one.widths))
        starts = ends[:-1].reshape(lengths.shape)[:, mine].ravel()
        values[_places(starts, lengths[:, mine].ravel())] = one.values
        place = mine.stop
    return Ragged(values, ends, tuple(width for one in parts for width in one.widths))


def _places(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the values of runs lie that begin at some places."""
    ends = _ends(lengths)
    return np.arange(ends[-1]) + np.repeat(starts - ends[:-1], lengths)


def _ends(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])


def _plain(one: Any) -> Any:
    """Padded arrays in the place of ragged ones, in lists and tuples too."""
    if isinstance(one, list | tuple):
        return type(one)(_plain(each) for each in one)
    return one.toarray() if isinstance(one, Ragged) else one
