"""From any thing to all it came from, and all that came of it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from noria.store import lineage
from noria.store.engine import Store

QUIET = ("artifact",)  # kinds that are shown only as ends: every step leaves a dozen


@dataclass(frozen=True, slots=True)
class Node:
    """A thing and what it came from (or what came of it). ``seen``: its branch stands elsewhere in the tree."""

    id: str
    role: str
    children: tuple["Node", ...] = field(default=())
    seen: bool = False


def up(store: Store, start: str) -> Node:
    """The tree of everything that ``start`` came from."""
    with store.read() as c:
        edges = lineage.up(c, start)
    return _tree(start, edges, lambda edge: (edge.child, edge.parent))


def down(store: Store, start: str) -> Node:
    """The tree of everything that came of ``start``."""
    with store.read() as c:
        edges = lineage.down(c, start)
    return _tree(start, edges, lambda edge: (edge.parent, edge.child))


def _tree(start: str, edges: list[lineage.Edge], ends: Callable[[lineage.Edge], tuple[str, str]]) -> Node:
    below: dict[str, list[tuple[str, str]]] = {}
    for edge in edges:
        here, there = ends(edge)
        below.setdefault(here, []).append((there, edge.role))
    drawn: set[str] = set()

    def draw(id: str, role: str) -> Node:
        if id != start and id.partition(":")[0] in QUIET:
            return Node(id, role)
        if id in drawn and below.get(id):
            return Node(id, role, seen=True)
        drawn.add(id)
        return Node(id, role, tuple(draw(there, why) for there, why in sorted(below.get(id, []))))

    return draw(start, "")
