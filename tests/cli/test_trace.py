"""noria trace: from any thing to all it came from, and to all that came of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import Noria


def nodes(tree: Any) -> Iterator[str]:
    yield tree["id"]
    for child in tree["children"]:
        yield from nodes(child)


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (["model", "loans@2"], "model_version:loans@2"),
        (["model", "loans@challenger"], "model_version:loans@2"),
        (["run", "loans-2"], "run:loans-2"),
        (["data", "loans"], "dataset_version:loans@2"),
        (["prediction", "p1"], "prediction:p1"),
    ],
    ids=" ".join,
)
def test_a_thing_leads_up_to_the_files_it_came_from(project: Path, noria: Noria, words: list[str], start: str) -> None:
    tree = noria("trace", *words, "--json").data
    found = set(nodes(tree))
    assert tree["id"] == start
    assert found >= {"dataset_version:loans@2", "source:inbox/1.csv", "source:inbox/2.csv"}
    assert "dataset_version:loans@1" not in found


def test_the_first_version_knows_nothing_of_what_arrived_later(project: Path, noria: Noria) -> None:
    found = set(nodes(noria("trace", "model", "loans@1", "--json").data))
    assert "source:inbox/1.csv" in found
    assert "source:inbox/2.csv" not in found


def test_a_batch_leads_down_to_every_model_that_learned_from_it(project: Path, noria: Noria) -> None:
    first, second = noria("data", "show", "loans@2", "--json").data["version"]["batches"]
    models = {"model_version:loans@1", "model_version:loans@2"}
    assert set(nodes(noria("trace", "batch", first, "--down", "--json").data)) >= models
    assert set(nodes(noria("trace", "batch", f"loans/{second}", "--down", "--json").data)) & models == {
        "model_version:loans@2"
    }


@pytest.mark.parametrize("words", [["model", "loans"], ["data", "loans@1", "--down"], ["run", "loans-1", "--down"]])
def test_what_stands_above_in_the_drawing_really_does(project: Path, noria: Noria, words: list[str]) -> None:
    lines = noria("trace", *words).out.splitlines()
    drawn: set[str] = set()
    for line in lines:
        name = line.removesuffix(" (above)").split()[-1]
        if line.endswith("(above)"):
            assert name in drawn
        drawn.add(name)
    assert len(lines) > 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["modle", "loans"], "no kind modle (noria trace). Did you mean model?"),
        (["model", "loan"], "no model loan (registry). Did you mean loans?"),
        (["model", "loans@9"], "no version 9 of model loans (registry). See 'noria model list'."),
        (["data", "loan"], "no dataset loan (datasets). Did you mean loans?"),
        (["run", "loans-9"], "nothing is known of run loans-9 (lineage). See 'noria model list' or 'noria data log'."),
        (["prediction", "p9"], "no prediction p9 (captured data). It may not be flushed yet; try again in a second."),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_sentence_with_what_was_meant(
    project: Path, noria: Noria, words: list[str], said: str
) -> None:
    ended = noria("trace", *words)
    assert (ended.code, ended.out, ended.said) == (2, "", said)
