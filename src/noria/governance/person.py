"""From a subject forward: its rows, the versions that hold them, and every model that learned from these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from noria.data import captured, subjects
from noria.governance.graph import DOWN, START, Node, Seed
from noria.governance.plan import Stores
from noria.governance.plan import subjects as columns
from noria.store import erasures
from noria.store.erasures import Secret
from noria.store.lineage import Edge

OWN, MANY = "rows of the subject", 50  # how many of a batch are named
SHORT = 16  # digits of the keyed digest that a subject is shown by: its key is written nowhere
WHERE_TO_LOOK = "Give the key as it stands in the subject column; if it was erased, nothing is left to find."


@dataclass(frozen=True, slots=True)
class Held:
    """Where a subject's rows are.

    rows
        By dataset and batch, which rows of it.
    predictions, feedback
        By endpoint and version, how many answers there are about it, and how many of these something was told of.
    """

    rows: Mapping[str, Mapping[str, Sequence[int]]]
    predictions: Mapping[str, Mapping[int, int]]
    feedback: Mapping[str, Mapping[int, int]]


def held(stores: Stores, key: str) -> Held:
    """Where a subject's rows are; batches are found by an index, whose answer the rows confirm."""
    rows, predictions, feedback = {}, {}, {}
    secret = Secret(stores.settings.secret)
    for name, column in columns(stores).items():
        if column is not None:
            found = subjects.rows(f"{stores.settings.data}/{name}", column, key, secret.seed)
            if found:
                rows[name] = found
        answers = captured.about(stores.settings, name, key)
        if answers.height:
            predictions[name] = dict(answers.group_by("version").len().sort("version").iter_rows())
            told = answers.filter(pl.col("id").is_in(captured.labels(stores.settings, name)["prediction"].to_list()))
            feedback[name] = dict(told.group_by("version").len().sort("version").iter_rows())
    return Held(rows, predictions, feedback)


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
    facts: dict[str, Mapping[str, Any]] = {}
    for name, batches in found.rows.items():
        for batch, numbers in batches.items():
            id = f"batch:{name}/{batch}"
            edges.append(Edge(id, start, f"{len(numbers)} row{'s' if len(numbers) != 1 else ''}"))
            begin.append(id)
            facts[id] = {OWN: list(numbers[:MANY])}
    for name, versions in found.predictions.items():
        for version, count in versions.items():
            id = f"predictions:{name}@{version}/{digest[:SHORT]}"
            said = f"{count:,} prediction{'s' if count != 1 else ''} about the subject"
            nodes.append(Node(id, "prediction", said, DOWN, None, None, {"version": version, "count": count}))
            edges += [Edge(id, start, "predicted for"), Edge(id, f"model_version:{name}@{version}", "answered by")]
            begin.append(f"model_version:{name}@{version}")
            if told := found.feedback[name].get(version):
                heard = f"feedback:{name}@{version}/{digest[:SHORT]}"
                nodes.append(
                    Node(heard, "feedback", f"feedback on {told:,} of them", DOWN, None, None, {"count": told})
                )
                edges.append(Edge(heard, id, "feedback on"))
    return Seed(node, edges, nodes, down=list(dict.fromkeys(begin)), facts=facts)
