"""What is packed is what was trained: a graph that differs is not kept, an altered file is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import projects
from contracts.model_format import asked
from data.steps import Bench
from noria.data.schema import Schema
from noria.digest import Digest
from noria.errors import BadInput, Damaged
from noria.lifecycle import Lifecycle
from noria.model import convert, package
from noria.store.folder import Folder

GOLDEN = Path(__file__).parent.parent / "golden"
RECORDED: dict[str, Any] = json.loads((GOLDEN / "packages-1.json").read_text())


def test_a_graph_with_a_planted_difference_is_refused_by_the_analysis_rows_and_the_reason_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lifecycle = Lifecycle("loans", collect="inbox/*.csv", schema=Schema(label="approved", subject="applicant"))
    lifecycle.train(lambda: LogisticRegression(max_iter=500))
    on = Bench(tmp_path, lifecycle)
    on.arrive("1.csv", projects.rows(500))
    honest = convert.files_of

    def planted(preprocessor: Any, estimator: Any, signature: Any) -> dict[str, bytes]:
        bent = LogisticRegression()
        bent.__dict__.update(estimator.__dict__, intercept_=estimator.intercept_ + 0.05)
        return honest(preprocessor, bent, signature)

    assert on.upto("train").facts["format"] == "onnx"
    monkeypatch.setattr(convert, "files_of", planted)
    assert on.do("train").facts["format"] == "sklearn"
    check = on.json("train", "onnx.json")
    assert check["rows"] == on.results["preprocess"].facts["rows"]["analysis"]
    assert not check["accepted"]
    assert 0.005 < check["largest"] < 0.05
    assert f"{check['differing']} of {check['rows']} rows differ" in check["reason"]
    on.do("analyze")
    on.do("release")
    assert on.json("release", "release.json")["onnx"]["reason"] == check["reason"]


@pytest.mark.parametrize("kind", RECORDED)
def test_a_package_of_format_1_is_read_and_answers_as_it_did(kind: str) -> None:
    file, recorded = GOLDEN / f"package-1-{kind}.noria", RECORDED[kind]
    packed = package.read(file, Digest(recorded["digest"]))
    found = packed.predictor().predict(asked())
    assert packed.kind == kind
    assert found.label is not None
    assert found.label.tolist() == recorded["label"]
    assert found.probability == pytest.approx(np.array(recorded["probability"]), abs=1e-5)
    assert packed.to_bytes() == file.read_bytes()


@pytest.mark.parametrize("kind", RECORDED)
def test_a_file_that_was_altered_on_the_disk_is_refused_wherever_it_was(kind: str, tmp_path: Path) -> None:
    data = (GOLDEN / f"package-1-{kind}.noria").read_bytes()
    digest, file = Digest(RECORDED[kind]["digest"]), tmp_path / "model"
    for place in np.linspace(0, len(data) - 1, 25, dtype=int).tolist():
        file.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(Damaged, match="is not what its digest") as caught:
            package.read(file, digest)
        assert caught.value.do
    store = Folder(tmp_path / "artifacts")
    kept = store.path(store.put(data))
    kept.chmod(0o644)
    kept.write_bytes(data[:-1])
    with pytest.raises(Damaged, match="was altered on disk"):
        Folder(tmp_path / "artifacts").path(digest)


def test_a_package_of_a_later_format_says_that_noria_is_too_old() -> None:
    import io
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(GOLDEN / "package-1-onnx.noria") as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            held = old.read(name)
            later = held.replace(b'"format":1,', b'"format":99,') if name == "manifest.json" else held
            assert later != held or name != "manifest.json"
            new.writestr(name, later)
    with pytest.raises(BadInput, match="newer noria"):
        package.from_bytes(out.getvalue())
