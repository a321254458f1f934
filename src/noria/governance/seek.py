"""What an id names: one thing to trace, told by its kind or recognised without."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from noria.data import captured, table
from noria.data.explore import EXPLORED
from noria.errors import NotFound, UserError
from noria.governance import graph, judged, person
from noria.governance.graph import START, UP, Node, Seed
from noria.governance.plan import Stores
from noria.store import experiments, known, routes
from noria.store.lineage import Edge

PREDICTION, SUBJECT, EXPERIMENT = "prediction", "subject", "experiment"
KINDS = (PREDICTION, "model", "data", "release", "run", SUBJECT, "artifact", "batch", "file", "step", EXPERIMENT)
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}(\.\d+)?")
WHERE = "noria trace"


@dataclass(frozen=True, slots=True)
class Found:
    """What an id names. ``also``: ids, with their kinds, of other things that it names too."""

    seed: Seed
    also: Sequence[str] = ()


def seek(stores: Stores, text: str, kind: str | None = None) -> Found:
    """The thing of this id.

    Parameters
    ----------
    kind
        One of ``KINDS``; None: whatever it is.

    Raises
    ------
    NotFound
        If there is none; it says what was probably meant.
    UserError
        If the kind is unknown, or several things of the kind begin like this.
    """
    if kind is not None and kind not in KINDS:
        near = get_close_matches(kind, KINDS, n=1)
        do = f"Did you mean {near[0]}?" if near else f"Kinds are {', '.join(KINDS)}."
        raise NotFound(f"no kind {kind}", where=WHERE, do=do)
    if kind == PREDICTION or (kind is None and UUID.fullmatch(text)):
        return Found(_must(prediction(stores, text), stores, PREDICTION, text))
    if kind == SUBJECT:
        return Found(_must(person.seed(stores, text), stores, SUBJECT, text))
    if kind == EXPERIMENT or (kind is None and "#" in text):
        return Found(_must(experiment(stores, text), stores, EXPERIMENT, text))
    found = _named(stores, text, kind)
    if kind is not None and len(found) > 1:
        some = ", ".join(one.partition(":")[2] for one in found[:5])
        raise UserError(f"{text} names {len(found)} things: {some}", where=WHERE, do="Give more of it.")
    if found:
        return Found(_around(stores, node(found[0])), [_spoken(one) for one in found[1:6]])
    seed = None if kind is not None else prediction(stores, text) or person.seed(stores, text)
    return Found(_must(seed, stores, kind, text))


def node(id: str) -> Seed:
    """A seed at a node of the lineage, whatever is known of it."""
    kind = id.partition(":")[0]
    return Seed(Node(id, kind, graph.title(id), START), up=[id], down=[id])


def _around(stores: Stores, seed: Seed) -> Seed:
    """A version of a model with the experiments that it was in."""
    kind, _, name = seed.node.id.partition(":")
    if kind != "model_version":
        return seed
    model, _, number = name.rpartition("@")
    nodes, edges = judged.about_version(stores, model, int(number))
    return replace(seed, nodes=nodes, edges=edges)


def experiment(stores: Stores, text: str) -> Seed | None:
    """``loans#2``, or the newest of an endpoint; None if there is none."""
    endpoint, _, number = text.partition("#")
    with stores.store.read() as c:
        found = [one for one in experiments.all(c, endpoint) if number in ("", str(one.number))]
    return judged.seed(found[-1], judged.node(found[-1], START)) if found else None


def prediction(stores: Stores, id: str) -> Seed | None:
    """A captured prediction, with the variant and the route that it was answered by; None if none has that id."""
    row = _captured(stores, id)
    if row is None:
        return None
    model, start = f"model_version:{row['endpoint']}@{row['version']}", f"prediction:{id}"
    facts = {"endpoint": row["endpoint"], "release": row["release"], "captured in": _place_of(row)}
    made = Node(start, PREDICTION, f"prediction {id}", START, None, row["at"], facts)
    told, heard = judged.feedback(stores, row["endpoint"], id, start)
    tried, during = judged.during(stores, row["endpoint"], row["version"], row["at"], start)
    nodes, edges = [*told, *tried], [*heard, *during]
    with stores.store.read() as c:
        route = routes.at(c, row["endpoint"], row["at"])
    if route is None:
        return Seed(made, [Edge(start, model, f"answered by {row['variant']}"), *edges], nodes, up=[model])
    share = route.weights.get(str(row["version"]))
    variant = f"variant:{route.endpoint}@{route.revision}/{row['version']}"
    said = f"{row['variant'] or 'variant'}, {share} of {sum(route.weights.values())}" if share else str(row["variant"])
    if row["variant"] == EXPLORED:
        said = f"{EXPLORED}: chance drew the version ({route.explore:.1%} of requests)"
    how = {"weights": dict(route.weights), "revision": route.revision, "by": route.actor, "reason": route.reason}
    return Seed(
        made,
        [Edge(start, variant, "answered by"), Edge(variant, model, "is"), *edges],
        [Node(variant, "variant", said, UP, None, route.at, how), *nodes],
        up=[model],
    )


def _place_of(row: dict[str, Any]) -> str:
    return f"row {row[table.ROW]} of {row[table.BATCH]}"


def _captured(stores: Stores, id: str) -> dict[str, Any] | None:
    with stores.store.read() as c:
        endpoints = routes.endpoints(c)
    return next((row for one in endpoints if (row := captured.lookup(stores.settings, one, id)) is not None), None)


def _named(stores: Stores, text: str, kind: str | None) -> list[str]:
    with stores.store.read() as c:
        if kind is not None:
            return known.KINDS[kind](c, text)
        found = [one for look in known.KINDS.values() for one in look(c, text)]
        return list(dict.fromkeys([*known.other(c, text), *found]))


def _spoken(id: str) -> str:
    kind, _, name = id.partition(":")
    return f"{'file' if kind == 'source' else graph.WORDS.get(kind, kind)} {name}"


def _must(seed: Seed | None, stores: Stores, kind: str | None, text: str) -> Seed:
    if seed is not None:
        return seed
    if kind == PREDICTION or (kind is None and UUID.fullmatch(text)):
        do = "It may not be flushed yet: try again in a second; or it was not captured, or erased."
        raise NotFound(f"no prediction {text}", where="captured data", do=do)
    if kind == SUBJECT:
        raise NotFound("nothing is held of this subject", where="datasets and captured data", do=person.WHERE_TO_LOOK)
    if kind == EXPERIMENT:
        raise NotFound(f"no experiment {text}", where=WHERE, do="See 'noria experiment list'.")
    with stores.store.read() as c:
        names = [name for one in ([kind] if kind else known.KINDS) for name in known.names(c, one)]
    near = get_close_matches(text, list(dict.fromkeys(names)), n=3)
    few = ", ".join(dict.fromkeys(name for name in names if "@" not in name)) if len(names) <= 30 else ""
    do = f"Did you mean {' or '.join(near)}?" if near else f"There are: {few}." if few else "See 'noria model list'."
    what = f"no {kind} {text}" if kind else f"nothing is called {text}"
    raise NotFound(what, where=WHERE, do=do)
