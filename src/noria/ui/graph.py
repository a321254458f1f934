"""The lineage of one thing as a drawing: from the sources on the left to the predictions on the right. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from noria.store.lineage import Edge

COLUMNS = (  # kinds that stand over each other, from what comes first to what comes last
    ("source",), ("batch", "audit", "remedy"), ("dataset_version",), ("run", "step"), ("release", "artifact"),
    ("model_version", "experiment"), ("prediction", "feedback", "subject"),
)  # fmt: skip
KINDS = tuple(kind for column in COLUMNS for kind in column)
MOST = 9  # of one column
BOX, TALL, GAP, ROW = 168, 46, 38, 60
LETTERS = 20  # of a name in a box


@dataclass(frozen=True, slots=True)
class Node:
    """A box: its place, its kind, the short name and the whole."""

    id: str
    kind: str
    name: str
    x: int
    y: int
    start: bool


@dataclass(frozen=True, slots=True)
class Link:
    """A line from what something was made of to what was made; ``path`` as SVG writes it."""

    path: str
    role: str


@dataclass(frozen=True, slots=True)
class Graph:
    """``hidden``: by kind, how many there are besides those that are drawn."""

    nodes: Sequence[Node]
    links: Sequence[Link]
    width: int
    height: int
    hidden: dict[str, int]


def layout(start: str, edges: Iterable[Edge]) -> Graph:
    """The nearest things of each column, in columns; what else there is, is counted."""
    edges = list(dict.fromkeys(edges))
    ids = dict.fromkeys([start, *(end for one in edges for end in (one.parent, one.child))])
    held: dict[int, list[str]] = {}
    for id in ids:
        held.setdefault(_column(_kind(id)), []).append(id)
    columns = [held[place] for place in sorted(held)]
    tallest = min(MOST, max(len(column) for column in columns))
    places: dict[str, tuple[int, int]] = {}
    for place, column in enumerate(columns):
        top = (tallest - min(MOST, len(column))) * ROW // 2
        for row, id in enumerate(column[:MOST]):
            places[id] = (place * (BOX + GAP) + 2, top + row * ROW + 10)
    nodes = [Node(id, _kind(id), short(id), x, y, id == start) for id, (x, y) in places.items()]
    links = [Link(_path(places[one.parent], places[one.child]), one.role)
             for one in edges if one.parent in places and one.child in places]  # fmt: skip
    hidden = dict(Counter(_kind(id) for column in columns for id in column[MOST:]))
    return Graph(nodes, links, len(columns) * (BOX + GAP) - GAP + 4, tallest * ROW + 8, hidden)


def short(id: str) -> str:
    """A name without its kind, cut in the middle where it is long."""
    name = id.partition(":")[2]
    return name if len(name) <= LETTERS else f"{name[: LETTERS - 9]}…{name[-8:]}"


def _column(kind: str) -> int:
    return next((place for place, kinds in enumerate(COLUMNS) if kind in kinds), len(COLUMNS))


def _kind(id: str) -> str:
    return id.partition(":")[0]


def _path(parent: tuple[int, int], child: tuple[int, int]) -> str:
    x1, y1, x2, y2 = parent[0] + BOX, parent[1] + TALL // 2, child[0], child[1] + TALL // 2
    if parent[0] >= child[0]:  # against the direction, or within a column
        x1, x2 = parent[0] + BOX // 2, child[0] + BOX // 2
        y1, y2 = (parent[1] + TALL, child[1]) if parent[1] < child[1] else (parent[1], child[1] + TALL)
        return f"M{x1},{y1}L{x2},{y2}"
    bend = (x1 + x2) // 2
    return f"M{x1},{y1}C{bend},{y1} {bend},{y2} {x2},{y2}"
