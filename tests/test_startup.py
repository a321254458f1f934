"""Starting up loads no library that the command does not need: seen in fresh processes by what they loaded."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

import projects
from noria import settings
from noria.run import glance
from noria.run.local import turn
from noria.run.place import open_place

HEAVY = {
    "alembic", "altair", "apprise", "cloudpickle", "deltalake", "fairlearn", "granian", "httpx", "jinja2", "lightgbm",
    "msgspec", "numpy", "obstore", "onnx", "onnxruntime", "optuna", "pandas", "polars", "psycopg", "pyarrow", "rich",
    "scipy", "skl2onnx", "sklearn", "skops", "sqlalchemy", "starlette", "typer", "vl_convert",
}  # fmt: skip
LOADED = "import sys\n{code}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}), file=sys.stderr)"
COMMAND = "from noria.cli.main import main; code = main({words!r}); assert code == {code}, code"


def loaded(code: str, folder: Path) -> tuple[set[str], str]:
    """The top names of all that a fresh process has loaded after running code, and what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(code=code)], capture_output=True, text=True, cwd=folder, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split()), done.stdout


def test_importing_noria_loads_nothing_heavy(tmp_path: Path) -> None:
    names, _ = loaded("import noria", tmp_path)
    assert "noria" in names
    assert names & HEAVY == set()


@pytest.mark.parametrize(
    ("words", "code"),
    [(["--help"], 0), (["--version"], 0), ([], 0), (["rnu"], 2)],
    ids=["help", "version", "nothing", "a mistyped word"],
)
def test_words_about_noria_itself_load_nothing_heavy(tmp_path: Path, words: list[str], code: int) -> None:
    names, _ = loaded(COMMAND.format(words=words, code=code), tmp_path)
    assert names & HEAVY == set()


def test_what_a_command_loads_is_seen(tmp_path: Path) -> None:
    names, _ = loaded(COMMAND.format(words=["run", "--help"], code=0), tmp_path)
    assert names & HEAVY >= {"typer", "rich", "sqlalchemy"}


def test_declaring_a_lifecycle_loads_nothing_heavy(tmp_path: Path) -> None:
    names, _ = loaded('import noria as nr; nr.Lifecycle("loans", collect="*.csv", label="paid")', tmp_path)
    assert names & HEAVY == set()


def test_a_glance_at_what_did_not_change_loads_nothing_heavy(tmp_path: Path) -> None:
    file = projects.write(tmp_path / "project")
    place = open_place(settings.load(file.parent, environ={}))
    turn(place, file)
    end = time.monotonic() + 30
    while glance.again(place.settings, file) is None:  # files must be older than the run, by their time stamps
        assert time.monotonic() < end, "no run was noted"
        turn(place, file)
    place.store.close()
    names, printed = loaded(COMMAND.format(words=["run", str(file)], code=0), tmp_path)
    assert printed.startswith("loans run ")
    assert names & HEAVY == set()
