"""From any id to all it came from and all that came of it, as a graph to click through."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from noria.data import captured
from noria.errors import NotFound
from noria.governance import graph as graphs
from noria.governance import picture
from noria.governance.graph import Graph, Node
from noria.governance.picture import ACROSS, EDGE, HIGH, WIDE, Place
from noria.governance.seek import KINDS, seek
from noria.store import routes
from noria.ui.ask import Ask, Shown
from noria.ui.door import ADMIN

LONGEST = 200  # characters of an id that is looked for
PREDICTION = "prediction"


@dataclass(frozen=True, slots=True)
class Box:
    """A node as it is drawn."""

    node: Node
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes, and lines between them as SVG writes them, each with its role."""

    boxes: Sequence[Box]
    lines: Sequence[tuple[str, str]]
    width: int
    height: int


def page(ask: Ask) -> Shown:
    """The search, and the graph of what was found."""
    text, kind = ask.query("id").strip(), ask.query("kind")
    if not text:
        return Shown("trace.html", {**NOTHING, "kinds": KINDS})
    nothing = {**NOTHING, "kinds": KINDS, "asked": text[:LONGEST], "kind": kind}
    if len(text) > LONGEST:
        return Shown("trace.html", {**nothing, "missing": "it is too long to be an id"}, 404)
    kind, text = _spoken(kind, text)
    try:
        found = seek(ask.place, text, kind or None)
    except NotFound as error:
        return Shown("trace.html", {**nothing, "missing": f"{error.what}. {error.do}"}, 404)
    graph = graphs.graph(ask.place, found.seed)
    start = graph.node(graph.start)
    row = _row(ask, graph.start)
    return Shown("trace.html", {
        **nothing, "start": start, "drawing": drawn(graph), "also": [_link(one) for one in found.also],
        "edges": graph.edges, "nodes": graph.nodes, "row": row,
        "person": text if start.kind == "subject" and ask.visitor.may(ADMIN) else "",
    })  # fmt: skip


NOTHING: dict[str, Any] = {"asked": "", "kind": "", "missing": "", "start": None, "drawing": None, "also": [],
                           "edges": [], "nodes": [], "row": None, "person": ""}  # fmt: skip
NAMES = {"model_version": "model", "dataset_version": "data", "source": "file"}


def _spoken(kind: str, text: str) -> tuple[str, str]:
    """A node of the lineage, such as ``model_version:loans@3``, as its kind and its name."""
    before, colon, after = text.partition(":")
    word = NAMES.get(before, before)
    return (word, after) if colon and not kind and word in KINDS else (kind, text)


def _link(spoken: str) -> tuple[str, str]:
    kind, _, name = spoken.partition(" ")
    return kind, name


def drawn(graph: Graph) -> Drawing:
    """The graph with places for all."""
    places = picture.layout(graph)
    lines = [(_line(places[one.parent], places[one.child]), one.role) for one in graph.edges]
    width = max(one.x for one in places.values()) + WIDE + EDGE
    height = max(one.y for one in places.values()) + HIGH + EDGE
    boxes = [Box(one, places[one.id].x, places[one.id].y) for one in graph.nodes]
    return Drawing(boxes, lines, width, height)


def _line(parent: Place, child: Place) -> str:
    middle = HIGH // 2
    if parent.x == child.x:  # within a column: around its right side
        x, out = parent.x + WIDE, parent.x + WIDE + ACROSS // 2
        return f"M{x},{parent.y + middle}C{out},{parent.y} {out},{child.y + HIGH} {x},{child.y + middle}"
    x1, y1, x2, y2 = parent.x + WIDE, parent.y + middle, child.x, child.y + middle
    bend = max(30, (x2 - x1) // 2)
    return f"M{x1},{y1}C{x1 + bend},{y1} {x2 - bend},{y2} {x2},{y2}"


def _row(ask: Ask, id: str) -> dict[str, Any] | None:
    """What was asked and answered, where a prediction is traced."""
    kind, _, name = id.partition(":")
    if kind != PREDICTION:
        return None
    with ask.place.store.read() as c:
        endpoints = routes.endpoints(c)
    for endpoint in endpoints:
        row = captured.lookup(ask.place.settings, endpoint, name)
        if row is not None:
            return {key: row[key] for key in captured.PREDICTION}
    return None
