"""From any id to all it came from and all that came of it, as a graph to click through."""

import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection

from noria.data import captured
from noria.store import lineage, overview, routes
from noria.store.lineage import Edge
from noria.ui import find, graph
from noria.ui.ask import Ask, Shown

QUIET = ("step", "artifact")  # every run leaves dozens
LONGEST = 200  # characters of an id that is looked for
PREDICTION = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def page(ask: Ask) -> Shown:
    """The search, and the graph of what was found; several things of one name are all named."""
    text = ask.query("id").strip()
    if not text:
        return Shown("trace.html", {**NOTHING, "asked": ""})
    if len(text) > LONGEST:
        return Shown("trace.html", {**NOTHING, "asked": text[:LONGEST], "missing": True}, 404)
    with ask.place.store.read() as c:
        found = list(dict.fromkeys(candidates(ask, c, text)))
        if len(found) != 1:
            values = {**NOTHING, "asked": text, "choices": found, "missing": not found}
            return Shown("trace.html", values, 200 if found else 404)
        return Shown("trace.html", {**NOTHING, "asked": text, **_drawn(ask, c, found[0])})


NOTHING: dict[str, Any] = {"choices": [], "missing": False, "start": None, "graph": None, "more": False, "row": None,
                           "edges": []}  # fmt: skip


def _drawn(ask: Ask, c: Connection, start: str) -> dict[str, Any]:
    row, edges, more = None, [], False
    here = start
    if start.startswith("prediction:"):
        row = prediction(ask, c, start.partition(":")[2])
        if row is not None:
            here = f"model_version:{row['endpoint']}@{row['version']}"
            edges.append(Edge(start, here, f"answered as {row['variant']}"))
    quiet = [kind for kind in QUIET if not start.startswith(f"{kind}:")]
    for up in (True, False) if here == start else (True,):
        near, cut = lineage.near(c, here, up=up, quiet=quiet)
        edges, more = [*edges, *near], more or cut
    return {"start": start, "graph": graph.layout(start, edges), "more": more, "row": row, "edges": edges}


def candidates(ask: Ask, c: Connection, text: str) -> Iterator[str]:
    """Nodes of the lineage that a person may mean by a text: a node itself, or the name of one in short."""
    kind, colon, rest = text.partition(":")
    if colon and kind in graph.KINDS and (kind == "prediction" or overview.is_node(c, text)):
        if kind != "prediction" or prediction(ask, c, rest) is not None:
            yield text
        return
    name, at, number = text.partition("@")
    for node in (f"run:{text}", f"release:{text}", f"model_version:{text}", f"dataset_version:{text}"):
        if overview.is_node(c, node):
            yield node
    if at and find.number(number) is None:
        yield from _aliased(c, name, text)
    yield from overview.nodes_like(c, text)
    if PREDICTION.fullmatch(text) and prediction(ask, c, text) is not None:
        yield f"prediction:{text}"


def _aliased(c: Connection, name: str, text: str) -> Iterator[str]:
    from noria.store import datasets, registry

    alias = text.partition("@")[2]
    model, tag = registry.aliases(c, name).get(alias), datasets.tags(c, name).get(alias)
    if model is not None:
        yield f"model_version:{name}@{model}"
    if tag is not None:
        yield f"dataset_version:{name}@{tag}"


def prediction(ask: Ask, c: Connection, id: str) -> dict[str, Any] | None:
    """A captured prediction, by its id, whichever endpoint gave it."""
    for one in routes.all_newest(c):
        row = captured.lookup(ask.place.settings, one.endpoint, id)
        if row is not None:
            return row
    return None
