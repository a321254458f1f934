"""Every example, from its data to a released version."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from noria import settings
from noria.run.local import turn
from noria.run.place import open_place
from noria.store import registry

EXAMPLES = Path(__file__).parent.parent / "examples"
WANTED: dict[
    str, tuple[str, float, float, str]
] = {  # on rows never learned from: at least, at most; and the kind of model
    "adult": ("roc_auc", 0.82, 0.95, "onnx"),
    "diabetes": ("r2", 0.3, 0.7, "onnx"),
    "digits": ("accuracy", 0.9, 1.0, "onnx"),
    "functions": ("accuracy", 0.75, 0.99, "onnx"),
    "network": ("accuracy", 0.85, 1.0, "onnx"),
    "parameters": ("mean_average_precision", 0.6, 0.95, "onnx"),
    "sentences": ("accuracy", 0.7, 0.99, "onnx"),
}


def test_every_example_is_run_here_and_says_what_it_is() -> None:
    folders = {file.parent.name for file in EXAMPLES.glob("*/lifecycle.py")}
    assert folders == set(WANTED)
    for folder in folders:
        assert "noria run lifecycle.py" in (EXAMPLES / folder / "README.md").read_text()


@pytest.mark.parametrize("name", WANTED)
def test_an_example_ends_with_a_released_version(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns("inbox", ".noria", "__pycache__"))
    subprocess.run([sys.executable, "make_data.py"], cwd=folder, check=True)
    place = open_place(settings.load(folder, environ={}))
    try:
        done = turn(place, folder / "lifecycle.py")
        facts: dict[str, Any] = {step.step: step.facts for step in done.steps}
        assert facts["release"]["decision"] == "released", json.dumps(facts["release"]["verdicts"], indent=1)
        metric, least, most, kind = WANTED[name]
        assert least <= facts["analyze"]["metrics"][metric] <= most, facts["analyze"]["metrics"]
        assert facts["train"]["format"] == kind
        with place.store.read() as c:
            assert registry.aliases(c, facts["release"]["model"])[registry.CHAMPION] == 1
    finally:
        place.store.close()
