"""noria trace: from any thing to all it came from and all that came of it."""

from collections.abc import Collection
from typing import Annotated, Any

import typer
from rich.text import Text
from rich.tree import Tree

from noria.cli import output
from noria.cli.model_find import find as find_model
from noria.cli.versions.names import find as find_version
from noria.data import captured
from noria.errors import NotFound
from noria.governance import trace as tracing
from noria.run.place import Place
from noria.store import datasets, routes

KINDS = ("prediction", "model", "data", "release", "run", "batch", "artifact")
KINDS_SHOWN = ("model_version", "dataset_version", "release", "run", "step", "batch", "artifact", "source")
app = output.app("From any thing to all it came from, or all that came of it.")


@app.command()
def trace(
    kind: Annotated[str, typer.Argument(help=", ".join(KINDS))],
    id: Annotated[str, typer.Argument(help="Its id, such as income@2 for a model or data.")],
    down: Annotated[bool, typer.Option("--down", help="What came of it, instead of what it came from.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the tree as JSON.")] = False,
) -> None:
    """Walk the lineage of one thing."""
    if kind not in KINDS:
        raise output.unknown("kind", kind, KINDS, where="noria trace")
    place = output.existing_place()
    found = tree_of(place, kind, id, down=down)
    if json:
        output.show_json(as_data(found))
    else:
        drawn = Tree(Text(found.id, style="bold"))
        grow(drawn, found)
        output.console.print(drawn)


def tree_of(place: Place, kind: str, id: str, *, down: bool = False) -> tracing.Node:
    """The lineage of a thing; a prediction leads to the version that gave it."""
    walk, back = (tracing.down, tracing.up) if down else (tracing.up, tracing.down)
    if kind == "prediction":
        row = _prediction(place, id)
        version = walk(place.store, f"model_version:{row['endpoint']}@{row['version']}")
        return tracing.Node(
            f"prediction:{id}", "", (tracing.Node(version.id, f"variant {row['variant']}", version.children),)
        )
    found = walk(place.store, _node(place, kind, id))
    if not found.children and not back(place.store, found.id).children:
        raise NotFound(
            f"nothing is known of {kind} {id}", where="lineage", do="See 'noria model list' or 'noria data log'."
        )
    return found


def _node(place: Place, kind: str, id: str) -> str:
    """The lineage's name of a thing that people name in short."""
    if kind == "model":
        model = find_model(place, id)
        return f"model_version:{model.model}@{model.number}"
    if kind == "data":
        version = find_version(place, id)
        return f"dataset_version:{version.dataset}@{version.number}"
    if kind == "batch" and "/" not in id:
        return f"batch:{_dataset_of(place, id)}/{id}"
    return f"{kind}:{id}"


def _dataset_of(place: Place, batch: str) -> str:
    with place.store.read() as c:
        held = {one.id: name for name in datasets.datasets(c) for one in datasets.batches(c, name)}
    if batch not in held:
        raise output.unknown("batch", batch, held, where="datasets")
    return held[batch]


def _prediction(place: Place, id: str) -> dict[str, Any]:
    with place.store.read() as c:
        endpoints = [route.endpoint for route in routes.all_newest(c)]
    for endpoint in endpoints:
        row = captured.lookup(place.settings, endpoint, id)
        if row is not None:
            return row
    raise NotFound(f"no prediction {id}", where="captured data", do="It may not be flushed yet; try again in a second.")


def as_data(node: tracing.Node) -> dict[str, Any]:
    """A tree as plain data."""
    return {"id": node.id, "role": node.role, "children": [as_data(child) for child in node.children]}


def grow(tree: Tree, node: tracing.Node, kinds: Collection[str] = KINDS_SHOWN) -> None:
    """Draw what is under a node; kinds that are not wanted are passed through to what is under them."""
    for child in node.children:
        kind = child.id.partition(":")[0]
        if kind not in kinds:
            grow(tree, child, kinds)
            continue
        if child.seen and len(kinds) < len(KINDS_SHOWN):  # an excerpt: each thing once
            continue
        id = child.id[:21] if kind == "artifact" else child.id
        branch = tree.add(Text.assemble((child.role, "dim"), f" {id}", (" (above)" if child.seen else "", "dim")))
        if kind != "artifact":
            grow(branch, child, kinds)


def command(words: list[str]) -> int:
    return output.run_app(app, "trace", words)
