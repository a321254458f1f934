"""A model of several labels a row, asked and told over the network."""

import shutil
import subprocess
import sys
from pathlib import Path

from noria import settings
from noria.data import captured
from noria.feedback.performance import measure
from noria.run.local import turn
from noria.run.place import open_place
from serve.live import Live, noria

EXAMPLE = Path(__file__).parents[2] / "examples" / "parameters"
ROW = {
    "library": "NumPy",
    "about": "Return the sum of array elements over a given axis, into an alternative output array.",
    "sections": ["Parameters", "Returns"],
}


def test_an_answer_is_a_list_of_labels_and_so_is_the_truth_that_is_told(tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLE, tmp_path / "p", ignore=shutil.ignore_patterns("inbox", ".noria", "__pycache__"))
    subprocess.run([sys.executable, "make_data.py"], cwd=folder, check=True)
    place = open_place(settings.load(folder, environ={}))
    turn(place, folder / "lifecycle.py")
    with Live(folder) as server:
        model = "/v2/models/parameters"
        [said] = server.http.post(f"{model}/predict", json={"rows": [ROW]}).json()["predictions"]
        assert said["labels"] == [name for name, p in said["probabilities"].items() if p >= 0.5]
        assert "axis" in said["labels"]
        joined = {**ROW, "sections": "Parameters|Returns"}
        inputs = [{"name": k, "shape": [1], "datatype": "BYTES", "data": [v]} for k, v in joined.items()]
        label, probability = server.http.post(f"{model}/infer", json={"inputs": inputs}).json()["outputs"]
        assert label["data"] == ["|".join(said["labels"])]
        assert probability["data"] == list(said["probabilities"].values())
        told = server.http.post(f"{model}/feedback", json={"prediction_id": said["id"], "label": ["axis", "out"]})
        assert told.is_success, told.text
        assert server.stop() == 0
    noria(folder, "doctor")
    rows = captured.joined(place.settings, "parameters")
    assert rows["label"].drop_nulls().to_list() == ["axis|out"]
    [found] = measure(rows, "multilabel")
    assert found.metrics["hamming_loss"].value == len({"axis", "out"} ^ set(said["labels"])) / len(
        said["probabilities"]
    )
    place.store.close()
