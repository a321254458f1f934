"""In a notebook the objects run and show themselves: a real kernel executes these cells."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import projects

CELLS = [
    "import noria as nr\nproject = nr.Project()\nproject",
    "project.turn()",
    "project.data('loans')",
    "project.models('loans')",
    "project.runs('loans')",
    "project.reports('loans')[-1]",
    "from lifecycle import loans\nloans",
    "[row['version'] for row in project.data('loans')]",
]


@pytest.mark.system
def test_a_notebook_turns_the_wheel_and_shows_what_it_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = projects.write(tmp_path / "project")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(file.parent)}}).execute()
    shown = [cell.outputs[-1].data if cell.outputs else {} for cell in notebook.cells]
    assert "loans run 1: done" in shown[1]["text/html"]
    assert "preprocess" in shown[1]["text/html"]
    assert ">600</td>" in shown[2]["text/html"]
    assert "champion" in shown[3]["text/html"]
    assert "done" in shown[4]["text/html"]
    assert "iframe" in shown[5]["text/html"]
    assert "approved" in shown[6]["text/html"]
    assert shown[7]["text/plain"] == "[1]"
