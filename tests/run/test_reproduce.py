"""A version is built again from what is on record: the same to the bit, or how far apart and why."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake import DeltaTable

import projects
from noria import settings
from noria.digest import Digest
from noria.errors import NoriaError
from noria.model import environment
from noria.run import reproduce
from noria.run.local import turn
from noria.run.place import Place, open_place
from noria.store import audit, registry, runs

LIGHTGBM = """
@loans.train
def model(params):
    import lightgbm
    return lightgbm.LGBMClassifier(n_estimators=20, reg_alpha=params["C"], deterministic=True, n_jobs=1, verbose=-1)
"""
BY_CHANCE = """
@loans.train
def model(params):
    import os
    from sklearn.linear_model import SGDClassifier
    return SGDClassifier(loss="log_loss", alpha=0.1, random_state=int.from_bytes(os.urandom(4)))
"""


def place_of(folder: Path) -> Place:
    return open_place(settings.load(folder, environ={"NORIA_ACTOR": "tester"}))


def made(folder: Path, train: str | None = None) -> Path:
    """A project with one version, trained by another function if one is given."""
    file = projects.write(folder)
    if train is not None:
        head, _, _ = file.read_text().partition("@loans.train")
        file.write_text(head + train)
    place = place_of(folder)
    assert turn(place, file).run.state == "done"
    place.store.close()
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One version made by scikit-learn. Only to be copied."""
    return made(tmp_path_factory.mktemp("reproduce") / "project")


@pytest.fixture
def mine(project: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(project, tmp_path / "mine"))


def again(folder: Path) -> reproduce.built.Reproduced:
    place = place_of(folder)
    with place.store.read() as c:
        version = registry.version(c, "loans", 1)
    return reproduce.reproduce(place, version)


@pytest.mark.parametrize("library", ["scikit-learn", "lightgbm"])
def test_a_fresh_process_with_other_hashes_makes_the_same_bytes(library: str, mine: Path, tmp_path: Path) -> None:
    folder = mine if library == "scikit-learn" else made(tmp_path / "boosted", LIGHTGBM)
    shutil.rmtree(folder / "inbox")  # from the batches, not from the files they came in
    (folder / "lifecycle.py").unlink()  # from the code bundle, not from the checkout
    done = subprocess.run(
        [sys.executable, "-m", "noria.cli.main", "model", "reproduce", "loans@1"],
        cwd=folder, env={**os.environ, "PYTHONHASHSEED": "7"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "loans@1 is reproduced bit-identical" in done.stdout
    assert "differs" not in done.stdout


def test_the_parts_go_from_the_split_to_the_package_and_nothing_is_stored(mine: Path) -> None:
    place = place_of(mine)

    def stored() -> object:
        with place.store.read() as c:
            return sorted(place.artifacts.all()), runs.newest(c, "loans", 9), list(audit.entries(c))

    before = stored()
    found = again(mine)
    assert stored() == before
    assert (found.identical, found.agrees, found.distance, found.reasons) == (True, True, None, ())
    names = [one.name for one in found.parts]
    assert names[-1] == "package"
    assert {"preprocess: rows.train.parquet", "preprocess: X.train.npy", "model: model.skops"} < set(names)


@pytest.fixture(scope="module")
def chance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One version that cannot be made again. Only to be read, which is what a reproduction does."""
    return made(tmp_path_factory.mktemp("reproduce") / "chance", BY_CHANCE)


def test_what_differs_says_where_first_by_how_much_and_that_nothing_explains_it(chance: Path) -> None:
    found = again(chance)
    assert not found.identical
    assert found.distance is not None
    assert 0 < found.distance.largest < 1
    assert "The first part to differ is model: " in found.said()
    assert f"at most {found.distance.largest:.3g} on {found.distance.rows} analysis rows" in found.said()
    assert found.reasons == (reproduce.built.UNEXPLAINED,)


def test_another_environment_is_named_package_by_package(chance: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = environment.environment()
    packages = {**here["packages"], "scipy": "0.1"}
    monkeypatch.setattr(reproduce, "environment", lambda: {**here, "processors": 999, "packages": packages})
    assert again(chance).reasons == (
        f"processors: {here['processors']} then, 999 now",
        f"scipy: {here['packages']['scipy']} then, 0.1 now",
    )


def alter_package(folder: Path) -> None:
    place = place_of(folder)
    with place.store.read() as c:
        digest = registry.version(c, "loans", 1).package
    file = folder / ".noria" / "artifacts" / digest[:2] / digest[2:]
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1] + b"!")


def lose_bundle(folder: Path) -> None:
    place = place_of(folder)
    with place.store.read() as c:
        place.artifacts.delete(Digest(runs.get(c, "loans-1").plan.bundle))


def erase_a_row(folder: Path) -> None:
    DeltaTable(str(folder / ".noria" / "data" / "loans")).delete("applicant = 'a000003'")


def lose_table(folder: Path) -> None:
    shutil.rmtree(folder / ".noria" / "data" / "loans")


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (alter_package, "was altered on disk"),
        (lose_bundle, "the code bundle .* is gone, so the version cannot be built again"),
        (erase_a_row, "holds 599 rows of 600: some were erased"),
        (lose_table, "the table does not hold batch .*: it belongs to loans@1"),
    ],
)
def test_what_is_gone_is_one_sentence(mine: Path, harm: Callable[[Path], None], said: str) -> None:
    harm(mine)
    with pytest.raises(NoriaError, match=said) as caught:
        again(mine)
    assert caught.value.do
