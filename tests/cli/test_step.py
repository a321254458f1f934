"""noria step: one step of a run, once, whoever calls it how often."""

from pathlib import Path

import pytest

from noria import owner
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


def test_why_a_process_ended_without_a_word_is_put_on_record(mine: Path, noria: Noria) -> None:
    run = open_run(mine)
    why = "OOMKilled: it took more than its 512Mi of memory (pod p-1, pool highcpu)."
    assert noria("step", run, "collect", "--ended", why, "--host", "p-1").out == f"collect failed: {why}\n"
    assert ended_as(mine, run, "collect") == ("failed", why)
    assert noria("step", run, "collect").out == "collect done\n"  # a failed step is tried again
    assert noria("step", run, "collect", "--ended", why, "--json").data == {"step": "collect", "noted": False}
    assert ended_as(mine, run, "collect") == ("done", None)


@pytest.mark.parametrize(("worker", "noted"), [("p-1/7/1", True), ("p-2/7/1", False), ("gone", True), ("me", False)])
def test_nobody_is_declared_dead_who_may_be_at_work(mine: Path, noria: Noria, worker: str, noted: bool) -> None:
    run, place = open_run(mine), place_of(mine)
    mine_now = owner.me()
    host, pid, _ = mine_now.split("/")
    with place.store.begin() as c:
        named = {"me": mine_now, "gone": f"{host}/{pid}/1"}.get(worker, worker)
        runs.claim(c, place.clock, runs.step(c, run, "collect").id, owner=named)
    place.store.close()
    assert noria("step", run, "collect", "--ended", "Gone: its node", "--host", "p-1", "--json").data["noted"] is noted
    assert ended_as(mine, run, "collect")[0] == ("failed" if noted else "running")


def ended_as(folder: Path, run: str, word: str) -> tuple[str, str | None]:
    place = place_of(folder)
    with place.store.read() as c:
        row = runs.step(c, run, word)
    place.store.close()
    return row.state, row.message
