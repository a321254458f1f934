"""noria trace: from any thing to all it came from and all that came of it."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text
from rich.tree import Tree

from noria.cli import endpoints, live, output
from noria.digest import Digest
from noria.errors import NotFound, UserError
from noria.governance import graph as graphs
from noria.governance import person, picture
from noria.governance.gone import TRACE
from noria.governance.graph import DOWN, UP, WORDS, Graph
from noria.governance.seek import KINDS, seek
from noria.run.place import Place

LIVE = "live"
INVERSE = {  # roles, said from the other end
    "content of": "came in as",
    "holds": "is in",
    "learned from": "was learned from in",
    "decided in": "led to",
    "released by": "became",
    "decides": "was decided by",
    "part of": "has",
    "after": "then",
    "about": "judged as",
    "answered by": "gave",
    "feedback on": "was told",
    "predicted for": "got",
}
app = output.app("From any thing to all it came from and all that came of it; what was live, and who decided.")


@app.command()
def trace(
    kind: Annotated[str, typer.Argument(metavar="[KIND]", help=f"{', '.join(KINDS)}, or live; may be left out.")],
    id: Annotated[str | None, typer.Argument(help="Its id, such as income@2 for a model or data.")] = None,
    up: Annotated[bool, typer.Option("--up", help="Only what it came from.")] = False,
    down: Annotated[bool, typer.Option("--down", help="Only what came of it.")] = False,
    all: Annotated[bool, typer.Option("--all", help="Draw each thing, however many there are.")] = False,
    at: Annotated[
        str | None, typer.Option(help="Of live: the time, such as 2026-11-20T10:00; now if left out.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the graph as JSON: nodes and edges.")] = False,
    html: Annotated[bool, typer.Option("--html", help="Write a page with a picture of it.")] = False,
) -> None:
    """Walk the lineage of one thing, both ways."""
    place = output.existing_place()
    if kind == LIVE:
        _live(place, id, at, json=json)
        return
    if at is not None:
        raise UserError("--at belongs to live", where="noria trace", do="Type: noria trace live MODEL --at TIME.")
    if id is None and kind in KINDS:
        raise UserError(f"of which {kind}?", where="noria trace", do=f"Type: noria trace {kind} ID.")
    found = seek(place, id if id is not None else kind, kind if id is not None else None)
    both = up == down
    drawn = graphs.graph(place, found.seed, up=up or both, down=down or both, most=None if all else graphs.MOST)
    if html:
        file = _written(place, drawn)
        output.show_json({"file": str(file)}) if json else output.say(f"The picture: {file}")
    elif json:
        output.show_json(graphs.plain(drawn))
    else:
        output.show_tree(tree(drawn))
        for other in found.also:
            output.say(f"There is also {other}: noria trace {other}")


def tree(graph: Graph, kinds: Collection[str] = (), sides: Collection[str] = (UP, DOWN)) -> Tree:
    """A graph as a tree: what the start came from, then what came of it; ``kinds``: of these only, if any are given."""
    start = graph.node(graph.start)
    drawn = Tree(_line(graph, start.id, ""))
    ups, downs = _ends(graph)
    for side, below, said in ((UP, ups, "came from"), (DOWN, downs, "what came of it")):
        if side not in sides or not below.get(start.id):
            continue
        branch = drawn if side == UP else drawn.add(Text(said, style="dim italic"))
        _grow(graph, branch, start.id, below, kinds, {start.id})
    return drawn


def _ends(graph: Graph) -> tuple[dict[str, list[tuple[str, str]]], dict[str, list[tuple[str, str]]]]:
    """For each node what it came from, and what came of it, with the roles; of one side never what is on the other."""
    side = {one.id: one.side for one in graph.nodes}
    ups: dict[str, list[tuple[str, str]]] = {}
    downs: dict[str, list[tuple[str, str]]] = {}
    for edge in graph.edges:
        if side[edge.parent] == UP and side[edge.child] != DOWN:
            ups.setdefault(edge.child, []).append((edge.parent, edge.role))
        elif side[edge.child] == DOWN:
            downs.setdefault(edge.parent, []).append((edge.child, INVERSE.get(edge.role, f"{edge.role}:")))
    return ups, downs


def _grow(
    graph: Graph,
    branch: Tree,
    here: str,
    below: dict[str, list[tuple[str, str]]],
    kinds: Collection[str],
    drawn: set[str],
) -> None:
    for there, role in below.get(here, []):
        if kinds and graph.node(there).kind not in kinds:
            _grow(graph, branch, there, below, kinds, drawn)
            continue
        seen = there in drawn and bool(below.get(there))
        twig = branch.add(_line(graph, there, role, seen=seen))
        if not seen:
            drawn.add(there)
            _grow(graph, twig, there, below, kinds, drawn)


def _line(graph: Graph, id: str, role: str, *, seen: bool = False) -> Text:
    node = graph.node(id)
    style = "red" if node.state in picture.BAD else "green" if node.state in picture.GOOD else "yellow"
    parts: list[tuple[str, str]] = [(f"{role} ", "dim")] if role else []
    parts.append((node.title, "" if role else "bold"))
    if node.state:
        parts.append((f"  {node.state}", style))
    if seen:
        parts.append((" (above)", "dim"))
    elif node.facts and (said := _facts(node.kind, node.facts)):
        parts.append((f"  {said}", "dim"))
    return Text.assemble(*parts)


SAID = {  # of what is on record, by kind: what a line has room for
    "model_version": ("parameters",),
    "dataset_version": ("rows", "remedy"),
    "batch": ("rows", "origin", person.OWN),
    "experiment": ("metric", "why"),
    "feedback": ("source",),
    "release": ("decided by", "reason"),
    "gate": ("evidence",),
    "trial": ("parameters",),
    "variant": ("by", "reason"),
    "run": ("message",),
    "audit": ("actor", "reason"),
}


PLAIN = ("parameters", "evidence", "reason", "message")  # that need no word before them


def _facts(kind: str, facts: object) -> str:
    held = facts if isinstance(facts, dict) else {}
    said = [(name, held[name]) for name in SAID.get(kind, ()) if held.get(name) not in (None, {}, "")]
    told = [
        (name, ", ".join(map(str, value)) if isinstance(value, list) else output.cell(value)) for name, value in said
    ]
    plain = [value if name in PLAIN else f"{name} {value}" for name, value in told]
    return "; ".join(plain)[:160]


def _written(place: Place, graph: Graph) -> Path:
    """The page, and beside it the reports that it leads to."""
    folder = place.settings.reports / TRACE
    folder.mkdir(parents=True, exist_ok=True)
    links = {}
    for node in graph.nodes:
        if node.report is None:
            continue
        file = folder / f"{node.report[:16]}.html"
        try:
            file.write_bytes(place.artifacts.get(Digest(node.report)))
        except NotFound:  # erased, or cleared away
            continue
        links[node.id] = file.name
    page = folder / f"{_plain(graph.start)}.html"
    page.write_bytes(picture.html(graph, links))
    return page


def _plain(id: str) -> str:
    kind, _, name = id.partition(":")
    return f"{WORDS.get(kind, kind)}-" + "".join(one if one.isalnum() or one in "@.-_" else "_" for one in name)[:80]


def _live(place: Place, model: str | None, at: str | None, *, json: bool) -> None:
    if model is None:
        raise UserError("of which model?", where="noria trace live", do="Type: noria trace live MODEL --at TIME.")
    endpoints.must_be_known(place, model)
    live.show(place, model, at, json=json)


def command(words: list[str]) -> int:
    return output.run_app(app, "trace", words)
