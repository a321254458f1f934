"""What a server process counts: noted at the cost of one append while requests are answered, added up once a second.

Each process keeps its totals in a file of its own, replaced whole; whoever is asked for metrics adds up the files of
all. A file outlives its process, so that no counter goes back when a worker dies; the server clears them as it starts.
"""

import copy
import os
import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from noria import owner

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096)  # of a batch
SUFFIX = ".meter"

K = TypeVar("K")
Of = tuple[str, str, str, str]  # model, version, variant, protocol


class Histogram(msgspec.Struct):
    """How many values were at most each bound, and beyond all of them; and their sum."""

    counts: list[int]
    total: float = 0.0

    @classmethod
    def empty(cls, bounds: tuple[float, ...]) -> "Histogram":
        return cls([0] * (len(bounds) + 1))

    def add(self, values: Sequence[float], bounds: tuple[float, ...]) -> None:
        within = np.searchsorted(np.asarray(bounds, dtype=float), values)
        more = np.bincount(within, minlength=len(self.counts)).tolist()
        self.counts = [a + b for a, b in zip(self.counts, more, strict=True)]
        self.total += float(np.sum(values))

    def merge(self, other: "Histogram") -> None:
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.total += other.total


class Answered(msgspec.Struct):
    """Requests that one version answered."""

    seconds: Histogram
    rows: int = 0


class Totals(msgspec.Struct):
    """Everything that a process has counted.

    refused
        Requests that were not answered, by protocol, model (empty: none was named rightly) and status.
    batches
        Rows that Python models predicted at once, by model and version.
    waiting
        Rows that wait to be predicted, by model and version: as they are now, all else only grows.
    shadows
        Copies of requests, by model, shadow version and what became of them: ``answered``, ``dropped`` or ``failed``;
        and, of answered ones, rows: ``agreed`` or ``differed`` in their label from what was answered.
    """

    answered: dict[Of, Answered] = {}
    refused: dict[tuple[str, str, str], int] = {}
    batches: dict[tuple[str, str], Histogram] = {}
    feedback: dict[str, int] = {}
    waiting: dict[tuple[str, str], int] = {}
    captured: int = 0
    shed: int = 0
    shadows: dict[tuple[str, str, str], int] = {}

    def merge(self, other: "Totals") -> None:
        for key, one in other.answered.items():
            mine = self.answered.setdefault(key, Answered(Histogram.empty(BOUNDS)))
            mine.seconds.merge(one.seconds)
            mine.rows += one.rows
        for batch, histogram in other.batches.items():
            self.batches.setdefault(batch, Histogram.empty(ROWS)).merge(histogram)
        _add(self.refused, other.refused)
        _add(self.waiting, other.waiting)
        _add(self.feedback, other.feedback)
        _add(self.shadows, other.shadows)
        self.captured += other.captured
        self.shed += other.shed


@dataclass(slots=True)
class Line:
    """Where the answers of one version by one protocol are noted: append the seconds that one took to ``took``."""

    took: list[float] = field(default_factory=list)
    rows: int = 0


class Meter:
    """One process's counts, for any thread but ``answer``, which is for the event loop's. Without a folder nobody else
    learns of them."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self._lines: dict[Of, Line] = {}
        self._lock = threading.Lock()
        self.totals = Totals()

    def line(self, of: Of) -> Line:
        found = self._lines.get(of)
        if found is None:
            found = self._lines[of] = Line()
        return found

    def answer(self, of: Of, seconds: float, rows: int) -> None:
        """A request was answered."""
        line = self.line(of)
        line.took.append(seconds)
        line.rows += rows - 1  # each answer is one row unless more is said

    def refuse(self, protocol: str, model: str, status: str) -> None:
        """A request was not answered."""
        with self._lock:
            _add(self.totals.refused, {(protocol, model, status): 1})

    def told(self, model: str, count: int) -> None:
        """Feedback was taken."""
        with self._lock:
            _add(self.totals.feedback, {model: count})

    def shadow(self, model: str, version: str, became: str, count: int = 1) -> None:
        """A copy was answered by a shadow, or was not; or rows of it were, as ``Totals.shadows`` says."""
        with self._lock:
            _add(self.totals.shadows, {(model, version, became): count})

    def batch(self, model: str, version: str, rows: int) -> None:
        """A Python model predicted rows at once."""
        with self._lock:
            self.totals.batches.setdefault((model, version), Histogram.empty(ROWS)).add([rows], ROWS)

    def add_up(self) -> Totals:
        """All that was noted so far."""
        with self._lock:
            for of, line in list(self._lines.items()):
                self._add(of, line)
            return copy.deepcopy(self.totals)

    def _add(self, of: Of, line: Line) -> None:
        took = line.took[:]
        del line.took[: len(took)]  # in place: who appends at this moment holds the same list
        more, line.rows = line.rows, 0
        if took:
            one = self.totals.answered.setdefault(of, Answered(Histogram.empty(BOUNDS)))
            one.seconds.add(took, BOUNDS)
            one.rows += len(took) + more

    def keep(self) -> None:
        """Put the totals where every process of the server finds them."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{os.getpid()}{SUFFIX}"
        draft = file.with_suffix(".draft")
        draft.write_bytes(msgspec.msgpack.encode(self.add_up()))
        os.replace(draft, file)

    def together(self) -> Totals:
        """What all processes of the server have counted; of this one all, also when the disk takes no files."""
        found = self.add_up()
        own = f"{os.getpid()}{SUFFIX}"
        for file in [] if self.folder is None else sorted(self.folder.glob(f"*{SUFFIX}")):
            if file.name != own:
                found.merge(msgspec.msgpack.decode(file.read_bytes(), type=Totals))
        return found


def clear(parent: Path) -> Path:
    """The folder for the counts of the server that this process is; those of servers that are gone go."""
    parent.mkdir(parents=True, exist_ok=True)
    for folder in owner.leftovers(parent):
        shutil.rmtree(folder, ignore_errors=True)
    return parent / f"{owner.prefix()}server"


def _add(mine: dict[K, int], other: Mapping[K, int]) -> None:
    for key, count in other.items():
        mine[key] = mine.get(key, 0) + count
