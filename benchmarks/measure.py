"""Repetitions in turn, medians, and the lines of the table: a figure, its peers, its target, and whether it is met.

Machines are noisy and drift: what is compared takes turns, and a ratio is the median of the ratios of each turn.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

REPETITIONS = 9

Action = Callable[[], float]  # does something once and returns what it took


class Trouble(Exception):
    """Something could not be measured; the message, one sentence, takes the figure's place in the table."""


@dataclass(frozen=True, slots=True)
class Target:
    """A bound on a figure, or on its ratio to the first peer."""

    bound: float
    most: bool = True
    of_ratio: bool = False

    def holds(self, value: float) -> bool:
        return value <= self.bound if self.most else value >= self.bound


@dataclass(frozen=True, slots=True)
class Peer:
    """What a figure is held against: a peer or a limit with its version. ``missing``: why there are no samples."""

    name: str
    samples: Sequence[float] = ()
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One benchmark. ``trouble``: why it has no samples."""

    name: str
    unit: str = "s"
    samples: Sequence[float] = ()
    peers: Sequence[Peer] = ()
    target: Target | None = None
    trouble: str = ""

    @property
    def verdict(self) -> str:
        """``met``, ``not met``, or nothing where nothing was promised or the peer is missing."""
        if self.target is None:
            return "–"
        if self.trouble:
            return "not met"
        value = ratio(self, self.peers[0]) if self.target.of_ratio else median(self.samples)
        if value is None:
            return "–"
        return "met" if self.target.holds(value) else "not met"


def ratio(line: Line, peer: Peer) -> float | None:
    """How many times the peer's figure ours is: turn by turn if both took part in the same turns."""
    if not line.samples or not peer.samples or not all(peer.samples):  # of nothing there is no ratio
        return None
    if len(line.samples) == len(peer.samples):
        return median(ours / theirs for ours, theirs in zip(line.samples, peer.samples, strict=True))
    return median(line.samples) / median(peer.samples)


def in_turns(actions: Mapping[str, Action], repetitions: int = REPETITIONS, warm: int = 1) -> dict[str, list[float]]:
    """What each action returned: all take turns, and the first ``warm`` turns do not count."""
    found: dict[str, list[float]] = {name: [] for name in actions}
    for turn in range(warm + repetitions):
        for name, action in actions.items():
            value = action()
            if turn >= warm:
                found[name].append(value)
    return found


def timed(action: Callable[[], object]) -> float:
    """Seconds that an action takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


HEADER = ("benchmark", "runs", "measured", "peer or limit", "", "ratio", "target", "")
RIGHT = {1, 2, 4, 5, 6}  # columns of numbers


def table(lines: Sequence[Line]) -> str:
    """The lines in aligned columns; a second peer stands below the first."""
    rows = [HEADER, *(row for line in lines for row in _rows(line))]
    widths = [max(len(row[place]) for row in rows if len(row) == len(HEADER)) for place in range(len(HEADER))]
    return "\n".join(_aligned(row, widths) for row in rows)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (
        f"{cell:>{width}}" if n in RIGHT else f"{cell:{width}}" for n, (cell, width) in enumerate(zip(row, widths))
    )
    return "  ".join(cells).rstrip()


def _rows(line: Line) -> list[tuple[str, ...]]:
    target = _target(line)
    if line.trouble:
        return [(line.name, "0", "–", f"not measured: {line.trouble}", "", "", target, line.verdict)]
    measured = _figure(median(line.samples), line.unit)
    first, *others = [_peer(line, peer) for peer in line.peers] or [("", "", "")]
    return [
        (line.name, str(len(line.samples)), measured, *first, target, line.verdict),
        *(("", "", "", *other, "", "") for other in others),
    ]


def _peer(line: Line, peer: Peer) -> tuple[str, str, str]:
    if not peer.samples:
        return f"{peer.name}: peer not available: {peer.missing}", "", ""
    times = ratio(line, peer)
    return peer.name, _figure(median(peer.samples), line.unit), "" if times is None else f"{_short(times)} ×"


def _target(line: Line) -> str:
    if line.target is None:
        return "–"
    sign = "≤" if line.target.most else "≥"
    bound = f"{line.target.bound:g}"
    return f"{sign} {bound} {'×' if line.target.of_ratio else line.unit}"


def _figure(value: float, unit: str) -> str:
    return f"{_short(value)} {unit}"


def _short(value: float) -> str:
    """Three digits that count."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"
