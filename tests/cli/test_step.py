"""noria step: one step of a run, once, whoever calls it how often."""

from pathlib import Path

import pytest

from noria.plan import Plan
from noria.store import runs

from .conftest import Noria, place_of


def open_run(folder: Path) -> str:
    """Another run of the plan there is, as an orchestrator opens it."""
    place = place_of(folder)
    with place.store.begin() as c:
        plan: Plan = runs.newest(c, "loans")[0].plan
        made = runs.start(c, place.clock, plan, key="k", trigger="orchestrator", remedy=None)
    place.store.close()
    return made.id


def test_a_finished_step_is_not_done_again(project: Path, noria: Noria) -> None:
    found = noria("step", "loans-2", "train", "--json").data
    assert (found["step"], found["state"], found["message"]) == ("train", "done", None)
    assert noria("step", "loans-2", "train").out == "train done\n"


def test_a_step_whose_inputs_are_missing_names_the_one_to_do_first(mine: Path, noria: Noria) -> None:
    run = open_run(mine)
    said = noria("step", run, "train").said
    assert said.startswith(f"step train needs collect, which is waiting (run {run}). Do it first: noria step {run} ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["loan-2", "train"], "no run loan-2 (runs). Did you mean loans-2?"),
        (["loans-2", "trian"], "no step trian (run loans-2). Did you mean train?"),
        (
            ["loans-2", "train", "--shard", "3"],
            "step train has no part 3 (run loans-2). It is not divided.",
        ),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_sentence_with_what_was_meant(
    project: Path, noria: Noria, words: list[str], said: str
) -> None:
    ended = noria("step", *words)
    assert (ended.code, ended.out, ended.said) == (2, "", said)
