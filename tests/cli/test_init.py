"""noria init: a project that runs as it is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from noria.cli.init import LIFECYCLE

from .conftest import Noria


def process(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, as it is typed."""
    command = [sys.executable, "-m", "noria.cli.main", *words]
    return subprocess.run(command, cwd=folder, env=dict(os.environ), capture_output=True, text=True, check=False)


def test_what_it_makes_runs_unchanged_and_ends_in_a_served_version(tmp_path: Path) -> None:
    made = process(tmp_path, "init", "income")
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout.endswith("Next: cd income && noria run lifecycle.py\n")
    done = process(tmp_path / "income", "run", "lifecycle.py")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "traffic 100 % to version 1" in done.stdout
    served = process(tmp_path / "income", "route", "show")
    assert "1 100" in served.stdout


def test_the_lifecycle_is_about_thirty_lines() -> None:
    assert len(LIFECYCLE.splitlines()) <= 32


@pytest.mark.parametrize("name", ["loans", "class", "nr", "model", "my-loans"])
def test_any_name_gives_a_lifecycle_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noria: Noria, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    made = noria("init", name, "--json").data
    folder = tmp_path / name
    assert made["folder"] == name
    assert sorted(made["files"]) == sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    from noria.run.local import load

    assert load(folder / "lifecycle.py").lifecycle.name == name
    assert f"noria trace model {name}@1" in (folder / "README.md").read_text()


def test_a_project_inside_another_has_a_home_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noria: Noria
) -> None:
    (tmp_path / ".noria").mkdir()
    monkeypatch.chdir(tmp_path)
    assert noria("init", "loans").code == 0
    monkeypatch.chdir(tmp_path / "loans")
    assert str(tmp_path / "loans" / ".noria") in noria("data", "log").said


def test_what_is_there_is_never_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noria: Noria) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loans").mkdir()
    (tmp_path / "paid").write_text("mine")
    (tmp_path / "gone").symlink_to("nowhere")
    for name in ("loans", "paid", "gone"):
        assert noria("init", name).said == (f"the folder is there already ({name}). Choose another name, or remove it.")
    assert list((tmp_path / "loans").iterdir()) == []
    assert (tmp_path / "paid").read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("name", ["Loans", "a/b", "../a", "1st", "", "ä", "x" * 65])
def test_a_name_that_is_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noria: Noria, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert f"{name!r} is not a name" in noria("init", name).said
    assert list(tmp_path.iterdir()) == []
