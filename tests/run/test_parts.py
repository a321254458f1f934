"""A step that is divided gives the same whoever does its parts, in whatever order, or if nobody does."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

import projects
from noria import settings
from noria.errors import BadLifecycle, UserError
from noria.run.execute import Order, execute
from noria.run.local import compile_file, load
from noria.run.parts import PREPARE
from noria.run.place import Code, Place, open_place
from noria.store import datasets, runs, studies
from noria.store.attempt import Result

DIVIDED = """    resources={"validate": nr.Resources(parts=2), "preprocess": nr.Resources(parts=3)},
    release="""
BEFORE = ("collect", "validate", "preprocess", "tune")


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[Place, Code, runs.Run]]:
    """A run of a lifecycle whose steps are divided, with three batches; nothing of it is done."""
    file = projects.write(tmp_path / "p")
    projects.change(file, "    release=", DIVIDED)
    projects.change(file, 'sampler="grid", ', 'sampler="grid", workers=2, ')
    for name in ("2", "33"):
        projects.arrive(file.parent, name)
    place = open_place(settings.load(file.parent, environ={"NORIA_ACTOR": "tester"}))
    code = load(file)
    yield place, code, another(place, code, file)
    place.store.close()


def another(place: Place, code: Code, file: Path) -> runs.Run:
    with place.store.begin() as c:
        return runs.start(c, place.clock, compile_file(place, file, code), key="k", trigger="airflow", remedy=None)


def do(made: tuple[Place, Code, runs.Run], word: str, shard: int = 0, *, force: bool = True) -> Result:
    """One step or part, computed whatever was computed before: what it left."""
    place, code, run = made
    done = execute(place, code, Order(run, word, shard, force=force))
    with place.store.read() as c:
        return runs.result(c, done.step.id)


def digests(result: Result, *but: str) -> dict[str, str]:
    return {name: one.digest.hex for name, one in result.outputs.items() if name not in but}


def test_profiles_are_made_by_parts_and_merged(made: tuple[Place, Code, runs.Run]) -> None:
    place, _, run = made
    do(made, "collect")
    assert [len(do(made, "validate", part).facts["profiled"]) for part in (1, 2)] == [2, 1]
    with place.store.read() as c:
        assert all(one.profile for one in datasets.batches(c, "loans"))
    whole = do(made, "validate")
    assert not [name for name in whole.outputs if name.startswith("profile.") and name != "profile.json"]
    with place.store.read() as c:
        assert [one.shard for one in runs.parts(c, run.id, "validate")] == [1, 2]
        assert [one.step for one in runs.steps(c, run.id)] == [step.name for step in run.plan.steps]


@pytest.mark.parametrize("lost", [(), (2,), (1, 3), (1, 2, 3), (PREPARE, 1, 2, 3)], ids=str)
def test_features_are_the_same_bytes_whoever_transformed_which_rows(
    made: tuple[Place, Code, runs.Run], lost: tuple[int, ...]
) -> None:
    place, code, run = made
    for word in BEFORE[:3]:
        do(made, word)  # by itself
    with place.store.read() as c:
        alone = runs.result(c, runs.step(c, run.id, "preprocess").id)
    again = place, code, another(place, code, place.settings.home.parent / "lifecycle.py")
    for word in BEFORE[:2]:
        do(again, word)
    parts = [1, 2, 3]
    random.Random(sum(lost)).shuffle(parts)
    for part in (PREPARE, *parts):
        if part not in lost:
            do(again, "preprocess", part)
    assert digests(do(again, "preprocess")) == digests(alone)


def test_a_part_waits_for_what_it_starts_from_and_what_is_done_needs_no_part(
    made: tuple[Place, Code, runs.Run],
) -> None:
    for word in BEFORE[:2]:
        do(made, word)
    with pytest.raises(UserError, match=r"part 1 of preprocess has no transformer .* --prepare"):
        do(made, "preprocess", 1)
    do(made, "preprocess")
    place, code, _ = made
    next_one = place, code, another(place, code, place.settings.home.parent / "lifecycle.py")
    for word in BEFORE[:2]:
        do(next_one, word, force=False)
    assert do(next_one, "preprocess", 1, force=False) == Result({}, {})
    with place.store.read() as c:
        assert [one.state for one in runs.parts(c, next_one[2].id, "preprocess")] == ["reused"]


def test_what_a_part_computed_from_something_else_is_not_taken(made: tuple[Place, Code, runs.Run]) -> None:
    place, _, run = made
    for word in BEFORE[:2]:
        do(made, word)
    for part in (PREPARE, 1, 2, 3):
        do(made, "preprocess", part)
    with place.store.begin() as c:  # as if the data had changed between the parts and the step
        for one in runs.parts(c, run.id, "preprocess"):
            runs.mark(c, one.id, ingredients={**one.ingredients, "seed": "another"})
            if one.shard == 1:
                assert runs.result(c, one.id).outputs
    before = digests(do(made, "preprocess"))
    assert before["preprocessor"]


def test_a_search_is_tried_by_its_parts_and_put_together(made: tuple[Place, Code, runs.Run]) -> None:
    place, _, run = made
    for word in BEFORE[:3]:
        do(made, word)
    tried = [do(made, "tune", part).facts["trials"] for part in (1, 2)]
    assert sum(tried) == 2
    found = do(made, "tune")
    assert found.facts["trials"] == 2
    with place.store.read() as c:
        assert studies.read(c, f"{run.id}/tune", 0) == []


def test_only_what_divides_can_be_divided(tmp_path: Path) -> None:
    file = projects.write(tmp_path / "p")
    projects.change(file, "    release=", '    resources={"train": nr.Resources(parts=2)},\n    release=')
    place = open_place(settings.load(file.parent, environ={}))
    with pytest.raises(BadLifecycle, match="parts=2 for 'train', which does not divide: validate, preprocess do"):
        compile_file(place, file, load(file))
    place.store.close()
