"""The page of a run shows the parts of a step that was divided over workers, each as what it did."""

import re
from pathlib import Path

import projects
from noria.run.execute import Order, execute
from noria.run.local import compile_file, load
from noria.run.parts import PREPARE
from noria.store import runs

from .conftest import open_browser, place_of


def test_parts_stand_before_their_step_with_number_state_and_attempts(tmp_path: Path) -> None:
    file = projects.write(tmp_path / "project")
    asks = '    resources={"preprocess": nr.Resources(parts=2)},\n    release='
    projects.change(file, "    release=", asks)
    place, code = place_of(file.parent), load(file)
    with place.store.begin() as c:
        run = runs.start(c, place.clock, compile_file(place, file, code), key="k", trigger="airflow", remedy=None)
    orders = [("collect", 0), ("validate", 0), ("preprocess", PREPARE), ("preprocess", 1)]
    for word, part in orders:
        execute(place, code, Order(run, word, part))
    browser = open_browser(place)
    text = browser.page(f"/run/{run.id}").text
    found = re.findall(r'<details class="step" id="([^"]+)".*?class="tag ([a-z]+)"', text, re.S)
    assert found[:5] == [
        ("collect", "done"),
        ("validate", "done"),
        ("preprocess-fit", "done"),
        ("preprocess-1", "done"),
        ("preprocess", "waiting"),
    ]
    told = [(one["step"]["step"], one["part"]) for one in browser.json(f"/run/{run.id}")["steps"]]
    assert told[2:5] == [("preprocess", "fit"), ("preprocess", "1"), ("preprocess", "")]
    place.store.close()
