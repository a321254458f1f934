"""What a thing came from and what came of it, as nodes and edges: data that the terminal, a page or a program draws.

Lineage is walked whole; what is drawn is bounded. Of a kind that has very many members on one side, the newest stay
and the others become one node that names them, so that a graph of a thousand versions can still be read.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from noria.governance import made_with
from noria.governance.plan import Stores
from noria.store import glimpses, lineage
from noria.store.lineage import Edge

UP, DOWN, START = "up", "down", "start"
MOST = 24  # of one kind on one side that are drawn each for itself
FEW = 3  # releases whose gates, trials, code and environment are drawn too
QUIET = ("step", "artifact")  # every run leaves dozens: shown where one of them is asked for
WORDS = {"model_version": "model", "dataset_version": "data"}
PLURAL = {"batch": "batches", "data": "versions of data", "model": "model versions"}


@dataclass(frozen=True, slots=True)
class Node:
    """One thing. ``id`` is ``kind:…`` as in the lineage.

    side
        ``start``; ``up``: it came from this; ``down``: this came of it.
    state
        A word for how it stands, such as ``champion``, ``released``, ``quarantined``.
    report
        Digest of an HTML artifact that shows it, if there is one.
    members
        Of a node that stands for many: their ids.
    """

    id: str
    kind: str
    title: str
    side: str
    state: str | None = None
    at: datetime | str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    report: str | None = None
    members: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Graph:
    """``edges`` lead from what was made to what it was made of; both ends are in ``nodes``."""

    start: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def node(self, id: str) -> Node:
        return next(one for one in self.nodes if one.id == id)


@dataclass(frozen=True, slots=True)
class Seed:
    """Where to begin: the thing, what is known of it beyond the lineage, and from where the walk goes on.

    ``facts``: by id, more about nodes of the lineage.
    """

    node: Node
    edges: Sequence[Edge] = ()
    nodes: Sequence[Node] = ()
    up: Sequence[str] = ()
    down: Sequence[str] = ()
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class _Walked:
    edges: list[Edge] = field(default_factory=list)
    side: dict[str, str] = field(default_factory=dict)


def graph(stores: Stores, seed: Seed, *, up: bool = True, down: bool = True, most: int | None = MOST) -> Graph:
    """The lineage around a thing.

    Parameters
    ----------
    seed
        What ``noria.governance.seek`` found for an id.
    most
        How many things of one kind are drawn each for itself on a side; None: all.
    """
    sides = {START, *([UP] if up else []), *([DOWN] if down else [])}
    known = {one.id: one for one in (seed.node, *seed.nodes) if one.side in sides}
    with stores.store.read() as c:
        walked = _Walked(list(seed.edges), {id: one.side for id, one in known.items()})
        for side, wanted, begin in ((UP, up, seed.up), (DOWN, down, seed.down)):
            if wanted:
                _walk(c, walked, seed.node.id, begin, side)
        ids, edges, folded = _folded(walked, seed.node.id, most, set(known))
        described = _described(c, ids, walked.side, seed.facts)
    drawn = {**described, **folded, **{id: _both(one, described.get(id)) for id, one in known.items()}}
    nodes = {id: drawn[id] for id in dict.fromkeys([*known, *ids, *folded]) if id in drawn}
    for end in made_with.of(stores, [id for id in nodes if _is_release(id)], FEW):
        near = nodes.get(end.child, nodes[next(id for id in nodes if _is_release(id))])
        side = UP if near.side == START else near.side
        made = Node(end.parent, _kind(end.parent), end.title, side, end.state, None, end.facts, None, end.members)
        nodes.setdefault(end.parent, made)
        edges.append(Edge(end.child, end.parent, end.role))
    kept = [one for one in dict.fromkeys(edges) if one.child in nodes and one.parent in nodes]
    return Graph(seed.node.id, tuple(nodes.values()), tuple(sorted(kept)))


def _both(one: Node, on_record: Node | None) -> Node:
    """A node that is known already, with what is on record of it."""
    if on_record is None or one.facts or one.state:
        return one
    return replace(on_record, side=one.side)


def _walk(connection: Connection, walked: _Walked, start: str, begin: Sequence[str], side: str) -> None:
    up = side == UP
    front = list(begin)
    for id in front:
        walked.side.setdefault(id, side)
    seen = set(front)
    while front:
        loud = not any(_kind(id) in QUIET or id == start for id in front)
        edges = lineage.touching(connection, front, up=up, without=QUIET if loud else ())
        fresh = []
        for one in edges:
            near, far = (one.child, one.parent) if up else (one.parent, one.child)
            if not _follows(start, near, far):
                continue
            walked.edges.append(one)
            if far not in seen:
                seen.add(far)
                fresh.append(far)
                walked.side.setdefault(far, side)
        front = fresh


def _follows(start: str, near: str, far: str) -> bool:
    """Steps and artifacts are followed from one that was asked for, from nothing else."""
    kind = _kind(far)
    if kind not in QUIET:
        return True
    return near == start or (kind == "step" and _kind(start) in QUIET and _kind(near) in QUIET)


def _folded(
    walked: _Walked, start: str, most: int | None, kept: Collection[str]
) -> tuple[list[str], list[Edge], dict[str, Node]]:
    """What is drawn each for itself, the edges between what is drawn, and the nodes that stand for many."""
    groups: dict[tuple[str, str], list[str]] = {}
    for id, side in walked.side.items():
        groups.setdefault((_kind(id), side), []).append(id)
    stands: dict[str, str] = {}
    folded: dict[str, Node] = {}
    for (kind, side), ids in groups.items():
        free = [id for id in ids if id not in kept]
        if most is None or len(free) <= most:
            continue
        rest = sorted(free, key=_age)[: len(free) - most + 1]
        node = f"{kind}:{len(rest)} more, {side}"
        folded[node] = Node(node, kind, f"{len(rest):,} more {_plural(kind)}", side, members=rest)
        stands.update(dict.fromkeys(rest, node))
    edges = [Edge(stands.get(e.child, e.child), stands.get(e.parent, e.parent), e.role) for e in walked.edges]
    edges = [one for one in dict.fromkeys(edges) if one.child != one.parent]
    return [id for id in walked.side if id not in stands], edges, folded


def _age(id: str) -> tuple[str, int, str]:
    """Numbered things by their numbers; others in the order of their names."""
    name, _, number = id.rpartition("@" if "@" in id else "-")
    return (name, int(number), "") if number.isdecimal() else ("", 0, id)


def _plural(kind: str) -> str:
    word = WORDS.get(kind, kind)
    return PLURAL.get(word, f"{word}s")


def _described(
    connection: Connection, ids: Iterable[str], side: Mapping[str, str], more: Mapping[str, Mapping[str, Any]]
) -> dict[str, Node]:
    by_kind: dict[str, list[str]] = {}
    for id in ids:
        by_kind.setdefault(_kind(id), []).append(id.partition(":")[2])
    found = {}
    for kind, names in by_kind.items():
        said = glimpses.of(connection, kind, names)
        for name in names:
            one, id = said.get(name, glimpses.Glimpse()), f"{kind}:{name}"
            facts = {**one.facts, **more.get(id, {})}
            found[id] = Node(id, kind, title(id, facts), side[id], one.state, one.at, facts, one.report)
    return found


def title(id: str, facts: Mapping[str, Any] | None = None) -> str:
    """What people call a thing."""
    kind, _, name = id.partition(":")
    given = facts or {}
    if kind == "source":
        return name
    if kind == "artifact":
        return f"{given.get('name', 'artifact')} {name[:12]}"
    if kind == "batch":
        return f"batch {name.rpartition('/')[2][:8]}"
    if kind == "step":
        return f"step {name.partition('/')[2]} of {name.partition('/')[0]}"
    return f"{WORDS.get(kind, kind)} {name}"


def _is_release(id: str) -> bool:
    return _kind(id) == "release"


def _kind(id: str) -> str:
    return id.partition(":")[0]


def plain(found: Graph) -> dict[str, Any]:
    """The graph as plain data."""
    return {
        "start": found.start,
        "nodes": [
            {
                "id": one.id,
                "kind": WORDS.get(one.kind, one.kind),
                "title": one.title,
                "side": one.side,
                "state": one.state,
                "at": one.at,
                "facts": one.facts,
                "report": one.report,
                "members": list(one.members),
            }
            for one in found.nodes
        ],
        "edges": [{"child": one.child, "parent": one.parent, "role": one.role} for one in found.edges],
    }
