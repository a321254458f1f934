"""A graph of lineage as one page: data on the left, what was made of them to the right; no script, no network."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

from noria.governance.graph import START, WORDS, Graph, Node
from noria.report.page import Section, page, table

COLUMN = {  # the further to the right, the later in the wheel
    "source": 0, "subject": 0, "batch": 1, "remedy": 1, "audit": 1, "dataset_version": 2, "code": 3, "environment": 3,
    "trial": 3, "parameters": 3, "run": 4, "gate": 4, "step": 5, "artifact": 6, "release": 7, "model_version": 8,
    "variant": 9, "experiment": 9, "prediction": 10, "feedback": 11,
}  # fmt: skip
OTHERWISE = 5
DIGITS = re.compile(r"(\d+)")
WIDE, HIGH, ACROSS, DOWN, EDGE = 168, 46, 30, 12, 16  # of boxes and between them, in pixels
LEAST = 70  # percent of its size that a drawing is shrunk to before one has to scroll
SWEEPS = 6  # of ordering each column by its neighbours
LONGEST, STATE = 21, 15  # characters that a box has room for, and beside its kind
GOOD = {"champion", "released", "accepted", "done", "pass", "reused"}
BAD = {"block", "blocked", "failed", "quarantined", "refused", "stopped"}
STYLE = """<style>
main{max-width:none}body{max-width:96rem}.lineage svg{display:block}
.lineage{overflow:auto;border:1px solid var(--line);border-radius:.4rem;max-height:85vh}
.lineage rect{fill:var(--paper);stroke:var(--line);stroke-width:1.2}.lineage .many rect{stroke-dasharray:5 3}
.lineage .start rect{stroke:#0a6fd1;stroke-width:3}.lineage text{fill:var(--ink);font:12.5px system-ui,sans-serif}
.lineage .kind{font-size:10.5px;opacity:.75}.lineage .good{fill:var(--pass)}.lineage .bad{fill:var(--block)}
.lineage path{fill:none;stroke:var(--ink);opacity:.28;stroke-width:1.3}.lineage a .name{text-decoration:underline}
.lineage a:hover rect,.lineage a:focus rect{stroke:#0a6fd1;stroke-width:2}
</style>"""


@dataclass(frozen=True, slots=True)
class Place:
    """The upper left corner of a box, in pixels."""

    x: int
    y: int


def html(graph: Graph, links: Mapping[str, str]) -> bytes:
    """The graph as a page.

    Parameters
    ----------
    links
        By a node's id, where a report of it lies, relative to the page.
    """
    start = graph.node(graph.start)
    lead = f"{len(graph.nodes)} things. What is to the left of a thing made it; what is underlined opens its report."
    rows = [(WORDS.get(n.kind, n.kind), n.title, n.state, _day(n.at), _short(n.facts)) for n in graph.nodes]
    listed = Section("All of them", table(["kind", "name", "state", "since", "on record"], rows))
    drawn = Section(
        "Where it came from, and what came of it", STYLE + f'<div class="lineage">{svg(graph, links)}</div>'
    )
    return page(f"Trace of {start.title}", lead, [drawn, listed])


def svg(graph: Graph, links: Mapping[str, str]) -> str:
    """The drawing alone, as SVG with the class names that the page's style knows."""
    places = layout(graph)
    width = max((one.x for one in places.values()), default=0) + WIDE + EDGE
    height = max((one.y for one in places.values()), default=0) + HIGH + EDGE
    curves = "".join(_curve(places[e.parent], places[e.child], e.role) for e in graph.edges)
    boxes = "".join(_box(one, places[one.id], links.get(one.id)) for one in graph.nodes)
    room = f"width:100%;height:auto;min-width:{width * LEAST // 100}px;max-width:{width}px"
    size = f'style="{room}" viewBox="0 0 {width} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="lineage" {size}>{curves}{boxes}</svg>'


def layout(graph: Graph) -> dict[str, Place]:
    """A column a kind, in the order of the wheel; within a column near to what it is connected with."""
    columns = _columns(graph.nodes)
    beside: dict[str, list[str]] = {one.id: [] for one in graph.nodes}
    for edge in graph.edges:
        beside[edge.child].append(edge.parent)
        beside[edge.parent].append(edge.child)
    _ordered(columns, beside)
    tallest = max(map(len, columns))
    places = {}
    for number, column in enumerate(columns):
        top = EDGE + (tallest - len(column)) * (HIGH + DOWN) // 2
        for row, id in enumerate(column):
            places[id] = Place(EDGE + number * (WIDE + ACROSS), top + row * (HIGH + DOWN))
    return places


def _columns(nodes: Sequence[Node]) -> list[list[str]]:
    held: dict[int, list[str]] = {}
    for one in nodes:
        held.setdefault(COLUMN.get(one.kind, OTHERWISE), []).append(one.id)
    return [sorted(held[rank], key=_natural) for rank in sorted(held)]


def _natural(id: str) -> list[tuple[int, str]]:
    """As people order names: 2 before 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in DIGITS.split(id)]


def _ordered(columns: list[list[str]], beside: Mapping[str, Sequence[str]]) -> None:
    """Each column by the mean height of its neighbours in those already placed, to and fro."""
    height = {id: row - len(column) / 2 for column in columns for row, id in enumerate(column)}
    for sweep in range(SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            mean = {id: _mean([height[one] for one in beside[id]], height[id]) for id in column}
            column.sort(key=lambda id: (mean[id], _natural(id)))
            height.update({id: row - len(column) / 2 for row, id in enumerate(column)})


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _curve(parent: Place, child: Place, role: str) -> str:
    if parent.x == child.x:  # within a column: around its right side
        x, out = parent.x + WIDE, parent.x + WIDE + ACROSS // 2
        ends = f"M{x},{parent.y + HIGH // 2} C{out},{parent.y} {out},{child.y + HIGH} {x},{child.y + HIGH // 2}"
    else:
        x1, y1, x2, y2 = parent.x + WIDE, parent.y + HIGH // 2, child.x, child.y + HIGH // 2
        bend = max(30, (x2 - x1) // 2)
        ends = f"M{x1},{y1} C{x1 + bend},{y1} {x2 - bend},{y2} {x2},{y2}"
    return f'<path d="{ends}"><title>{escape(role)}</title></path>'


def _box(one: Node, place: Place, link: str | None) -> str:
    kinds = f"node{' start' if one.side == START else ''}{' many' if one.members else ''}"
    told = "\n".join([one.title, *([one.state] if one.state else []), _short(one.facts)])
    state = _state(one.state)
    body = (
        f'<g class="{kinds}" transform="translate({place.x},{place.y})"><title>{escape(told)}</title>'
        f'<rect width="{WIDE}" height="{HIGH}" rx="6"/>'
        f'<text class="kind" x="9" y="16">{escape(WORDS.get(one.kind, one.kind).replace("_", " "))}{state}</text>'
        f'<text class="name" x="9" y="35">{escape(_cut(one.title))}</text></g>'
    )
    return f'<a href="{escape(link)}">{body}</a>' if link else body


def _state(state: str | None) -> str:
    if state is None:
        return ""
    words = set(state.split(", "))
    kind = "bad" if words & BAD else "good" if words & GOOD else ""
    return f'<tspan class="{kind}" dx="6">{escape(_cut(state, STATE))}</tspan>'


def _cut(text: str, room: int = LONGEST) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _day(at: datetime | str | None) -> str | None:
    return str(at)[:19].replace("T", " ") if at is not None else None


def _short(facts: Mapping[str, Any]) -> str:
    return "; ".join(f"{name} {_value(value)}" for name, value in facts.items())


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_value(one)}" for name, one in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)
