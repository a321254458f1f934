"""noria trace: from any thing to all it came from, and to all that came of it."""

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from noria.data import captured, table

from .conftest import Noria, answer, place_of


def nodes(found: Any, side: str | None = None) -> set[str]:
    return {one["id"] for one in found["nodes"] if side in (None, one["side"])}


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (["model", "loans@2"], "model_version:loans@2"),
        (["model", "loans@challenger"], "model_version:loans@2"),
        (["run", "loans-2"], "run:loans-2"),
        (["data", "loans"], "dataset_version:loans@2"),
        (["prediction", "p1"], "prediction:p1"),
        (["p1"], "prediction:p1"),
        (["loans@challenger"], "model_version:loans@2"),
        (["loans-2"], "run:loans-2"),
        (["dataset_version:loans@2"], "dataset_version:loans@2"),
        (["step", "loans-2/collect"], "step:loans-2/collect"),
    ],
    ids=" ".join,
)
def test_a_thing_leads_up_to_the_files_it_came_from(project: Path, noria: Noria, words: list[str], start: str) -> None:
    found = noria("trace", *words, "--up", "--json").data
    assert found["start"] == start
    assert nodes(found) >= {"source:inbox/1.csv", "source:inbox/2.csv"} or start.startswith("step:")
    assert "dataset_version:loans@1" not in nodes(found)
    assert {one[end] for one in found["edges"] for end in ("child", "parent")} <= nodes(found)


def test_a_prediction_names_all_that_decided_it(project: Path, noria: Noria) -> None:
    found = noria("trace", "prediction", "p1", "--json").data
    kinds = {one["kind"] for one in found["nodes"]}
    assert kinds >= {
        "prediction",
        "model",
        "release",
        "run",
        "trial",
        "gate",
        "code",
        "environment",
        "data",
        "batch",
        "source",
    }
    study = noria("model", "study", "loans@2", "--json").data["trials"]
    roles = {one["parent"]: one["role"] for one in found["edges"] if one["parent"].startswith("trial:")}
    trials = {one["id"]: one["facts"]["parameters"]["C"] for one in found["nodes"] if one["kind"] == "trial"}
    assert {id.rpartition("/")[2]: held for id, held in trials.items()} == {
        str(one["number"]): one["params"]["C"] for one in study
    }
    assert sorted(roles.values()) == ["lost"] * (len(study) - 1) + ["won"]


def test_the_first_version_knows_nothing_of_what_arrived_later(project: Path, noria: Noria) -> None:
    found = nodes(noria("trace", "model", "loans@1", "--json").data)
    assert "source:inbox/1.csv" in found
    assert "source:inbox/2.csv" not in found


@pytest.mark.parametrize("words", [["batch", "{}"], ["batch", "loans/{}"], ["{}"]], ids=" ".join)
def test_a_batch_leads_down_to_every_model_that_learned_from_it(project: Path, noria: Noria, words: list[str]) -> None:
    models = {"model_version:loans@1", "model_version:loans@2"}
    for batch, learned in zip(
        noria("data", "show", "loans@2", "--json").data["version"]["batches"],
        (models, {"model_version:loans@2"}),
        strict=True,
    ):
        found = noria("trace", *(word.format(batch) for word in words), "--json").data
        assert nodes(found, "down") & models == learned
        assert any(id.startswith("source:") for id in nodes(found, "up"))


def test_a_file_and_an_artifact_lead_to_the_models(project: Path, noria: Noria) -> None:
    assert nodes(noria("trace", "file", "2.csv", "--json").data, "down") >= {"model_version:loans@2"}
    package = noria("model", "show", "loans@2", "--json").data["version"]["package"]
    found = noria("trace", package[:12], "--json").data
    assert nodes(found, "down") >= {"model_version:loans@2"}
    assert nodes(found, "up") >= {"step:loans-2/train", "run:loans-2"}


def test_a_subject_leads_to_its_rows_and_every_model_and_is_named_nowhere(mine: Path, noria: Noria) -> None:
    ended = noria("trace", "subject", "a000001", "--json")
    assert nodes(ended.data, "down") >= {"dataset_version:loans@1", "model_version:loans@1", "model_version:loans@2"}
    assert [one["role"] for one in ended.data["edges"] if one["parent"] == ended.data["start"]] == ["1 row"]
    later = noria("trace", "a100001", "--json").data  # recognised without its kind
    assert "model_version:loans@1" not in nodes(later)
    assert nodes(later) >= {"model_version:loans@2"}
    page = Path(noria("trace", "subject", "a000001", "--html", "--json").data["file"])
    assert "a000001" not in ended.out + page.name + page.read_text()


def test_what_was_told_of_an_answer_and_the_experiment_it_was_part_of_stand_beside_it(mine: Path, noria: Noria) -> None:
    noria("experiment", "start", "loans", "--challenger", 2, "--reason", "is it better?")
    place = place_of(mine)
    now = place.clock.now().isoformat(timespec="microseconds")
    given = pl.DataFrame([{**answer(3, 2), "id": "fresh", "at": now}], schema=captured.PREDICTION)
    table.append(captured.path(place.settings, "loans", "predictions"), "fresh", given)
    (mine / "told.csv").write_text("prediction,label,rating\nfresh,no,\nfresh,yes,4.5\np1,no,\n")
    noria("feedback", "import", "loans", "told.csv")
    whole = noria("trace", "prediction", "fresh", "--json").data
    down = {one["title"]: one for one in whole["nodes"] if one["side"] == "down"}
    assert set(down) == {"label no", "label yes, rating 4.5"}
    assert {one["kind"] for one in down.values()} == {"feedback"}
    assert next(one for one in whole["nodes"] if one["side"] == "start")["facts"]["captured in"] == "row 0 of fresh"
    roles = {(one["child"].partition(":")[0], one["role"], one["parent"]) for one in whole["edges"]}
    assert ("prediction", "answered during", "experiment:loans#1") in roles
    assert ("feedback", "feedback on", "prediction:fresh") in roles
    assert "experiment:loans#1" not in nodes(noria("trace", "prediction", "p1", "--json").data)
    assert nodes(noria("trace", "prediction", "fresh", "--up", "--json").data, "down") == set()
    assert nodes(noria("trace", "model", "loans@2", "--json").data, "down") == {"experiment:loans#1"}
    for words in (["experiment", "loans"], ["loans#1"]):
        compared = noria("trace", *words, "--json").data
        ends = {one["role"]: one["parent"] for one in compared["edges"] if one["child"] == compared["start"]}
        assert ends == {"champion": "model_version:loans@1", "challenger": "model_version:loans@2"}
        assert nodes(compared) >= {"source:inbox/1.csv", "source:inbox/2.csv"}
    out = noria("trace", "fresh").out
    assert "was told label yes, rating 4.5" in out
    assert "answered during experiment loans#1  running" in out
    page = Path(noria("trace", "fresh", "--html", "--json").data["file"]).read_text()
    assert all(word in page for word in ("label yes, rating 4.5", "experiment loans#1", "lost"))


def test_rows_of_a_subject_are_those_of_the_file_they_came_from(mine: Path, noria: Noria) -> None:
    sent = pl.read_csv(mine / "inbox" / "1.csv")
    found = noria("trace", "subject", "a000123", "--json").data
    (rows,) = (one["facts"]["rows of the subject"] for one in found["nodes"] if one["kind"] == "batch")
    assert [sent["applicant"][row] for row in rows] == ["a000123"]
    assert "rows of the subject 123" in noria("trace", "subject", "a000123").out


def test_the_picture_leads_to_the_reports(mine: Path, noria: Noria) -> None:
    page = Path(noria("trace", "model", "loans@2", "--html", "--json").data["file"])
    links = re.findall(r'<a href="([^"]+)">', page.read_text())
    assert len(links) >= 3
    assert all((page.parent / one).read_bytes().startswith(b"<!doctype html>") for one in links)
    assert "<script" not in page.read_text()


def test_what_was_live_names_weights_and_who_decided(project: Path, noria: Noria) -> None:
    found = noria("trace", "live", "loans", "--json").data
    assert found["aliases"] == {"champion": 1, "challenger": 2}
    assert found["route"]["weights"] == {"1": 90, "2": 10}
    assert {one["alias"]: one["actor"] for one in found["decided"]} == {"champion": "gates", "challenger": "gates"}
    assert "version 1: 90%, version 2: 10%" in noria("trace", "live", "loans").out
    assert noria("trace", "live", "loans", "--at", "2020-01-01").code == 2


@pytest.mark.parametrize("words", [["model", "loans"], ["data", "loans@1"], ["run", "loans-1", "--down"]])
def test_what_stands_above_in_the_drawing_really_does(project: Path, noria: Noria, words: list[str]) -> None:
    lines = noria("trace", *words).out.splitlines()
    for place, line in enumerate(lines):
        if line.endswith("(above)"):
            name = " ".join(line.removesuffix(" (above)").split()[-2:])
            assert any(name in one for one in lines[:place])
    assert len(lines) > 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["modle", "loans"], "no kind modle (noria trace). Did you mean model?"),
        (["subject"], "of which subject? (noria trace). Type: noria trace subject ID."),
        (["model", "loan"], "no model loan (noria trace). Did you mean loans or loans@2 or loans@1?"),
        (["model", "loans@9"], "no model loans@9 (noria trace). Did you mean loans@2 or loans@1 or loans?"),
        (["data", "loan"], "no data loan (noria trace). Did you mean loans or loans@2 or loans@1?"),
        (["run", "loans-9"], "no run loans-9 (noria trace). Did you mean loans-2 or loans-1?"),
        (["lonas"], "nothing is called lonas (noria trace). Did you mean loans or loans@2 or loans@1?"),
        (
            ["prediction", "p9"],
            "no prediction p9 (captured data). It may not be flushed yet: try again in a second; or it "
            "was not captured, or erased.",
        ),
        (
            ["subject", "nobody"],
            "nothing is held of this subject (datasets and captured data). Give the key as it stands "
            "in the subject column; if it was erased, nothing is left to find.",
        ),
        (["experiment", "loans#9"], "no experiment loans#9 (noria trace). See 'noria experiment list'."),
        (["live", "loan"], "no endpoint loan (routes). Did you mean loans?"),
        (
            ["model", "loans", "--at", "2026-01-01"],
            "--at belongs to live (noria trace). Type: noria trace live MODEL --at TIME.",
        ),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_sentence_with_what_was_meant(
    project: Path, noria: Noria, words: list[str], said: str
) -> None:
    ended = noria("trace", *words)
    assert (ended.code, ended.out, ended.said) == (2, "", said)
