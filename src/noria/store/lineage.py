"""Edges from what was made to what it was made of; walk up to the sources, or down to what came of them.

A node is a text ``kind:id``: ``run:…``, ``step:RUN/WORD``, ``artifact:DIGEST``, ``batch:DATASET/ID``,
``dataset_version:NAME@N``, ``model_version:NAME@N``, ``release:ID``, ``prediction:ID``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from noria.store.tables import edge


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    child: str
    parent: str
    role: str


def link(connection: Connection, child: str, parent: str, role: str) -> None:
    """Say that ``child`` was made of, or by, ``parent``; saying it again changes nothing."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(insert(edge).values(child=child, parent=parent, role=role).on_conflict_do_nothing())


def up(connection: Connection, start: str) -> list[Edge]:
    """All edges from ``start`` to everything it was made of, nearest first."""
    return _walk(connection, start, up=True)


def down(connection: Connection, start: str) -> list[Edge]:
    """All edges from everything that was made of ``start``, nearest first."""
    return _walk(connection, start, up=False)


def touching(connection: Connection, nodes: Sequence[str], *, up: bool, without: Sequence[str] = ()) -> list[Edge]:
    """The edges that lead up from these nodes, or down, in the order of their ends.

    Parameters
    ----------
    without
        Kinds that are left out at the other end.
    """
    here, there = (edge.c.child, edge.c.parent) if up else (edge.c.parent, edge.c.child)
    return list(_touching(connection, here, nodes, *(there.not_like(f"{kind}:%") for kind in without)))


def _walk(connection: Connection, start: str, *, up: bool) -> list[Edge]:
    here = edge.c.child if up else edge.c.parent
    found: list[Edge] = []
    seen, front = {start}, [start]
    while front:
        edges = list(_touching(connection, here, front))
        found += edges
        reached = {e.parent if up else e.child for e in edges}
        front = sorted(reached - seen)
        seen.update(front)
    return found


def _touching(connection: Connection, column, nodes: Sequence[str], *where) -> Iterable[Edge]:  # type: ignore[no-untyped-def]
    for begin in range(0, len(nodes), 500):  # databases bound the number of parameters
        chosen = select(edge.c.child, edge.c.parent, edge.c.role).where(column.in_(nodes[begin : begin + 500]), *where)
        for child, parent, role in connection.execute(chosen.order_by(edge.c.child, edge.c.parent)):
            yield Edge(child, parent, role)
