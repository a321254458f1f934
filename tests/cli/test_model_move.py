"""noria model export, import and record: a version leaves and comes back, and an auditor can read why it is there."""

import asyncio
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from noria.digest import Digest
from noria.model import package
from noria.model.mlflow import module
from noria.serve.follow import Registry
from noria.serve.host import Host
from noria.store import lineage, registry, runs

from .conftest import Noria, place_of

GOLDEN = Path(__file__).parent.parent / "golden"
ROW = {"age": 30.0, "amount": 40.0, "job": "nurse", "sex": "f"}


def test_an_exported_version_answers_in_mlflow_as_it_does_here(mine: Path, tmp_path: Path, noria: Noria) -> None:
    folder = tmp_path / "out"
    assert noria("model", "export", "loans@2", folder, "--json").data["format"] == "mlflow"
    place = place_of(mine)
    with place.store.read() as c:
        digest = Digest(registry.version(c, "loans", 2).package)
    here = package.read(place.artifacts.path(digest), digest).predictor().predict({k: [v] for k, v in ROW.items()})  # type: ignore[misc]
    loaded = module("mlflow.pyfunc").load_model(str(folder))
    found = loaded.predict(pd.DataFrame([ROW]))
    assert here.label is not None
    assert found["label"].tolist() == here.label.tolist()
    assert np.array_equal(found[["probability_no", "probability_yes"]].to_numpy(), here.probability)
    assert loaded.metadata.metadata["model"] == "loans@2"
    example = loaded.metadata.load_input_example(str(folder))
    assert list(example.columns) == sorted(ROW)


def test_an_imported_model_is_a_version_with_who_and_why_and_a_server_answers_with_it(mine: Path, noria: Noria) -> None:
    file = GOLDEN / "package-1-onnx.noria"
    words = ("model", "import", "borrowed", file, "--reason", "a partner's [/b] model")
    made = noria(*words, "--json").data
    assert (made["model"], made["number"], made["format"]) == ("borrowed", 1, "onnx")
    shown = noria("model", "show", "borrowed@1", "--json").data
    assert shown["release"]["reason"] == "imported by tester because a partner's [/b] model"
    assert shown["release"]["decided_by"] == "tester"
    assert noria("model", "list").code == 0
    assert "no gate judged it" in Path(noria("model", "card", "borrowed").out.strip()).read_text()
    assert "was imported" in noria("model", "reproduce", "borrowed").said
    assert noria("model", "promote", "borrowed@1", "--reason", "try it").code == 0
    assert noria("audit", "verify").code == 0
    place = place_of(mine)
    with place.store.read() as c:
        assert [one.state for one in runs.newest(c, "borrowed", 9)] == ["done"]
        up = {edge.parent for edge in lineage.up(c, "model_version:borrowed@1")}
    assert "source:noria package package-1-onnx.noria" in up

    async def served() -> tuple[str, list[int]]:
        host = Host(Registry(place.store, place.artifacts))
        await host.refresh()
        endpoint, _, loaded = host.pick("borrowed", None, "somebody")
        assert loaded is not None
        answer = await loaded.model.predict({"age": [40], "job": ["smith"], "vip": [True]}, 1)  # type: ignore[dict-item]
        assert answer.label is not None
        return str(answer.label[0]), list(endpoint.split.versions)

    label, versions = asyncio.run(served())
    assert label in ("no", "yes")
    assert versions == [1]
    assert "it is borrowed@1 already" in noria(*words).said


def test_what_is_imported_beside_a_champion_is_the_challenger_and_gets_no_traffic(mine: Path, noria: Noria) -> None:
    before = noria("route", "show", "--json").data
    noria("model", "import", "loans", GOLDEN / "package-1-onnx.noria", "--reason", "to compare")
    assert noria("model", "live", "loans", "--json").data["aliases"] == {"champion": 1, "challenger": 3}
    assert noria("route", "show", "--json").data == before
    assert noria("run", "lifecycle.py", "--json").data["state"] == "done"  # its run is no obstacle to the wheel


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["export", "loans@7", "x"], "no version 7 of model loans"),
        (["export", "loans", "inbox"], "there is something already (inbox)"),
        (["export", "loans", "no/such/place"], "there is no such folder (no/such)"),
        (["export", "loans", "x", "--format", "mlfow"], "Did you mean mlflow?"),
        (["export", "loans", "x", "--format", "onnx"], "it has no ONNX graph that gives the same answers"),
        (["import", "Loans!", "inbox", "--reason", "x"], "'Loans!' is no model's name"),
        (["import", "new", "nothing.onnx", "--reason", "x"], "there is no such file or folder (nothing.onnx)"),
        (["import", "new", "inbox", "--reason", "x"], "the folder holds no file MLmodel (inbox)"),
        (["import", "new", "lifecycle.py", "--reason", "x"], "this is no model package"),
        (["import", "new", "inbox", "--reason", " "], "the reason is empty (--reason)"),
        (["import", "new", "inbox"], "Missing option '--reason'"),
        (["record", "loans"], "neither --html nor --json is given"),
        (["live", "loans", "--at", "1999-01-01"], "nothing of loans was live at 1999-01-01"),
        (["rollback", "loans", "--to-time", "yesterday"], "'yesterday' is no time"),
        (["history", "loan"], "Did you mean loans?"),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, list) else "",
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(project: Path, noria: Noria, words: list[str], said: str) -> None:
    ended = noria("model", *words)
    assert ended.code != 0
    assert said in ended.said
    assert not (project / "x").exists()
    assert {one["model"] for one in noria("model", "list", "--json").data} == {"loans"}


def test_the_record_names_all_an_auditor_asks_for_in_one_file(mine: Path, tmp_path: Path, noria: Noria) -> None:
    file = mine / "lifecycle.py"
    file.write_text(file.read_text().replace('"roc_auc", 0.6)', '"roc_auc", 0.9999)'))
    assert noria("run", file).code == 3
    file.write_text(
        file.read_text().replace('"roc_auc", 0.9999)', '"roc_auc", 0.61)').replace("choice(0.1", "choice(0.2")
    )
    assert noria("run", file).code == 0
    found = noria("model", "record", "loans@3", "--html", tmp_path / "r.html", "--json").data
    assert found["record_format"] == 1
    assert (found["model"], found["number"], found["decided_by"]) == ("loans", 3, "gates")
    assert {"lifecycle.py", "features.py"} == set(found["code"])
    assert "choice(0.2" in found["code"]["lifecycle.py"]
    assert [one["rows"] for one in found["batches"]] == [600, 300]
    [lost] = found["candidates"]
    assert "0.9999" in lost["reason"] or "roc_auc" in lost["reason"]
    assert lost["params"]
    assert len(found["trials"]) == 2
    assert {"python", "platform", "packages"} <= set(found["environment"])
    assert found["environment"]["packages"]["scikit-learn"]
    assert found["seed"] == 0
    assert found["processed"]["X.train.npy"]
    assert [one["alias"] for one in found["aliases"]] == ["challenger"]
    page = (tmp_path / "r.html").read_text()
    for text in ("Candidates that lost", "choice(0.2", found["package"], "scikit-learn", "every gate holds"):
        assert text in page
    assert "<script" not in page
    assert not re.search(r"(src|href)=[\"']?http|@import|url\(http", page)
    assert json.dumps(found)


def test_history_names_who_said_so_and_a_rollback_to_a_time_restores_it(mine: Path, noria: Noria) -> None:
    before = noria("model", "history", "loans", "--json").data
    assert [(one["alias"], one["number"], one["until"]) for one in before] == [
        ("champion", 1, None),
        ("challenger", 2, None),
    ]
    then = before[1]["since"]
    route = noria("route", "show", "--json").data[0]["weights"]
    noria("model", "promote", "loans@2", "--reason", "it is better")
    assert "tester: it is better" in noria("model", "history", "loans").out
    assert noria("model", "live", "loans", "--json").data["aliases"] == {"champion": 2}
    now = noria("model", "live", "loans", "--at", then.replace("+00:00", "+00:00"), "--json").data
    assert now["aliases"] == {"champion": 1, "challenger": 2}
    back = noria("model", "rollback", "loans", "--to-time", then, "--reason", "it was not", "--json").data
    assert back["reason"] == "it was not"
    assert noria("model", "live", "loans", "--json").data["aliases"] == {"challenger": 2, "champion": 1}
    assert route in ({"1": 90, "2": 10}, back["weights"])
