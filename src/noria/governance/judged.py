"""What was said of answers and found out about versions: feedback and experiments, as nodes around a thing."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from noria.data import captured
from noria.governance.graph import DOWN, MOST, UP, Node, Seed
from noria.governance.plan import Stores
from noria.store import experiments
from noria.store.experiments import Experiment
from noria.store.lineage import Edge

Part = tuple[Sequence[Node], Sequence[Edge]]


def feedback(stores: Stores, endpoint: str, prediction: str, start: str) -> Part:
    """What was told of a prediction, each for itself, the newest of them if there are very many."""
    told = captured.told(stores.settings, endpoint, prediction)[-MOST:]
    nodes = [
        Node(f"feedback:{prediction}/{place}", "feedback", _said(row), DOWN, None, row["at"], {"source": row["source"]})
        for place, row in enumerate(told)
    ]
    return nodes, [Edge(one.id, start, "feedback on") for one in nodes]


def about_version(stores: Stores, model: str, number: int) -> Part:
    """The newest experiments that a version was in, with their other versions in words."""
    with stores.store.read() as c:
        found = [one for one in experiments.all(c, model) if number in (one.champion, one.challenger)][-MOST:]
    parts = [(one, "champion" if one.champion == number else "challenger") for one in found]
    version = f"model_version:{model}@{number}"
    return [node(one, DOWN) for one, _ in parts], [Edge(f"experiment:{one.id}", version, part) for one, part in parts]


def during(stores: Stores, endpoint: str, version: int, at: str, start: str) -> Part:
    """The experiment that was under way when a version answered, if that version was in it."""
    try:
        when = datetime.fromisoformat(at)
    except (ValueError, TypeError):  # captured by another program
        return (), ()
    with stores.store.read() as c:
        found = [one for one in experiments.all(c, endpoint) if version in (one.champion, one.challenger)]
    for one in reversed(found):
        if one.started_at <= when and (one.ended_at is None or when <= one.ended_at):
            return [node(one, UP)], [Edge(start, f"experiment:{one.id}", "answered during")]
    return (), ()


def seed(one: Experiment, beginning: Node) -> Seed:
    """An experiment as the beginning of a graph: the two versions that it compares."""
    versions = [(f"model_version:{one.endpoint}@{number}", part) for number, part in _parts(one)]
    return Seed(beginning, [Edge(beginning.id, id, part) for id, part in versions], up=[id for id, _ in versions])


def node(one: Experiment, side: str) -> Node:
    facts: dict[str, Any] = {
        "metric": one.rules.get("metric"), "why": one.why or one.reason, "weights": dict(one.weights),
        "by": one.ended_by or one.started_by,
    }  # fmt: skip
    state = f"{one.state}: {one.verdict}" if one.verdict else one.state
    return Node(f"experiment:{one.id}", "experiment", f"experiment {one.id}", side, state, one.started_at, facts)


def _parts(one: Experiment) -> Iterator[tuple[int, str]]:
    yield one.champion, "champion"
    yield one.challenger, "challenger"


def _said(row: dict[str, Any]) -> str:
    label, rating = row["label"], row["rating"]
    said = [f"label {label}"] if label is not None else []
    return ", ".join([*said, *([f"rating {rating:g}"] if rating is not None else [])])
