"""A version's model, ready to answer: a graph in this process, any other in a process of its own."""

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from noria.errors import BadInput
from noria.model.format import Prediction, answer
from noria.model.onnx import Graph
from noria.model.signature import Columns, Field, Signature, listed
from noria.serve.apart import Apart
from noria.serve.batch import Batcher

SOON_S = 0.001  # in which a graph answers sooner than another thread does, and no other request waits for long
FIRST_ROW_S = 1e-5  # that a row takes, as long as nothing was measured
SHARE = 0.1  # of a measurement in what is held to be true
TIMES = 3  # as many bytes as its file has does a graph take in memory, about
EXACT = 2**53  # integers up to here are the same as floats
MB = 1 << 20


class Model(Protocol):
    """What answers for one version. All methods belong to the event loop.

    used
        When it last answered, in seconds since the epoch: what was asked for longest ago is let go first.
    """

    used: float

    @property
    def waiting(self) -> int:
        """Rows that wait for others to be answered."""
        ...

    async def predict(self, columns: Columns, rows: int) -> Prediction: ...

    def memory_mb(self) -> float:
        """What it takes, about."""
        ...

    def retire(self) -> None:
        """Nobody is to ask it any more; what was asked before is still answered."""
        ...


class Inside:
    """Implements ``Model`` by a graph in this process, from a package of so many bytes."""

    def __init__(self, graph: Graph, size: int) -> None:
        self.graph = graph
        self.used = time.time()
        self.waiting = 0
        self._size = size
        self._row_s = FIRST_ROW_S

    async def predict(self, columns: Columns, rows: int) -> Prediction:
        if rows * self._row_s <= SOON_S:
            return self._timed(columns, rows)
        return await asyncio.to_thread(self._timed, columns, rows)

    def _timed(self, columns: Columns, rows: int) -> Prediction:
        began = time.thread_time()
        found = self.graph.predict(columns)
        self._row_s += SHARE * ((time.thread_time() - began) / rows - self._row_s)
        return found

    def memory_mb(self) -> float:
        return TIMES * self._size / MB

    def retire(self) -> None:
        """It goes with the last request that holds it."""


class Outside:
    """Implements ``Model`` by a process; no code of the model, and nothing that it pickled, is met in this one."""

    def __init__(self, apart: Apart, signature: Signature, name: str, noted: Callable[[int], None]) -> None:
        self.used = time.time()
        self._apart = apart
        self._signature = signature
        self._batcher = Batcher(name, apart.scores, noted, apart.close)

    async def predict(self, columns: Columns, rows: int) -> Prediction:
        sent = plain(columns, self._signature)
        return answer(await self._batcher.predict(sent, rows), self._signature)

    @property
    def pid(self) -> int | None:
        """The process's id, if one runs."""
        return self._apart.pid

    @property
    def waiting(self) -> int:
        return self._batcher.waiting

    def memory_mb(self) -> float:
        try:
            pages = Path(f"/proc/{self._apart.pid}/statm").read_text().split()[1]
        except OSError:  # it ended, or this system does not tell
            return self._apart.size / MB
        return int(pages) * 4096 / MB

    def retire(self) -> None:
        self._batcher.retire()


def plain(columns: Columns, signature: Signature) -> dict[str, list[Any]]:
    """The inputs of a model as lists that can be sent to its process.

    What is wrong with one request is found here, before its rows stand in a batch with those of others.

    Raises
    ------
    BadInput
        If an input is missing, or holds something that is no number where numbers are due.
    """
    found = {}
    for field in signature.inputs:
        if field.name not in columns:
            raise BadInput(f"input {field.name!r} is missing", where="predict", do="Send every input of the model.")
        values = listed(columns[field.name])
        found[field.name] = values if _is_plain(values, field) else _cleaned(values, field, signature)
    return found


def _is_plain(values: list[Any], field: Field) -> bool:
    if not field.numeric:
        return all(type(one) is str or one is None for one in values)
    return all(type(one) is float or one is None or (type(one) is int and abs(one) <= EXACT) for one in values)


def _cleaned(values: list[Any], field: Field, signature: Signature) -> list[Any]:
    alone = Signature((field,), signature.classes, signature.label, signature.positive, signature.several)
    found: list[Any] = alone.clean({field.name: values})[field.name].tolist()  # type: ignore[dict-item]  # lists too
    return found


def sample(signature: Signature) -> Mapping[str, Any]:
    """A row that any model of this signature answers."""
    return {one.name: np.array([0.0 if one.numeric else "missing"], dtype=object) for one in signature.inputs}
