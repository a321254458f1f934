"""From a subject forward: its rows, the versions that hold them, and every model that learned from these."""

from collections.abc import Mapping
from dataclasses import dataclass

from noria.data import captured, subjects
from noria.governance.graph import DOWN, START, Node, Seed
from noria.governance.plan import Stores
from noria.governance.plan import subjects as columns
from noria.store import erasures
from noria.store.erasures import Secret
from noria.store.lineage import Edge

SHORT = 16  # digits of the keyed digest that a subject is shown by: its key is written nowhere
WHERE_TO_LOOK = "Give the key as it stands in the subject column; if it was erased, nothing is left to find."


@dataclass(frozen=True, slots=True)
class Held:
    """Where a subject's rows are: by dataset and batch, how many; and by endpoint, how many predictions about it."""

    rows: Mapping[str, Mapping[str, int]]
    predictions: Mapping[str, Mapping[int, int]]


def held(stores: Stores, key: str) -> Held:
    """Where a subject's rows are; batches are found by an index, whose answer the rows confirm."""
    rows, predictions = {}, {}
    secret = Secret(stores.settings.secret)
    for name, column in columns(stores).items():
        if column is not None:
            found = subjects.rows(f"{stores.settings.data}/{name}", column, key, secret.seed)
            if found:
                rows[name] = found
        answers = captured.about(stores.settings, name, key)
        if answers.height:
            predictions[name] = dict(answers.group_by("version").len().sort("version").iter_rows())
    return Held(rows, predictions)


def seed(stores: Stores, key: str) -> Seed | None:
    """A subject as the beginning of a graph; None if nothing is held of it."""
    found, digest = held(stores, key), Secret(stores.settings.secret).digest(key)
    with stores.store.read() as c:
        erased = erasures.of(c, digest)
    if not found.rows and not found.predictions and not erased:
        return None
    start = f"subject:{digest[:SHORT]}"
    state = f"erased by {erased[-1].id}" if erased else None
    node = Node(start, "subject", f"subject {digest[:SHORT]}", START, state, None, {"key": "known by its digest only"})
    edges, nodes, begin = [], [], []
    for name, batches in found.rows.items():
        for batch, count in batches.items():
            id = f"batch:{name}/{batch}"
            edges.append(Edge(id, start, f"{count} row{'s' if count != 1 else ''}"))
            begin.append(id)
    for name, versions in found.predictions.items():
        for version, count in versions.items():
            id = f"predictions:{name}@{version}/{digest[:SHORT]}"
            said = f"{count:,} prediction{'s' if count != 1 else ''} about the subject"
            nodes.append(Node(id, "prediction", said, DOWN, None, None, {"version": version, "count": count}))
            edges += [Edge(id, start, "about"), Edge(id, f"model_version:{name}@{version}", "answered by")]
            begin.append(f"model_version:{name}@{version}")
    return Seed(node, edges, nodes, down=list(dict.fromkeys(begin)))
