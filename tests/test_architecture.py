"""Imports point down, siblings do not know each other, nothing imports itself in a circle, libraries have one home."""

import ast
from collections.abc import Iterator, Mapping, Set
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SRC = Path(__file__).parent.parent / "src" / "noria"
FILES = sorted(SRC.rglob("*.py"))
STAGES = {"collect", "validate", "preprocess", "train", "analyze", "release", "serve", "feedback", "governance"}
LAYERS = [  # top to bottom; rooms on one line do not import each other
    {"cli", "notebook"},
    {"demo", "ui"},  # a story that is told with all of the rooms below; pages that ask them
    {"run"},
    {"compile"},
    {"lifecycle"},
    STAGES,
    {"report", "client"},
    {"model"},
    {"data"},
    {"store"},
    {"stats"},
    {"settings"},
    {"pools"},
    {"plan"},
    {"declared"},
    {"errors", "digest", "clock", "owner", "peak"},
]
BELOW = {room: set().union(*LAYERS[rank + 1 :]) for rank, rooms in enumerate(LAYERS) for room in rooms}
BELOW["airflow"] = {"plan", "pools", "errors"}  # beside the tower, in an environment of its own
BELOW["cli"] |= {"airflow"}
WINDOW = "airflow"  # noria.airflow.dag is what DAG files call: names imported on first use, like noria's own
CONFIGS_ONLY = "lifecycle"  # it declares what stages are configured with, and knows nothing of their work
HOME = {  # library: the rooms that may import it
    "airflow": {"airflow"},
    "alembic": {"store"},
    "altair": {"analyze", "validate", "report", "ui"},  # of a stage, charts.py only: below
    "apprise": {"run"},
    "click": set(),  # typer has its own
    "deltalake": {"data"},
    "granian": {"serve", "ui"},
    "grpc": {"serve"},
    "optuna": {"train"},
    "rich": {"cli"},
    "sqlalchemy": {"store", "collect"},  # of collect, sql.py only: below
    "starlette": {"serve", "ui"},
    "typer": {"cli"},
    "vl_convert": {"report"},
}
TYPE_OF_A_TRANSACTION = {"sqlalchemy": {"Connection"}}  # effects take one and hand it to the store: no SQL in that


def module(file: Path) -> str:
    """The dotted name of a file."""
    parts = file.relative_to(SRC.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module(file) for file in FILES}


def imports(tree: ast.AST, here: str = "noria") -> Iterator[tuple[str, str]]:
    """Every module that code imports, inside functions too, and the name it takes of it ('' for all of it)."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from ((name.name, "") for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = here.rsplit(".", node.level)[0] + "." if node.level else ""
            base = (above + (node.module or "")).rstrip(".")
            for name in node.names:
                whole = f"{base}.{name.name}"
                yield (whole, "") if whole in MODULES else (base, name.name)
        else:
            yield from imports(node, here)


def of(file: Path) -> list[tuple[str, str]]:
    return list(imports(ast.parse(file.read_text()), module(file)))


def room(name: str) -> str:
    """``noria.store.runs`` is in the room store; ``noria`` itself is the shop window, with no room."""
    return [*name.split("."), ""][1]


def wrong(here: str, file: str, found: list[tuple[str, str]]) -> list[str]:
    """A sentence for every import that the house does not allow in a file of the room ``here``."""
    return [*_upwards(here, found), *_homeless(here, file, found)]


def _upwards(here: str, found: list[tuple[str, str]]) -> Iterator[str]:
    for name, _ in found:
        there = room(name)
        if not name.startswith("noria.") or there in (here, "__main__"):
            continue
        if there not in BELOW[here]:
            yield f"{here} imports {there}, which is not below it"
        if here == CONFIGS_ONLY and there in STAGES and not name.endswith(".config"):
            yield f"{here} imports {name}, which is no configuration"


def _homeless(here: str, file: str, found: list[tuple[str, str]]) -> Iterator[str]:
    for name, taken in found:
        library = name.partition(".")[0]
        if library not in HOME or taken in TYPE_OF_A_TRANSACTION.get(library, ()):
            continue
        if here not in HOME[library]:
            yield f"{here} imports {library}, whose home is {', '.join(sorted(HOME[library])) or 'nowhere'}"
        elif library == "altair" and here in STAGES and not file.endswith("charts.py"):
            yield f"{file} draws: that is for charts.py"
        elif library == "sqlalchemy" and here == "collect" and not file.endswith("sql.py"):
            yield f"{file} queries: that is for sql.py"


@pytest.mark.parametrize(
    "file", [file for file in FILES if file != SRC / "__init__.py"], ids=lambda file: str(file.relative_to(SRC))
)
def test_imports_point_down_and_libraries_stay_at_home(file: Path) -> None:
    name = str(file.relative_to(SRC))
    here = Path(name).with_suffix("").parts[0]
    assert here in BELOW, f"{here} is in no layer: give it one in tests/test_architecture.py"
    assert wrong(here, name, of(file)) == []


def test_no_module_imports_itself_in_a_circle() -> None:
    needs = {module(file): {name for name, _ in of(file) if name in MODULES} - {"noria"} for file in FILES}
    needs["noria"] = set()  # the shop window imports on first use
    assert cycle(needs) == []


def test_importing_a_room_runs_nothing() -> None:
    inits = [file for file in FILES if file.name == "__init__.py" and len(file.relative_to(SRC).parts) == 2]
    assert {file.parent.name for file in inits} > STAGES
    assert [file for file in inits if file.read_text() and file.parent.name != WINDOW] == []


def cycle(needs: Mapping[str, Set[str]]) -> list[str]:
    """Modules that wait for each other, if any do."""
    try:
        list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.mark.parametrize(
    ("here", "code", "said"),
    [
        ("store", "from noria.run import local", "store imports run, which is not below it"),
        ("store", "def f():\n    import noria.data.table", "store imports data, which is not below it"),
        ("train", "from noria.serve.config import Serve", "train imports serve, which is not below it"),
        ("train", "from noria import cli", "train imports cli, which is not below it"),
        (
            "lifecycle",
            "from noria.train.fit import fit",
            "lifecycle imports noria.train.fit, which is no configuration",
        ),
        ("lifecycle", "import noria.train.config", None),
        ("run", "from sqlalchemy import select", "run imports sqlalchemy, whose home is collect, store"),
        ("release", "from sqlalchemy import Connection", None),
        ("analyze", "import altair", "analyze/step.py draws: that is for charts.py"),
        ("collect", "from sqlalchemy import text", "collect/step.py queries: that is for sql.py"),
        ("cli", "import click", "cli imports click, whose home is nowhere"),
        ("run", "from ..cli import main", "run imports cli, which is not below it"),
        ("run", "if TYPE_CHECKING:\n    from noria.cli import main", None),
    ],
)
def test_the_rule_sees(here: str, code: str, said: str | None) -> None:
    found = list(imports(ast.parse(code), f"noria.{here}.step"))
    assert wrong(here, f"{here}/step.py", found) == ([said] if said else [])


def test_the_rule_sees_a_circle() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert set(cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}})) == {"a", "b", "c"}
