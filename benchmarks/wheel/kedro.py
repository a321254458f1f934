"""Kedro: a project of eight empty nodes in a chain, which it runs and does not record."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks import peers
from benchmarks.measure import Action
from benchmarks.processes import seconds

NODES = 8
NAME = f"{peers.title(peers.KEDRO)}, {NODES} empty nodes"
FILES = {
    "pyproject.toml": f"""
[tool.kedro]
package_name = "empty"
project_name = "empty"
kedro_init_version = "{peers.KEDRO.partition("==")[2]}"
source_dir = "src"
""",
    "conf/base/catalog.yml": "",
    "conf/base/parameters.yml": "",
    "conf/local/credentials.yml": "",
    "src/empty/__init__.py": "",
    "src/empty/settings.py": "",
    "src/empty/pipeline_registry.py": f"""
from kedro.pipeline import Pipeline, node


def nothing(*given):
    return 0


def register_pipelines():
    return {{"__default__": Pipeline([
        node(nothing, [f"d{{n - 1}}"] if n else None, f"d{{n}}", name=f"n{{n}}") for n in range({NODES})
    ])}}
""",
}


def prepare(folder: Path, env: Mapping[str, str]) -> Action:
    """The project, run once, and what runs it again; ``Trouble`` if Kedro cannot be had."""
    program = peers.install(peers.KEDRO).program("kedro")
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    seconds([program, "run"], folder, env)
    return lambda: seconds([program, "run"], folder, env)
